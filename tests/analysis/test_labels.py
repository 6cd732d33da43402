"""Prompts, kept vectors and scores in two stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.checkpoints import ModelKey, ModelSource
from analysis.labels import (
    REST_WEIGHT,
    LabelSpace,
    cache_file,
    label_vectors,
    make_label_space,
    prompts_of,
    read_cached_vectors,
    score_labels,
    score_presence,
    scored_labels,
    write_cached_vectors,
)
from analysis.vocabulary import Label, Vocabulary, custom_vocabulary

SOURCE = ModelSource(ModelKey("model", "r1"), Path("nowhere"))
LABELS = (Label("rain", "weather"), Label("wind", "weather"), Label("dog", "animals"), Label("siren", "alerts"))


@pytest.fixture
def space() -> LabelSpace:
    return make_label_space(LABELS, np.eye(4, dtype=np.float32), 2.0)


def test_scores_are_a_softmax_over_all_where_all_categories_are_kept(space: LabelSpace) -> None:
    embedding = np.array([[0.8, 0.6, 0, 0]], np.float32)
    logits = 2 * np.array([0.8, 0.6, 0, 0])
    np.testing.assert_allclose(
        score_labels(embedding, space, top_k=None)[0], np.exp(logits) / np.exp(logits).sum(), atol=1e-6
    )


def test_labels_of_other_categories_have_no_score(space: LabelSpace) -> None:
    scores = score_labels(np.array([[0.8, 0, 0.6, 0]], np.float32), space, top_k=2)[0]
    assert scores[3] == 0
    assert scores.sum() == pytest.approx(1)


def test_near_synonyms_help_their_category(space: LabelSpace) -> None:
    scores = score_labels(np.array([[0.57, 0.57, 0.59, 0]], np.float32), space, top_k=1)[0]
    assert scores[2] == 0
    assert scores[:2].tolist() == pytest.approx([0.5, 0.5])


def test_a_silent_window_scores_nothing(space: LabelSpace) -> None:
    assert not score_labels(np.zeros((2, 4), np.float32), space, top_k=1).any()


def test_a_sharp_model_does_not_overflow(space: LabelSpace) -> None:
    scores = score_labels(np.eye(4, dtype=np.float32), replace(space, logit_scale=1e4), top_k=2)
    np.testing.assert_allclose(scores, np.eye(4))


@pytest.fixture
def wide_space() -> LabelSpace:
    """Thirty labels in ten categories that have nothing in common, but the second is much like the first."""
    vectors = np.eye(30, dtype=np.float32)
    vectors[1] = 0.8 * vectors[0] + 0.6 * vectors[1]
    labels = [Label(f"label {place}", f"category {place // 3}") for place in range(30)]
    return make_label_space(labels, vectors, 20.0)


def mixed(space: LabelSpace, **weights: float) -> np.ndarray:
    total = sum(weight * space.vectors[int(name[1:])] for name, weight in weights.items())
    return np.array([total / np.linalg.norm(total)], np.float32)


def test_a_weaker_sound_is_present_where_the_softmax_leaves_it_nothing(wide_space: LabelSpace) -> None:
    embedding = mixed(wide_space, _5=2.0, _17=1.0)
    assert score_labels(embedding, wide_space, top_k=None)[0, 17] < 0.01
    presence = score_presence(embedding, wide_space, top_k=None)[0]
    assert (presence[5], presence[17]) == (pytest.approx(1, abs=0.01), pytest.approx(REST_WEIGHT, abs=0.01))
    assert np.delete(presence, [5, 17]).max() < 0.05


def test_three_sounds_at_once_are_present(wide_space: LabelSpace) -> None:
    presence = score_presence(mixed(wide_space, _5=1.0, _17=0.8, _25=0.7), wide_space, top_k=None)[0]
    assert set(np.argsort(-presence)[:3]) == {5, 17, 25}
    assert presence[[5, 17, 25]].min() > 0.25


def test_a_near_synonym_goes_with_the_label_that_explains_it(wide_space: LabelSpace) -> None:
    cosines = wide_space.vectors @ mixed(wide_space, _0=1.0)[0]
    assert np.argsort(-cosines)[1] == 1
    assert score_presence(mixed(wide_space, _0=1.0), wide_space, top_k=None)[0, 1] < 0.05


def test_presence_does_not_depend_on_what_all_labels_have_in_common(wide_space: LabelSpace) -> None:
    embedding = mixed(wide_space, _5=2.0, _17=1.0)
    same = np.hstack([wide_space.vectors, np.full((30, 1), 0.7, np.float32)])
    shifted = make_label_space(wide_space.labels, same, wide_space.logit_scale)
    np.testing.assert_allclose(
        score_presence(np.hstack([embedding, [[0.5]]]).astype(np.float32), shifted, top_k=None),
        score_presence(embedding, wide_space, top_k=None),
        atol=1e-4,
    )


def test_only_the_foremost_categories_are_present(wide_space: LabelSpace) -> None:
    embedding = mixed(wide_space, _5=2.0, _17=1.0)
    presence = score_presence(embedding, wide_space, top_k=1)[0]
    assert presence[5] > 0.9
    assert not presence[[place for place in range(30) if place // 3 != 1]].any()


def test_rows_do_not_change_one_another_and_silence_has_nothing(wide_space: LabelSpace) -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((7, 30)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[3] = 0
    together = score_presence(rows, wide_space, top_k=4)
    apart = np.vstack([score_presence(row[None], wide_space, top_k=4) for row in rows])
    np.testing.assert_allclose(together, apart, atol=1e-6)
    assert not together[3].any()


def test_a_few_labels_share_as_in_the_softmax(space: LabelSpace) -> None:
    embedding = np.array([[0.8, 0.6, 0, 0]], np.float32)
    np.testing.assert_array_equal(score_presence(embedding, space, top_k=2), score_labels(embedding, space, top_k=2))


def test_a_vector_is_the_mean_of_its_prompts() -> None:
    label = Label("rain", "weather", prompts=("a downpour",))
    assert prompts_of(label, "This is a sound of {}.") == ["This is a sound of rain.", "This is a sound of a downpour."]
    vectors = label_vectors([label, LABELS[1]], "{}", lambda texts: np.eye(3, dtype=np.float32)[: len(texts)])
    np.testing.assert_allclose(vectors, [[0.5**0.5, 0.5**0.5, 0], [0, 0, 1]], atol=1e-6)


def test_silence_is_never_asked_for(vocabulary: Vocabulary) -> None:
    names = [label.name for label in scored_labels(vocabulary, SOURCE)]
    assert "silence" not in names
    assert len(names) == len(vocabulary.labels) - 1


def test_a_model_is_asked_only_what_it_was_taught(vocabulary: Vocabulary) -> None:
    taught = replace(SOURCE, known_labels=frozenset({"thunder", "silence", "unheard of"}))
    assert [label.name for label in scored_labels(vocabulary, taught)] == ["thunder"]
    custom = custom_vocabulary(["thunder", "purple rain"])
    assert len(scored_labels(custom, taught)) == 2


def test_the_cache_goes_by_model_revision_template_and_vocabulary(vocabulary: Vocabulary, tmp_path: Path) -> None:
    other_revision = replace(SOURCE, key=ModelKey("model", "r2"))
    files = {
        cache_file(tmp_path, SOURCE, "{}", vocabulary),
        cache_file(tmp_path, other_revision, "{}", vocabulary),
        cache_file(tmp_path, SOURCE, "a {}", vocabulary),
        cache_file(tmp_path, SOURCE, "{}", custom_vocabulary(["rain"])),
    }
    assert len(files) == 4


def test_kept_vectors_come_back_and_damaged_ones_do_not(tmp_path: Path) -> None:
    path = tmp_path / "new" / "labels.npy"
    assert read_cached_vectors(path, 4) is None
    write_cached_vectors(path, np.eye(4, dtype=np.float32))
    np.testing.assert_array_equal(read_cached_vectors(path, 4), np.eye(4))
    assert read_cached_vectors(path, 5) is None
    path.write_bytes(path.read_bytes()[:40])
    assert read_cached_vectors(path, 4) is None
    assert [file.name for file in path.parent.iterdir()] == ["labels.npy"]
