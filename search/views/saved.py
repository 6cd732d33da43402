"""Searches that people keep: under a name, with all of their state."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from catalog.browse import InvalidFilters
from catalog.models import SavedSearch
from catalog.views.pages import render_page
from search.views.question import Question, in_words

MOST_SAVED = 100
"""More are no list that a person looks through."""

LONGEST_NAME: int = SavedSearch._meta.get_field("name").max_length or 0
LONGEST_QUERY: int = SavedSearch._meta.get_field("query").max_length or 0
NOT_SAVED = ("offset", "cursor", "limit")


class NotSaved(ValueError):
    """A search that cannot be kept so, and what to do, in words."""


class SaveForm(forms.Form):
    name = forms.CharField(
        max_length=LONGEST_NAME,
        error_messages={
            "required": "A name is missing: how should this search be called?",
            "max_length": f"The name is too long: it may have {LONGEST_NAME} characters.",
        },
    )
    query = forms.CharField(
        max_length=LONGEST_QUERY,
        error_messages={
            "required": "There is nothing to save yet: search for something first.",
            "max_length": "This search is too long to be saved: leave out some of its parts.",
        },
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved search as a link."""

    id: int
    name: str
    words: str
    address: str


def saved_searches() -> list[Saved]:
    base = reverse("search:search")
    return [
        Saved(one.pk, one.name, QueryDict(one.query).get("q", ""), f"{base}?{one.query}")
        for one in SavedSearch.objects.all()[:MOST_SAVED]
    ]


@require_GET
def saved(request: HttpRequest) -> HttpResponse:
    return render_page(request, "search/saved.html", saved_context())


@require_POST
def saved_add(request: HttpRequest) -> HttpResponse:
    form = SaveForm(request.POST)
    problems: list[object] = [text for texts in form.errors.values() for text in texts]
    if not problems:
        try:
            search = save(form.cleaned_data["name"], form.cleaned_data["query"])
            return redirect(f"{reverse('search:search')}?{search.query}")
        except NotSaved as error:
            problems = [str(error)]
        except InvalidFilters as error:
            problems = list(in_words(error))
    typed = {"name": request.POST.get("name", "")[:LONGEST_NAME], "typed_query": request.POST.get("query", "")}
    context = saved_context() | typed | {"problems": problems}
    return render_page(request, "search/saved.html", context, status=HTTPStatus.BAD_REQUEST)


@require_POST
def saved_remove(request: HttpRequest, saved_id: int) -> HttpResponse:
    """Removing what is gone already is no mistake: two windows may show it."""
    SavedSearch.objects.filter(pk=saved_id).delete()
    return redirect("search:saved")


def save(name: str, query: str) -> SavedSearch:
    """Raises NotSaved, and InvalidFilters for an address that is none of a search."""
    address = QueryDict(query, mutable=True)
    for transient in NOT_SAVED:
        address.pop(transient, None)
    if not Question.of(address).words:
        raise NotSaved("There is nothing to save yet: search for something first.")
    stored = address.urlencode()
    if len(stored) > LONGEST_QUERY:
        raise NotSaved("This search is too long to be saved: leave out some of its parts.")
    if SavedSearch.objects.count() >= MOST_SAVED:
        raise NotSaved(f"There are {MOST_SAVED} saved searches already: remove one that you no longer need.")
    taken = NotSaved(f"There is a saved search “{name}” already: give this one another name, or remove that one.")
    if SavedSearch.objects.filter(name__iexact=name).exists():
        raise taken
    try:
        with transaction.atomic():
            return SavedSearch.objects.create(name=name, query=stored)
    except IntegrityError as error:  # by another window, just now
        raise taken from error


def saved_context() -> dict[str, Any]:
    return {"saved": saved_searches(), "most_saved": MOST_SAVED, "longest_name": LONGEST_NAME}
