"""Migrations go both ways and stand for the models as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection

from catalog.effective import EFFECTIVE_COLUMNS, refresh_sound
from catalog.models import Library, Sound
from tests.catalog.rows import add_heard, add_library, add_sound

pytestmark = pytest.mark.django_db(transaction=True)


def tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('public', 'dramatiq')"
        )
        return {name for (name,) in cursor.fetchall() if "catalog_" in name or "dramatiq." in name}


@pytest.fixture
def migrated_again() -> Iterator[None]:
    yield
    call_command("migrate", "catalog", verbosity=0)


@pytest.mark.usefixtures("migrated_again")
def test_everything_can_be_taken_back_and_made_again() -> None:
    before = tables()
    assert {"public.catalog_sound", "dramatiq.queue"} <= before

    call_command("migrate", "catalog", "zero", verbosity=0)
    assert tables() == set()

    call_command("migrate", "catalog", verbosity=0)
    assert tables() == before


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


LOOPS = ("Drum Loop.wav", "DrumLoop.wav", "LOOPS.wav", "Piano Loop 2.wav")
LOOP_NAMES = (*LOOPS, "loophole.wav", "no loop.wav", "xloop.wav")


def fill(library: Library) -> list[Sound]:
    """Sounds with every column that filters ask, written as the catalog writes them."""
    sounds = [add_sound(library, f"Kit/{name}") for name in LOOP_NAMES]
    sounds += [
        add_sound(library, "a.wav", embedded={"BWDescription": "A Loop"}),
        add_sound(library, "Rain/Heavy Rain.wav"),
    ]
    steady = {"tempo_bpm": 120.0, "rhythm_regularity": 0.9, "leading_silence_s": 0.0, "trailing_silence_s": 0.0}
    for number, facts in enumerate((steady, steady | {"trailing_silence_s": 1.0}, steady | {"tempo_bpm": 90.0}, {})):
        sound = add_heard(library, f"heard {number}.wav")
        assert sound.current_analysis is not None
        sound.current_analysis.record["acoustic_summary"] |= facts | {"loudness_lufs": -20.5, "key": "A minor"}
        sound.current_analysis.record["ucs"] = {"cat_id": "RAIN"}
        sound.current_analysis.save()
        sounds.append(sound)
    for sound in sounds:
        refresh_sound(sound)
    return sounds


@pytest.mark.usefixtures("migrated_again")
def test_columns_of_filters_and_words_are_filled_as_the_catalog_writes_them() -> None:
    sounds = fill(add_library())
    before = {sound.pk: [getattr(sound, name) for name in EFFECTIVE_COLUMNS] for sound in sounds}
    assert {sound.file_name for sound in sounds if sound.is_loop} == {*LOOPS, "a.wav", "heard 0.wav"}

    call_command("migrate", "catalog", "0006", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_sound SET search_name = 'rain heavy\n'")  # as it was written then
    call_command("migrate", "catalog", verbosity=0)

    after = {sound.pk: [getattr(sound, name) for name in EFFECTIVE_COLUMNS] for sound in Sound.objects.all()}
    assert after == before
