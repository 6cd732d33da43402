"""Which sounds a list shows: filters from an address, and pages that neither skip nor repeat."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from django import forms
from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThanOrEqual
from django.http import QueryDict
from numpy.typing import NDArray

from catalog.identifiers import among
from catalog.models import Sound
from catalog.remembered import remembered_ids
from catalog.storable import storable_text
from catalog.words import query_words, text_query

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
MAX_TAGS = 20
LONGEST_TEXT = 200
# What a list is ordered by, written as the index has it: -1 for the surest, 1 for what nobody has heard yet
DOUBT = Coalesce(F("confidence") * -1.0, 1.0)
SORTED = DOUBT + 0.0  # the same, as no index has it
FEW = 10_000  # sounds of a list that are looked at and sorted for each of its pages, in some 20 ms


class InvalidFilters(ValidationError):
    """An address whose filters cannot be; `messages` say why, each beginning with the name of the filter."""


class FiltersForm(forms.Form):
    category = forms.CharField(required=False, max_length=LONGEST_TEXT)
    library = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    min_duration = forms.FloatField(required=False, min_value=0)
    max_duration = forms.FloatField(required=False, min_value=0)
    min_confidence = forms.FloatField(required=False, min_value=0, max_value=1)
    state = forms.ChoiceField(required=False, choices=[("", ""), *Sound.State.choices])
    profile = forms.CharField(required=False, max_length=LONGEST_TEXT)
    q = forms.CharField(required=False, max_length=2_000)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        shortest, longest = cleaned.get("min_duration"), cleaned.get("max_duration")
        if shortest is not None and longest is not None and shortest > longest:
            self.add_error("max_duration", f"{longest:g} s is shorter than the least, {shortest:g} s.")
        return cleaned


@dataclass(frozen=True, slots=True)
class SoundFilters:
    """What a sound has to be to stand in a list; an empty filter lets every sound through."""

    category: str = ""
    tags: tuple[str, ...] = ()
    library: int | None = None
    min_duration: float | None = None
    max_duration: float | None = None
    min_confidence: float | None = None
    state: str = ""
    profile: str = ""
    q: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> SoundFilters:
        """Read the filters of an address; other parameters are passed over. Raises InvalidFilters."""
        form = FiltersForm(query)
        tags = tuple(dict.fromkeys(tag.strip() for tag in query.getlist("tag") if tag.strip()))
        problems = [f"{name}: {text}" for name, texts in form.errors.items() for text in texts]
        if len(tags) > MAX_TAGS or any("\0" in tag or len(tag) > LONGEST_TEXT for tag in tags):
            problems.append(f"tag: at most {MAX_TAGS} tags of at most {LONGEST_TEXT} characters.")
        if problems:
            raise InvalidFilters(problems)
        return cls(tags=tags, **form.cleaned_data)

    @classmethod
    def from_string(cls, query: str) -> SoundFilters:
        return cls.from_query(QueryDict(storable_text(query)))

    @property
    def is_empty(self) -> bool:
        return self == SoundFilters()

    def as_query(self) -> str:
        """The same filters as the query of an address; nothing where all are empty."""
        query = QueryDict(mutable=True)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "tags":
                query.setlist("tag", list(value))
            elif value not in ("", None):
                query[field.name] = str(value).removesuffix(".0") if isinstance(value, float) else str(value)
        return query.urlencode()

    def apply(self, sounds: QuerySet[Sound]) -> QuerySet[Sound]:
        exact = {"category": self.category, "library_id": self.library, "state": self.state}
        least = {
            "duration_s__gte": self.min_duration,
            "duration_s__lte": self.max_duration,
            "confidence__gte": self.min_confidence,
        }
        wanted = {name: value for name, value in (exact | least).items() if value not in ("", None)}
        sounds = sounds.filter(**wanted)
        if self.tags:
            sounds = sounds.filter(tags__contains=list(self.tags))
        if self.profile:
            sounds = sounds.filter(current_analysis__profile=self.profile)
        if self.q:
            sounds = with_words(sounds, self.q)
        return sounds


def with_words(sounds: QuerySet[Sound], text: str) -> QuerySet[Sound]:
    words = query_words(text)
    if not words:
        return sounds.none()
    return sounds.filter(search_vector=SearchQuery(text_query(words), search_type="raw", config="english"))


@dataclass(frozen=True, slots=True)
class SoundPage:
    """Some sounds of a list, the surest first, and where the next ones begin ("" at the end)."""

    sounds: list[Sound]
    next_cursor: str


def page_of_sounds(filters: SoundFilters, cursor: str = "", size: int = PAGE_SIZE) -> SoundPage:
    """A page after a cursor. By keyset: what is added or removed meanwhile shifts nothing. Raises InvalidFilters."""
    columns = Sound.objects.select_related("library").defer("search_vector", "search_name", "search_words", "embedded")
    few = few_ids(filters)
    # of few, each is looked at: walking along the index of this order would take all sounds to find them
    sounds = filters.apply(columns).order_by(DOUBT, "id") if few is None else among(columns, few).order_by(SORTED, "id")
    if cursor:
        last, last_id = read_cursor(cursor)
        sounds = sounds.filter(GreaterThanOrEqual(DOUBT, last)).exclude(Exact(DOUBT, last), id__lte=last_id)
    found = list(sounds[: size + 1])
    more = len(found) > size
    return SoundPage(found[:size], write_cursor(found[size - 1]) if more else "")


def few_ids(filters: SoundFilters) -> NDArray[np.int64] | None:
    """What filters let through, if that is few; None where an index gives the list in its order, or for many."""
    if replace(filters, category="").is_empty:
        return None
    ids = remembered_ids(filters.apply(Sound.objects.order_by()))
    return ids if len(ids) <= FEW else None


def write_cursor(sound: Sound) -> str:
    value = 1.0 if sound.confidence is None else -sound.confidence
    return urlsafe_b64encode(f"{value!r},{sound.pk}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[float, int]:
    try:
        value, _, sound_id = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(",")
        place = float(value), int(sound_id)
    except ValueError as error:
        raise InvalidFilters(["cursor: not one that Timbre gave out."]) from error
    if not -1 <= place[0] <= 1 or not 0 <= place[1] < 2**63:
        raise InvalidFilters(["cursor: not one that Timbre gave out."])
    return place
