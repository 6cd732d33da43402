"""Misspelled words are corrected by the words that sounds have; words that find something are left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from catalog import dictionary
from catalog.dictionary import corrections, refresh_dictionary, refresh_due, slips_between
from catalog.models import DictionaryRefresh, FieldValue, Library, Sound, Word
from tests.catalog.rows import add_heard, add_library

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(db: None) -> Library:
    library = add_library("Shelf")
    add_heard(library, "Footsteps gravel.wav", label="footsteps on gravel", category="foley", tags=["gravel"])
    add_heard(library, "Footsteps snow.wav", label="footsteps on snow", category="foley", tags=["Snow"])
    add_heard(library, "Thunderclap 07.wav", label="thunder", tags=["thunder"])
    refresh_dictionary()
    return library


def test_words_are_counted_by_sounds_and_numbers_are_none(shelf: Library) -> None:
    counts = dict(Word.objects.values_list("word", "sounds"))
    assert counts["footsteps"] == 2
    assert counts["gravel"] == 1
    assert not any(word.isdigit() for word in counts)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("footstps", "footsteps"), ("fotsteps", "footsteps"), ("gravle", "gravel"), ("Thnuderclap", "thunderclap")],
)
def test_a_misspelled_word_is_corrected(shelf: Library, typed: str, meant: str) -> None:
    found = corrections([typed])
    assert found[typed][0].word == meant
    assert 0.6 < found[typed][0].similarity < 1


@pytest.mark.parametrize(
    "typed", ["footsteps", "foot", "footstep", "gravel", "whirlybird", "bel", "mp3x", "zzzzqqqq", ""]
)
def test_what_finds_something_or_is_like_nothing_is_left_alone(shelf: Library, typed: str) -> None:
    assert corrections([typed]) == {}


def test_a_word_that_came_after_the_count_is_not_corrected(shelf: Library) -> None:
    add_heard(shelf, "Footstopx.wav")
    assert corrections(["footstopx"]) == {}


def test_counting_again_forgets_what_is_gone(shelf: Library) -> None:
    Sound.objects.filter(path__startswith="Foot").delete()
    assert refresh_dictionary()
    assert not Word.objects.filter(word="footsteps").exists()
    assert FieldValue.objects.get(field="label").value == "thunder"


def test_values_are_counted_for_completion(shelf: Library) -> None:
    counts = {(one.field, one.value): one.sounds for one in FieldValue.objects.all()}
    assert counts["cat", "foley"] == 2
    assert counts["tag", "Snow"] == 1
    assert counts["lib", "Shelf"] == 3
    assert counts["ch", "2"] == 3
    assert counts["loop", "no"] == 3


def test_it_is_due_when_rows_changed_and_not_right_away(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not refresh_due()
    DictionaryRefresh.objects.update(finished_at=timezone.now() - timedelta(hours=1))
    assert not refresh_due()
    DictionaryRefresh.objects.update(changes=-1)
    assert refresh_due()
    DictionaryRefresh.objects.update(took_s=600.0)
    assert not refresh_due()


@pytest.mark.django_db(transaction=True)
def test_postgres_counts_the_changes() -> None:
    before = dictionary.counted_changes()
    add_library().sounds.create(path="a.wav", file_name="a.wav", size_bytes=1, modified_ns=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    assert dictionary.counted_changes() > before


@pytest.mark.django_db(transaction=True)
def test_of_two_processes_one_counts() -> None:
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [dictionary.LOCK])
            assert not refresh_dictionary()
            cursor.execute("SELECT pg_advisory_unlock(%s)", [dictionary.LOCK])
        assert refresh_dictionary()
    finally:
        other.close()


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("", "", 0),
        ("door", "door", 0),
        ("door", "odor", 1),
        ("door", "dor", 1),
        ("kitten", "sitting", 3),
        ("", "abc", 3),
    ],
)
def test_slips_are_counted(one: str, other: str, slips: int) -> None:
    assert slips_between(one, other) == slips_between(other, one) == slips
