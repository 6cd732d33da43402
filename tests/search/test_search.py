"""Words and ears together, on sounds whose places were chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from numpy.typing import NDArray

from analysis.clap import ModelKey
from analysis.errors import ModelUnavailable
from catalog import engine
from catalog.browse import SoundFilters
from catalog.lexical import PARTS
from catalog.models import Embedding, Library, Sound
from search import text
from search.errors import UnknownWords
from search.results import How
from search.search import PLACES, search_sounds, strong_ids
from search.similar import similar_sounds, similar_to_audio
from tests.search.vectors import axis, unit_rows

pytestmark = pytest.mark.django_db

DIM = 16
RAIN, DOG = 0, 1
MakeSound = Callable[..., Sound]
Embed = Callable[..., Embedding]
Ears = dict[str, NDArray[np.float32]]


def between(first: int, second: int, cosine: float) -> NDArray[np.float32]:
    """A unit vector at a cosine to one axis, the rest of it along another."""
    return cosine * axis(first, DIM) + np.float32(np.sqrt(1 - cosine**2)) * axis(second, DIM)


@pytest.fixture
def rain(make_sound: MakeSound, embed: Embed, ears: Ears) -> Sound:
    ears["rain"] = axis(RAIN, DIM)
    sound = make_sound(
        "Track 18.wav", description="Heavy rain.", tags=["heavy rain"], category="weather", confidence=0.8
    )
    embed(sound, between(RAIN, 5, 0.61))
    return sound


@pytest.fixture
def dog(make_sound: MakeSound, embed: Embed) -> Sound:
    sound = make_sound("Audio 03.wav", category="animals", search_words="A dog barks.\ndog bark animals\ndog bark\n")
    embed(sound, between(DOG, RAIN, 0.95))
    return sound


def test_a_sound_is_found_by_ear_alone(rain: Sound, dog: Sound) -> None:
    found = search_sounds("  rain ", lexical=False)

    assert found.query == "rain"
    assert [hit.sound for hit in found.hits] == [rain, dog]
    assert found.hits[0].similarity == pytest.approx(0.61, abs=1e-4)
    assert found.hits[0].why == ['sounds like "rain" (match 100 %)']
    assert found.strong_ids == (rain.pk,)
    assert found.notice == ""


def test_what_another_label_explains_better_is_called_faint(rain: Sound, dog: Sound) -> None:
    assert search_sounds("rain", lexical=False).hits[1].why == ['faintly like "rain"']


def test_a_hub_near_every_label_does_not_come_first(rain: Sound, make_sound: MakeSound, embed: Embed) -> None:
    hub = make_sound("click.wav")
    embed(hub, (axis(0, DIM) + axis(1, DIM) + axis(2, DIM)) / np.float32(np.sqrt(3)) * np.float32(0.999))
    embed(rain, between(RAIN, 5, 0.5))

    found = search_sounds("rain", lexical=False)

    assert found.hits[1].similarity == pytest.approx(0.577, abs=1e-3)  # nearer than the rain, by bare cosine
    assert [hit.sound for hit in found.hits] == [rain, hub]


def test_a_sound_is_found_by_words_alone(rain: Sound, make_sound: MakeSound) -> None:
    named = make_sound("Rain on tent.wav", search_name="rain on tent\n")
    tagged = make_sound("x.wav", search_name="x\n", search_words="\n\nlight rain , wet\n")

    found = search_sounds("rain", semantic=False)

    assert [(hit.sound, hit.similarity, hit.why) for hit in found.hits] == [
        (named, None, ['name has "rain"']),
        (tagged, None, ['tags have "rain"']),
    ]


def test_what_is_written_and_heard_comes_first_with_both_reasons(
    rain: Sound, dog: Sound, make_sound: MakeSound, embed: Embed
) -> None:
    both = make_sound("rain_02.wav", search_name="rain 02\n")
    embed(both, between(RAIN, 6, 0.6))

    hits = search_sounds("rain").hits

    assert [hit.sound for hit in hits] == [both, rain, dog]
    assert hits[0].why == ['sounds like "rain" (match 100 %)', 'name has "rain"']
    assert hits[0].score == pytest.approx(1 / 62 + 1 / 61)


def test_every_place_of_a_word_can_be_told() -> None:
    assert {name for name, _, _ in PARTS} == set(PLACES)


@pytest.mark.parametrize("query", ["", "   "])
def test_an_empty_query_finds_nothing(rain: Sound, query: str) -> None:
    assert search_sounds(query).hits == []


def test_filters_hold_for_words_and_ears(rain: Sound, dog: Sound) -> None:
    assert [hit.sound for hit in search_sounds("rain", SoundFilters(category="animals")).hits] == [dog]
    assert [hit.sound for hit in search_sounds("rain", SoundFilters(tags=("heavy rain",))).hits] == [rain]
    assert search_sounds("rain", SoundFilters(category="nowhere")).hits == []


def test_the_words_of_a_filter_do_not_narrow_a_search(rain: Sound, dog: Sound) -> None:
    assert len(search_sounds("rain", SoundFilters(q="rain")).hits) == 2


def test_the_limit_holds_and_does_not_change_the_order(rain: Sound, make_sound: MakeSound, embed: Embed) -> None:
    for number, vector in enumerate(unit_rows(20, DIM)):
        embed(make_sound(f"rain {number}.wav" if number % 3 == 0 else f"{number}.wav"), vector)

    whole = [hit.sound.pk for hit in search_sounds("rain").hits]

    assert len(whole) == 21
    assert [hit.sound.pk for hit in search_sounds("rain", limit=7).hits] == whole[:7]


def test_the_number_of_queries_does_not_grow(rain: Sound, make_sound: MakeSound, embed: Embed) -> None:
    filters = SoundFilters(min_duration=0.0)
    Sound.objects.update(duration_s=1.0)
    embed(make_sound("rain.wav", duration_s=1.0), axis(DOG, DIM))
    search_sounds("rain", filters)
    with CaptureQueriesContext(connection) as few:
        hits = search_sounds("rain", filters).hits
        [hit.sound.library.name for hit in hits]
    for number, vector in enumerate(unit_rows(30, DIM)):
        embed(make_sound(f"rain {number}.wav", duration_s=1.0), vector)
    search_sounds("rain", filters)

    with CaptureQueriesContext(connection) as many:
        hits = search_sounds("rain", filters).hits
        [(hit.sound.library.name, hit.sound.current_analysis) for hit in hits]

    assert len(hits) == 32
    assert len(many) == len(few)


def test_without_a_model_words_are_searched_and_a_notice_says_so(
    rain: Sound, make_sound: MakeSound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(query: str) -> text.Meaning:
        raise ModelUnavailable("model x/y is not on this machine; run `timbre model install x/y`")

    monkeypatch.setattr(text, "meaning_of", missing)
    named = make_sound("rain.wav")

    found = search_sounds("rain")

    assert [hit.sound for hit in found.hits] == [named]
    assert found.notice == (
        "Searched in words only, not by ear: model x/y is not on this machine; run `timbre model install x/y`"
    )


def test_before_the_first_analysis_a_notice_says_that_nothing_was_heard(ears: Ears, make_sound: MakeSound) -> None:
    make_sound("rain.wav")

    found = search_sounds("rain")

    assert len(found.hits) == 1
    assert found.notice == "Searched in words only. No sound has been analyzed with tests/small yet."


def test_similar_sounds_stand_by_bare_cosine_without_the_sound_itself(rain: Sound, dog: Sound) -> None:
    found = similar_sounds(rain)

    assert [hit.sound for hit in found.hits] == [dog]
    assert found.hits[0].similarity == pytest.approx(0.61 * np.sqrt(1 - 0.95**2), abs=1e-4)
    assert found.hits[0].why == ['sounds like "Track 18.wav" (similarity 0.19)']


def test_the_same_audio_is_named(rain: Sound, make_sound: MakeSound, embed: Embed) -> None:
    rain.content_hash = "ab" * 32
    embed(copy := make_sound("copy.wav", content_hash=rain.content_hash), between(RAIN, 5, 0.61))

    assert similar_sounds(rain).hits[0].sound == copy
    assert similar_sounds(rain).hits[0].why[0] == "the same audio"


def test_a_sound_without_a_place_has_no_similar_ones(rain: Sound, make_sound: MakeSound) -> None:
    found = similar_sounds(make_sound("new.wav"))

    assert found.hits == []
    assert found.notice == "This sound is silent or has not been analyzed with tests/small yet."


def test_a_sound_removed_meanwhile_is_not_among_the_hits(rain: Sound, dog: Sound) -> None:
    dog.delete()

    assert [hit.sound for hit in search_sounds("rain").hits] == [rain]
    assert similar_sounds(rain).hits == []


class FixedAnalyzer:
    """Hears the same in every file, as the analyzer would tell it."""

    def __init__(self, model: ModelKey, clip: NDArray[np.float32]) -> None:
        self.model_id, self.model_revision = model.model_id, model.revision
        self.clip = clip
        self.content_hash = "cd" * 32

    def analyze(self, path: Path, profile: str) -> FixedAnalyzer:
        assert profile == "clip_only"
        return self

    @property
    def embeddings(self) -> FixedAnalyzer:
        return self


def test_what_is_faint_comes_after_what_only_words_found(
    dog: Sound, rain: Sound, make_sound: MakeSound, embed: Embed
) -> None:
    embed(cat := make_sound("cat.wav"), axis(2, DIM))
    written = [make_sound(f"rain {number}.wav") for number in range(3)]

    hits = search_sounds("rain").hits

    assert [hit.is_faint for hit in hits] == [False] * 4 + [True] * 2
    assert {hit.sound for hit in hits[:4]} == {rain, *written}
    assert {hit.sound for hit in hits[4:]} == {dog, cat}


def test_a_negative_likeness_is_no_number_to_show(rain: Sound, make_sound: MakeSound, embed: Embed) -> None:
    embed(make_sound("x.wav"), -between(RAIN, 5, 0.61))

    assert search_sounds("rain", lexical=False).hits[1].why == ['faintly like "rain"']
    assert similar_sounds(rain).hits[0].why == ['faintly like "Track 18.wav"']


def test_the_number_shown_falls_with_the_place(rain: Sound, make_sound: MakeSound, embed: Embed) -> None:
    for number, vector in enumerate(unit_rows(40, DIM)):
        embed(make_sound(f"{number}.wav"), vector)

    shown = [int(hit.why[0].split("match ")[1].split()[0]) for hit in search_sounds("rain").hits if not hit.is_faint]

    assert len(shown) > 3
    assert shown == sorted(shown, reverse=True)


def test_a_silent_sound_is_heard_only_by_who_asks_for_silence(
    rain: Sound, make_sound: MakeSound, embed: Embed, ears: Ears
) -> None:
    embed(silent := make_sound("x.wav", label="silence"), axis(RAIN, DIM))
    ears["silence"] = axis(RAIN, DIM)

    assert [hit.sound for hit in search_sounds("rain", lexical=False).hits] == [rain]
    assert silent in [hit.sound for hit in search_sounds("silence", lexical=False).hits]


@pytest.mark.parametrize(("lexical", "said"), [(True, "Searched in words only"), (False, "Nothing to listen for")])
def test_words_that_the_model_does_not_know_are_not_heard(
    rain: Sound, make_sound: MakeSound, monkeypatch: pytest.MonkeyPatch, *, lexical: bool, said: str
) -> None:
    def nothing_known(query: str) -> text.Meaning:
        raise UnknownWords("the model knows none of these words")

    monkeypatch.setattr(text, "meaning_of", nothing_known)
    named = make_sound("zorp.wav")

    found = search_sounds("zorp", lexical=lexical)

    assert [hit.sound for hit in found.hits] == [named] * lexical
    assert found.notice == f"{said}: the model knows none of these words."


def test_the_ids_of_what_is_counted_are_those_of_the_first_hits(rain: Sound, dog: Sound, make_sound: MakeSound) -> None:
    make_sound("rain.wav")

    ids = strong_ids("rain", how=How(True, True))

    assert len(ids) == 2
    assert search_sounds("rain", limit=1).strong_ids == ids
    assert [hit.sound.pk for hit in search_sounds("rain").hits[:2]] == list(ids)
    assert strong_ids("  ", how=How(True, True)) == ()


def test_sounds_are_found_for_a_file(rain: Sound, dog: Sound, model: ModelKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "analyzer", lambda: FixedAnalyzer(model, axis(DOG, DIM)))

    found = similar_to_audio(Path("/tmp/upload.wav"), name="bark.wav")

    assert [hit.sound for hit in found.hits] == [dog, rain]
    assert found.hits[0].why == ['sounds like "bark.wav" (similarity 0.95)']


def test_a_silent_file_sounds_like_nothing(rain: Sound, model: ModelKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "analyzer", lambda: FixedAnalyzer(model, np.zeros(DIM, np.float32)))

    found = similar_to_audio(Path("silence.wav"))

    assert found.hits == []
    assert found.notice == "This file is silent: nothing sounds like it."


def test_the_library_comes_with_each_hit(rain: Sound, library: Library) -> None:
    hit = search_sounds("rain").hits[0]

    with CaptureQueriesContext(connection) as queries:
        assert hit.sound.library == library
    assert len(queries) == 0


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"model_id": "tests/other"}, "were analyzed with tests/other, not with tests/small: analyze them again"),
        ({"model_revision": "r0"}, "were analyzed with revision r0 of tests/small, not with r1: analyze them again"),
    ],
)
def test_it_says_that_the_sounds_were_analyzed_with_another_model(
    make_sound: MakeSound, embed: Embed, ears: Ears, other: dict[str, str], words: str
) -> None:
    embed(sound := make_sound("rain.wav"), axis(RAIN, DIM), **other)

    assert words in search_sounds("rain").notice
    assert words in similar_sounds(sound).notice


def test_only_what_nothing_else_speaks_for_is_faint(
    rain: Sound, dog: Sound, make_sound: MakeSound, embed: Embed
) -> None:
    embed(named := make_sound("rain check.wav", search_name="rain check"), axis(DOG, DIM))
    faint = {hit.sound: hit.is_faint for hit in search_sounds("rain").hits}
    assert faint == {rain: False, dog: True, named: False}


def test_what_is_not_wanted_is_set_back_where_only_words_led(
    rain: Sound, ears: Ears, make_sound: MakeSound, embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.hearing.CANDIDATES", 1)  # the dog is out of the ear's sight
    ears["dog"] = axis(DOG, DIM)
    named = make_sound("rain dog.wav", search_name="rain dog\n\n")
    embed(named, axis(DOG, DIM))

    found = search_sounds("rain -~dog")

    assert [hit.sound for hit in found.hits] == [rain, named]
    assert [hit.is_faint for hit in found.hits] == [False, True]
    assert found.strong_ids == (rain.pk,)


def test_what_is_not_wanted_is_the_same_in_any_order(
    rain: Sound, dog: Sound, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.search.DEPTH", 1)
    monkeypatch.setattr("search.ears.DEPTH", 1)
    ears["dog"] = axis(DOG, DIM)

    assert search_sounds("-~dog", how=How(sort="newest")).strong_ids == ()


def test_words_or_a_sound_are_weighed_against_each_other(rain: Sound, dog: Sound, make_sound: MakeSound) -> None:
    found = search_sounds(f"~rain, like:{dog.pk}")

    assert {hit.sound for hit in found.hits if not hit.is_faint} == {rain, dog}


def test_a_line_of_which_nothing_is_understood_finds_nothing(rain: Sound) -> None:
    found = search_sounds("-")

    assert found.hits == []
    assert found.notice


@pytest.mark.parametrize("condition", ["tag:_", '"\uff9e"'])
def test_a_condition_that_nothing_can_meet_finds_nothing(rain: Sound, condition: str) -> None:
    assert search_sounds(f"rain {condition}").hits == []


def test_the_same_part_twice_counts_twice_and_is_told_once(rain: Sound) -> None:
    [hit] = search_sounds("~rain ~rain").hits

    assert [part.part for part in hit.parts] == ["~rain"]
    assert hit.score == pytest.approx(2 / 61)


def test_words_alone_say_what_they_did_not_listen_for(rain: Sound) -> None:
    assert "~dog" in search_sounds("rain -~dog", semantic=False).notice
