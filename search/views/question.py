"""What somebody searches for and how, read from an address; all of it stands there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, QueryDict

from catalog.browse import InvalidFilters, SoundFilters
from catalog.views.addresses import Address
from catalog.views.listing import FILTER_TITLES
from search.query.scanner import MAX_LENGTH
from search.reading import Choices
from search.results import DEPTH, How, SearchResults
from search.search import search_sounds, strong_ids
from search.sorting import BEST, SORTS

LONGEST_READ = MAX_LENGTH + 1
"""Characters of a query that are kept of an address: one more than is read, so that the reader is told."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
OFF = "off"
OF_SEARCH = ("q", "mode", "sort", "different", "synonyms", "spelling", "this_sound")
"""What is the search itself, and stays when its filters are cleared."""

TITLES: Mapping[str, str] = {
    **FILTER_TITLES,
    "mode": "How to search",
    "sort": "Order",
    "different": "Different ones first",
    "synonyms": "Synonyms",
    "spelling": "Misspellings",
    "offset": "Place in the list",
    "this_sound": "This one",
}
"""What the fields of an address are called on the pages, where that is not their own name."""

MAX_ID = 2**63 - 1


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


def one_of(choices: Sequence[tuple[str, str]]) -> forms.ChoiceField:
    """A choice that, where it cannot be, is told with those that can, in the words of the page."""
    problem = f"there is no “%(value)s”; there are: {', '.join(title for _, title in choices)}."
    return forms.ChoiceField(required=False, choices=choices, error_messages={"invalid_choice": problem})


def whole_number(most: int, *, least: int, problem: str) -> forms.IntegerField:
    told = dict.fromkeys(("invalid", "min_value", "max_value"), problem)
    return forms.IntegerField(required=False, min_value=least, max_value=most, error_messages=told)


class SearchForm(forms.Form):
    mode = one_of([(mode.value, mode.title) for mode in MODES])
    sort = one_of([(name, sort.title) for name, sort in SORTS.items()])
    different = one_of([("1", "1 for on"), ("0", "0 for off")])
    synonyms = one_of([("on", "on"), (OFF, OFF)])
    spelling = one_of([("on", "on"), (OFF, OFF)])
    offset = whole_number(DEPTH, least=0, problem=f"a whole number, 0 to {DEPTH}.")
    this_sound = whole_number(MAX_ID, least=1, problem="the number of a sound, as in the address of its page.")


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
            Choices(said["synonyms"] != OFF, said["spelling"] != OFF, said["this_sound"]),
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
        """The filters, and what stays as it is, as fields of the form of the words."""
        filters = [(name, value) for name, values in QueryDict(self.filters.as_query()).lists() for value in values]
        return [*filters, *self._kept]

    @property
    def search_fields(self) -> list[tuple[str, str]]:
        """The search as fields of the form of the filters."""
        said = {
            "q": self.words,
            "mode": self.mode.value if self.mode is not MODES[0] else "",
            "sort": self.sort if self.sort != BEST else "",
            "different": "1" if self.different else "",
        }
        return [*((name, value) for name, value in said.items() if value), *self._kept]

    @property
    def as_asked(self) -> str:
        """The words and what they mean, without filters and order, as the query of an address."""
        return urlencode([("q", self.words), *self._kept])

    @property
    def _kept(self) -> list[tuple[str, str]]:
        """What was switched off, and what "this one" is."""
        switches = {"synonyms": self.choices.synonyms, "spelling": self.choices.spelling}
        this_sound = self.choices.this_sound
        meant = [("this_sound", str(this_sound))] if this_sound is not None else []
        return [*((name, OFF) for name, is_on in switches.items() if not is_on), *meant]


def in_words(error: InvalidFilters) -> list[str]:
    """Why a search cannot be, each reason after the name that the pages have for what is wrong."""
    named = (text.partition(": ") for text in error.messages)
    return [f"{TITLES.get(name, name.capitalize())}: {reason}" for name, _, reason in named]


def of_filters(typed: Mapping[str, str]) -> dict[str, str]:
    """Of what was typed and cannot be, what belongs into the form of the filters."""
    return {name: text for name, text in typed.items() if name not in SearchForm.base_fields}


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
