"""Hits as rows of a list: why each is there, what every part gave to its place, and where in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.ranking import ALL, WORDS
from search.results import Hit, PartScore, SearchResults
from search.views.moments import Place, Strip, place_of, strips_of
from search.views.question import Question


@dataclass(frozen=True, slots=True)
class Share:
    """What one part gave to the place of a hit."""

    title: str
    amount: str
    detail: str


@dataclass(frozen=True, slots=True)
class Row:
    """A hit as a list shows it."""

    hit: Hit
    place: Place | None = None
    shares: Sequence[Share] = ()
    strip: Strip | None = None
    is_first_faint: bool = False
    asked: str = ""  # the query of the address of its page, which shows there where it is heard

    @property
    def like(self) -> str:
        """The query for more of it: of the place that is meant, else of the whole."""
        where = f"@{self.place.start_s}-{self.place.end_s}" if self.place else ""
        return f"like:{self.hit.sound.pk}{where}"


def rows_of(hits: Sequence[Hit], question: Question, found: SearchResults) -> list[Row]:
    """Rows of a page of what a search found, which begins at the question's offset."""
    strips = strips_of(hits, question, found.reading)
    strong = len(found.strong_ids)
    return [
        Row(
            hit,
            place_in(hit),
            shares_of(hit.parts),
            strips.get(hit.sound.pk),
            is_first_faint=bool(strong) and at == strong,
            asked=question.as_asked,
        )
        for at, hit in enumerate(hits, start=question.offset)
    ]


def similar_rows(hits: Iterable[Hit]) -> list[Row]:
    """Rows of what is like an example."""
    return [Row(hit, place_in(hit)) for hit in hits]


def place_in(hit: Hit) -> Place | None:
    return place_of(hit.sound.pk, hit.moment) if hit.moment else None


def shares_of(parts: Iterable[PartScore]) -> list[Share]:
    return [Share(title_of_part(one.part), f"{one.contribution:+.4f}", detail_of_part(one)) for one in parts]


def title_of_part(part: str) -> str:
    if part in (WORDS, ALL):
        return {WORDS: "what is written", ALL: "the conditions"}[part]
    if part.startswith("-"):
        return f"not wanted: “{part[1:].removeprefix('~')}”"
    return f"by ear: “{part.removeprefix('~')}”"


def detail_of_part(one: PartScore) -> str:
    similarity = f"similarity {one.similarity:.2f}" if one.similarity is not None else ""
    degree = f"match {100 * one.degree:.0f} %" if one.degree is not None else ""
    return ", ".join(filter(None, [similarity, degree]))
