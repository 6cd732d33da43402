"""What a search answers with: the hits, the best first, and how the line was understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalog.models import Sound
from search.confidence import Verdict
from search.hearing import (
    Moment,
)
from search.query.syntax import Problem
from search.reading import Choices, Reading
from search.sorting import BEST

DEPTH = 500
"""Sounds of each part that count in the merged order, and the most that one answer holds. It is the same however many
are asked for, so that asking for more never changes the order of the first."""


@dataclass(frozen=True, slots=True)
class PartScore:
    """What one part of a query gave to a sound's place; all add up to its score."""

    part: str
    contribution: float
    similarity: float | None = None  # cosine, where it was listened for
    degree: float | None = None  # how much of it is there, 0 to 1


@dataclass(frozen=True, slots=True)
class Hit:
    """A found sound and why it was found."""

    sound: Sound
    score: float  # of the merged order, or the cosine where a sound was asked with: to compare within one answer only
    similarity: float | None  # cosine as the model gives it; None where only words led here
    heard: list[str] = field(default_factory=list)  # reasons of the ear
    written: list[str] = field(default_factory=list)  # places where its words stand
    is_faint: bool = False  # there for nothing but a faint likeness, which every sound has to every word
    moment: Moment | None = None  # where in it, if only a part of it is meant
    parts: list[PartScore] = field(default_factory=list)

    @property
    def why(self) -> list[str]:
        return [*self.heard, *self.written]


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What was found, the best first."""

    query: str
    hits: list[Hit] = field(default_factory=list)
    notice: str = ""  # what the reader should know: a part of the search that could not be done
    strong_ids: tuple[int, ...] = ()  # all that is more than faintly like it, however many hits were asked for
    verdict: Verdict | None = None  # what the best by ear is worth; None where nothing was listened for
    reading: Reading | None = None  # how the line was understood

    @property
    def problems(self) -> Sequence[Problem]:
        return self.reading.problems if self.reading else ()


@dataclass(frozen=True, slots=True)
class How:
    """Ways to search."""

    lexical: bool = True  # what is written
    semantic: bool = True  # what is heard
    diverse: bool = False  # different ones first
    choices: Choices = field(default_factory=Choices)
    sort: str = BEST  # one of SORTS; what is only faintly like it stays behind all else


def clock(seconds: float) -> str:
    """A time in a sound: "12:41", "1:02:03"."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def sounds_of(ids: Iterable[int]) -> dict[int, Sound]:
    columns = Sound.objects.select_related("library", "current_analysis")
    return columns.defer("search_vector", "search_name", "search_words", "embedded").in_bulk(list(ids))
