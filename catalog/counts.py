"""How many sounds of a list are in each category and have each tag: exact, or told from a sample of a long one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, Func, QuerySet

from catalog import engine
from catalog.browse import SoundFilters
from catalog.models import Sound
from catalog.tallies import category_tallies, tag_tallies

COUNTED = 20_000
"""Sounds that are counted one by one, by the planner's guess; that takes a tenth of a second."""

SAMPLED = 20_000
"""Sounds that are looked at where there are more: of what one in ten is, two thousand then, known to 2 percent."""

DIGITS = 2  # of a number told from a sample: more would say what is not known


@dataclass(frozen=True, slots=True)
class Counts:
    """Sounds of a list by category ("" for none) and the commonest tags with theirs."""

    categories: Mapping[str, int]
    tags: Mapping[str, int]
    is_exact: bool = True


def counts_of(filters: SoundFilters, *, tags: int) -> Counts:
    """Count what filters let through: the categories under the other filters, in the order of the vocabulary, and so
    many tags under all of them.
    """
    if is_tallied(filters):
        by_tag = tag_tallies(category=filters.category, library=filters.library, limit=tags)
        return Counts(category_counts(filters), by_tag)
    categories = _Grouped(replace(filters, category=""), "category")
    of_tags = _Grouped(filters, "tag")
    is_long = categories.is_long
    by_category = categories.told() if is_long else categories.counted()
    if is_long and not by_category.get(filters.category or next(iter(by_category), ""), 0):
        by_category, is_long = categories.counted(), False  # so few that the sample has none
    by_tag = of_tags.told() if is_long and of_tags.is_long else of_tags.counted()
    commonest = sorted(by_tag.items(), key=lambda item: (-item[1], item[0]))[:tags]
    return Counts(in_order(by_category), dict(commonest), is_exact=not is_long)


def category_counts(filters: SoundFilters) -> dict[str, int]:
    """Sounds of each category under the other filters, however long it takes to count them."""
    if is_tallied(filters):
        return in_order(category_tallies(library=filters.library))
    return in_order(_Grouped(replace(filters, category=""), "category").counted())


def is_tallied(filters: SoundFilters) -> bool:
    """Whether the sums of the triggers tell the counts."""
    return replace(filters, category="", library=None).is_empty


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of categories in the order of the vocabulary; "" is what has none, and stands last."""
    order = {category.name: place for place, category in enumerate(engine.vocabulary().categories)}
    last = len(order)
    return dict(sorted(counts.items(), key=lambda item: (not item[0], order.get(item[0], last), item[0])))


class _Grouped:
    """The sounds of a list, grouped by category or tag."""

    def __init__(self, filters: SoundFilters, column: str) -> None:
        self._sounds = filters.apply(Sound.objects.order_by())
        sounds = self._sounds.annotate(tag=Func(F("tags"), function="unnest")) if column == "tag" else self._sounds
        self._counts: QuerySet[Any, tuple[str, int]] = sounds.values_list(column).annotate(count=Count("id"))

    @property
    def is_long(self) -> bool:
        """By the planner's guess, which costs a millisecond."""
        try:
            plan = json.loads(self._sounds.values("id").explain(format="json"))
        except EmptyResultSet:
            return False
        return bool(plan[0]["Plan"]["Plan Rows"] > COUNTED)

    def counted(self) -> dict[str, int]:
        return dict(self._counts)

    def told(self) -> dict[str, int]:
        """The same from a sample of the table's pages, the same ones every time."""
        sounds = sum(category_tallies().values())
        percent = min(100.0, 100.0 * SAMPLED / max(sounds, 1))
        sql, parameters = self._counts.query.sql_with_params()
        table = f'FROM "{Sound._meta.db_table}"'
        sampled = sql.replace(table, f"{table} TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)", 1)
        with connection.cursor() as cursor:
            cursor.execute(sampled, parameters)
            rows: list[tuple[str, int]] = cursor.fetchall()
        return {name: in_two_digits(count * 100.0 / percent) for name, count in rows}


def in_two_digits(count: float) -> int:
    scale = 10 ** max(0, math.floor(math.log10(count)) + 1 - DIGITS) if count >= 1 else 1
    return int(round(count / scale) * scale)
