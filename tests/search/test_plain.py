"""Sentences as people say them."""

from __future__ import annotations

import pytest

from search.plain import read_plain


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("wind through a keyhole, not stormy, under ten seconds", "wind through a keyhole dur:<10 -~stormy"),
        ("rain without thunder", "rain -~thunder"),
        ("rain, no thunder and no voices", "rain -~thunder -~voices"),
        ("footsteps on gravel longer than a minute", "footsteps on gravel dur:>60"),
        ("door slam between 2 and 5 seconds", "door slam dur:2-5"),
        ("not longer than 3 seconds, dog bark", "dog bark dur:<3"),
        ("city ambience in stereo", "city ambience ch:stereo"),
        ("whoosh about 10 s long", "whoosh dur:8-12"),
        ("Wind, not too harsh.", "Wind -~harsh"),
        ("crowd without children shouting", 'crowd -~"children shouting"'),
        ("thunder at least half a minute", "thunder dur:>30"),
        ("wind under ten m\u0131nutes", "wind dur:<600"),
        ("wind under s\u0131x seconds", "wind dur:<6"),
        ("wind under 300 hours", "wind dur:<1080000"),
    ],
)
def test_what_is_said_becomes_a_part(said: str, query: str) -> None:
    assert read_plain(said).query == query


def test_like_this_one_is_the_sound_at_hand() -> None:
    plain = read_plain("wind, like this one", this_sound=7)

    assert plain.query == "wind like:7"
    assert plain.read == (("like this one", "like:7"),)


def test_like_this_one_without_a_sound_is_told_as_left_out() -> None:
    plain = read_plain("wind, like this one")

    assert plain.query == "wind"
    assert plain.dropped == ("like this one",)


@pytest.mark.parametrize(
    "query",
    ["rain, wind", "no:5", "-thunder under ten seconds", "door (slam)", "", "not", "notes on a piano", "rain OR no"],
)
def test_what_is_a_query_or_says_nothing_special_stays(query: str) -> None:
    assert read_plain(query).query == query


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_long_texts_stay(count: int) -> None:
    assert read_plain("not " * count).query == "not " * count


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("like this one, dur:<10", "like:17 dur:<10"),
        ("like this one, -stormy", "like:17 -stormy"),
        ('soft, just like that sound "on a roof"', 'soft, like:17 "on a roof"'),
        ("rain dur:<10", "rain dur:<10"),
    ],
)
def test_this_one_is_meant_among_operators_too(line: str, query: str) -> None:
    assert read_plain(line, this_sound=17).query == query
    assert read_plain(line).query == line
