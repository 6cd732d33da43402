"""Sounds are found by every word that is written of them, and the place of each word is told."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.browse import SoundFilters
from catalog.effective import refresh_sound
from catalog.lexical import LexicalMatch, lexical_matches
from catalog.models import Edit, Library, Sound

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


def found(text: str, filters: SoundFilters | None = None) -> dict[int, tuple[tuple[str, str], ...]]:
    return {match.sound_id: match.found for match in lexical_matches(text, filters)}


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
    assert [match.sound_id for match in lexical_matches("rain")] == [named.pk, described.pk]


def test_filters_and_limit_hold(make: Any) -> None:
    sounds = [make(f"rain {number}.wav", {"category": "weather"} if number else None) for number in range(3)]
    assert len(lexical_matches("rain", limit=2)) == 2
    assert sorted(found("rain", SoundFilters(category="weather"))) == [sound.pk for sound in sounds[1:]]


@pytest.mark.parametrize("text", ["", "   ", "!&|()<->:*'\\", "\0", "the", "' OR 1=1 --", "a" * 5000, "x " * 5000])
def test_no_query_breaks_it(make: Any, text: str) -> None:
    make("rain.wav")
    assert all(isinstance(match, LexicalMatch) for match in lexical_matches(text))
