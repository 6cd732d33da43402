"""How many sounds of a list are in each category and have each tag: exact, or told from a sample of a long one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, Func, QuerySet
from numpy.typing import NDArray

from catalog import engine
from catalog.browse import SoundFilters
from catalog.identifiers import among
from catalog.models import Sound
from catalog.remembered import remembered_ids
from catalog.tallies import category_tallies, tag_tallies

COUNTED = 10_000
"""Sounds that are counted one by one, in a tenth of a second."""

SAMPLED = 20_000
"""Sounds that are looked at where there are more: of what one in ten is, two thousand then, known to 2 percent."""

DIGITS = 2  # of a number told from a sample: more would say what is not known


@dataclass(frozen=True, slots=True)
class Counts:
    """Sounds of a list, and of the same list of all categories; by category ("" for none), and the commonest tags.

    Only the last two may be told from a sample.
    """

    total: int
    of_all_categories: int
    categories: Mapping[str, int]
    tags: Mapping[str, int]
    is_exact: bool = True


def counts_of(filters: SoundFilters, *, tags: int) -> Counts:
    """Count what filters let through: the categories under the other filters, in the order of the vocabulary, and so
    many tags under all of them.
    """
    of_all = replace(filters, category="")
    if is_tallied(filters):
        by_category = category_counts(filters)
        everything = sum(by_category.values())
        by_tag = tag_tallies(category=filters.category, library=filters.library, limit=tags)
        return Counts(
            by_category.get(filters.category, 0) if filters.category else everything, everything, by_category, by_tag
        )
    wide = _Grouped(of_all)
    narrow = _Grouped(filters) if filters.category else wide
    by_category = wide.by("category")
    if filters.category:
        by_category[filters.category] = len(narrow)
    by_tag = narrow.by("tag")
    commonest = sorted(by_tag.items(), key=lambda item: (-item[1], item[0]))[:tags]
    return Counts(len(narrow), len(wide), in_order(by_category), dict(commonest), is_exact=not wide.is_long)


def category_counts(filters: SoundFilters) -> dict[str, int]:
    """Sounds of each category under the other filters, however long it takes to count them."""
    if is_tallied(filters):
        return in_order(category_tallies(library=filters.library))
    return in_order(_Grouped(replace(filters, category="")).counted("category"))


def is_tallied(filters: SoundFilters) -> bool:
    """Whether the sums of the triggers tell the counts."""
    return replace(filters, category="", library=None).is_empty


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of categories in the order of the vocabulary; "" is what has none, and stands last."""
    order = {category.name: place for place, category in enumerate(engine.vocabulary().categories)}
    last = len(order)
    return dict(sorted(counts.items(), key=lambda item: (not item[0], order.get(item[0], last), item[0])))


class _Grouped:
    """The sounds of a list, to be grouped by category or tag."""

    def __init__(self, filters: SoundFilters) -> None:
        self._sounds = filters.apply(Sound.objects.order_by())
        self._ids: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        if self._ids is None:
            self._ids = remembered_ids(self._sounds)
        return self._ids

    @property
    def is_long(self) -> bool:
        return len(self) > COUNTED

    def by(self, column: str) -> dict[str, int]:
        if self.is_long:
            return self.told(column)
        return dict(_grouped(among(Sound.objects.order_by(), self.ids), column)) if len(self) else {}

    def counted(self, column: str) -> dict[str, int]:
        return dict(_grouped(self._sounds, column))

    def told(self, column: str) -> dict[str, int]:
        """The same from a sample of the table's pages, the same ones every time."""
        sounds = sum(category_tallies().values())
        percent = min(100.0, 100.0 * SAMPLED / max(sounds, 1))
        try:
            sql, parameters = _grouped(self._sounds, column).query.sql_with_params()
        except EmptyResultSet:
            return {}
        table = f'FROM "{Sound._meta.db_table}"'
        sampled = sql.replace(table, f"{table} TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)", 1)
        with connection.cursor() as cursor:
            cursor.execute(sampled, parameters)
            rows: list[tuple[str, int]] = cursor.fetchall()
        return {name: in_two_digits(count * 100.0 / percent) for name, count in rows}


def _grouped(sounds: QuerySet[Sound], column: str) -> QuerySet[Any, tuple[str, int]]:
    named = sounds.annotate(tag=Func(F("tags"), function="unnest")) if column == "tag" else sounds
    return named.values_list(column).annotate(count=Count("id"))


def in_two_digits(count: float) -> int:
    scale = 10 ** max(0, math.floor(math.log10(count)) + 1 - DIGITS) if count >= 1 else 1
    return int(round(count / scale) * scale)
