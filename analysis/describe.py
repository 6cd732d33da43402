"""Sentences about a sound: every noun is a label of the vocabulary, every adjective a measured fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.acoustics import FADE_IN, FADE_OUT, Trait, is_faint, is_silent, mixed_peak_dbfs
from analysis.channels import LEAST_SAMPLES
from analysis.records import AcousticSummary, LabelScore, SoundEvent, SoundMetadata
from analysis.words import frequency, join_words, seconds, sentence, with_article

SURE = 0.5  # from here the first label has at least as much as all others together
RIVAL_RATIO = 0.5  # a second label with at least half the score of an unsure first one might be it as well
MAX_ADJECTIVES = 2
MAX_TOLD_EVENTS = 4
SEQUENCE_OVERLAP_S = 0.25  # events are known no better than half a hop
ORDINARY_CHANNELS = {1: "mono", 2: "stereo"}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a description may speak of, and nothing else.

    Attributes
    ----------
    labels : list of LabelScore
        Best first, at least one.
    events : list of SoundEvent
    traits : list of Trait
    facts : AcousticSummary
    metadata : SoundMetadata
    min_confidence : float
        Below it a label is not claimed.
    """

    labels: Sequence[LabelScore]
    events: Sequence[SoundEvent]
    traits: Sequence[Trait]
    facts: AcousticSummary
    metadata: SoundMetadata
    min_confidence: float


def describe_briefly(found: Findings) -> str:
    """Say in one sentence what a sound is and how it sounds.

    Parameters
    ----------
    found : Findings

    Returns
    -------
    str
        Such as "Heavy rain with thunder, continuous and broadband."
    """
    if is_silent(found.facts):
        return "Silence."
    adjectives = [trait.adjective for trait in found.traits if trait.adjective][:MAX_ADJECTIVES]
    return sentence(", ".join(part for part in (_what(found), join_words(adjectives)) if part))


def describe_fully(found: Findings) -> str:
    """Say in a few sentences what is heard, when, and how it sounds.

    Parameters
    ----------
    found : Findings

    Returns
    -------
    str
    """
    if is_silent(found.facts):
        return f"Silence: {_why_silent(found)}."
    parts = [_what(found), _timeline(found), _character(found), _rhythm(found), _edges(found), _doubt(found)]
    return " ".join(sentence(part) for part in parts if part)


def _why_silent(found: Findings) -> str:
    if is_faint(found.facts):
        return f"nothing in the {_length(found.metadata)} is louder than {mixed_peak_dbfs(found.facts):.0f} dBFS"
    if found.metadata.n_samples < LEAST_SAMPLES:
        return f"under {LEAST_SAMPLES} samples are too few to be heard"
    return f"nothing in the {_length(found.metadata)} but a constant value"


def _what(found: Findings) -> str:
    first = found.labels[0]
    if first.score < found.min_confidence:
        return f"an unidentified sound, most like {with_article(first.label)}"
    hedge = "" if first.score >= SURE else "probably "
    other = _other_label(found)
    if other is not None:
        earlier, later = _sequence(found, first.label, other)
        if earlier:
            return f"{hedge}{with_article(earlier)} followed by {with_article(later)}"
        return f"{hedge}{with_article(first.label)} with {with_article(other)}"
    rival = _rival_label(found)
    return hedge + with_article(first.label) + (f" or {with_article(rival)}" if rival else "")


def _other_label(found: Findings) -> str | None:
    """Name the second thing that is heard: of the other events the surest, if it outweighs all else in some window."""
    others = [event for event in found.events if event.label != found.labels[0].label and event.confidence >= SURE]
    return max(others, key=lambda event: (event.confidence, event.end_s - event.start_s)).label if others else None


def _rival_label(found: Findings) -> str | None:
    """Name the second label where the first is not sure: scores share one whole, so it is "or" and not "with"."""
    first, *rest = found.labels
    if first.score >= SURE or not rest or rest[0].score < max(found.min_confidence, RIVAL_RATIO * first.score):
        return None
    return rest[0].label


def _sequence(found: Findings, first: str, second: str) -> tuple[str, str]:
    """Give two labels in their order where all of one is heard before all of the other, else two blanks."""
    spans = {
        name: (min(e.start_s for e in events), max(e.end_s for e in events))
        for name in (first, second)
        if (events := [event for event in found.events if event.label == name])
    }
    if len(spans) < 2:
        return "", ""
    for earlier, later in ((first, second), (second, first)):
        if spans[earlier][1] <= spans[later][0] + SEQUENCE_OVERLAP_S:
            return earlier, later
    return "", ""


def _timeline(found: Findings) -> str:
    if len(found.events) < 2:
        return ""
    first = found.events[:MAX_TOLD_EVENTS]
    told = [f"{event.label} from {event.start_s:.1f} to {event.end_s:.1f} s" for event in first]
    more = len(found.events) - len(told)
    if more:
        told.append(f"{more} more event{'s' if more > 1 else ''}")
    return f"in order of time, {join_words(told)}"


def _character(found: Findings) -> str:
    adjectives = [trait.adjective for trait in found.traits if trait.adjective]
    center = f"its energy centered at {frequency(found.facts.centroid_hz)}" if found.facts.centroid_hz else ""
    level = f"a level of {found.facts.rms_dbfs:.0f} dBFS"
    having = join_words([part for part in (center, level) if part])
    said = f" is {join_words(adjectives)}, with {having}" if adjectives else f" has {having}"
    return f"the {_length(found.metadata)} {_layout(found.metadata)} sound{said}"


def _rhythm(found: Findings) -> str:
    count, tempo = found.facts.onset_count, found.facts.tempo_bpm
    if count < 2:
        return ""
    pace = f", about {tempo:.0f} to the minute" if tempo else ""
    return f"{count} onsets are heard{pace}"


def _edges(found: Findings) -> str:
    told = []
    if FADE_IN in found.traits:
        told.append(f"fades in over {seconds(found.facts.fade_in_s)}")
    if FADE_OUT in found.traits:
        told.append(f"fades out over its last {seconds(found.facts.fade_out_s)}")
    return f"it {join_words(told)}" if told else ""


def _doubt(found: Findings) -> str:
    first, *rest = found.labels
    if first.score >= SURE or not rest:
        return ""
    nearest = join_words([f"{label.label} ({label.score:.0%})" for label in (first, *rest)[:3]])
    return f"the model is not sure; nearest are {nearest}"


def _length(metadata: SoundMetadata) -> str:
    return seconds(metadata.duration_s)


def _layout(metadata: SoundMetadata) -> str:
    return ORDINARY_CHANNELS.get(metadata.channels, f"{metadata.channels}-channel")
