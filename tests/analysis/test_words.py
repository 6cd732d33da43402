"""How labels read in a sentence."""

from __future__ import annotations

import pytest

from analysis.vocabulary import Vocabulary
from analysis.words import frequency, join_words, seconds, sentence, with_article


@pytest.mark.parametrize(
    ("label", "reads"),
    [
        ("dog bark", "a dog bark"),
        ("owl hoot", "an owl hoot"),
        ("electric drill", "an electric drill"),
        ("heavy rain", "heavy rain"),
        ("rain on metal roof", "rain on metal roof"),
        ("wind gust", "a wind gust"),
        ("wind in trees", "wind in trees"),
        ("footsteps on gravel", "footsteps on gravel"),
        ("swamp at night", "a swamp at night"),
        ("bus", "a bus"),
        ("hi-hat", "a hi-hat"),
        ("glass shatter", "a glass shatter"),
        ("knocking", "knocking"),
        ("keys jingling", "keys jingling"),
        ("baby crying", "a baby crying"),
        ("children playing", "children playing"),
        ("pouring water", "pouring water"),
        ("unicorn", "a unicorn"),
        ("umbrella", "an umbrella"),
        ("ukulele", "a ukulele"),
        ("FM radio", "an FM radio"),
        ("one-shot", "a one-shot"),
    ],
)
def test_labels_read_naturally(label: str, reads: str) -> None:
    assert with_article(label) == reads


def test_plural_and_uncounted_labels_of_the_vocabulary_take_no_article(vocabulary: Vocabulary) -> None:
    without = {label.name for label in vocabulary.labels if with_article(label.name) == label.name}
    assert {"thunder", "applause", "crickets", "ocean waves", "white noise", "speech", "horse hooves"} <= without
    assert not {"piano", "choir", "siren", "thunderclap", "doorbell", "helicopter"} & without


def test_small_phrases() -> None:
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"
    assert sentence("iron bell") == "Iron bell."
    assert (frequency(437), frequency(3240)) == ("440 Hz", "3.2 kHz")
    assert (seconds(0.25), seconds(2.04), seconds(125), seconds(120)) == ("250 ms", "2.0 s", "2 min 5 s", "2 min")
