"""The orders in which what was found can stand, other than the best match first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from catalog.models import Sound

BEST = "best"


@dataclass(frozen=True, slots=True)
class Sort:
    """An order by a column; sounds for which it is not known stand last, equal ones by their id."""

    title: str
    order: tuple[OrderBy, ...] = ()  # none: by match


SORTS: Mapping[str, Sort] = {
    BEST: Sort("Best match"),
    "name": Sort("Name", (Lower("file_name").asc(),)),
    "surest": Sort("Confidence", (F("confidence").desc(nulls_last=True),)),
    "shortest": Sort("Shortest", (F("duration_s").asc(nulls_last=True),)),
    "longest": Sort("Longest", (F("duration_s").desc(nulls_last=True),)),
    "newest": Sort("Newest", (F("created_at").desc(),)),
    "oldest": Sort("Oldest", (F("created_at").asc(),)),
    "loudest": Sort("Loudest", (F("loudness_lufs").desc(nulls_last=True),)),
    "quietest": Sort("Quietest", (F("loudness_lufs").asc(nulls_last=True),)),
    "slowest": Sort("Slowest tempo", (F("tempo_bpm").asc(nulls_last=True),)),
    "fastest": Sort("Fastest tempo", (F("tempo_bpm").desc(nulls_last=True),)),
}


def sorted_ids(ids: Sequence[int], sort: str) -> list[int]:
    """The same sounds in an order; those that were removed meanwhile are left out."""
    return first_ids(Sound.objects.filter(pk__in=ids), sort, len(ids)) if SORTS[sort].order else list(ids)


def first_ids(sounds: QuerySet[Sound], sort: str, count: int) -> list[int]:
    """The first of some sounds in an order by a column."""
    return list(sounds.order_by(*SORTS[sort].order, "id").values_list("id", flat=True)[:count])
