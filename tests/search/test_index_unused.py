"""Index folders that nothing uses are told and removed, and nothing else is."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from analysis.clap import ModelKey
from catalog.models import Embedding
from search.building import build_due
from search.rows import SOUNDS
from search.trust import Look
from search.unused import OTHERS_FOR, UNUSED_FOR, tell_in_use, unused_folders
from tests.search.built import Fill, built

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_dir")]


def age(folder: Path, by: timedelta) -> None:
    then = time.time() - by.total_seconds() - 60
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (then, then))


def model_folder(model: ModelKey) -> Path:
    return SOUNDS.shelf(Look.now().database.folder, model).folder.parent


def unused(active: ModelKey) -> list[str]:
    return [Path(one.folder).name for one in unused_folders(Look.now().database, active)]


def test_the_index_of_a_model_without_embeddings_goes_after_a_day(model: ModelKey, fill: Fill) -> None:
    other = ModelKey("tests/other", "r1")
    fill(3)
    mine = built(model)
    Embedding.objects.update(model_id=other.model_id)
    built(other)
    Embedding.objects.update(model_id=model.model_id)
    assert unused(model) == []  # it may be used again in a moment
    age(model_folder(other), UNUSED_FOR)
    assert unused(other) == []  # searches ask for it
    assert unused(model) == [model_folder(other).name]

    build_due(model)

    assert not model_folder(other).exists()
    assert mine.folder.exists()
    assert unused(model) == []


def test_the_index_of_another_model_that_has_embeddings_stays(model: ModelKey, fill: Fill) -> None:
    fill(3)
    generation = built(model)
    age(model_folder(model), UNUSED_FOR)

    build_due(ModelKey("tests/other", "r1"))

    assert generation.folder.exists()


def test_what_earlier_versions_left_goes_and_what_is_not_ours_stays(
    model: ModelKey, fill: Fill, index_dir: Path
) -> None:
    fill(3)
    generation = built(model)
    old = index_dir / model_folder(model).name
    left = [
        old / "sounds/current.json",
        old / "sounds" / generation.name / "vectors",
        old / "moments/.building-1/owners",
    ]
    foreign = [
        index_dir / "field recordings-deadbeef" / "sounds" / "rain.wav",
        index_dir / "2026-11" / "sounds" / "rain.wav",
        index_dir / "rain.wav",
    ]
    for path in left + foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("rain")
    age(index_dir, OTHERS_FOR)

    build_due(model)

    assert not old.exists()
    assert all(path.exists() for path in foreign)
    assert generation.folder.exists()


def test_another_database_that_shares_the_folder_is_left_alone_while_its_worker_lives(
    model: ModelKey, fill: Fill, index_dir: Path
) -> None:
    fill(3)
    built(model)
    database = Look.now().database
    theirs = database.folder.rename(index_dir / "7000000000000000000-5")
    mine = built(model)
    age(theirs, UNUSED_FOR)
    assert unused(model) == []
    age(theirs, OTHERS_FOR)
    assert unused(model) == [theirs.name]

    theirs.touch()  # as its worker does
    assert unused(model) == []
    age(index_dir, OTHERS_FOR)
    tell_in_use(database)
    assert time.time() - database.folder.stat().st_mtime < UNUSED_FOR.total_seconds()
    build_due(model)

    assert [theirs.exists(), mine.folder.exists()] == [False, True]
