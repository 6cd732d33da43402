"""Databases that were dumped and restored, copied and put back, by the real programs on real servers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from analysis.clap import ModelKey
from config.embedded_postgres import DATABASE_USER, EmbeddedPostgres, binaries_folder
from search.building import why_due
from search.rows import SOUNDS
from search.sync import Follower
from tests.search.built import Fill, built, in_index, in_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_dir")]

LIMIT_S = 120.0
NUMBERS = "SELECT min(changed_xid), max(changed_xid) FROM catalog_embedding"
NEXT_NUMBER = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
Answer = dict[str, object]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "server", throwaway=True)
    server.start()
    yield server
    server.stop()


def address(sockets: Path | str, name: str) -> str:
    return f"postgres://{DATABASE_USER}@/{sockets}/{name}"


def ask(sockets: Path | str, name: str, statement: str) -> tuple[int, ...]:
    with psycopg.connect(host=str(sockets), user=DATABASE_USER, dbname=name, autocommit=True) as other:
        cursor = other.execute(statement)
        return tuple(cursor.fetchone() or ()) if cursor.description else ()


def restore(sockets: Path | str, name: str) -> None:
    """A dump of the test database into an empty one."""
    mine = connection.settings_dict
    dump = [binaries_folder() / "pg_dump", "-h", mine["HOST"], "-U", mine["USER"], "-d", mine["NAME"]]
    load = [binaries_folder() / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-U", DATABASE_USER, "-d", name]
    dumped = subprocess.run([*map(str, dump)], capture_output=True, check=True, timeout=LIMIT_S)
    subprocess.run([*map(str, load)], input=dumped.stdout, capture_output=True, check=True, timeout=LIMIT_S)


def timbre(database_url: str, index_dir: Path, *arguments: str) -> list[Answer]:
    """What `timbre index` answers on another database that shares the folder of indexes."""
    done = subprocess.run(
        [sys.executable, "-m", "config.cli.main", "index", *arguments, "--json"],
        env=os.environ | {"DATABASE_URL": database_url, "TIMBRE_INDEX_DIR": str(index_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, list[Answer]] = json.loads(done.stdout)
    return next(iter(told.values()))


def sounds_of(answer: list[Answer]) -> Answer:
    return next(one for one in answer if one["kind"] == "sounds")


def test_numbers_of_another_server_become_numbers_of_this_one(
    model: ModelKey, fill: Fill, index_dir: Path, server: EmbeddedPostgres
) -> None:
    fill(30)
    built(model)
    ids = fill(10, seed=1)
    with connection.cursor() as cursor:  # as on a server that has counted far
        cursor.execute("ALTER TABLE catalog_embedding DISABLE TRIGGER USER")
        cursor.execute("UPDATE catalog_embedding SET changed_xid = 5000000000 + id")
        cursor.execute("ALTER TABLE catalog_embedding ENABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO catalog_embeddingremoval (sound_id, model_id, model_revision, changed_xid)"
            " VALUES (%s, %s, %s, 6000000000)",
            [ids[0], model.model_id, model.revision],
        )
    restore(server.sockets, "postgres")
    url = address(server.sockets, "postgres")

    state = sounds_of(timbre(url, index_dir, "status"))

    assert (state["generation"], state["rows_behind"]) == ("", 40)
    _, highest = ask(server.sockets, "postgres", NUMBERS)
    assert highest < ask(server.sockets, "postgres", NEXT_NUMBER)[0]
    assert ask(server.sockets, "postgres", "SELECT count(*) FROM catalog_embeddingremoval WHERE sound_id > 0") == (0,)
    timbre(url, index_dir, "rebuild")
    assert sounds_of(timbre(url, index_dir, "status"))["rows_behind"] == 0
    ask(server.sockets, "postgres", f"UPDATE catalog_embedding SET windows = '' WHERE sound_id = {ids[3]}")
    assert sounds_of(timbre(url, index_dir, "status"))["rows_behind"] == 1
    assert sounds_of(timbre(url, index_dir, "verify"))["faults"] == []


def test_what_is_built_is_not_believed_on_a_server_that_has_counted_further(
    model: ModelKey, fill: Fill, index_dir: Path, server: EmbeddedPostgres
) -> None:
    fill(30)
    built(model)
    ask(server.sockets, "postgres", "CREATE TABLE spent (number xid8)")
    spend = "DO $$ BEGIN FOR i IN 1..%s LOOP INSERT INTO spent VALUES (pg_current_xact_id()); COMMIT; END LOOP; END $$"
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER)
        ask(server.sockets, "postgres", spend % cursor.fetchone()[0])
    restore(server.sockets, "postgres")
    url = address(server.sockets, "postgres")

    state = sounds_of(timbre(url, index_dir, "status"))

    assert (state["generation"], state["rows_behind"]) == ("", 30)  # in a folder of its own there is none
    assert sounds_of(timbre(url, index_dir, "verify"))["faults"] == []


def test_two_databases_share_a_folder_and_keep_their_indexes(
    model: ModelKey, fill: Fill, index_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SOUNDS, "worth_building", 1)
    fill(30)
    mine = built(model)
    host = connection.settings_dict["HOST"]
    ask(host, "postgres", "CREATE DATABASE another")
    try:
        restore(host, "another")
        fill(3, seed=1)
        theirs = sounds_of(timbre(address(host, "another"), index_dir, "rebuild"))
        fill(4, seed=2)

        assert theirs["generation"] != mine.name
        assert why_due(model, SOUNDS) == ""
        assert in_index(Follower(model).follow()) == in_rows(model)
        state = sounds_of(timbre(address(host, "another"), index_dir, "status"))
        assert (state["generation"], state["entries"], state["rows_behind"]) == (theirs["generation"], 30, 0)
    finally:
        ask(host, "postgres", "DROP DATABASE another WITH (FORCE)")


def test_what_was_built_after_the_copy_is_not_believed_once_the_copy_is_put_back(
    fill: Fill, index_dir: Path, tmp_path: Path
) -> None:
    """The same server by its name and number, and transactions get the numbers once more that others had."""
    fill(30)
    server = EmbeddedPostgres(tmp_path / "server", throwaway=True)
    url = address(server.sockets, "postgres")
    change = "UPDATE catalog_embedding SET windows = '' WHERE id = (SELECT min(id) + {} FROM catalog_embedding)"
    remove = "DELETE FROM catalog_embedding WHERE id = (SELECT max(id) FROM catalog_embedding)"
    server.start()
    try:
        restore(server.sockets, "postgres")
        timbre(url, index_dir, "verify")
        server.stop()
        shutil.copytree(server.data, tmp_path / "copy")
        server.start()
        ask(server.sockets, "postgres", remove)
        later = sounds_of(timbre(url, index_dir, "rebuild"))
        server.stop()
        shutil.rmtree(server.data)
        shutil.move(tmp_path / "copy", server.data)
        server.start()
        early = sounds_of(timbre(url, index_dir, "status"))
        for more in range(20):  # past the horizon of what was built
            ask(server.sockets, "postgres", change.format(more))

        state = sounds_of(timbre(url, index_dir, "status"))

        assert later["sounds"] == 29
        assert "from a later state" in str(early["problem"])
        assert "put back to an older state" in str(state["problem"])
        assert (state["generation"], state["rows_behind"]) == ("", 30)
        assert sounds_of(timbre(url, index_dir, "rebuild"))["sounds"] == 30
        assert sounds_of(timbre(url, index_dir, "verify"))["faults"] == []
    finally:
        server.stop()
