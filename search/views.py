"""The search page, its exports, and what sounds like a sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from catalog.browse import InvalidFilters, SoundFilters
from catalog.models import Sound
from catalog.views.addresses import Address
from catalog.views.exports import download
from catalog.views.listing import listing
from catalog.views.pages import refused, render_page
from search.search import DEPTH, Hit, SearchResults, search_sounds, similar_sounds

PAGE_SIZE = 40
LONGEST_QUERY = 500
SIMILAR_SHOWN = 12
SUGGESTIONS = (
    "heavy rain",
    "footsteps on gravel",
    "door slam",
    "dog bark",
    "low rumble",
    "glass shatter",
    "whoosh",
    "church bell",
)


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
    q = forms.CharField(required=False, max_length=LONGEST_QUERY)
    mode = forms.ChoiceField(required=False, choices=[(mode.value, mode.title) for mode in MODES])
    limit = forms.IntegerField(required=False, min_value=1, max_value=DEPTH)


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody searches for, and how."""

    words: str
    mode: Mode
    filters: SoundFilters
    limit: int = PAGE_SIZE

    @classmethod
    def of(cls, query: QueryDict) -> Question:
        """Read it from an address; raises InvalidFilters."""
        form = SearchForm(query)
        if not form.is_valid():
            raise InvalidFilters([f"{name}: {text}" for name, texts in form.errors.items() for text in texts])
        mode = next(mode for mode in MODES if mode.value == (form.cleaned_data["mode"] or "both"))
        words = " ".join(form.cleaned_data["q"].split())
        return cls(words, mode, replace(SoundFilters.from_query(query), q=""), form.cleaned_data["limit"] or PAGE_SIZE)

    def answer(self, limit: int) -> SearchResults:
        if not self.words:
            return SearchResults("")
        return search_sounds(
            self.words, self.filters, limit=limit, lexical=self.mode.lexical, semantic=self.mode.semantic
        )


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    try:
        question, here, problems = Question.of(request.GET), Address.of(request), []
    except InvalidFilters as error:
        question, here, problems = (
            Question("", MODES[0], SoundFilters()),
            Address(request.path, QueryDict()),
            error.messages,
        )
    context = search_context(here, question) | {"problems": problems}
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    return render_page(request, "search/search.html", context, part="browse", status=status)


def search_context(here: Address, question: Question) -> dict[str, Any]:
    found = question.answer(question.limit + 1)
    hits = found.hits[: question.limit]
    more = len(found.hits) > question.limit < DEPTH
    next_limit = min(question.limit + PAGE_SIZE, DEPTH)
    return listing(here, question.filters, export_view="search:export") | {
        "query": question.words,
        "mode": question.mode.value,
        "modes": MODES,
        "longest_query": LONGEST_QUERY,
        "hits": hits,
        "faint_from": faint_from(hits),
        "notice": found.notice,
        "more_address": here.having("limit", str(next_limit)) if more else "",
        "suggestions": SUGGESTIONS,
    }


def faint_from(hits: Sequence[Hit]) -> int:
    """Where the hits begin that are all faint."""
    return next((place for place in range(len(hits), 0, -1) if not hits[place - 1].is_faint), 0)


@require_GET
def search_export(request: HttpRequest, format_name: str) -> HttpResponseBase:
    try:
        question = Question.of(request.GET)
    except InvalidFilters as error:
        return refused(request, error.messages)
    ids = [hit.sound.pk for hit in question.answer(question.limit).hits]
    return download(request, format_name, Sound.objects.filter(pk__in=ids))


@require_GET
def similar(request: HttpRequest, sound_id: int) -> HttpResponse:
    sound = get_object_or_404(Sound.objects.select_related("library"), pk=sound_id)
    found = similar_sounds(sound, limit=SIMILAR_SHOWN)
    context = {"sound": sound, "hits": found.hits, "notice": found.notice}
    return render_page(request, "search/similar.html", context, part="similar")
