"""Other words come from the vocabulary and from UCS, both ways, and only where they say something."""

from __future__ import annotations

import pytest

from catalog.synonyms import UCS, VOCABULARY, expansions, is_term, of_groups


def found(query: str) -> dict[tuple[int, int, str], tuple[str, ...]]:
    return {(one.first, one.last, one.source): one.words for one in expansions(query.split())}


def test_a_label_of_several_words_is_taken_as_one() -> None:
    assert "woof" in found("Dog Bark")[0, 1, VOCABULARY]
    assert found("old dog bark")[1, 2, VOCABULARY] == found("dog bark")[0, 1, VOCABULARY]


def test_a_synonym_stands_for_its_label() -> None:
    assert found("downpour") == {(0, 0, VOCABULARY): ("heavy rain",)}


def test_ucs_knows_what_the_vocabulary_does_not_and_repeats_nothing() -> None:
    assert found("whirlybird") == {(0, 0, UCS): ("helicopter",)}
    words = found("helicopter")
    assert "chopper" in words[0, 0, VOCABULARY]
    assert "whirlybird" in words[0, 0, UCS]
    assert not set(words[0, 0, VOCABULARY]) & set(words[0, 0, UCS])


@pytest.mark.parametrize("query", ["", "hit", "misc", "wind", "roof", "qwertz", "!!! &|", "12"])
def test_what_stands_for_too_much_or_nothing_is_not_expanded(query: str) -> None:
    assert found(query) == {}


def test_nothing_repeats_a_word_of_its_term() -> None:
    for term, others in of_groups([("door slam", ("door", "slam", "bang")), ("bark", ("barking",))], most=2).items():
        assert all(not set(term.split()) & set(other.split()) for other in others)
    assert of_groups([("door slam", ("door", "bang"))], most=2) == {"door slam": ("bang",), "bang": ("door slam",)}


def test_words_of_vocabulary_and_ucs_are_terms_from_their_beginning() -> None:
    assert is_term("whirly")
    assert is_term("Dog")
    assert not is_term("whirlyx")
