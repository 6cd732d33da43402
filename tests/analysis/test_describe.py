"""Sentences about sounds."""

from __future__ import annotations

import pytest

from analysis.acoustics import BROADBAND, CONTINUOUS, FADE_OUT, LONG, SHARP, SHORT, Trait
from analysis.describe import Findings, describe_briefly, describe_fully
from analysis.features import measure_features
from analysis.records import LabelScore, SoundEvent, SoundMetadata
from tests.analysis.signals import noise, samples_of

FACTS = measure_features(samples_of(noise(4.0)))
METADATA = SoundMetadata(
    format="WAV", duration_s=4.0, sample_rate_hz=48_000, channels=2, bit_depth=16, n_samples=192_000
)


def findings(
    *labels: tuple[str, float], events: tuple[tuple[str, float, float], ...] = (), traits: tuple[Trait, ...] = ()
) -> Findings:
    scores = [LabelScore(label=label, category="any", score=score) for label, score in labels]
    spans = [
        SoundEvent(label=label, category="any", start_s=start_s, end_s=end_s, confidence=0.8)
        for label, start_s, end_s in events
    ]
    return Findings(scores, spans, traits, FACTS, METADATA, 0.25)


@pytest.mark.parametrize(
    ("found", "reads"),
    [
        (findings(("heavy rain", 0.9), traits=(CONTINUOUS, BROADBAND)), "Heavy rain, continuous and broadband."),
        (findings(("dog bark", 0.8), traits=(SHORT, SHARP, BROADBAND)), "A dog bark, short and sharp."),
        (findings(("owl hoot", 0.8), traits=(LONG,)), "An owl hoot."),
        (findings(("dog bark", 0.4), ("wolf howl", 0.2)), "Probably a dog bark."),
        (findings(("dog bark", 0.1), ("wolf howl", 0.1)), "An unidentified sound, most like a dog bark."),
        (findings(("heavy rain", 0.6), ("thunder", 0.3)), "Heavy rain."),
        (findings(("dog bark", 0.4), ("owl hoot", 0.3)), "Probably a dog bark or an owl hoot."),
        (findings(("heavy rain", 0.9), events=(("thunder", 1.0, 2.0),)), "Heavy rain with thunder."),
    ],
)
def test_a_sentence_says_what_was_found(found: Findings, reads: str) -> None:
    assert describe_briefly(found) == reads


def test_followed_by_needs_events_in_that_order() -> None:
    labels = ("door slam", 0.6), ("door creak", 0.3)
    one_after_the_other = (("door creak", 0.0, 2.0), ("door slam", 2.1, 3.0))
    at_once = (("door creak", 0.0, 2.5), ("door slam", 1.0, 3.0))
    assert describe_briefly(findings(*labels, events=one_after_the_other)) == "A door creak followed by a door slam."
    assert describe_briefly(findings(*labels, events=at_once)) == "A door slam with a door creak."
    assert describe_briefly(findings(*labels)) == "A door slam."


def test_fades_are_spoken_of_only_where_measured() -> None:
    assert "fades" not in describe_fully(findings(("heavy rain", 0.9)))
    assert "It fades out over its last" in describe_fully(findings(("heavy rain", 0.9), traits=(FADE_OUT,)))


def test_the_long_form_says_when_and_how() -> None:
    found = findings(
        ("heavy rain", 0.9), events=(("heavy rain", 0.0, 4.0), ("thunder", 1.0, 2.5)), traits=(CONTINUOUS, BROADBAND)
    )
    assert describe_fully(found) == (
        "Heavy rain with thunder. In order of time, heavy rain from 0.0 to 4.0 s and thunder from 1.0 to 2.5 s."
        " The 4.0 s stereo sound is continuous and broadband, with its energy centered at 12.0 kHz and a level of"
        " -20 dBFS."
    )


def test_many_events_are_summed_up() -> None:
    events = tuple(("dog bark", float(start), start + 0.5) for start in range(9))
    assert "and 5 more events." in describe_fully(findings(("dog bark", 0.9), events=events))


def test_doubt_is_said_with_its_numbers() -> None:
    told = describe_fully(findings(("dog bark", 0.4), ("wolf howl", 0.3), ("cat meow", 0.1), ("cow moo", 0.05)))
    assert "The model is not sure; nearest are dog bark (40%), wolf howl (30%) and cat meow (10%)." in told


def test_silence_is_silence() -> None:
    quiet = measure_features(samples_of(noise(4.0, amplitude=1e-6)))
    found = Findings([LabelScore(label="silence", category="background", score=1.0)], [], [], quiet, METADATA, 0.25)
    assert describe_briefly(found) == "Silence."
    assert describe_fully(found).startswith("Silence: nothing in the 4.0 s is louder than -1")
