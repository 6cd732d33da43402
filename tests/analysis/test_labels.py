"""Prompts, kept vectors and scores in two stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.checkpoints import ModelKey, ModelSource
from analysis.labels import (
    LabelSpace,
    cache_file,
    label_vectors,
    make_label_space,
    prompts_of,
    read_cached_vectors,
    score_labels,
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
