"""Ids that a filter let through are kept, and are always those that it lets through now."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from catalog import remembered
from catalog.models import Library, Sound
from catalog.remembered import forget_ids, remembered_ids
from tests.catalog.rows import add_heard, add_library, add_sound

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def everything_is_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(remembered, "WORTH_S", 0.0)
    forget_ids()
    yield
    forget_ids()
    connections.close_all()


@pytest.fixture
def shelf() -> Library:
    library = add_library()
    for number in range(6):
        add_sound(library, f"{number}.wav", duration_s=float(number), category="weather" if number % 2 else "")
    return library


def long() -> QuerySet[Sound]:
    return Sound.objects.filter(duration_s__gte=3)


def now(sounds: QuerySet[Sound]) -> list[int]:
    return sorted(sounds.values_list("id", flat=True))


def reads() -> int:
    """How often all ids are read for an answer."""
    with CaptureQueriesContext(connection) as asked:
        assert remembered_ids(long()).tolist() == now(long())
    return sum("string_agg" in one["sql"] for one in asked)


def test_what_did_not_change_is_not_read_again(shelf: Library) -> None:
    assert reads() == 1
    assert reads() == 0
    assert remembered_ids(Sound.objects.filter(duration_s__gte=4)).tolist() == now(long().filter(duration_s__gte=4))


def test_every_change_is_seen(shelf: Library) -> None:
    reads()
    add_sound(shelf, "new.wav", duration_s=9.0)
    assert remembered_ids(long()).tolist() == now(long())
    Sound.objects.filter(duration_s=5).update(duration_s=1.0)
    assert remembered_ids(long()).tolist() == now(long())
    Sound.objects.filter(duration_s=9).delete()
    assert remembered_ids(long()).tolist() == now(long())
    Sound.objects.filter(duration_s=0).update(duration_s=4.0)
    assert remembered_ids(long()).tolist() == now(long())
    heard = add_heard(shelf, "heard.wav", label="thunder")
    of_label = Sound.objects.filter(label="thunder", current_analysis__profile="balanced")
    assert remembered_ids(of_label).tolist() == [heard.pk]
    heard.delete()
    assert remembered_ids(of_label).tolist() == []


def test_what_is_taken_back_was_never_kept(shelf: Library) -> None:
    reads()
    with transaction.atomic():
        add_sound(shelf, "gone.wav", duration_s=9.0)
        assert remembered_ids(long()).tolist() == now(long())
        transaction.set_rollback(True)
    assert remembered_ids(long()).tolist() == now(long())


def test_very_many_changes_are_read_anew(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    reads()
    monkeypatch.setattr(remembered, "MOST_CHANGED", 2)
    Sound.objects.update(category="impact")
    assert reads() == 1
    assert reads() == 0


def test_changes_are_counted_by_sounds_and_not_by_their_number(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    reads()
    monkeypatch.setattr(remembered, "MOST_CHANGED", 3)
    for number in range(6):
        Sound.objects.filter(duration_s=3).update(category=f"{number}")
    Sound.objects.filter(duration_s=5).update(duration_s=1.0)
    assert reads() == 1  # of those that changed, which are few
    Sound.objects.update(category="impact")
    assert remembered_ids(long()).tolist() == now(long())


def test_after_a_checkpoint_they_are_read_anew(shelf: Library) -> None:
    reads()
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    assert reads() == 1


def test_no_more_is_kept_than_was_allowed(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_BYTES", 8)
    assert reads() == 1
    assert reads() == 1


def test_nothing_can_fit(shelf: Library) -> None:
    assert remembered_ids(Sound.objects.filter(pk__in=[])).tolist() == []


def test_a_change_that_commits_late_is_not_missed(shelf: Library) -> None:
    def read_elsewhere() -> list[int]:
        try:
            return list(remembered_ids(long()))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as elsewhere, transaction.atomic():
        sound = add_sound(shelf, "late.wav", duration_s=9.0)
        assert sound.pk not in elsewhere.submit(read_elsewhere).result()
    assert sound.pk in remembered_ids(long()).tolist()
