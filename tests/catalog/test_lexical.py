"""Sounds are found by every word that is written of them, and the place of each word is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q

from catalog.browse import SoundFilters
from catalog.effective import refresh_sound
from catalog.lexical import NamedWord, Place, places_of_words, text_condition, text_ranks
from catalog.models import Edit, Library, Sound
from catalog.words import TextQuery, query_words

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(db: None) -> Any:
    shelf = Library.objects.create(name="Shelf", root="/shelf")

    def make_sound(path: str, said: dict[str, Any] | None = None, **columns: Any) -> Sound:
        sound = Sound.objects.create(
            library=shelf, path=path, file_name=path.rpartition("/")[2], size_bytes=1, modified_ns=1, **columns
        )
        Edit.objects.bulk_create(Edit(sound=sound, field=field, value=value) for field, value in (said or {}).items())
        refresh_sound(sound)
        return sound

    return make_sound


def found(text: str, filters: SoundFilters | None = None) -> dict[int, tuple[Place, ...]]:
    """What all words of a text find, the best first, and where each word stands."""
    sounds = (filters or SoundFilters()).apply(Sound.objects.order_by())
    best = list(text_ranks(TextQuery.word(text), sounds))
    places = places_of_words(best, [NamedWord(word, TextQuery.word(word)) for word in query_words(text)])
    return {sound_id: tuple(places.get(sound_id, ())) for sound_id in best}


def test_words_of_the_path_are_found_in_any_form(make: Any) -> None:
    sound = make("Türen/MetalDoor_Slams02.wav")
    for text in ("door", "metal door", "MetalDoor", "metaldoor", "slam", "slamming", "turen", "TÜREN", "doo", "02"):
        assert list(found(text)) == [sound.pk], text
    assert found("window") == {}


def test_each_word_is_told_with_its_place(make: Any) -> None:
    said = {"description": "A storm with heavy rain.", "tags": ["heavy rain", "thunder"], "category": "weather"}
    sound = make("rain.wav", said, embedded={"BWDescription": "Recorded in Oslo"})

    assert found("rain") == {sound.pk: (("file name", "rain"), ("tag", "rain"))}
    assert found("thunder storm") == {sound.pk: (("tag", "thunder"), ("description", "storm"))}
    assert found("oslo") == {sound.pk: (("written in the file", "oslo"),)}
    assert found("weather") == {sound.pk: (("label", "weather"),)}
    assert found("downpour") == {sound.pk: (("synonym", "downpour"),)}


def test_all_words_have_to_be_there(make: Any) -> None:
    make("rain.wav")
    both = make("rain door.wav")
    assert list(found("door rain")) == [both.pk]


def test_the_name_counts_more_than_the_description(make: Any) -> None:
    described = make("Track 18.wav", {"description": "Rain."})
    named = make("rain.wav")
    assert list(found("rain")) == [named.pk, described.pk]


def test_filters_and_limit_hold(make: Any) -> None:
    sounds = [make(f"rain {number}.wav", {"category": "weather"} if number else None) for number in range(3)]
    assert len(text_ranks(TextQuery.word("rain"), limit=2)) == 2
    assert sorted(found("rain", SoundFilters(category="weather"))) == [sound.pk for sound in sounds[1:]]


@pytest.mark.parametrize("text", ["", "   ", "!&|()<->:*'\\", "\0", "the", "' OR 1=1 --", "a" * 5000, "x " * 5000])
def test_no_query_breaks_it(make: Any, text: str) -> None:
    make("rain.wav")
    assert isinstance(found(text), dict)


def ids(query: TextQuery, condition: Q | None = None) -> list[int]:
    sounds = Sound.objects.order_by()
    return sorted(text_ranks(query, sounds if condition is None else sounds.filter(condition)))


def test_phrases_are_found_in_names_in_their_order(make: Any) -> None:
    sound = make("Rain/Heavy Rain.wav", embedded={"BWDescription": "Door, door slam outside"})
    for text in ("heavy rain", "HeavyRain", "door slam outside"):
        assert ids(TextQuery.phrase(text)) == [sound.pk], text
    for text in ("rain heavy slam", "slam door"):
        assert ids(TextQuery.phrase(text)) == [], text


def test_operators_and_conditions_go_together(make: Any) -> None:
    rain, both, door = make("rain.wav"), make("rain door.wav"), make("doors.wav", state="failed")
    word = TextQuery.word
    assert ids(word("rain") & ~word("door")) == [rain.pk]
    assert ids(word("rain") | word("door")) == [rain.pk, both.pk, door.pk]
    assert ids(word("door"), Q(state="failed")) == [door.pk]
    assert ids(word("doo")) == [both.pk, door.pk]
    assert ids(TextQuery.exact_word("doo")) == []
    assert ids(TextQuery.exact_word("door")) == [both.pk, door.pk]
    assert ids(TextQuery()) == []
    assert sorted(Sound.objects.filter(~text_condition(word("door"))).values_list("id", flat=True)) == [rain.pk]


def test_the_folder_is_a_place_of_its_own_and_named_words_alone_are_told(make: Any) -> None:
    sound = make("Ambience/rain.wav")
    named = [NamedWord("ambience", TextQuery.word("ambience"))]
    assert places_of_words([sound.pk], named) == {sound.pk: [("folder", "ambience")]}
    assert places_of_words([sound.pk], []) == {}


@pytest.mark.parametrize("text", ["", "&", "the", "a b", "\0", "\ud800", "x:*A", "'; --", "\\", "word" * 900])
def test_no_text_breaks_a_query(make: Any, text: str) -> None:
    make("rain.wav")
    for query in (TextQuery.word(text), TextQuery.exact_word(text), TextQuery.phrase(text), ~TextQuery.word(text)):
        best = list(text_ranks(query | TextQuery.word("rain")))
        assert isinstance(places_of_words(best, [NamedWord("x", query)] if query else []), dict)
