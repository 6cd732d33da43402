"""Building from the rows of the real database: when it is due, one at a time, and what becomes of the old."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.db import connections, transaction

from analysis.clap import ModelKey
from catalog.models import Embedding, EmbeddingRemoval, Sound
from search import building, standing
from search.building import build, build_due, damage, due_builds, why_due
from search.errors import AlreadyBuilding, BuildFailed
from search.index import files
from search.rows import SOUNDS, analyzed_models
from search.standing import index_lag
from search.sync import Follower
from search.trust import Look, rows_behind
from search.verifying import verify_index
from tests.search.built import DIM, Fill, built, in_index, in_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_dir")]


def test_it_is_due_when_there_are_many_rows_and_again_when_many_changed(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SOUNDS, "worth_building", 20)
    monkeypatch.setattr(building, "BEHIND_ROWS", 10)
    fill(19)
    assert due_builds(model) == []
    ids = fill(1, seed=1)
    assert [(due.kind, due.reason) for due in due_builds(model)] == [(SOUNDS, "none was built yet")]

    assert [one.manifest.entries for one in build_due(model)] == [20]
    assert due_builds(model) == []
    fill(9, seed=2)
    Sound.objects.filter(pk__in=ids).delete()
    assert (why_due(model, SOUNDS), index_lag(model)) == ("", {"sounds": 10, "moments": 0})
    fill(1, seed=3)
    assert why_due(model, SOUNDS) == "more than 10 rows changed since it was built"
    build_due(model)
    assert index_lag(model)["sounds"] == 0


def test_a_damaged_index_is_built_anew_by_who_reads_it(model: ModelKey, fill: Fill) -> None:
    fill(5)
    generation = built(model)
    content = bytearray((generation.folder / files.FLAT).read_bytes())
    content[-1] ^= 1
    (generation.folder / files.FLAT).write_bytes(content)

    assert why_due(model, SOUNDS) == ""
    assert "flat.faiss holds other bytes" in damage(model, SOUNDS)
    assert [one.manifest.entries for one in build_due(model)] == [5]
    assert build_due(model) == []


def test_old_generations_go_and_their_followers_keep_answering(model: ModelKey, fill: Fill, index_dir: Path) -> None:
    fill(30)
    first = built(model)
    index = Follower(model).follow()
    second = built(model)

    assert not first.folder.exists()
    assert second.folder.exists()
    assert in_index(index) == in_rows(model)


@pytest.mark.usefixtures("another_connection")
def test_one_builds_at_a_time(model: ModelKey, fill: Fill) -> None:
    fill(3)
    with connections["another"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [building.BUILD_LOCK])
        with pytest.raises(AlreadyBuilding, match="another process"):
            build(model, SOUNDS)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [building.BUILD_LOCK])
    assert built(model).manifest.entries == 3


def test_a_folder_that_cannot_be_written_is_told_in_words(model: ModelKey, fill: Fill, index_dir: Path) -> None:
    fill(3)
    index_dir.write_text("a file is here")

    with pytest.raises(BuildFailed, match="the index of sounds cannot be written to"):
        build(model, SOUNDS)


def test_silent_and_broken_rows_are_no_entries_but_known(model: ModelKey, fill: Fill) -> None:
    ids = fill(4)
    Embedding.objects.filter(sound=ids[0]).update(clip=bytes(4 * DIM))
    Embedding.objects.filter(sound=ids[1]).update(clip=np.full(DIM, np.nan, np.float32).tobytes())

    generation = built(model)

    assert (generation.manifest.entries, generation.manifest.sounds) == (2, 4)
    assert index_lag(model)["sounds"] == 0
    assert verify_index(model, SOUNDS).is_right


def test_nothing_is_built_of_nothing(model: ModelKey) -> None:
    assert build(model, SOUNDS) is None
    assert analyzed_models() == []
    assert verify_index(model, SOUNDS).is_right


def test_rows_behind_are_counted_up_to_a_bound_the_newest_first(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch, another_connection: None
) -> None:
    monkeypatch.setattr(standing, "COUNTED", 10)
    fill(40)
    assert index_lag(model)["sounds"] == 11  # of which none is built
    with transaction.atomic("another"):
        Embedding.objects.using("another").update(changed_xid=0)  # open, so that all seems to have changed since
        fill(60, seed=1)
        generation = built(model)
        ids = fill(4, seed=2)

        assert rows_behind(generation, SOUNDS, model, most=10) == 4
        fill(9, seed=3)
        assert rows_behind(generation, SOUNDS, model, most=10) == 11
        assert rows_behind(generation, SOUNDS, model, most=100) == 13
        Sound.objects.filter(pk__in=ids).delete()
        assert rows_behind(generation, SOUNDS, model, most=100) == 9


def test_what_cannot_be_read_for_a_moment_is_not_cleaned_away(model: ModelKey, fill: Fill) -> None:
    fill(5)
    generation = built(model)
    current = generation.folder.parent / files.CURRENT
    aside = current.rename(current.with_name("aside"))
    current.mkdir()  # an error of reading, that passes
    shelf = SOUNDS.shelf(Look.now().database.folder, model)

    shelf.clean()

    current.rmdir()
    aside.rename(current)
    assert shelf.current() == generation
    assert verify_index(model, SOUNDS).is_right


def test_what_nobody_names_any_more_is_cleaned_away(model: ModelKey, fill: Fill) -> None:
    fill(5)
    generation = built(model)
    (generation.folder.parent / files.CURRENT).write_text("")

    SOUNDS.shelf(Look.now().database.folder, model).clean()

    assert not generation.folder.exists()


def test_when_all_rows_are_gone_so_is_the_index_and_nothing_is_due(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SOUNDS, "worth_building", 5)
    monkeypatch.setattr(building, "BEHIND_ROWS", 2)
    fill(9)
    build_due(model)
    follower = Follower(model)
    assert len(in_index(follower.follow())) == 9
    Sound.objects.all().delete()

    assert why_due(model, SOUNDS) == "more than 2 rows changed since it was built"
    assert build_due(model) == []
    assert due_builds(model) == []
    assert in_index(follower.follow()) == {}
    fill(6, seed=1)
    assert [one.manifest.entries for one in build_due(model)] == [6]


def test_a_database_that_was_copied_during_a_build_does_not_know_of_it(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(30)
    monkeypatch.setattr(SOUNDS, "chunk", 10)
    notes_at_pages: list[int] = []
    read = SOUNDS.read

    def watched(rows: object, dim: int) -> object:
        notes_at_pages.append(EmbeddingRemoval.objects.filter(sound_id__lt=0).count())
        return read(rows, dim)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(SOUNDS, "read", watched)
    build(model, SOUNDS)
    assert len(notes_at_pages) > 3
    assert set(notes_at_pages) == {0}  # it comes after all that was read
    assert EmbeddingRemoval.objects.filter(sound_id__lt=0).count() == 1
