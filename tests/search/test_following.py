"""Processes that search go over to what is built and follow the rows from there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from analysis.clap import ModelKey
from catalog.models import Embedding, EmbeddingRemoval, Sound
from catalog.store import REMOVALS_KEPT, forget_old_removals
from search import sync, trust
from search.building import why_due
from search.index import files
from search.rows import SOUNDS
from search.standing import index_state
from search.sync import Follower, current_index
from search.trust import Look
from search.verifying import verify_index
from tests.search.built import DIM, Embed, Fill, MakeSound, built, clip_reads, forge, in_index, in_rows
from tests.search.vectors import axis, clustered_rows, unit_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_dir")]


def test_a_new_process_maps_what_is_built_and_reads_no_vector(model: ModelKey, fill: Fill) -> None:
    fill(50)
    built(model)

    with CaptureQueriesContext(connection) as queries:
        index = Follower(model).follow()

    assert clip_reads(queries) == 0
    assert in_index(index) == in_rows(model)
    assert index is not None
    assert (index.changed_count, len(index)) == (0, 50)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_written_around_a_build_both_old_and_new_followers_have_the_rows(
    model: ModelKey, fill: Fill, make_sound: MakeSound, embed: Embed, seed: int
) -> None:
    randoms = np.random.default_rng(seed)
    old = Follower(model)
    for turn in range(12):
        ids = list(in_rows(model))
        match int(randoms.integers(0, 5)):
            case 0:
                fill(int(randoms.integers(1, 30)), seed=100 * seed + turn)
            case 1 if ids:
                Sound.objects.filter(pk__in=randoms.choice(ids, min(5, len(ids)), replace=False).tolist()).delete()
            case 2 if ids:
                for sound in Sound.objects.filter(pk__in=randoms.choice(ids, min(4, len(ids)), replace=False).tolist()):
                    embed(sound, unit_rows(1, DIM, seed=turn)[0])
            case 3 if ids:
                built(model)
            case _:
                embed(make_sound(f"{turn}.wav"), unit_rows(1, DIM, seed=turn)[0])
        assert in_index(old.follow()) == in_index(Follower(model).follow()) == in_rows(model)


@pytest.mark.usefixtures("another_connection")
def test_rows_that_commit_while_and_after_it_is_built_are_not_missed(
    model: ModelKey, fill: Fill, make_sound: MakeSound
) -> None:
    first, last = fill(3)[::2]
    late = make_sound("late.wav")
    with transaction.atomic("another"):
        Embedding.objects.using("another").filter(sound_id=first).update(clip=axis(7, DIM).tobytes())
        Embedding.objects.using("another").filter(sound_id=last).delete()
        Embedding.objects.using("another").create(
            sound_id=late.id,
            model_id=model.model_id,
            model_revision=model.revision,
            window_s=2.0,
            hop_s=0.5,
            dim=DIM,
            clip=axis(5, DIM).tobytes(),
            windows=b"",
        )
        generation = built(model)
        assert generation.manifest.entries == 3
        follower = Follower(model)
        assert last in in_index(follower.follow())

    assert in_index(follower.follow()) == in_index(Follower(model).follow()) == in_rows(model)


def test_a_follower_goes_over_to_a_newer_index_and_answers_as_before(
    model: ModelKey, fill: Fill, make_sound: MakeSound, embed: Embed
) -> None:
    fill(60)
    follower = Follower(model)
    before = follower.follow()
    assert before is not None
    query = clustered_rows(1, DIM, seed=9)[0]
    answered = before.search(query, 20)[0].tolist()
    built(model)

    index = follower.follow()

    assert index is before
    assert index.base is not None
    assert index.changed_count == 0
    assert index.search(query, 20)[0].tolist() == answered
    embed(new := make_sound("new.wav"), query)
    assert [sound for sound in in_index(follower.follow()) if sound not in answered][-1] == new.id
    assert index.search(query, 1)[0].tolist() == [new.id]


def test_a_large_newer_index_is_read_beside_the_searches(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "OPENED_AT_ONCE", 0)
    fill(20)
    follower = Follower(model)
    follower.follow()
    built(model)

    follower.follow()
    if follower._opening is not None:
        follower._opening._thread.join()
    index = follower.follow()

    assert index is not None
    assert index.base is not None
    assert in_index(index) == in_rows(model)


def test_nothing_more_is_asked_of_the_database_when_nothing_changed(model: ModelKey, fill: Fill) -> None:
    fill(20)
    built(model)
    follower = Follower(model)
    follower.follow()

    with CaptureQueriesContext(connection) as queries:
        follower.follow()

    assert len(queries) == 2


def age(model: ModelKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if everything had happened long ago, and removals had been dropped since."""
    EmbeddingRemoval.objects.update(removed_at=Now() - 2 * REMOVALS_KEPT)
    forget_old_removals()
    monkeypatch.setattr(trust, "TRUSTED_FOR", timedelta(0))


