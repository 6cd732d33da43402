"""Filters read from an address, and pages that neither skip nor repeat."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from catalog.browse import InvalidFilters, SoundFilters, page_of_sounds
from catalog.models import Library, Sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(db: None) -> Library:
    return Library.objects.create(name="Shelf", root="/shelf")


def make(shelf: Library, path: str, **columns: Any) -> Sound:
    facts = {"file_name": path, "size_bytes": 1, "modified_ns": 1, "state": "analyzed"}
    return Sound.objects.create(library=shelf, path=path, **(facts | columns))


def paths(query: str) -> list[str]:
    return [sound.path for sound in page_of_sounds(SoundFilters.from_string(query)).sounds]


def test_filters_become_the_same_address_again() -> None:
    query = "category=weather&tag=rain&tag=a%26b&library=3&min_duration=0.5&min_confidence=0.25&state=new&q=heavy+rain"
    filters = SoundFilters.from_string(query)
    assert filters.tags == ("rain", "a&b")
    assert sorted(filters.as_query().split("&")) == sorted(query.split("&"))
    assert SoundFilters.from_string(filters.as_query()) == filters


def test_numbers_keep_all_their_digits() -> None:
    query = "min_duration=1234567.25&max_duration=2000000&min_confidence=0.12345678"
    assert sorted(SoundFilters.from_string(query).as_query().split("&")) == sorted(query.split("&"))


def test_half_a_character_in_a_filter_finds_nothing(db: None) -> None:
    assert paths("category=\ud800") == []


def test_empty_and_unknown_parameters_are_passed_over() -> None:
    filters = SoundFilters.from_query(QueryDict("category=&tag=&library=&cursor=x&limit=5&other=1"))
    assert filters.is_empty
    assert filters.as_query() == ""


@pytest.mark.parametrize(
    "query",
    [
        "library=x",
        "library=99999999999999999999",
        "min_duration=-1",
        "min_duration=nan",
        "min_duration=3&max_duration=1",
        "min_confidence=2",
        "state=odd",
        "category=%00",
        "tag=%00",
    ],
)
def test_filters_that_cannot_be_are_refused_by_name(query: str) -> None:
    with pytest.raises(InvalidFilters) as refused:
        SoundFilters.from_string(query)
    assert any(message.startswith(query.rpartition("&")[2].partition("=")[0]) for message in refused.value.messages)


def test_each_filter_lets_through_what_it_says(shelf: Library) -> None:
    make(shelf, "rain.wav", category="weather", tags=["rain", "wet"], duration_s=10.0, confidence=0.9)
    make(shelf, "door.wav", category="impact", tags=["door"], duration_s=1.0, confidence=0.4, search_name="door")
    make(shelf, "new.wav", state="new")

    assert paths("category=weather") == paths("tag=rain&tag=wet") == paths("min_confidence=0.5") == ["rain.wav"]
    assert paths("max_duration=1") == paths("q=doors") == paths("tag=door") == ["door.wav"]
    assert paths("state=new") == ["new.wav"]
    assert paths(f"library={shelf.pk + 1}") == paths("tag=rain&tag=door") == paths("q=%21%21") == []


def test_the_surest_stand_first_and_what_nobody_heard_last(shelf: Library) -> None:
    for path, confidence in [("a", 0.2), ("b", None), ("c", 0.9), ("d", 0.9), ("e", 0.0)]:
        make(shelf, path, confidence=confidence)
    assert paths("") == ["c", "d", "a", "e", "b"]


def test_pages_neither_skip_nor_repeat_while_rows_come_and_go(shelf: Library) -> None:
    for number in range(23):
        make(shelf, f"{number:02}", confidence=None if number % 3 == 0 else (number % 5) / 7)
    expected = [sound.pk for sound in page_of_sounds(SoundFilters()).sounds]

    seen: list[int] = []
    cursor = ""
    while True:
        page = page_of_sounds(SoundFilters(), cursor, 5)
        seen += [sound.pk for sound in page.sounds]
        make(shelf, f"late {len(seen)}", confidence=1.0)
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == expected


@pytest.mark.parametrize("cursor", ["x", "%%%", "bm9wZQ", "MSwtMQ", "bmFuLDE", "MCw5OTk5OTk5OTk5OTk5OTk5OTk5OQ"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidFilters, match="cursor"):
        page_of_sounds(SoundFilters(), cursor)


def test_a_page_is_read_from_the_index(shelf: Library) -> None:
    for number in range(50):
        make(shelf, f"{number}", category="weather", confidence=number / 50)
    cursor = page_of_sounds(SoundFilters(category="weather"), "", 10).next_cursor

    with connection.cursor() as query, connection.execute_wrapper(explained):
        query.execute("SET LOCAL enable_seqscan = off")
        query.execute("SET LOCAL enable_sort = off")
        for filters, name in (
            (SoundFilters(category="weather"), "sound_by_category"),
            (SoundFilters(), "sound_by_con"),
        ):
            with pytest.raises(Explained, match=name):
                page_of_sounds(filters, cursor, 10)


class Explained(Exception):
    """The plan of a statement, in place of its rows."""


def explained(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
    if not sql.startswith("SELECT"):
        return execute(sql, parameters, many, context)
    execute(f"EXPLAIN {sql}", parameters, many, context)
    plan = "\n".join(row[0] for row in context["cursor"].fetchall())
    raise Explained(plan)
