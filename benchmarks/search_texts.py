"""Names, tags and descriptions of sounds that were never recorded, in the words of the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.vocabulary import Label, Vocabulary
from catalog.effective import search_name, searched_text

# fmt: off
MANNERS = (
    "close", "distant", "soft", "loud", "harsh", "muffled", "bright", "dull", "slow", "quick", "steady", "rhythmic",
    "gentle", "aggressive", "wet", "dry", "heavy", "light", "old", "rusty", "tiny", "huge", "resonant", "hollow",
    "creaky", "brittle", "smooth", "grainy", "deep", "thin", "sharp", "faint", "sudden", "endless", "nervous", "lazy",
)
PLACES = (
    "in a hall", "in a tunnel", "outdoors", "in a small room", "in a cellar", "on a roof", "in a forest", "at night",
    "in a stairwell", "by the sea", "in a car", "in a church", "in an attic", "on a street", "in a factory",
    "in a tent", "through a wall", "through a keyhole", "underwater", "in a courtyard", "in a kitchen", "at a harbor",
    "on a ship", "in a cave",
)
MAKERS = ("Anders", "Brook", "Castell", "Dahl", "Ekman", "Ferro", "Grau", "Holm", "Ishii", "Juarez", "Kern", "Lund")
# fmt: on
NO_SUCH_THING = ("qzxv blorfing", "xyxxy wubbling", "grmblfx", "zzyzx hrrng")
TAGS = 3  # beside the label
WRITTEN_IN = 0.3  # share of files with words inside


@dataclass(frozen=True, slots=True)
class Choices:
    """Numbers that say what one sound is."""

    label: int
    others: tuple[int, ...]
    manner: int
    place: int
    maker: int
    is_written_in: bool
    number: int


@dataclass(frozen=True, slots=True)
class Texts:
    """What a sound is called and what is said of it."""

    path: str
    file_name: str
    label: Label
    tags: list[str]
    description: str
    embedded: Mapping[str, str]
    search_name: str
    search_words: str

    @property
    def category(self) -> str:
        return self.label.category


class Describer:
    """Writes texts; think of it as a function from choices to words."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.labels = vocabulary.labels

    def texts(self, one: Choices) -> Texts:
        label = self.labels[one.label]
        tags = list(dict.fromkeys([label.name, *(self.labels[other].name for other in one.others)]))
        manner, place = MANNERS[one.manner], PLACES[one.place]
        description = f"A {manner} {label.name} {place}"
        name = f"{label.ucs or 'MISC'}_{label.name.title().replace(' ', '')} {manner}_{one.number:07}.wav"
        path = f"{MAKERS[one.maker]} {label.category.title()}/{label.name}/Card {one.number // 500:04}/{name}"
        embedded = {"description": f"{description}, recorded by {MAKERS[one.maker]}"} if one.is_written_in else {}
        words = searched_text(description, label.name, label.category, tags)
        return Texts(path, name, label, tags, description, embedded, search_name(path, embedded), words)


def choose(labels: np.ndarray[tuple[int], np.dtype[np.int64]], first: int, n_labels: int, seed: int) -> list[Choices]:
    """What each of some sounds is, by their labels; `first` is the number of the first."""
    random = np.random.default_rng([7, seed])
    n = len(labels)
    columns = zip(
        labels.tolist(),
        random.integers(0, n_labels, (n, TAGS)).tolist(),
        random.integers(0, len(MANNERS), n).tolist(),
        random.integers(0, len(PLACES), n).tolist(),
        random.integers(0, len(MAKERS), n).tolist(),
        (random.random(n) < WRITTEN_IN).tolist(),
        strict=True,
    )
    return [
        Choices(label, tuple(others), manner, place, maker, is_written_in, first + at)
        for at, (label, others, manner, place, maker, is_written_in) in enumerate(columns)
    ]


def record_of(texts: Texts, confidence: float, loudness_lufs: float) -> str:
    """The parts of a record that searches and pages read, as JSON; a whole one has four times as much."""
    return json.dumps(
        {
            "primary_category": texts.category,
            "primary_label": texts.label.name,
            "confidence": confidence,
            "short_description": texts.description,
            "detailed_description": f"{texts.description}. Beside it one hears {' and '.join(texts.tags[1:])}.",
            "tags": texts.tags,
            "sound_events": texts.tags[:2],
            "events": [],
            "acoustic_summary": {"loudness_lufs": loudness_lufs, "centroid_hz": 1_800.0, "onset_count": 3},
            "ucs": {"cat_id": texts.label.ucs or ""},
        }
    )
