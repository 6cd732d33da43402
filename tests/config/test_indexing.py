"""`timbre index`, in a process of its own as a user calls it, and the builds that a worker starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from analysis.clap import ModelKey
from catalog import engine
from catalog.dictionary import refresh_dictionary
from catalog.models import Embedding, Library, Sound
from config import index_builder, renumbering
from config.index_builder import IndexBuilder
from config.renumbering import is_numbered_elsewhere, renumber_changes
from config.runtime import migrate
from search.building import build
from search.index.files import Generation
from search.rows import KINDS, SOUNDS
from search.unused import UNUSED_FOR
from tests.search.vectors import clustered_rows

pytestmark = pytest.mark.django_db(transaction=True)

DIM = 16
LIMIT_S = 120.0
Timbre = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def timbre(database_url: str, tmp_path: Path) -> Timbre:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "config.cli.main", "index", *arguments],
            env=os.environ | {"DATABASE_URL": database_url, "TIMBRE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    return run


@pytest.fixture
def sounds() -> list[Sound]:
    library = Library.objects.create(name="Field", root="/sounds/field")
    made = [
        Sound.objects.create(library=library, path=f"{number}.wav", size_bytes=1, modified_ns=1, duration_s=30.0)
        for number in range(12)
    ]
    for sound, vector in zip(made, clustered_rows(12, DIM), strict=True):
        Embedding.objects.create(
            sound=sound,
            model_id="tests/small",
            model_revision="r1",
            window_s=2.0,
            hop_s=0.5,
            dim=DIM,
            clip=vector.tobytes(),
            windows=np.repeat(vector[np.newaxis], 57, axis=0).astype("<f2").tobytes(),
        )
    return made


@pytest.mark.usefixtures("sounds")
def test_it_is_built_told_and_verified(timbre: Timbre, tmp_path: Path) -> None:
    before = json.loads(timbre("status", "--json").stdout)["indexes"]
    rebuilt = timbre("rebuild", "--json")
    after = json.loads(timbre("status", "--json").stdout)["indexes"]
    verified = timbre("verify", "--json")

    assert [(one["kind"], one["generation"], one["rows_behind"]) for one in before] == [
        ("sounds", "", 12),
        ("moments", "", 12),
    ]
    assert [one["entries"] for one in json.loads(rebuilt.stdout)["built"]] == [12, 12]
    assert [(one["entries"], one["rows_behind"], one["problem"]) for one in after] == [(12, 0, ""), (12, 0, "")]
    assert all(any((tmp_path / "index").rglob(one["generation"])) for one in after)
    assert verified.returncode == 0, verified.stderr
    assert [(one["sounds"], one["recall"], one["faults"]) for one in json.loads(verified.stdout)["indexes"]] == [
        (12, 1.0, []),
        (12, 1.0, []),
    ]
    assert "rows behind" in timbre("status").stdout


def test_what_is_wrong_is_listed_with_exit_code_1(timbre: Timbre, sounds: list[Sound]) -> None:
    timbre("rebuild")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_embedding DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM catalog_embedding WHERE sound_id = %s", [sounds[2].id])
        cursor.execute("ALTER TABLE catalog_embedding ENABLE TRIGGER USER")

    verified = timbre("verify")

    assert verified.returncode == 1
    assert f"  sound {sounds[2].id} is in the index and should not be" in verified.stdout.splitlines()
    assert "sounds of tests/small: 12 sounds" in verified.stdout


@pytest.mark.usefixtures("sounds")
def test_a_model_that_nothing_was_analyzed_with_is_told_in_one_line(timbre: Timbre) -> None:
    done = timbre("rebuild", "--model", "nobody/nothing")

    assert done.returncode == 2
    assert "no sound was analyzed with nobody/nothing; models of the catalog: tests/small" in done.stderr


@pytest.mark.usefixtures("transactional_db")
def test_an_empty_catalog_has_nothing_to_build(timbre: Timbre) -> None:
    assert timbre("rebuild").stdout == "nothing to build\n"
    assert (timbre("verify").returncode, timbre("status").returncode) == (0, 0)


def tend_until(builder: IndexBuilder, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        builder.tend()
        time.sleep(0.02)


@pytest.mark.usefixtures("transactional_db")
def test_a_worker_starts_a_build_when_one_is_due_and_waits_after_one_that_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    done = tmp_path / "done"
    settings.LOGS_DIR = tmp_path
    monkeypatch.setattr(index_builder, "LOOK_S", 0.0)
    monkeypatch.setattr(index_builder, "COMMAND", [sys.executable, "-c", f"open({str(done)!r}, 'a').write('x'); 1 / 0"])
    monkeypatch.setattr(index_builder, "is_due", lambda: True)
    builder = IndexBuilder()

    tend_until(builder, lambda: "could not be built" in caplog.text)
    builder.tend()

    assert done.read_text() == "x"
    builder.stop()


@pytest.mark.usefixtures("transactional_db")
def test_a_build_ends_with_its_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> None:
    settings.LOGS_DIR = tmp_path
    monkeypatch.setattr(index_builder, "LOOK_S", 0.0)
    monkeypatch.setattr(index_builder, "COMMAND", [sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(index_builder, "is_due", lambda: True)
    builder = IndexBuilder()
    tend_until(builder, lambda: builder._build is not None)
    running = builder._build

    builder.stop()

    assert running is not None
    assert running.poll() is not None


@pytest.fixture
def active(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> ModelKey:
    """The model of the sounds is the one that searches ask for, and nothing is due."""
    settings.INDEX_DIR, settings.LOGS_DIR = tmp_path / "index", tmp_path
    key = ModelKey("tests/small", "r1")
    monkeypatch.setattr(engine, "active_model", lambda: key)
    refresh_dictionary()
    return key


@pytest.mark.usefixtures("sounds")
def test_what_is_built_is_read_once_by_a_process_beside_the_worker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, active: ModelKey
) -> None:
    started = tmp_path / "started"
    monkeypatch.setattr(index_builder, "LOOK_S", 0.0)
    monkeypatch.setattr(index_builder, "COMMAND", [sys.executable, "-c", f"open({str(started)!r}, 'a').write('x')"])
    monkeypatch.setattr(Generation, "check_files", None)  # the worker itself reads none
    build(active, SOUNDS)
    builder = IndexBuilder()

    def looks(count: int) -> str:
        for _ in range(count):
            builder.tend()
            tend_until(builder, lambda: builder._build is None)
        return started.read_text() if started.exists() else ""

    assert looks(3) == "x"
    build(active, SOUNDS)
    assert looks(3) == "xx"


@pytest.mark.usefixtures("sounds")
def test_rows_that_a_restore_brought_are_due(active: ModelKey) -> None:
    assert not index_builder.is_due()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_embedding DISABLE TRIGGER USER")
        cursor.execute("UPDATE catalog_embedding SET changed_xid = 5000000000 - id")
        cursor.execute("ALTER TABLE catalog_embedding ENABLE TRIGGER USER")
    assert index_builder.is_due()

    migrate()

    assert not index_builder.is_due()
    assert Embedding.objects.filter(changed_xid__gt=4_000_000_000).count() == 0


def test_embeddings_of_one_sound_are_numbered_anew_in_their_order(
    sounds: list[Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renumbering, "ROWS_AT_ONCE", 5)
    for window_s in (1.0, 0.5):
        for row in Embedding.objects.filter(window_s=2.0):
            row.pk, row.window_s, row.changed_xid = None, window_s, 0
            row.save()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_embedding DISABLE TRIGGER USER")
        cursor.execute("UPDATE catalog_embedding SET changed_xid = 5000000000 + (id * 7919) %% 1000", [])
        cursor.execute("ALTER TABLE catalog_embedding ENABLE TRIGGER USER")
    in_order = Embedding.objects.order_by("sound_id", "changed_xid").values_list("pk", flat=True)
    before = list(in_order)

    assert renumber_changes() == 3 * len(sounds)

    assert list(in_order) == before
    assert Embedding.objects.values("sound_id", "changed_xid").distinct().count() == 3 * len(sounds)
    assert renumber_changes() == 0


@pytest.mark.usefixtures("sounds")
def test_rows_of_a_transaction_that_is_still_open_are_not_of_another_server() -> None:
    with transaction.atomic():
        Embedding.objects.update(hop_s=1.0)
        assert not is_numbered_elsewhere()


@pytest.mark.usefixtures("sounds")
def test_the_folder_of_a_model_without_embeddings_is_told_and_removed(
    timbre: Timbre, tmp_path: Path, active: ModelKey
) -> None:
    timbre("rebuild")
    Embedding.objects.update(model_id="tests/other")
    then = time.time() - 2 * UNUSED_FOR.total_seconds()
    (folder,) = (tmp_path / "index").glob("*/tests-small-*")
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (then, then))

    told = timbre("status").stdout.replace("\n", " ")
    (unused,) = json.loads(timbre("status", "--json").stdout)["unused"]

    assert f"unused, and removed by the next worker: {unused['folder']}" in told
    assert tmp_path / "index" / unused["folder"] == folder
    assert index_builder.is_due() is False  # searches ask for it
    timbre("rebuild", "--due")  # by the starter, which searches of this process ask for
    assert not folder.exists()


@pytest.mark.usefixtures("sounds")
def test_it_is_due_only_for_the_model_that_searches_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "active_model", lambda: ModelKey("tests/small", "r1"))
    assert index_builder.is_due()  # the words were never counted
    refresh_dictionary()
    assert not index_builder.is_due()
    for kind in KINDS:
        monkeypatch.setattr(kind, "worth_building", 12)
    assert index_builder.is_due()
    monkeypatch.setattr(engine, "active_model", lambda: ModelKey("tests/small", "r2"))
    assert not index_builder.is_due()
