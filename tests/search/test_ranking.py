"""Fused ranks and the correction for hubs, on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from search.ranking import RRF_K, WORDS, chance_score, closeness, fuse, rank_among_labels, strengths

HEARD = "~rain"


def test_two_parts_that_agree_outweigh_one_that_is_sure() -> None:
    fused = fuse({WORDS: [1, 2], HEARD: [3, 2]})

    assert [one.id for one in fused] == [2, 1, 3]


def test_the_contribution_of_each_part_is_kept_and_sums_to_the_score() -> None:
    fused = fuse({WORDS: [7], HEARD: [8, 7]}, weights={WORDS: 2.0, HEARD: 1.0})

    assert fused[0].id == 7
    assert fused[0].contributions == {WORDS: pytest.approx(2 / (RRF_K + 1)), HEARD: pytest.approx(1 / (RRF_K + 2))}
    assert fused[0].score == pytest.approx(2 / 61 + 1 / 62)
    assert fused[1].contributions == {HEARD: pytest.approx(1 / 61)}


def test_equal_scores_stand_by_id() -> None:
    assert [one.id for one in fuse({WORDS: [9], HEARD: [4]})] == [4, 9]


def test_an_id_that_a_part_names_twice_counts_once() -> None:
    assert fuse({WORDS: [5, 5]})[0].score == pytest.approx(1 / 61)


def test_no_parts_give_no_order() -> None:
    assert fuse({}) == []


def test_a_hub_near_every_text_does_not_stand_before_the_right_sound() -> None:
    hub, rain = 0, 1
    cosines = np.array([0.60, 0.55], np.float32)  # to "rain": the hub is nearer
    label_cosines = np.array([[0.58, 0.60, 0.59], [0.55, 0.10, 0.05]], np.float32)  # heavy rain, dog, bell
    query_to_labels = np.array([0.9, 0.1, 0.0], np.float32)

    scores = rank_among_labels(cosines, label_cosines, query_to_labels, logit_scale=20.0)

    assert cosines[hub] > cosines[rain]
    assert scores[rain] > scores[hub]


def test_a_sound_that_a_near_label_is_sure_of_stands_before_one_that_is_half_everything() -> None:
    sure, vague = 0, 1
    cosines = np.array([0.70, 0.50], np.float32)
    label_cosines = np.array([[0.90, 0.20, 0.10], [0.48, 0.48, 0.48]], np.float32)  # heavy rain, dog, bell
    query_to_labels = np.array([0.9, 0.1, 0.0], np.float32)

    scores = rank_among_labels(cosines, label_cosines, query_to_labels, logit_scale=20.0)

    assert scores[sure] > chance_score(query_to_labels)
    assert scores[sure] > scores[vague]


def test_a_query_unlike_all_labels_scores_log_softmax_among_them() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)

    scores = rank_among_labels(rows[:, 0], rows[:, 1:], np.zeros(3, np.float32), logit_scale=3.0)

    odds = np.exp(3.0 * rows)
    np.testing.assert_allclose(np.exp(scores), odds[:, 0] / odds.sum(axis=1), rtol=1e-5)


def test_a_sound_equally_near_every_text_scores_chance() -> None:
    query_to_labels = np.array([0.8, 0.3], np.float32)
    even = np.full(1, 0.4, np.float32)

    (score,) = rank_among_labels(even, np.full((1, 2), 0.4, np.float32), query_to_labels, logit_scale=20.0)

    assert score == pytest.approx(chance_score(query_to_labels))


def test_closeness_counts_the_query_whole_and_opposite_labels_not_at_all() -> None:
    np.testing.assert_allclose(closeness(np.array([1.0, 0.5, -0.7], np.float32)), [1, 1, 0.5**4, 0])


def test_large_scales_do_not_overflow() -> None:
    ones = np.ones(2, np.float32)

    scores = rank_among_labels(ones, np.ones((2, 3), np.float32), np.zeros(3, np.float32), logit_scale=1e4)

    np.testing.assert_allclose(scores, -np.log(4), rtol=1e-6)


def test_without_labels_the_order_is_that_of_the_cosines() -> None:
    cosines = np.array([0.1, 0.5, -0.2], np.float32)

    scores = rank_among_labels(cosines, np.ones((3, 0), np.float32), np.ones(0, np.float32), logit_scale=10.0)

    assert np.argsort(scores).tolist() == np.argsort(cosines).tolist()


def test_a_strength_is_one_for_the_surest_and_nothing_at_chance() -> None:
    np.testing.assert_allclose(strengths(np.array([0.0, -2.0, -4.0, -9.0]), -4.0), [1.0, 0.5, 0.0, 0.0])
    np.testing.assert_array_equal(strengths(np.array([0.0, -1.0]), 0.0), [0.0, 0.0])
