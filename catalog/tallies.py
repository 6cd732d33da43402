"""How many sounds stand in each category, state and tag: exact at any size, from sums that triggers keep."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from catalog.models import Tally

LOCK = 0x71C8  # an advisory lock, also of migration 0010: of several workers one folds
RECOUNT = """
INSERT INTO catalog_tally (library_id, category, state, tag, sounds, is_folded)
SELECT library_id, category, state, '', count(*), true FROM catalog_sound GROUP BY library_id, category, state
UNION ALL
SELECT library_id, category, '', tag, count(*), true FROM catalog_sound, unnest(tags) AS tag
WHERE tag <> '' GROUP BY library_id, category, tag
"""
ARE_RIGHT = """
SELECT (SELECT coalesce(sum(sounds), 0) FROM catalog_tally WHERE tag = '') = (SELECT count(*) FROM catalog_sound)
"""
FOLD_FROM = 1_000
"""Rows that have come since the last folding. Below a tenth of a millisecond is spent on reading them."""

FOLD_SHARE = 4
"""Nor is folded before they are a fourth of what was folded, which is written anew: so each row is written a few times
however many there are."""

COUNT = "SELECT count(*) FILTER (WHERE NOT is_folded), count(*) FILTER (WHERE is_folded) FROM catalog_tally"
FOLD = """
WITH gone AS (DELETE FROM catalog_tally RETURNING library_id, category, state, tag, sounds)
INSERT INTO catalog_tally (library_id, category, state, tag, sounds, is_folded)
SELECT library_id, category, state, tag, sum(sounds), true FROM gone
GROUP BY library_id, category, state, tag HAVING sum(sounds) <> 0
"""


def category_tallies(*, library: int | None = None) -> dict[str, int]:
    """Sounds of each category, of all libraries or one."""
    rows = Tally.objects.filter(tag="")
    return _sums("category", rows if library is None else rows.filter(library_id=library))


def state_tallies() -> dict[str, int]:
    """Sounds in each state."""
    return _sums("state", Tally.objects.filter(tag=""))


def library_tallies() -> dict[int, dict[str, int]]:
    """Sounds of each library in each state."""
    rows = Tally.objects.filter(tag="").values_list("library_id", "state").annotate(total=Sum("sounds")).order_by()
    counts: dict[int, dict[str, int]] = {}
    for library_id, state, total in rows:
        if total:
            counts.setdefault(library_id, {})[state] = total
    return counts


def tag_tallies(*, category: str = "", library: int | None = None, limit: int) -> dict[str, int]:
    """The commonest tags, of all categories and libraries or of one."""
    rows = Tally.objects.exclude(tag="")
    if category:
        rows = rows.filter(category=category)
    if library is not None:
        rows = rows.filter(library_id=library)
    counted = rows.order_by().values_list("tag").annotate(total=Sum("sounds"))
    return dict(counted.filter(total__gt=0).order_by("-total", "tag")[:limit])


def are_right() -> bool:
    """Whether the sums are as many sounds as there are; asked in one statement, as others write meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(ARE_RIGHT)
        return bool(cursor.fetchone()[0])


def recount() -> None:
    """Count everything anew, as after a load of rows past the triggers; who writes sounds waits for it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("LOCK TABLE catalog_sound IN SHARE MODE")
        cursor.execute("DELETE FROM catalog_tally")
        cursor.execute(RECOUNT)


def _sums(column: str, rows: QuerySet[Tally]) -> dict[str, int]:
    counted = rows.order_by().values_list(column).annotate(total=Sum("sounds"))
    return {name: total for name, total in counted if total}


def fold_tallies() -> bool:
    """Make one row of all that say the same, where there are many; False where there is nothing to do, or another
    process does it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(COUNT)
        fresh, folded = cursor.fetchone()
        if fresh < max(FOLD_FROM, folded // FOLD_SHARE):
            return False
        cursor.execute(FOLD)
    return True
