"""The libraries page: folders, what is in them, adding one and scanning it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from catalog import actions, engine
from catalog.models import Edit, Library, Run, Sound
from catalog.tallies import library_tallies
from catalog.views.forms import LibraryForm
from catalog.views.pages import render_page

UNFINISHED = (Run.State.WAITING, Run.State.RUNNING)


@dataclass(frozen=True, slots=True)
class StateCount:
    state: str
    title: str
    number: int
    style: str


@dataclass(frozen=True, slots=True)
class Card:
    library: Library
    total: int
    counts: Sequence[StateCount]
    run: Run | None  # the one at work, if any


@require_GET
def library_list(request: HttpRequest) -> HttpResponse:
    return render_page(request, "catalog/library_list.html", library_context(LibraryForm()), part="libraries")


@require_POST
def library_add(request: HttpRequest) -> HttpResponse:
    form = LibraryForm(request.POST)
    if form.is_valid():
        try:
            library = actions.add_library(form.cleaned_data["root"], profile=form.cleaned_data["profile"])
            return redirect("catalog:run-detail", actions.start_scan(library).pk)
        except ValidationError as error:
            form.add_error("root", error)
    context = library_context(form)
    return render_page(request, "catalog/library_list.html", context, status=HTTPStatus.BAD_REQUEST)


@require_POST
def library_scan(request: HttpRequest, library_id: int) -> HttpResponse:
    run = actions.start_scan(get_object_or_404(Library, pk=library_id))
    return redirect("catalog:run-detail", run.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def library_remove(request: HttpRequest, library_id: int) -> HttpResponse:
    """Say what would be forgotten, and forget it once that is confirmed."""
    library = get_object_or_404(Library, pk=library_id)
    if request.method == "POST":
        actions.remove_library(library)
        return redirect("catalog:library-list")
    context = {
        "library": library,
        "sounds": library.sounds.count(),
        "edits": Edit.objects.filter(sound__library=library).count(),
    }
    return render_page(request, "catalog/library_remove.html", context)


def library_context(form: LibraryForm) -> dict[str, Any]:
    cards = library_cards()
    return {
        "cards": cards,
        "working": any(card.run for card in cards),
        "profiles": list(engine.profiles()),
        "library_form": form,
    }


def library_cards() -> list[Card]:
    counts = library_tallies()
    runs = {
        run.library_id: run for run in Run.objects.filter(state__in=UNFINISHED, library__isnull=False).order_by("-id")
    }
    return [
        Card(library, sum(states.values()), state_counts(states), runs.get(library.pk))
        for library in Library.objects.all()
        for states in [counts.get(library.pk, {})]
    ]


def state_counts(numbers: dict[str, int]) -> list[StateCount]:
    troubles = {Sound.State.FAILED, Sound.State.MISSING}
    return [
        StateCount(state.value, state.label.lower(), numbers[state.value], "bad" if state in troubles else "")
        for state in Sound.State
        if numbers.get(state.value)
    ]
