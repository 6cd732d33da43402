"""Many sounds interpreted at once are each what they are alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from analysis.calibration import Calibration
from analysis.interpretation import ROWS_SCORED_AT_ONCE, MeasuredSound, SoundEmbeddings, interpret, interpret_many
from analysis.labels import LabelSpace, make_label_space
from analysis.profiles import AnalysisProfile
from analysis.records import AudioAnalysisRecord, Provenance
from analysis.vocabulary import Vocabulary
from tests.catalog.records import PROVENANCE, record_of

DIM = 64
PROFILE = AnalysisProfile(name="any", min_confidence=0.1)
MADE_BY = Provenance.model_validate(PROVENANCE)


@pytest.fixture(scope="module")
def space(vocabulary: Vocabulary) -> LabelSpace:
    return make_label_space(vocabulary.labels, unit_rows(len(vocabulary.labels), seed=1), 20.0)


def unit_rows(n: int, *, seed: int) -> npt.NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32)
    unit: npt.NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def measured(space: LabelSpace, seed: int) -> MeasuredSound:
    """A sound like some of the labels, of 1 to 9 windows, the second silent."""
    random = np.random.default_rng(seed)
    n_windows = int(random.integers(1, 10))
    chosen = space.vectors[random.integers(0, len(space.labels), n_windows + 1)]
    vectors = chosen + 0.5 * unit_rows(n_windows + 1, seed=seed)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    windows = vectors[1:].astype(np.float16)
    windows[1:2] = 0
    embeddings = SoundEmbeddings("tests/small", "r1", 2.0, 0.5, vectors[0], windows)
    sound = MeasuredSound.from_record(record_of(f"{seed}.wav"), embeddings)
    duration_s = 1.75 + 0.5 * n_windows
    metadata = sound.metadata.model_copy(update={"duration_s": duration_s})
    return replace(sound, metadata=metadata, n_samples=round(48_000 * duration_s))


def told_at_once(
    sounds: list[MeasuredSound], space: LabelSpace, vocabulary: Vocabulary, calibration: Calibration | None = None
) -> list[AudioAnalysisRecord]:
    made_by = [MADE_BY] * len(sounds)
    return interpret_many(
        sounds, PROFILE, space=space, vocabulary=vocabulary, provenances=made_by, calibration=calibration
    )


def test_neighbors_and_order_change_nothing(space: LabelSpace, vocabulary: Vocabulary) -> None:
    sounds = [measured(space, seed) for seed in range(ROWS_SCORED_AT_ONCE + 20)]
    told = [record.model_dump_json() for record in told_at_once(sounds, space, vocabulary)]
    assert [record.model_dump_json() for record in told_at_once(sounds[::-1], space, vocabulary)] == told[::-1]
    for sound, at_once in zip(sounds[:40], told, strict=False):
        alone = interpret(sound, PROFILE, space=space, vocabulary=vocabulary, provenance=MADE_BY)
        assert alone.model_dump_json() == at_once
    assert len({record.primary_label for record in told_at_once(sounds, space, vocabulary)}) > 20


def test_no_sound_is_no_record(space: LabelSpace, vocabulary: Vocabulary) -> None:
    assert told_at_once([], space, vocabulary) == []


def test_a_calibration_changes_how_sure_a_record_is_and_is_told(space: LabelSpace, vocabulary: Vocabulary) -> None:
    flat = Calibration(
        method="temperature",
        temperature=4.0,
        model_id="tests/small",
        model_revision="r1",
        vocabulary_sha256=vocabulary.sha256,
        template="{}",
        top_k_categories=5,
        data_fingerprint="0",
        n_sounds=1,
        error_before=0.2,
        error_after=0.1,
    )
    (raw,), (calibrated,) = (
        told_at_once([measured(space, 3)], space, vocabulary, calibration) for calibration in (None, flat)
    )
    assert (raw.calibrated, calibrated.calibrated) == (False, True)
    assert calibrated.primary_label == raw.primary_label
    assert calibrated.confidence < raw.confidence
