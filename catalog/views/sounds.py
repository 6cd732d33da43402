"""The catalog page, the page of a sound, and what can be asked for there."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from catalog import actions, engine
from catalog.browse import InvalidFilters, SoundFilters, page_of_sounds
from catalog.effective import newest_edits
from catalog.models import Analysis, Edit, Run, Sound
from catalog.tallies import state_tallies
from catalog.views.addresses import Address
from catalog.views.asking import Asked, asked_context, asked_of
from catalog.views.facts import band_facts, compare, container_facts, embedded_facts, measured_facts, provenance_facts
from catalog.views.forms import EditForm, LibraryForm, SelectionForm
from catalog.views.groups import grouped_by_category
from catalog.views.libraries import UNFINISHED, state_counts
from catalog.views.listing import in_words, listing, title_of, without_refused
from catalog.views.pages import asks_for, refused, render_page

PAGE_SIZE = 50


@require_GET
def sound_list(request: HttpRequest) -> HttpResponse:
    try:
        filters = SoundFilters.from_query(request.GET)
        cursor = request.GET.get("cursor", "")
        if asks_for(request, "rows"):
            return render_page(request, "catalog/sound_list.html", rows_context(filters, cursor), part="rows")
        context = list_context(Address.of(request), filters, cursor)
    except InvalidFilters as error:
        context = refused_context(request, error)
        return render_page(request, "catalog/sound_list.html", context, part="browse", status=HTTPStatus.BAD_REQUEST)
    return render_page(request, "catalog/sound_list.html", context, part="browse")


def refused_context(request: HttpRequest, error: InvalidFilters) -> dict[str, Any]:
    """Say what cannot be, keep what was typed, and show no sound: none was chosen by what stands there."""
    here, typed = without_refused(Address.of(request), error)
    context = listing(here, SoundFilters.from_query(here.query), export_view="catalog:export-download")
    return context | {"heading": heading_of(context["filters"]), "problems": in_words(error), "typed": typed}


def heading_of(filters: SoundFilters) -> str:
    return title_of(filters.category) if filters.category else "Catalog"


def list_context(here: Address, filters: SoundFilters, cursor: str = "") -> dict[str, Any]:
    context = listing(here, filters, export_view="catalog:export-download") | run_context()
    context |= {"heading": heading_of(filters), "scope_all": True, "library_form": LibraryForm()}
    if not filters.is_empty or cursor:
        return context | rows_context(filters, cursor)
    states = [count for count in state_counts(state_tallies()) if count.state != Sound.State.ANALYZED]
    return context | {"groups": grouped_by_category(here, context["category_counts"]), "state_counts": states}


def run_context() -> dict[str, Any]:
    """The run at work, else the one that is next, and how many wait behind it."""
    columns = Run.objects.filter(state__in=UNFINISHED).defer("problems", "findings")
    runs = sorted(columns, key=lambda run: (run.state != Run.State.RUNNING, run.pk))
    waiting = sum(run.state == Run.State.WAITING for run in runs[1:])
    return {"run": runs[0] if runs else None, "runs_waiting": waiting}


def rows_context(filters: SoundFilters, cursor: str) -> dict[str, Any]:
    page = page_of_sounds(filters, cursor, PAGE_SIZE)
    return {"sounds": page.sounds, "next_cursor": page.next_cursor}


@require_GET
def sound_detail(request: HttpRequest, sound_id: int) -> HttpResponse:
    sound = get_object_or_404(with_analysis(), pk=sound_id)
    asked = asked_of(sound, request.GET.get("labels"))
    if asks_for(request, "ask"):
        context = asked_context(sound, asked)
        return render_page(request, "catalog/sound_detail.html", context, part="ask", status=asked.status)
    context = sound_context(sound, EditForm.of(sound)) | asked_context(sound, asked)
    return render_page(request, "catalog/sound_detail.html", context, status=asked.status)


def with_analysis() -> QuerySet[Sound]:
    return Sound.objects.select_related("library", "current_analysis").defer(
        "search_vector", "search_name", "search_words"
    )


def sound_context(sound: Sound, edit_form: EditForm) -> dict[str, Any]:
    record = sound.current_analysis.record if sound.current_analysis else {}
    analyses = list(sound.analyses.order_by("id"))
    summary = record.get("acoustic_summary", {})
    return {
        "sound": sound,
        "container": container_facts(sound),
        "record": record,
        "events": record.get("events", []),
        "features": measured_facts(summary),
        "bands": band_facts(summary),
        "embedded": embedded_facts(sound.embedded),
        "provenance": provenance_facts(record.get("analysis_provenance", {})),
        "modified_at": datetime.fromtimestamp(sound.modified_ns / 1e9, UTC),
        "analyses": analyses,
        "comparison": compare(analyses, sound.current_analysis_id),
        "profiles": list(engine.profiles()),
        "chosen_profile": sound.wanted_profile or sound.library.profile,
        "edit_form": edit_form,
        "edited": newest_edits(sound),
        "asked": Asked(),
    }


@require_POST
def sound_edit(request: HttpRequest, sound_id: int) -> HttpResponse:
    sound = get_object_or_404(with_analysis(), pk=sound_id)
    withdrawn = request.POST.get("withdraw", "")
    form = EditForm.of(sound, request.POST)
    try:
        if withdrawn in Edit.Field.values:
            actions.edit_sound(sound, withdraw=[withdrawn])
            return redirect("catalog:sound-detail", sound.pk)
        if form.is_valid():
            actions.edit_sound(sound, **form.edits())
            return redirect("catalog:sound-detail", sound.pk)
    except ValidationError as error:
        form.add_error(None, error)
    context = sound_context(sound, form)
    return render_page(request, "catalog/sound_detail.html", context, status=HTTPStatus.BAD_REQUEST)


@require_POST
def analysis_use(request: HttpRequest, sound_id: int, analysis_id: int) -> HttpResponse:
    actions.use_analysis(get_object_or_404(Analysis, pk=analysis_id, sound=sound_id))
    return redirect("catalog:sound-detail", sound_id)


@require_POST
def sound_analyze(request: HttpRequest, sound_id: int) -> HttpResponse:
    sound = get_object_or_404(Sound, pk=sound_id)
    try:
        run = actions.apply_profile(Sound.objects.filter(pk=sound.pk), profile_of(request))
    except ValidationError as error:
        return refused(request, error.messages)
    if run.kind == Run.Kind.RETAG:  # the sound does not wait, so its own page would not show that anything is done
        return redirect("catalog:run-detail", run.pk)
    return redirect("catalog:sound-detail", sound.pk)


@require_POST
def sound_retry(request: HttpRequest, sound_id: int) -> HttpResponse:
    sound = get_object_or_404(Sound.objects.select_related("library"), pk=sound_id)
    try:
        actions.retry(sound)
    except ValidationError as error:
        return refused(request, error.messages)
    return redirect("catalog:sound-detail", sound.pk)


@require_POST
def sounds_analyze(request: HttpRequest) -> HttpResponse:
    """Analyze those that are checked, or all that the filters leave."""
    form = SelectionForm(request.POST)
    try:
        run = actions.apply_profile(form.chosen(), profile_of(request))
    except ValidationError as error:
        return refused(request, error.messages)
    return redirect("catalog:run-detail", run.pk)


def profile_of(request: HttpRequest) -> str:
    return request.POST.get("profile", "")
