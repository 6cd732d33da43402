"""From what was measured of a sound to what is said of it: no audio is read and no model runs here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.acoustics import Trait, find_traits, is_silent
from analysis.describe import Findings, describe_briefly, describe_fully
from analysis.events import Timeline, find_events
from analysis.labels import SILENCE_LABEL, LabelSpace, score_labels
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
from analysis.windows import window_samples, window_starts

TOP_LABELS = 10
UCS_ALTERNATIVES = 2
UNSURE_SHARE = 0.05  # labels below it are not worth writing down
BACKGROUND_CATEGORY = "background"


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
    """

    file_name: str
    metadata: SoundMetadata
    facts: AcousticSummary
    embeddings: SoundEmbeddings
    n_samples: int
    device: str
    precision: str
    elapsed_s: float = 0.0

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
        provenance = record.analysis_provenance
        n_samples = max(1, round(record.metadata.duration_s * SAMPLE_RATE_HZ))
        return cls(
            record.file_name,
            record.metadata,
            record.acoustic_summary,
            embeddings,
            n_samples,
            provenance.device,
            provenance.precision,
            provenance.elapsed_s,
        )


def interpret(
    measured: MeasuredSound,
    profile: AnalysisProfile,
    *,
    space: LabelSpace,
    vocabulary: Vocabulary,
    provenance: Provenance,
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

    Returns
    -------
    AudioAnalysisRecord
        A silent file is told by its level alone, with confidence 1.
    """
    if is_silent(measured.facts):
        category = vocabulary.label(SILENCE_LABEL).category if SILENCE_LABEL in vocabulary else BACKGROUND_CATEGORY
        labels, events = [LabelScore(label=SILENCE_LABEL, category=category, score=1.0)], []
    else:
        labels = _top_labels(measured, profile, space)
        events = _events(measured, profile, space)
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
        primary_category=labels[0].category,
        primary_label=labels[0].label,
        top_labels=labels,
        events=events,
        ucs=_ucs(labels, vocabulary),
        metadata=measured.metadata,
        acoustic_summary=measured.facts,
        analysis_provenance=provenance,
    )


def _top_labels(measured: MeasuredSound, profile: AnalysisProfile, space: LabelSpace) -> list[LabelScore]:
    scores = score_labels(measured.embeddings.clip[None], space, top_k=profile.top_k_categories)[0]
    order = np.argsort(-scores, kind="stable")[:TOP_LABELS]
    return [
        LabelScore(
            label=space.labels[index].name, category=space.labels[index].category, score=round(float(scores[index]), 4)
        )
        for place, index in enumerate(order)
        if place == 0 or scores[index] > 0
    ]


def _events(measured: MeasuredSound, profile: AnalysisProfile, space: LabelSpace) -> list[SoundEvent]:
    embeddings = measured.embeddings
    if not profile.windowed or not len(embeddings.windows):
        return []
    starts = window_starts(measured.n_samples, embeddings.window_s, embeddings.hop_s)[: len(embeddings.windows)]
    scores = score_labels(embeddings.windows.astype(np.float32), space, top_k=profile.top_k_categories)
    timeline = Timeline(
        starts_s=starts / SAMPLE_RATE_HZ,
        window_s=window_samples(measured.n_samples, embeddings.window_s) / SAMPLE_RATE_HZ,
        duration_s=measured.metadata.duration_s,
        envelope_dbfs=np.asarray(measured.facts.envelope_dbfs),
        envelope_step_s=measured.facts.envelope_step_s,
    )
    return find_events(scores, space.labels, timeline, min_confidence=profile.min_confidence)


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
