"""The search page: a line, what it was understood as, what was found and why; and its exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.db.models import Count, F, Func
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET

from catalog import engine
from catalog.browse import InvalidFilters, SoundFilters
from catalog.fields import FIELDS
from catalog.models import Library, Sound
from catalog.uploads import MAX_UPLOAD_BYTES
from catalog.views.addresses import Address
from catalog.views.exports import download
from catalog.views.listing import (
    TAGS_SHOWN,
    Link,
    active_filters,
    category_links,
    confidence_choices,
    export_links,
    listing,
    without_refused,
)
from catalog.views.pages import asks_for, refused, render_page
from search.confidence import Verdict
from search.query.scanner import MAX_LENGTH
from search.results import DEPTH, SearchResults
from search.sorting import BEST, SORTS
from search.views.parts import Chip, Understood, this_one, understood
from search.views.question import MODES, OF_SEARCH, Question, address_of, in_words, of_filters
from search.views.rows import rows_of
from search.views.saved import saved_context

PAGE_SIZE = 40
SUGGESTIONS = (
    "heavy rain",
    "footsteps on gravel",
    "door slam",
    "dog bark",
    "wind, not stormy, under ten seconds",
    "church bell -~thunder",
    "whoosh dur:<2",
    "ambience ch:stereo",
)


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    try:
        question, here = Question.of(request.GET), address_of(request)
    except InvalidFilters as error:
        context = refused_context(request, error)
        return render_page(request, "search/search.html", context, part="browse", status=HTTPStatus.BAD_REQUEST)
    if question.words and asks_for(request, "rows"):
        context = rows_context(here, question, question.answer(PAGE_SIZE + 1))
        return render_page(request, "search/search.html", context, part="rows")
    return render_page(request, "search/search.html", search_context(here, question), part="browse")


def refused_context(request: HttpRequest, error: InvalidFilters) -> dict[str, Any]:
    """Say what cannot be, keep what was typed, and show no sound: none was chosen by what stands there."""
    here, typed = without_refused(address_of(request), error)
    question = Question.of(here.query)
    said = {"line": question.words, "search_fields": question.search_fields, "typed": of_filters(typed)}
    return search_context(here, replace(question, words="")) | said | {"problems": in_words(error)}


def search_context(here: Address, question: Question) -> dict[str, Any]:
    context: dict[str, Any] = {
        "query": question.words,
        "line": question.words,
        "mode": question.mode.value,
        "modes": MODES,
        "sort": question.sort,
        "sorts": [(name if name != BEST else "", sort.title, name == question.sort) for name, sort in SORTS.items()],
        "different": question.different,
        "filter_fields": question.filter_fields,
        "search_fields": question.search_fields,
        "longest_query": MAX_LENGTH,
        "max_upload_bytes": MAX_UPLOAD_BYTES,
        "suggestions": SUGGESTIONS,
        "fields": FIELDS,
        "this_one": this_one(here, question.choices.this_sound),
    } | saved_context()
    if not question.words:
        listed = listing(here, question.filters, export_view="search:export")
        return context | listed | {"clear_address": here.only("this_sound")}
    found = question.answer(PAGE_SIZE + 1)
    context |= around(here, question.filters) | result_counts(here, question, found.strong_ids)
    context |= rows_context(here, question, found)
    said = understood(here, found.reading) if found.reading else Understood()
    return context | {
        "understood": said,
        "found": len(found.strong_ids),
        "verdict": verdict_of(question, found),
        "notice": found.notice,
        "moments_address": here.at(reverse("search:moments")) if any(row.place for row in context["rows"]) else "",
        "to_save": here.query.urlencode(),
        "name_to_save": question.words[:60],
        "changes": changes(here, question, said.chips) if not found.hits else (),
    }


def rows_context(here: Address, question: Question, found: SearchResults) -> dict[str, Any]:
    """The hits of a page of the list, and where the next ones are."""
    following = question.offset + PAGE_SIZE
    has_more = len(found.hits) > PAGE_SIZE and following < DEPTH
    hits = found.hits[:PAGE_SIZE]
    return {
        "query": question.words,
        "rows": rows_of(hits, question, found),
        "offset": question.offset,
        "last_shown": question.offset + len(hits),
        "more_address": here.having("offset", str(following)) if has_more else "",
        "first_address": here if question.offset else "",
        "earlier_address": earlier(here, question.offset),
    }


def earlier(here: Address, offset: int) -> Address | str:
    if offset <= PAGE_SIZE:
        return ""
    return here.having("offset", str(offset - PAGE_SIZE))


def verdict_of(question: Question, found: SearchResults) -> str:
    """What the answer is worth, in a sentence; no match is better told than made up."""
    count, words = len(found.strong_ids), f"“{question.words}”"
    is_written = any(hit.written for hit in found.hits)
    if not count or (found.verdict is Verdict.NONE and not is_written):
        return f"No confident match for {words}; the closest are:"
    sounds = f"{'The best ' if count >= DEPTH else ''}{count} sound{'' if count == 1 else 's'}"
    if found.verdict is Verdict.FAIR:
        return f"Fair matches for {words}: {sounds}. Chance alone might bring some as near by ear."
    if found.verdict is Verdict.NONE:
        return f"{sounds} for {words}, by what is written; by ear there is no confident match"
    return f"{sounds} for {words}"


def changes(here: Address, question: Question, chips: Sequence[Chip]) -> list[Link]:
    """What may help where nothing was found."""
    filters = [Link("Search without the filters", here.only(*OF_SEARCH))] if not question.filters.is_empty else []
    modes = [Link("Listen as well as read", here.without("mode"))] if question.mode is not MODES[0] else []
    parts = [Link(f"Without “{chip.text}”", chip.remove) for chip in chips] if len(chips) > 1 else []
    return [*filters, *modes, *parts]


def around(here: Address, filters: SoundFilters) -> dict[str, Any]:
    """What stands around a list, without the counts of the whole catalog, which those of the answer replace."""
    libraries = list(Library.objects.all())
    return {
        "action": here.path,
        "filters": filters,
        "libraries": libraries,
        "all_address": here.without("category"),
        "states": Sound.State.choices,
        "profiles": list(engine.profiles()),
        "confidence_choices": confidence_choices(filters),
        "active_filters": active_filters(here, filters, libraries),
        "clear_address": here.only(*OF_SEARCH),
        "export_formats": export_links(here, "search:export"),
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
        return refused(request, in_words(error))
    return download(request, format_name, Sound.objects.filter(pk__in=question.found_ids(question.filters)))
