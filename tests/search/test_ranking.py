"""Fused ranks and the correction for hubs, on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from search.ranking import MEANING, RRF_K, WORDS, fuse, rank_against_labels


def test_two_parts_that_agree_outweigh_one_that_is_sure() -> None:
    fused = fuse({WORDS: [1, 2], MEANING: [3, 2]})

    assert [one.id for one in fused] == [2, 1, 3]


def test_the_contribution_of_each_part_is_kept_and_sums_to_the_score() -> None:
    fused = fuse({WORDS: [7], MEANING: [8, 7]}, weights={WORDS: 2.0, MEANING: 1.0})

    assert fused[0].id == 7
    assert fused[0].contributions == {WORDS: pytest.approx(2 / (RRF_K + 1)), MEANING: pytest.approx(1 / (RRF_K + 2))}
    assert fused[0].score == pytest.approx(2 / 61 + 1 / 62)
    assert fused[1].contributions == {MEANING: pytest.approx(1 / 61)}


def test_equal_scores_stand_by_id() -> None:
    assert [one.id for one in fuse({WORDS: [9], MEANING: [4]})] == [4, 9]


def test_an_id_that_a_part_names_twice_counts_once() -> None:
    assert fuse({WORDS: [5, 5]})[0].score == pytest.approx(1 / 61)


def test_no_parts_give_no_order() -> None:
    assert fuse({}) == []


def test_a_hub_near_every_text_does_not_stand_before_the_right_sound() -> None:
    hub, rain = 0, 1
    cosines = np.array([0.60, 0.55], np.float32)  # to "rain": the hub is nearer
    label_cosines = np.array([[0.58, 0.60, 0.59], [0.55, 0.10, 0.05]], np.float32)  # rain, dog, bell

    scores = rank_against_labels(cosines, label_cosines, logit_scale=20.0)

    assert cosines[hub] > cosines[rain]
    assert scores[rain] > scores[hub]


def test_at_full_share_the_score_is_log_softmax_among_the_labels() -> None:
    label_cosines = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)

    scores = rank_against_labels(label_cosines[:, 2], label_cosines, logit_scale=3.0, share=1.0)

    odds = np.exp(3.0 * label_cosines)
    np.testing.assert_allclose(np.exp(scores), odds[:, 2] / odds.sum(axis=1), rtol=1e-5)


def test_large_scales_do_not_overflow() -> None:
    scores = rank_against_labels(np.ones(2, np.float32), np.ones((2, 3), np.float32), logit_scale=1e4)

    np.testing.assert_allclose(scores, -np.log(3), rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_labels_or_share_the_order_is_that_of_the_cosines(share: float) -> None:
    cosines = np.array([0.1, 0.5, -0.2], np.float32)
    labels = np.ones((3, 0 if share else 2), np.float32)

    scores = rank_against_labels(cosines, labels, logit_scale=10.0, share=share)

    assert np.argsort(scores).tolist() == np.argsort(cosines).tolist()
