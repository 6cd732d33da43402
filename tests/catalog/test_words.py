"""Names and queries become the same words."""

from __future__ import annotations

import pytest

from catalog.words import TextQuery, fold, name_words, query_words, text_query


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SFX_final_2", ["sfx", "final", "2"]),
        ("HeavyRain01", ["heavy", "rain", "01", "heavyrain01"]),
        ("MP3Player", ["mp", "3", "player", "mp3player"]),
        ("Türgeräusch-außen", ["turgerausch", "außen"]),
        ("doorClose_DOOR", ["door", "close", "door", "doorclose"]),
        ("雨 音", ["雨", "音"]),
        ("", []),
    ],
)
def test_names_are_split_at_capitals_digits_and_underscores(name: str, words: list[str]) -> None:
    assert name_words(name) == words


def test_accents_are_taken_off_both_ways() -> None:
    assert fold("Café") == fold("Cafe\N{COMBINING ACUTE ACCENT}") == "Cafe"


def test_a_query_asks_for_the_beginnings_of_all_its_words() -> None:
    assert text_query(query_words("heavy rain")) == "heavy:* & rain:*"
    assert text_query(query_words("HeavyRain")) == "(heavyrain:* | (heavy:* & rain:*))"


def test_nothing_of_a_query_reaches_postgres_as_an_operator() -> None:
    assert text_query(query_words("a' & !b | (c:* <-> \\d")) == "a:* & b:* & c:* & d:*"


def test_queries_are_put_together() -> None:
    rain, door = TextQuery.word("rain"), TextQuery.exact_word("door")
    assert (rain & ~door).raw == "(rain:*) & (!(door))"
    assert (rain | TextQuery.phrase("slow, HeavyRain")).raw == "(rain:*) | ((slow <-> heavy <-> rain))"
    assert TextQuery.exact_word("MetalDoor", weights="A").raw == "(metaldoor:A | (metal:A <-> door:A))"


def test_a_query_without_words_is_empty_and_takes_no_part() -> None:
    empty, rain = TextQuery.word("&|!"), TextQuery.word("rain")
    assert not empty
    assert empty & rain == rain & empty == rain | empty == rain
    assert ~empty == empty
