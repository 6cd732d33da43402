"""What somebody searches for and how, read from an address; all of it stands there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from django import forms
from django.http import HttpRequest, QueryDict

from catalog.browse import InvalidFilters, SoundFilters
from catalog.views.addresses import Address
from search.query.scanner import MAX_LENGTH
from search.reading import Choices
from search.results import DEPTH, How, SearchResults
from search.search import search_sounds, strong_ids
from search.sorting import BEST, SORTS

LONGEST_READ = MAX_LENGTH + 1
"""Characters of a query that are kept of an address: one more than is read, so that the reader is told."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
OFF = "off"
OF_SEARCH = ("q", "mode", "sort", "different", "synonyms", "spelling")
"""What is the search itself, and stays when its filters are cleared."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How to search; `icon` may be empty."""

    value: str
    title: str
    hint: str
    icon: str
    lexical: bool
    semantic: bool


MODES = (
    Mode("both", "Both", "What is heard and what is written, merged", "", lexical=True, semantic=True),
    Mode("ears", "Ears", "What is heard alone", "ear", lexical=False, semantic=True),
    Mode(
        "words", "Words", "What is written alone: file names, tags, descriptions", "words", lexical=True, semantic=False
    ),
)


class SearchForm(forms.Form):
    mode = forms.ChoiceField(required=False, choices=[(mode.value, mode.title) for mode in MODES])
    sort = forms.ChoiceField(required=False, choices=[(name, sort.title) for name, sort in SORTS.items()])
    different = forms.ChoiceField(required=False, choices=[("1", "on"), ("0", "off")])
    synonyms = forms.ChoiceField(required=False, choices=[("on", "on"), (OFF, OFF)])
    spelling = forms.ChoiceField(required=False, choices=[("on", "on"), (OFF, OFF)])
    offset = forms.IntegerField(required=False, min_value=0, max_value=DEPTH)


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody searches for, and how."""

    words: str = ""
    mode: Mode = MODES[0]
    filters: SoundFilters = field(default_factory=SoundFilters)
    sort: str = BEST
    different: bool = False
    choices: Choices = field(default_factory=Choices)
    offset: int = 0

    @classmethod
    def of(cls, query: QueryDict) -> Question:
        """Read it from an address; raises InvalidFilters."""
        form = SearchForm(query)
        if not form.is_valid():
            raise InvalidFilters([f"{name}: {text}" for name, texts in form.errors.items() for text in texts])
        said = form.cleaned_data
        return cls(
            words_of(query),
            next(mode for mode in MODES if mode.value == (said["mode"] or MODES[0].value)),
            filters_of(query),
            said["sort"] or BEST,
            said["different"] == "1",
            Choices(synonyms=said["synonyms"] != OFF, spelling=said["spelling"] != OFF),
            said["offset"] or 0,
        )

    @property
    def how(self) -> How:
        return How(self.mode.lexical, self.mode.semantic, self.different, self.choices, self.sort)

    def answer(self, limit: int) -> SearchResults:
        return search_sounds(self.words, self.filters, limit=limit, offset=self.offset, how=self.how)

    def found_ids(self, filters: SoundFilters) -> tuple[int, ...]:
        """What the page counts: all that is more than faintly like the words, on whichever page it stands."""
        return strong_ids(self.words, filters, how=replace(self.how, diverse=False))

    @property
    def filter_fields(self) -> list[tuple[str, str]]:
        """The filters, and what was switched off, as fields of the form of the words."""
        filters = [(name, value) for name, values in QueryDict(self.filters.as_query()).lists() for value in values]
        return [*filters, *self._switched_off]

    @property
    def search_fields(self) -> list[tuple[str, str]]:
        """The search as fields of the form of the filters."""
        said = {
            "q": self.words,
            "mode": self.mode.value if self.mode is not MODES[0] else "",
            "sort": self.sort if self.sort != BEST else "",
            "different": "1" if self.different else "",
        }
        return [*((name, value) for name, value in said.items() if value), *self._switched_off]

    @property
    def _switched_off(self) -> list[tuple[str, str]]:
        switches = {"synonyms": self.choices.synonyms, "spelling": self.choices.spelling}
        return [(name, OFF) for name, is_on in switches.items() if not is_on]


def words_of(query: QueryDict) -> str:
    """The line, without what no eye can see and no database can hold."""
    return " ".join(CONTROL.sub(" ", query.get("q", "")).split())[:LONGEST_READ]


def filters_of(query: QueryDict) -> SoundFilters:
    """The filters beside the line. Raises InvalidFilters."""
    others = query.copy()
    others.pop("q", None)
    return SoundFilters.from_query(others)


def address_of(request: HttpRequest) -> Address:
    """Where this search stands, from its first hit on."""
    here = Address.of(request).without("offset")
    words = words_of(request.GET)
    return here.having("q", words) if words else here.without("q")
