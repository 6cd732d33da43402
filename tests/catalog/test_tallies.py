"""The counts that triggers keep are those of the rows, whatever is done to them; long lists are told from a sample."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from catalog import counts, tallies
from catalog.browse import SoundFilters, page_of_sounds
from catalog.counts import category_counts, counts_of, in_two_digits
from catalog.models import Library, Sound, Tally
from catalog.tallies import category_tallies, fold_tallies, library_tallies, state_tallies, tag_tallies
from tests.catalog.rows import add_library, add_sound

pytestmark = pytest.mark.django_db

CATEGORIES, STATES, TAGS = ("", "weather", "impact"), ("new", "queued", "analyzed"), ("rain", "wet", "slam")


def assert_right() -> None:
    sounds = list(Sound.objects.all())
    assert category_tallies() == Counter(sound.category for sound in sounds)
    assert state_tallies() == Counter(sound.state for sound in sounds)
    assert tag_tallies(limit=99) == Counter(tag for sound in sounds for tag in sound.tags)
    by_library: dict[int, Counter[str]] = {}
    for sound in sounds:
        by_library.setdefault(sound.library_id, Counter())[sound.state] += 1
    assert library_tallies() == by_library
    for category in CATEGORIES[1:]:
        of_category = Counter(tag for sound in sounds if sound.category == category for tag in sound.tags)
        assert tag_tallies(category=category, limit=99) == of_category
    for library in Library.objects.all():
        mine = [sound for sound in sounds if sound.library_id == library.pk]
        assert category_tallies(library=library.pk) == Counter(sound.category for sound in mine)
        assert tag_tallies(library=library.pk, limit=99) == Counter(tag for sound in mine for tag in sound.tags)


def change_something(dice: random.Random, libraries: list[Library], number: int) -> None:
    tags = dice.sample(TAGS, dice.randint(0, 3))
    some = Sound.objects.filter(pk__in=dice.sample(list(Sound.objects.values_list("pk", flat=True)), 2))
    said: dict[str, Any] = {"category": dice.choice(CATEGORIES), "state": dice.choice(STATES), "tags": tags}
    match dice.randrange(7):
        case 0:
            add_sound(dice.choice(libraries), f"{number}.wav", **said)
        case 1:
            facts = {"library": libraries[0], "file_name": "x", "size_bytes": 1, "modified_ns": 1}
            Sound.objects.bulk_create(Sound(path=f"{number}-{at}.wav", **facts, **said) for at in range(3))
        case 2:
            some.update(**said)
        case 3:
            Sound.objects.update(state=dice.choice(STATES))
        case 4:
            some.update(library=dice.choice(libraries), size_bytes=F("size_bytes") + 1)
        case 5:
            some[0].delete()
        case _:
            with transaction.atomic():
                Sound.objects.all().delete()
                transaction.set_rollback(True)


def test_tallies_follow_every_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "FOLD_FROM", 10)
    dice, libraries = random.Random(4), [add_library("One"), add_library("Two")]
    for number in range(4):
        add_sound(libraries[0], f"first {number}.wav", tags=["rain"], category="weather")
    for number in range(60):
        change_something(dice, libraries, number)
        assert_right()
        if not number % 7:
            fold_tallies()
            assert_right()
    assert Tally.objects.filter(is_folded=True).exists()


def test_folding_leaves_one_row_of_each_place_and_none_of_empty_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not fold_tallies()
    monkeypatch.setattr(tallies, "FOLD_FROM", 2)
    shelf = add_library()
    sounds = [add_sound(shelf, f"{number}.wav", category="weather", state="new") for number in range(3)]
    sounds[0].delete()
    Sound.objects.update(category="impact")
    assert Tally.objects.count() > 2
    assert fold_tallies()
    [only] = Tally.objects.all()
    assert (only.category, only.state, only.tag, only.sounds) == ("impact", "new", "", 2)
    assert not fold_tallies()


def test_the_rows_are_emptied_with_the_sounds() -> None:
    add_sound(add_library(), tags=["rain"])
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else they wait for the end of the test
        cursor.execute("TRUNCATE catalog_sound CASCADE")
    assert not Tally.objects.exists()
    assert category_tallies() == {}


def test_counts_of_a_list_follow_its_filters() -> None:
    shelf = add_library()
    add_sound(shelf, "a", category="weather", tags=["rain", "wet"])
    add_sound(shelf, "b", category="weather", duration_s=9.0)
    add_sound(shelf, "c", category="impact", tags=["rain"])
    add_sound(shelf, "d", state="new")

    assert category_counts(SoundFilters(category="weather")) == {"impact": 1, "weather": 2, "": 1}
    assert list(category_counts(SoundFilters())) == ["impact", "weather", ""]  # as the vocabulary has them
    assert category_counts(SoundFilters(tags=("rain",))) == {"impact": 1, "weather": 1}
    assert counts_of(SoundFilters(), tags=9).tags == {"rain": 2, "wet": 1}
    assert counts_of(SoundFilters(category="weather"), tags=1).tags == {"rain": 1}
    assert counts_of(SoundFilters(library=shelf.pk, category="impact"), tags=9).tags == {"rain": 1}
    long = counts_of(SoundFilters(min_duration=5), tags=9)
    assert (long.categories, long.tags, long.is_exact) == ({"weather": 1}, {}, True)


def test_counts_of_a_long_list_are_told_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = add_library()
    for number in range(120):
        add_sound(shelf, f"{number}.wav", category="weather" if number % 3 else "impact", tags=["rain"])
    monkeypatch.setattr(counts, "COUNTED", -1)

    told = counts_of(SoundFilters(min_duration=1), tags=9)

    assert not told.is_exact
    assert told.categories == {"impact": 40, "weather": 80}  # so few are all in the sample
    assert told.tags == {"rain": 120}
    assert counts_of(SoundFilters(), tags=9).is_exact


def test_a_sample_is_a_part_of_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = add_library()
    facts = {"library": shelf, "size_bytes": 1, "modified_ns": 1, "duration_s": 4.0, "category": "weather"}
    Sound.objects.bulk_create(Sound(path=f"{at}", file_name=f"{at} " + "x" * 500, **facts) for at in range(3_000))
    monkeypatch.setattr(counts, "COUNTED", -1)
    monkeypatch.setattr(counts, "SAMPLED", 1_000)

    told = counts_of(SoundFilters(min_duration=1), tags=9)

    assert (told.total, told.of_all_categories, told.is_exact) == (3_000, 3_000, False)
    [count] = told.categories.values()
    assert count % 100 == 0
    assert 2_000 < count < 4_000


@pytest.mark.parametrize(
    ("count", "told"), [(0.4, 0), (7, 7), (99, 99), (104, 100), (12_345, 12_000), (995_000, 1_000_000)]
)
def test_two_digits(count: float, told: int) -> None:
    assert in_two_digits(count) == told


def test_the_page_says_which_counts_are_told_from_a_sample(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sound(add_library(), category="weather")
    assert "from a sample" not in client.get("/?min_duration=1").content.decode()
    monkeypatch.setattr(counts, "COUNTED", -1)
    page = client.get("/?min_duration=1").content.decode()
    assert "from a sample" in page
    assert "1 sound" in page


def test_sounds_with_a_rare_tag_are_not_looked_for_in_all_sounds() -> None:
    shelf = add_library()
    rare = [add_sound(shelf, f"{at}.wav", tags=["rare"], confidence=at / 10) for at in range(3)]
    page = page_of_sounds(SoundFilters(tags=("rare",)), size=2)
    assert page.sounds == [rare[2], rare[1]]
    assert page_of_sounds(SoundFilters(tags=("rare",)), page.next_cursor, 2).sounds == [rare[0]]


def test_an_empty_tag_is_none() -> None:
    add_sound(add_library(), tags=["", "rain"], category="weather")
    assert category_tallies() == {"weather": 1}
    assert state_tallies() == {"new": 1}
    assert tag_tallies(limit=9) == {"rain": 1}


def test_counts_that_were_passed_by_are_told_and_mended() -> None:
    add_sound(add_library(), tags=["rain"], category="weather")
    assert tallies.are_right()
    Tally.objects.all().delete()
    assert not tallies.are_right()
    tallies.recount()
    assert tallies.are_right()
    assert_right()
