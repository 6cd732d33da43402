"""Queries read with the words that a model knows."""

from __future__ import annotations

import pytest

from catalog.wording import Reading, by_stem, means_one_of, read_query, stem

KNOWN = {"metal", "rain", "thunder", "mud", "dog", "bark", "the", "sound", "of", "on", "something", "loud"}
STEMS = by_stem(["metal impact", "thunder", "mud", "dog bark", "robot"])


def read(query: str) -> Reading:
    return read_query(query, KNOWN.__contains__, STEMS)


@pytest.mark.parametrize("query", ["rain", "Rain on metal!", "the sound of rain", "loud"])
def test_known_words_stay_as_they_were_typed(query: str) -> None:
    assert read(query) == Reading(query)


@pytest.mark.parametrize(
    ("word", "known"), [("metallic", "metal"), ("thunderous", "thunder"), ("muddy", "mud"), ("barking", "bark")]
)
def test_an_unknown_word_is_read_as_the_known_one_it_is_made_of(word: str, known: str) -> None:
    assert read(word) == Reading(known, read_as=((word, known),))


def test_a_word_of_the_vocabulary_that_the_model_does_not_know_stands_for_nothing() -> None:
    assert read("robotic rain") == Reading("rain", unknown=("robotic",))


def test_words_that_only_ask_are_left_out_without_a_word() -> None:
    assert read("please find something metallic").text == "metal"
    assert read("please find something metallic").unknown == ()


@pytest.mark.parametrize("query", ["zorp", "the sound of zorp", "loud zorp", "please", "'\";--", "дождь", ""])
def test_nothing_is_read_where_nothing_is_known(query: str) -> None:
    assert read(query).text == ""


def test_the_notice_says_what_was_read_otherwise() -> None:
    assert read("rain").notice == ""
    assert read("metallic zorp").notice == (
        "“metallic” is read as “metal” by ear. The model does not know “zorp”: listened for “metal” only."
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("electrical", "electric"), ("explosive", "explosion"), ("mechanical", "mechanic"), ("chimes", "chime")],
)
def test_words_of_one_family_share_a_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("caring", "car"), ("organ", "orange"), ("seal", "sea"), ("zorp", "zor")])
def test_words_that_only_begin_alike_do_not(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_the_shortest_word_stands_for_a_stem() -> None:
    assert by_stem(["thundering storm", "thunder"])[stem("thunders")] == "thunder"


def test_silence_is_meant_only_by_a_text_that_says_nothing_else() -> None:
    names = ("silence", "silent", "quiet")
    assert means_one_of("the sound of Silence", names)
    assert not means_one_of("quiet rain", names)
    assert not means_one_of("the sound", names)
