"""The embedded server starts once, is shared, survives being killed, and never outlives its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded_postgres import DatabaseUnavailable, EmbeddedPostgres, socket_folder

START = """
import sys, time
from pathlib import Path
from config.embedded_postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1]), throwaway=True).start(), flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, throwaway=True)
    assert server.start()
    yield server
    server.stop()


def ask(server: EmbeddedPostgres, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(host=str(server.sockets), user="postgres", dbname="postgres") as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def eventually(is_so: Callable[[], bool], *, within_s: float = 10.0) -> bool:
    end = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_rows_survive_a_killed_server(server: EmbeddedPostgres) -> None:
    ask(server, "CREATE TABLE kept AS SELECT generate_series(1, 100) AS n")
    assert server.process is not None

    server.process.kill()
    assert eventually(lambda: server.has_exited)
    assert server.start()

    assert ask(server, "SELECT count(*) FROM kept") == [(100,)]


def test_another_process_uses_the_server_that_answers(server: EmbeddedPostgres, home: Path) -> None:
    other = subprocess.run(
        [sys.executable, "-c", START, str(home), "0"], capture_output=True, text=True, check=True, timeout=30
    )

    assert other.stdout.strip() == "False"
    assert server.is_answering()


def test_a_stopped_server_no_longer_answers(home: Path) -> None:
    server = EmbeddedPostgres(home, throwaway=True)
    server.start()
    server.stop()

    assert not server.is_owned
    assert not server.is_answering()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child's life to its parent's")
def test_the_server_ends_with_an_owner_that_was_killed(home: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", START, str(home), "60"], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline().strip() == "True"
    assert EmbeddedPostgres(home).is_answering()

    owner.kill()
    owner.communicate()

    assert eventually(lambda: not EmbeddedPostgres(home).is_answering())
    assert eventually(lambda: not (home / "postgres" / "postmaster.pid").exists())


@pytest.mark.skipif(not Path("/proc").exists(), reason="a process is told by /proc")
def test_a_pid_file_that_names_another_program_stops_nothing(home: Path) -> None:
    pid_file = home / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    server = EmbeddedPostgres(home, throwaway=True)

    assert server.start()
    server.stop()


def test_a_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")

    with pytest.raises(DatabaseUnavailable, match="written by Postgres 15"):
        EmbeddedPostgres(tmp_path).start()


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path, throwaway=True)

    assert server.start()
    assert ask(server, "SELECT 1") == [(1,)]
    server.stop()


def test_sockets_of_a_long_path_lie_in_a_short_place() -> None:
    deep = Path("/home", *["sounds"] * 20)

    assert socket_folder(Path("/home/ann/timbre")) == Path("/home/ann/timbre/run")
    assert len(os.fsencode(socket_folder(deep))) <= 80
    assert socket_folder(deep) != socket_folder(deep / "other")


def test_stopping_sends_the_fast_shutdown(server: EmbeddedPostgres) -> None:
    process = server.process
    assert process is not None

    server.stop()

    assert process.returncode in {0, -signal.SIGINT}
    assert "database system is shut down" in server.log_path.read_text().splitlines()[-1]
