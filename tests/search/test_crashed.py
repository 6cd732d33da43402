"""A server that crashes gives numbers of transactions out again that it had not written down: no change is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded_postgres import DATABASE_USER, EmbeddedPostgres

CHECKOUT = Path(__file__).parents[2]
LIMIT_S = 120.0

STORY = """
import os, signal, sys, time
import django
django.setup()
from django.conf import settings
from django.db import Error, connection, transaction
from config.runtime import migrate
migrate()
import numpy as np
from analysis.clap import ModelKey
from catalog.models import Embedding, Library, Sound
from search import building
from search.rows import SOUNDS
from search.sync import Follower
from search.trust import Look

MODEL = ModelKey("tests/small", "r1")
library = Library.objects.create(name="Field", root="/sounds")

def write(name):
    sound = Sound.objects.create(library=library, path=name, file_name=name, size_bytes=1, modified_ns=1)
    Embedding.objects.create(sound=sound, model_id="tests/small", model_revision="r1", window_s=0, hop_s=0, dim=2,
                             clip=np.array([1, 0], np.float32).tobytes(), windows=b"")

def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]

def waste(count):  # numbers of transactions that leave nothing
    for _ in range(count):
        with transaction.atomic():
            ask("SELECT pg_current_xact_id()::text")
            transaction.set_rollback(True)

def crash():
    os.kill(ask("SELECT pg_backend_pid()"), signal.SIGKILL)
    for _ in range(1000):
        try:
            connection.close()
            return ask("SELECT 1")
        except Error:
            time.sleep(0.02)

def tell(follower):
    in_rows = sorted(Embedding.objects.values_list("sound_id", flat=True))
    print("missed nothing" if follower.follow().ids().tolist() == in_rows else "missed a row")

write("first")
follower = Follower(MODEL)
follower.follow()
waste(100)
"""
TOLD = {
    "by who follows": "follower.follow()",
    "by what is built": "building.build(MODEL, SOUNDS); follower = Follower(MODEL)",
    "by what is built after a note that was lost": "ask(\"SELECT set_config('synchronous_commit', 'off', false)\");"
    "building.build(MODEL, SOUNDS); follower = Follower(MODEL)",
}
CRASH = """
horizon = Look.now().horizon
crash()
write("second")
lost = Look.now().horizon < horizon
waste(200)
tell(follower)
print("numbers were lost" if lost else "no number was lost")
"""


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("server"), throwaway=True)
    server.start()
    with psycopg.connect(host=str(server.sockets), user=DATABASE_USER, dbname="postgres", autocommit=True) as session:
        session.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")  # a moment in which much happens
        session.execute("ALTER SYSTEM SET wal_writer_flush_after = '1GB'")
        session.execute("SELECT pg_reload_conf()")
    yield server.sockets
    server.stop()


@pytest.mark.parametrize("told", TOLD)
def test_a_number_that_is_given_out_again_is_not_missed(sockets: Path, tmp_path: Path, told: str) -> None:
    name = f"of_{list(TOLD).index(told)}"
    with psycopg.connect(host=str(sockets), user=DATABASE_USER, dbname="postgres", autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}".encode())
    url = f"postgres://{DATABASE_USER}@/{sockets}/{name}"
    done = subprocess.run(
        [sys.executable, "-c", STORY + TOLD[told] + CRASH],
        cwd=CHECKOUT,
        env=os.environ | {"DATABASE_URL": url, "TIMBRE_INDEX_DIR": str(tmp_path / "index")},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )

    assert done.stdout.splitlines()[:1] == ["missed nothing"], done.stdout + done.stderr
    if told != "by what is built":
        assert "numbers were lost" in done.stdout  # else it showed nothing
