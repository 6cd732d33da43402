"""Where in a sound it is: the moment of a hit, and a strip that shows the match over its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from urllib.parse import urlencode

import numpy as np
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET
from numpy.typing import NDArray

from analysis.errors import ModelUnavailable
from catalog import engine
from catalog.browse import InvalidFilters
from catalog.models import Sound
from catalog.views.pages import refused, render_page
from search.ears import targets_of
from search.hearing import Moment
from search.heat import Asked, Heat, Listened, heats_of, heats_of_parts
from search.moment_table import find_moments, moments_csv
from search.plan import Plan
from search.query.syntax import number
from search.reading import Reading, read
from search.results import DEPTH, Hit, clock
from search.views.question import Question, in_words

ROW_COLUMNS = 80
LARGE_COLUMNS = 200
LEVELS = 5
"""Shades of a strip; more cannot be told apart at its height."""

MOST_HEARD_S = 3 * 3600
"""Seconds of sound whose windows are read for one page, some 12 MB; what is left has its strip on its own page."""

MOMENTS_LISTED = 5
LEAST_STRENGTH = 0.1
"""Of what a list of moments names: below it is chance."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a sound that can be played and saved."""

    title: str
    start_s: str
    end_s: str
    region_address: str
    match: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """The match over time, drawn: a path for each shade, the faintest first, each a unit high."""

    shades: Sequence[str]
    columns: int
    said: str  # the same in words
    places: Sequence[Place] = ()


def place_of(sound_id: int, moment: Moment, match: str = "") -> Place:
    start_s, end_s = number(round(moment.start_s, 3)), number(round(moment.end_s, 3))
    address = reverse("catalog:sound-region", args=[sound_id])
    title = clock(moment.start_s)
    return Place(title, start_s, end_s, f"{address}?{urlencode({'start': start_s, 'end': end_s})}", match)


def strips_of(hits: Iterable[Hit], question: Question, reading: Reading | None) -> dict[int, Strip]:
    """Strips of the hits that something is heard in, by sound; one query for all. A strip follows the part that the
    moment of its row is for, or else the part with the greatest share in its place.
    """
    if reading is None or not question.mode.semantic:
        return {}
    heard_s, chosen = 0.0, []
    for hit in hits:
        duration_s = hit.sound.duration_s or 0.0
        if duration_s and not hit.is_faint and heard_s + duration_s <= MOST_HEARD_S:
            heard_s += duration_s
            chosen.append(hit)
    parts = targets_of(reading.plan) if chosen else []
    if not parts:
        return {}
    asked = {hit.sound.pk: Asked(by_share(parts, hit), hit.moment) for hit in chosen}
    try:
        heats = heats_of(asked, engine.active_model())
    except ModelUnavailable:
        return {}
    return {hit.sound.pk: strip(heats[hit.sound.pk], hit.sound) for hit in chosen if hit.sound.pk in heats}


def by_share(parts: Sequence[Listened], hit: Hit) -> list[Listened]:
    """Parts by what they gave to the place of a hit, the most first."""
    shares = {one.part: one.contribution for one in hit.parts}
    return sorted(parts, key=lambda one: -shares.get(one[0].name, 0.0))


def strips_in(sound: Sound, plan: Plan) -> list[Strip]:
    """Large strips of one sound, one for each part that is listened for."""
    parts = targets_of(plan) if sound.duration_s else []
    if not parts:
        return []
    try:
        heats = heats_of_parts(sound.pk, parts, engine.active_model())
    except ModelUnavailable:
        return []
    return [strip(heat, sound, columns=LARGE_COLUMNS) for heat in heats]


def strip(heat: Heat, sound: Sound, *, columns: int = ROW_COLUMNS) -> Strip:
    best, what, duration_s = heat.best, heat.part.shown, sound.duration_s or 0.0
    said = (
        f"Most like “{what}” from {clock(best.start_s)} to {clock(best.end_s)}, {100 * heat.strongest:.0f} %"
        if heat.strongest > 0
        else f"Nowhere more than faintly like “{what}”"
    )
    shades = drawn(heat.columns(columns, duration_s))
    return Strip(shades, columns, said, best_places(heat, duration_s, sound.pk))


def drawn(strengths: NDArray[np.float64]) -> list[str]:
    """Bars of each shade; a strength is its own shade whatever the strongest is, so nothing looks like more."""
    shade_of = np.ceil(np.clip(strengths, 0, 1) * LEVELS).astype(int)
    bars: list[list[str]] = [[] for _ in range(LEVELS + 1)]
    at = 0
    for shade, run in groupby(shade_of.tolist()):
        width = len(list(run))
        bars[shade].append(f"M{at} 0h{width}v1h-{width}z")
        at += width
    return ["".join(bars[shade]) for shade in range(1, LEVELS + 1)]


def best_places(heat: Heat, duration_s: float, sound_id: int) -> list[Place]:
    """The strongest windows that do not overlap, the strongest first."""
    chosen: list[int] = []
    for at in np.argsort(-heat.strengths, kind="stable").tolist():
        if heat.strengths[at] < LEAST_STRENGTH or len(chosen) == MOMENTS_LISTED:
            break
        if all(abs(heat.starts_s[at] - heat.starts_s[other]) >= heat.window_s for other in chosen):
            chosen.append(at)
    return [
        place_of(
            sound_id,
            Moment(float(heat.starts_s[at]), min(float(heat.starts_s[at]) + heat.window_s, duration_s)),
            f"{100 * heat.strengths[at]:.0f} %",
        )
        for at in chosen
    ]


@require_GET
def heat(request: HttpRequest, sound_id: int) -> HttpResponse:
    """The strip of one sound, for its page and as a page."""
    sound = get_object_or_404(Sound.objects.select_related("library").defer("search_vector"), pk=sound_id)
    try:
        question = Question.of(request.GET)
    except InvalidFilters as error:
        return refused(request, in_words(error))
    strips = strips_in(sound, read(question.words, question.choices).plan)
    context = {"sound": sound, "query": question.words, "strips": strips}
    return render_page(request, "search/heat.html", context, part="heat")


@require_GET
def moments(request: HttpRequest) -> HttpResponseBase:
    """Where in what was found it is, a line each, as CSV."""
    try:
        question = Question.of(request.GET)
    except InvalidFilters as error:
        return refused(request, in_words(error))
    found = find_moments(question.words, question.filters, limit=DEPTH, how=question.how)
    if not found.moments:
        problem = "No moment was found: nothing was listened for, or nothing of it is heard in any sound."
        return refused(request, [problem], status=HTTPStatus.NOT_FOUND)
    response = StreamingHttpResponse(moments_csv(found.moments), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="timbre-moments.csv"'
    return response
