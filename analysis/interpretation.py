"""From what was measured of a sound to what is said of it: no audio is read and no model runs here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.acoustics import Trait, find_traits, is_silent
from analysis.describe import Findings, describe_briefly, describe_fully
from analysis.events import Timeline, find_events
from analysis.labels import SILENCE_LABEL, LabelSpace, score_labels, score_presence
from analysis.profiles import AnalysisProfile
from analysis.records import (
    AcousticSummary,
    AudioAnalysisRecord,
    LabelScore,
    Provenance,
    SoundEvent,
    SoundMetadata,
    UcsAssignment,
)
from analysis.samples import SAMPLE_RATE_HZ
from analysis.vocabulary import Vocabulary
from analysis.windows import starts_of_stored, window_samples

if TYPE_CHECKING:
    from analysis.calibration import Calibration

Floats = npt.NDArray[np.float32]

TOP_LABELS = 10
UCS_ALTERNATIVES = 2
UNSURE_SHARE = 0.05  # labels below it are not worth writing down
BACKGROUND_CATEGORY = "background"
# Vectors are scored so many at once, the last few with zeros below them: a matrix product adds up in an order that
# depends on its shape, so only a product of one shape gives a sound the same scores alone and among a thousand others
ROWS_SCORED_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class SoundEmbeddings:
    """Where a model places a sound.

    Attributes
    ----------
    model_id, model_revision : str
    window_s, hop_s : float
        Zero where the profile cuts no windows.
    clip : float32, shape (dim,)
        Unit length: the mean over stretches of ten seconds.
    windows : float16, shape (n, dim)
        Rows of unit length; zeros for a silent window; none where the profile cuts no windows.
    """

    model_id: str
    model_revision: str
    window_s: float
    hop_s: float
    clip: npt.NDArray[np.float32]
    windows: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class MeasuredSound:
    """All that was measured of a sound, and by what; enough to apply any profile with the same windows.

    Attributes
    ----------
    file_name : str
    metadata : SoundMetadata
    facts : AcousticSummary
    embeddings : SoundEmbeddings
    n_samples : int
        At 48 kHz.
    device, precision : str
        That the embeddings were computed with.
    elapsed_s : float
        That measuring took.
    backend : str
        What ran the model.
    """

    file_name: str
    metadata: SoundMetadata
    facts: AcousticSummary
    embeddings: SoundEmbeddings
    n_samples: int
    device: str
    precision: str
    elapsed_s: float = 0.0
    backend: str = "torch"

    @classmethod
    def from_record(cls, record: AudioAnalysisRecord, embeddings: SoundEmbeddings) -> MeasuredSound:
        """Take the measured part of a stored record, to be interpreted again.

        Parameters
        ----------
        record : AudioAnalysisRecord
        embeddings : SoundEmbeddings
            Of the same sound, by the model of the record.

        Returns
        -------
        MeasuredSound
        """
        return cls.from_parts(
            record.file_name, record.metadata, record.acoustic_summary, record.analysis_provenance, embeddings
        )

    @classmethod
    def from_parts(
        cls,
        file_name: str,
        metadata: SoundMetadata,
        facts: AcousticSummary,
        provenance: Provenance,
        embeddings: SoundEmbeddings,
    ) -> MeasuredSound:
        """Put together what was measured of a sound, from the parts of its record that no profile changes.

        Parameters
        ----------
        file_name : str
        metadata : SoundMetadata
        facts : AcousticSummary
        provenance : Provenance
        embeddings : SoundEmbeddings
            Of the same sound, by the model of the provenance.

        Returns
        -------
        MeasuredSound
        """
        n_samples = max(1, round(metadata.duration_s * SAMPLE_RATE_HZ))
        return cls(
            file_name,
            metadata,
            facts,
            embeddings,
            n_samples,
            provenance.device,
            provenance.precision,
            provenance.elapsed_s,
            provenance.backend,
        )


def interpret(
    measured: MeasuredSound,
    profile: AnalysisProfile,
    *,
    space: LabelSpace,
    vocabulary: Vocabulary,
    provenance: Provenance,
    calibration: Calibration | None = None,
) -> AudioAnalysisRecord:
    """Say what a sound is.

    Parameters
    ----------
    measured : MeasuredSound
    profile : AnalysisProfile
    space : LabelSpace
        Of the model that made the embeddings.
    vocabulary : Vocabulary
    provenance : Provenance
    calibration : Calibration, optional
        Of the model's scores; without it they stay as the model gives them.

    Returns
    -------
    AudioAnalysisRecord
        A silent file is told by its level alone, with confidence 1.
    """
    (record,) = interpret_many(
        [measured], profile, space=space, vocabulary=vocabulary, provenances=[provenance], calibration=calibration
    )
    return record


def interpret_many(
    measured: Sequence[MeasuredSound],
    profile: AnalysisProfile,
    *,
    space: LabelSpace,
    vocabulary: Vocabulary,
    provenances: Sequence[Provenance],
    calibration: Calibration | None = None,
) -> list[AudioAnalysisRecord]:
    """Say what sounds are, each as `interpret` says it, in far less time.

    Parameters
    ----------
    measured : sequence of MeasuredSound
    profile : AnalysisProfile
    space : LabelSpace
        Of the model that made all the embeddings.
    vocabulary : Vocabulary
    provenances : sequence of Provenance
        One for each sound.
    calibration : Calibration, optional
        Of the model's scores of whole sounds.

    Returns
    -------
    list of AudioAnalysisRecord
        In the order of the sounds.
    """
    if not measured:
        return []
    labels = _top_labels(measured, profile, space, calibration)
    windows = _window_scores(measured, profile, space)
    tellers = zip(measured, labels, windows, provenances, strict=True)
    return [
        _record(
            one, top, profile, space=space, vocabulary=vocabulary, scores=scores, provenance=made_by,
            calibrated=calibration is not None,
        )
        for one, top, scores, made_by in tellers
    ]  # fmt: skip


def _record(
    measured: MeasuredSound,
    labels: list[LabelScore],
    profile: AnalysisProfile,
    *,
    space: LabelSpace,
    vocabulary: Vocabulary,
    scores: Floats,
    provenance: Provenance,
    calibrated: bool,
) -> AudioAnalysisRecord:
    if is_silent(measured.facts):
        category = vocabulary.label(SILENCE_LABEL).category if SILENCE_LABEL in vocabulary else BACKGROUND_CATEGORY
        labels, events = [LabelScore(label=SILENCE_LABEL, category=category, score=1.0)], []
    else:
        events = _events(measured, profile, space, scores)
    traits = find_traits(measured.facts, measured.metadata.duration_s)
    found = Findings(labels, events, traits, measured.facts, measured.metadata, profile.min_confidence)
    claimed = [label for label in labels if label.score >= profile.min_confidence]
    return AudioAnalysisRecord(
        file_name=measured.file_name,
        short_description=describe_briefly(found),
        detailed_description=describe_fully(found),
        tags=_tags(claimed, events, _claimed_category(labels, profile.min_confidence), traits),
        sound_events=list(dict.fromkeys(event.label for event in events)) or [label.label for label in claimed],
        confidence=labels[0].score,
        calibrated=calibrated,
        primary_category=labels[0].category,
        primary_label=labels[0].label,
        top_labels=labels,
        events=events,
        ucs=_ucs(labels, vocabulary),
        metadata=measured.metadata,
        acoustic_summary=measured.facts,
        analysis_provenance=provenance,
    )


def _top_labels(
    measured: Sequence[MeasuredSound], profile: AnalysisProfile, space: LabelSpace, calibration: Calibration | None
) -> list[list[LabelScore]]:
    def score(clips: Floats) -> Floats:
        scores = score_labels(clips, space, top_k=profile.top_k_categories)
        return scores if calibration is None else calibration.apply(scores)

    scores = _scored(np.stack([one.embeddings.clip for one in measured]), score)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :TOP_LABELS]
    best = np.take_along_axis(scores, order, axis=1)
    return [
        [
            LabelScore(label=space.labels[index].name, category=space.labels[index].category, score=round(share, 4))
            for place, (index, share) in enumerate(zip(indices, shares, strict=True))
            if place == 0 or share > 0
        ]
        for indices, shares in zip(order.tolist(), best.tolist(), strict=True)
    ]


def _window_scores(measured: Sequence[MeasuredSound], profile: AnalysisProfile, space: LabelSpace) -> list[Floats]:
    """Score the windows of all sounds together, and give each sound its own again."""
    if not profile.windowed:
        return [np.zeros((0, len(space.labels)), np.float32)] * len(measured)
    windows = [one.embeddings.windows for one in measured]
    scores = _scored(np.concatenate(windows), lambda rows: score_presence(rows, space, top_k=profile.top_k_categories))
    return np.split(scores, np.cumsum([len(each) for each in windows])[:-1])


def _scored(vectors: npt.NDArray[np.floating], score: Callable[[Floats], Floats]) -> Floats:
    """Score vectors of any number, shape (n, dim), in products of one shape."""
    n_blocks = -(-len(vectors) // ROWS_SCORED_AT_ONCE)
    rows = np.zeros((max(n_blocks, 1) * ROWS_SCORED_AT_ONCE, vectors.shape[1]), np.float32)
    rows[: len(vectors)] = vectors
    blocks = [score(block) for block in rows.reshape(-1, ROWS_SCORED_AT_ONCE, rows.shape[1])]
    return np.concatenate(blocks)[: len(vectors)]


def _events(measured: MeasuredSound, profile: AnalysisProfile, space: LabelSpace, scores: Floats) -> list[SoundEvent]:
    embeddings = measured.embeddings
    if not len(scores):
        return []
    starts = starts_of_stored(measured.n_samples, embeddings.window_s, embeddings.hop_s, len(scores))
    timeline = Timeline(
        starts_s=starts / SAMPLE_RATE_HZ,
        window_s=window_samples(measured.n_samples, embeddings.window_s) / SAMPLE_RATE_HZ,
        duration_s=measured.metadata.duration_s,
        envelope_dbfs=np.asarray(measured.facts.envelope_dbfs),
        envelope_step_s=measured.facts.envelope_step_s,
    )
    return find_events(scores[: len(starts)], space.labels, timeline, min_confidence=profile.min_confidence)


def _claimed_category(labels: list[LabelScore], min_confidence: float) -> str | None:
    """Give the first label's category where its labels together are sure enough, though none may be by itself."""
    category = labels[0].category
    share = sum(label.score for label in labels if label.category == category)
    return category if share >= min_confidence else None


def _tags(claimed: list[LabelScore], events: list[SoundEvent], category: str | None, traits: list[Trait]) -> list[str]:
    labels = [label.label for label in claimed] + [event.label for event in events]
    categories = [category] if category else []
    return list(dict.fromkeys([*labels, *categories, *(trait.tag for trait in traits)]))


def _ucs(labels: list[LabelScore], vocabulary: Vocabulary) -> UcsAssignment | None:
    worth_it = [label for place, label in enumerate(labels) if place == 0 or label.score >= UNSURE_SHARE]
    named = [vocabulary.label(label.label).ucs for label in worth_it if label.label in vocabulary]
    cat_ids = list(dict.fromkeys(cat_id for cat_id in named if cat_id))
    if not cat_ids or named[0] is None:
        return None
    row = vocabulary.ucs.get(cat_ids[0])
    return UcsAssignment(
        cat_id=cat_ids[0],
        category=row.category if row else "",
        subcategory=row.subcategory if row else "",
        alternatives=cat_ids[1 : 1 + UCS_ALTERNATIVES],
    )