def test_an_index_older_than_removals_is_compared_by_numbers_without_reading_what_did_not_change(
    model: ModelKey, fill: Fill, make_sound: MakeSound, embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(40)
    built(model)
    Sound.objects.filter(pk__in=ids[:3]).delete()
    embed(Sound.objects.get(pk=ids[5]), axis(3, DIM))
    embed(make_sound("new.wav"), axis(4, DIM))
    age(model, monkeypatch)

    with CaptureQueriesContext(connection) as queries:
        index = Follower(model).follow()

    assert clip_reads(queries) == 1
    assert in_index(index) == in_rows(model)
    assert index is not None
    assert index.changed_count == 2
    assert "so old" in why_due(model, SOUNDS)


@pytest.mark.parametrize(
    "name", [files.VECTORS, files.OWNERS, files.CHANGED, files.FLAT, files.MANIFEST, files.CURRENT]
)
@pytest.mark.parametrize("damage", ["truncated", "one bit", "gone"])
def test_damaged_files_are_told_and_the_rows_are_read(
    model: ModelKey, fill: Fill, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    fill(30)
    generation = built(model)
    path = (generation.folder.parent if name == files.CURRENT else generation.folder) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content[: len(content) // 2] if damage == "truncated" else content)
    if damage == "gone":
        path.unlink()

    follower = Follower(model)

    assert in_index(follower.follow()) == in_rows(model)
    assert follower.index is not None
    assert follower.index.base is None
    if (name, damage) != (files.CURRENT, "gone"):
        assert "is not used, the rows are read instead" in caplog.text
        assert not verify_index(model, SOUNDS).is_right
    built(model)
    assert in_index(follower.follow()) == in_rows(model)
    assert follower.index.base is not None


@pytest.mark.parametrize(
    ("facts", "reads"),
    [
        ({"database": "another/1/1"}, "built from another database"),
        ({"horizon": 2**40}, "built from a later state of the database"),
        ({"note": -7}, "put back to an older state"),
        ({"recipe": "as of old"}, 'holds "as of old"'),
        ({}, "vectors of 16 numbers, and the rows have 8"),
    ],
)
def test_an_index_of_other_rows_is_not_used(
    model: ModelKey, fill: Fill, caplog: pytest.LogCaptureFixture, facts: dict[str, object], reads: str
) -> None:
    fill(5)
    forge(built(model), **facts)
    if not facts:
        Embedding.objects.update(dim=8, clip=axis(0, 8).tobytes())

    assert in_index(Follower(model).follow()) == in_rows(model)
    assert reads in caplog.text
    assert reads in index_state(model, SOUNDS).problem


def test_the_active_index_of_a_search_is_the_built_one(model: ModelKey, fill: Fill) -> None:
    fill(10)
    generation = built(model)

    index = current_index(model)

    assert index is not None
    assert index.base is not None
    assert index.base.generation.name == generation.name
    assert Path(settings.INDEX_DIR) in generation.folder.parents


def test_what_was_built_of_rows_that_committed_late_is_not_read_again(
    model: ModelKey, fill: Fill, another_connection: None
) -> None:
    fill(30)
    with transaction.atomic("another"):
        Embedding.objects.using("another").update(changed_xid=0)  # open since before the others, so the horizon is low
        fill(20, seed=1)
        built(model)
        with CaptureQueriesContext(connection) as queries:
            index = Follower(model).follow()

    assert clip_reads(queries) == 0
    assert index is not None
    assert (index.changed_count, len(index)) == (0, 50)


def test_a_newer_index_that_is_old_is_compared_with_all_rows(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of indexes put back from a copy brings one that is newer here and older than removals are known."""
    ids = fill(20)
    generation = built(model)
    follower = Follower(model)
    follower.follow()
    Sound.objects.filter(pk__in=ids[:4]).delete()
    EmbeddingRemoval.objects.all().delete()
    forge(generation, built_at=generation.manifest.built_at - REMOVALS_KEPT)

    assert in_index(follower.follow()) == in_rows(model)
    assert follower.index is not None
    assert follower.index.changed_count == 0


def test_an_index_built_the_moment_after_a_look_is_believed(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(20)
    follower = Follower(model)
    follower.follow()
    looks = iter([Look.now()])
    fill(5, seed=1)
    built(model)
    look_now = Look.now
    monkeypatch.setattr(Look, "now", lambda: next(looks, None) or look_now())

    index = follower.follow()

    assert index is not None
    assert index.base is not None
    assert in_index(index) == in_rows(model)
