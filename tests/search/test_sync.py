"""The index follows the rows of the real database, whatever order transactions commit in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from analysis.clap import ModelKey
from catalog.actions import remove_library
from catalog.models import Embedding, EmbeddingRemoval, Sound
from catalog.store import REMOVALS_KEPT, forget_old_removals
from search import trust
from search.index import SoundIndex
from search.rows import SOUNDS
from search.sync import Follower, current_index, forget_indexes
from search.trust import Database
from tests.search.vectors import axis, unit_rows

pytestmark = pytest.mark.django_db

DIM = 16
MakeSound = Callable[..., Sound]
Embed = Callable[..., Embedding]


def held(index: SoundIndex | None) -> dict[int, list[float]]:
    ids = sorted(Sound.objects.values_list("id", flat=True))
    there = [sound_id for sound_id in ids if index is not None and sound_id in index]
    return dict(zip(there, index.vectors(there).tolist(), strict=True)) if index is not None else {}


@pytest.fixture
def second_connection(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    second = connection.copy("second")
    connections["second"] = second
    yield second
    second.close()
    del connections["second"]


def test_there_is_no_index_before_the_first_embedding(model: ModelKey) -> None:
    assert current_index(model) is None


def test_all_embeddings_are_loaded_in_chunks(
    model: ModelKey, make_sound: MakeSound, embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SOUNDS, "chunk", 3)
    vectors = unit_rows(8, DIM)
    sounds = [make_sound(f"{number}.wav") for number in range(8)]
    for sound, vector in zip(sounds, vectors, strict=True):
        embed(sound, vector)

    assert held(current_index(model)) == {sound.id: vectors[at].tolist() for at, sound in enumerate(sounds)}


def test_the_sounds_of_a_removed_library_are_forgotten(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    sound = make_sound("a.wav")
    embed(sound, axis(0, DIM))
    index = current_index(model)
    assert index is not None
    assert sound.id in index

    remove_library(sound.library)
    index = current_index(model)
    assert index is None or sound.id not in index


def test_a_new_a_changed_and_a_removed_row_are_followed(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    kept, changed, removed = (make_sound(name) for name in ("kept.wav", "changed.wav", "removed.wav"))
    for sound in (kept, changed, removed):
        embed(sound, axis(0, DIM))
    current_index(model)

    embed(new := make_sound("new.wav"), axis(1, DIM))
    embed(changed, axis(2, DIM))
    removed_id = removed.id
    removed.delete()

    index = current_index(model)
    assert index is not None
    assert removed_id not in index
    assert held(index) == {
        kept.id: axis(0, DIM).tolist(),
        changed.id: axis(2, DIM).tolist(),
        new.id: axis(1, DIM).tolist(),
    }


def test_a_row_removed_and_written_again_is_found(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    sound = make_sound("again.wav")
    embed(sound, axis(0, DIM))
    current_index(model)

    Embedding.objects.all().delete()
    embed(sound, axis(3, DIM))

    assert held(current_index(model)) == {sound.id: axis(3, DIM).tolist()}


def test_other_models_and_revisions_stay_out(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    sound = make_sound("a.wav")
    embed(sound, axis(0, DIM), model_id="tests/other")
    embed(sound, axis(1, DIM), model_revision="r2")

    assert current_index(model) is None
    assert held(current_index(ModelKey(model.model_id, "r2"))) == {sound.id: axis(1, DIM).tolist()}


@pytest.mark.django_db(transaction=True)
def test_of_several_windowings_the_one_written_last_holds(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    sound = make_sound("a.wav")
    embed(sound, axis(0, DIM))
    embed(sound, axis(1, DIM), window_s=1.0, hop_s=0.2)
    assert held(current_index(model)) == {sound.id: axis(1, DIM).tolist()}

    embed(sound, axis(2, DIM))
    assert held(current_index(model)) == {sound.id: axis(2, DIM).tolist()}

    Embedding.objects.get(window_s=2.0).delete()
    assert held(current_index(model)) == {sound.id: axis(1, DIM).tolist()}


def test_a_row_that_commits_late_is_not_missed(
    second_connection: BaseDatabaseWrapper, model: ModelKey, make_sound: MakeSound, embed: Embed
) -> None:
    early, late = make_sound("early.wav"), make_sound("late.wav")
    embed(early, axis(0, DIM))
    follower = Follower(model)
    follower.follow()

    with transaction.atomic("second"):
        number = _write_on_second(late, model)  # takes its transaction number first, and commits last
        changed = embed(early, axis(1, DIM))
        changed.refresh_from_db()
        assert number < changed.changed_xid
        follower.follow()
        assert held(follower.index) == {early.id: axis(1, DIM).tolist()}

    follower.follow()
    assert held(follower.index) == {early.id: axis(1, DIM).tolist(), late.id: axis(5, DIM).tolist()}


def test_a_removal_that_commits_late_is_not_missed(
    second_connection: BaseDatabaseWrapper, model: ModelKey, make_sound: MakeSound, embed: Embed
) -> None:
    kept, removed = make_sound("kept.wav"), make_sound("removed.wav")
    embed(kept, axis(0, DIM))
    embed(removed, axis(1, DIM))
    follower = Follower(model)
    follower.follow()

    with transaction.atomic("second"):
        Embedding.objects.using("second").filter(sound_id=removed.id).delete()
        embed(kept, axis(2, DIM))
        follower.follow()
        assert set(held(follower.index)) == {kept.id, removed.id}

    follower.follow()
    assert held(follower.index) == {kept.id: axis(2, DIM).tolist()}


def test_what_is_rolled_back_is_not_taken_in(
    second_connection: BaseDatabaseWrapper, model: ModelKey, make_sound: MakeSound, embed: Embed
) -> None:
    sound = make_sound("a.wav")
    embed(sound, axis(0, DIM))

    with transaction.atomic("second"):
        Embedding.objects.using("second").update(clip=axis(4, DIM).tobytes())
        current_index(model)
        transaction.set_rollback(True, "second")

    assert held(current_index(model)) == {sound.id: axis(0, DIM).tolist()}


@pytest.mark.django_db(transaction=True)
def test_two_small_queries_when_nothing_changed(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    embed(make_sound("a.wav"), axis(0, DIM))
    current_index(model)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        current_index(model)

    assert len(queries) == 2
    assert '"clip"' not in "".join(query["sql"] for query in queries)


def test_no_vector_is_fetched_twice_behind_a_long_transaction(
    second_connection: BaseDatabaseWrapper, model: ModelKey, make_sound: MakeSound, embed: Embed
) -> None:
    sound, other = make_sound("a.wav"), make_sound("b.wav")
    embed(sound, axis(0, DIM))
    current_index(model)

    with transaction.atomic("second"):
        _write_on_second(other, model)
        embed(sound, axis(1, DIM))
        current_index(model)
        with CaptureQueriesContext(connection) as queries:
            current_index(model)

    assert '"clip"' not in "".join(query["sql"] for query in queries)


def test_a_broken_row_is_left_out_and_named(
    model: ModelKey, make_sound: MakeSound, embed: Embed, caplog: pytest.LogCaptureFixture
) -> None:
    whole, broken, short = make_sound("whole.wav"), make_sound("nan.wav"), make_sound("short.wav")
    embed(whole, axis(0, DIM))
    embed(broken, np.full(DIM, np.nan, np.float32))
    embed(short, axis(0, DIM - 1))

    assert set(held(current_index(model))) == {whole.id}
    assert f"sound {broken.id} is broken" in caplog.text
    assert f"sound {short.id} is broken (60 bytes)" in caplog.text


def test_a_row_that_breaks_is_forgotten(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    sound = make_sound("a.wav")
    embed(sound, axis(0, DIM))
    current_index(model)

    embed(sound, np.full(DIM, np.nan, np.float32))

    assert held(current_index(model)) == {}


def test_a_silent_sound_has_no_place_in_the_index(
    model: ModelKey, make_sound: MakeSound, embed: Embed, caplog: pytest.LogCaptureFixture
) -> None:
    embed(make_sound("silence.wav"), np.zeros(DIM, np.float32))

    assert held(current_index(model)) == {}
    assert not caplog.records


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "facts",
    [
        {"horizon": 2**62},  # the rows came from a server that had counted further
        {"started_at": datetime(2026, 1, 1, tzinfo=UTC)},  # it was stopped, and its files may be others now
        {"database": Database("1-1", "1/1")},
    ],
)
def test_another_server_or_past_means_a_new_load(
    model: ModelKey, make_sound: MakeSound, embed: Embed, facts: dict[str, Any]
) -> None:
    sound = make_sound("a.wav")
    embed(sound, axis(0, DIM))
    follower = Follower(model)
    first = follower.follow()
    assert follower._last is not None

    follower._last = replace(follower._last, **facts)

    assert follower.follow() is not first
    assert held(follower.index) == {sound.id: axis(0, DIM).tolist()}
    assert follower.follow() is follower.index


def test_a_forgotten_index_is_loaded_again(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    embed(make_sound("a.wav"), axis(0, DIM))
    first = current_index(model)

    forget_indexes()

    assert current_index(model) is not first
    assert held(current_index(model)) == held(first)


def _write_on_second(sound: Sound, model: ModelKey) -> int:
    """Write an embedding on the second connection and say under which transaction number."""
    row = Embedding.objects.using("second").create(
        sound_id=sound.id,
        model_id=model.model_id,
        model_revision=model.revision,
        window_s=2.0,
        hop_s=0.5,
        dim=DIM,
        clip=axis(5, DIM).tobytes(),
        windows=b"",
    )
    row.refresh_from_db(using="second")
    return row.changed_xid


def test_an_index_that_slept_while_removals_were_dropped_loads_anew(
    model: ModelKey, make_sound: MakeSound, embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, removed = make_sound("kept.wav"), make_sound("removed.wav")
    for sound in (kept, removed):
        embed(sound, axis(0, DIM))
    follower = Follower(model)
    follower.follow()

    removed_id = removed.id
    removed.delete()
    EmbeddingRemoval.objects.update(removed_at=Now() - 2 * REMOVALS_KEPT)
    forget_old_removals()
    monkeypatch.setattr(trust, "TRUSTED_FOR", timedelta(0))  # as if it had slept for longer

    index = follower.follow()
    assert index is not None
    assert (kept.id in index, removed_id in index) == (True, False)


def test_an_index_that_looks_often_is_not_loaded_anew(model: ModelKey, make_sound: MakeSound, embed: Embed) -> None:
    embed(make_sound("a.wav"), axis(0, DIM))
    follower = Follower(model)
    first = follower.follow()
    embed(make_sound("b.wav"), axis(1, DIM))

    assert follower.follow() is first


@pytest.mark.django_db(transaction=True)
def test_after_a_checkpoint_what_is_taken_in_is_listed_again_and_not_read(
    model: ModelKey, make_sound: MakeSound, embed: Embed
) -> None:
    embed(make_sound("a.wav"), axis(0, DIM))
    checkpoint()
    follower = Follower(model)
    follower.follow()
    embed(make_sound("b.wav"), axis(1, DIM))
    follower.follow()
    assert follower._last is not None
    last = follower._last
    checkpoint()

    with CaptureQueriesContext(connection) as queries:
        index = follower.follow()

    assert '"clip"' not in "".join(query["sql"] for query in queries)
    assert follower._last.horizon_since(last) == last.outlasting < last.horizon
    assert len(held(index)) == 2


def checkpoint() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
