"""The search page, its exports, and what sounds like a sound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from django import forms
from django.db.models import Count, F, Func
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from catalog import engine
from catalog.browse import InvalidFilters, SoundFilters
from catalog.models import Sound
from catalog.views.addresses import Address
from catalog.views.exports import download
from catalog.views.listing import TAGS_SHOWN, Link, category_links, listing
from catalog.views.pages import refused, render_page
from search.search import DEPTH, SearchResults, search_sounds, similar_sounds, strong_ids

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

    def found_ids(self, filters: SoundFilters) -> tuple[int, ...]:
        """What the page counts: all that is more than faintly like the words, on whichever page it stands."""
        return strong_ids(self.words, filters, lexical=self.mode.lexical, semantic=self.mode.semantic)

    @property
    def filter_fields(self) -> list[tuple[str, str]]:
        """The filters as fields of a form, which another mode or other words keep."""
        return [(name, value) for name, values in QueryDict(self.filters.as_query()).lists() for value in values]


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
    context = listing(here, question.filters, export_view="search:export")
    if question.words:
        context |= result_counts(here, question, found.strong_ids)
    return context | {
        "query": question.words,
        "mode": question.mode.value,
        "modes": MODES,
        "filter_fields": question.filter_fields,
        "longest_query": LONGEST_QUERY,
        "hits": hits,
        "found": len(found.strong_ids),
        "depth": DEPTH,
        "notice": found.notice,
        "more_address": here.having("limit", str(next_limit)) if more else "",
        "suggestions": SUGGESTIONS,
    }


def result_counts(here: Address, question: Question, found: tuple[int, ...]) -> dict[str, Any]:
    """Categories and tags of what a search found, in place of those of the whole catalog."""
    filters = question.filters
    in_all = question.found_ids(replace(filters, category="")) if filters.category else found
    sounds = Sound.objects.filter(pk__in=in_all).order_by()
    counts = dict(sounds.values_list("category").annotate(count=Count("id")))
    order = {category.name: place for place, category in enumerate(engine.vocabulary().categories)}
    names = sorted({*counts, *filter(None, [filters.category])}, key=lambda name: (order.get(name, len(order)), name))
    return {
        "categories": category_links(here, filters, {name: counts.get(name, 0) for name in names}),
        "categories_total": len(in_all),
        "total": len(found),
        "tags": tag_links(here, filters, found),
    }


def tag_links(here: Address, filters: SoundFilters, found: tuple[int, ...]) -> list[Link]:
    tags = Sound.objects.filter(pk__in=found).order_by().annotate(tag=Func(F("tags"), function="unnest"))
    commonest = tags.values_list("tag").annotate(count=Count("id")).order_by("-count", "tag")[:TAGS_SHOWN]
    chosen = {name: Link(name, here.removing("tag", name), name, len(found), current=True) for name in filters.tags}
    others = {name: Link(name, here.adding("tag", name), name, count) for name, count in commonest}
    return list((chosen | {name: link for name, link in others.items() if name not in chosen}).values())


@require_GET
def search_export(request: HttpRequest, format_name: str) -> HttpResponseBase:
    try:
        question = Question.of(request.GET)
    except InvalidFilters as error:
        return refused(request, error.messages)
    return download(request, format_name, Sound.objects.filter(pk__in=question.found_ids(question.filters)))


@require_GET
def similar(request: HttpRequest, sound_id: int) -> HttpResponse:
    sound = get_object_or_404(Sound.objects.select_related("library"), pk=sound_id)
    found = similar_sounds(sound, limit=SIMILAR_SHOWN)
    context = {"sound": sound, "hits": found.hits, "notice": found.notice}
    return render_page(request, "search/similar.html", context, part="similar")
