"""`timbre up` as a person meets it: it serves, is alone, mends what dies and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.serving import PATIENCE_S, TIMBRE, answers, eventually, free_port, processes, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are told by /proc, and tied on Linux alone")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def up(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    with serving(home, port) as up:
        yield up


@pytest.mark.usefixtures("up")
def test_it_serves_the_catalog(port: int) -> None:
    assert answers(port)
    assert answers(port, "/api/health")


@pytest.mark.usefixtures("up")
def test_it_reads_long_addresses(port: int) -> None:
    assert answers(port, f"/api/health?{'x' * 8_000}")


@pytest.mark.usefixtures("up")
def test_a_second_one_is_told_where_the_first_listens(home: Path, port: int) -> None:
    second = subprocess.run(
        [*TIMBRE, "up", "--port", str(port + 1)],
        env=os.environ | {"TIMBRE_HOME": str(home)},
        capture_output=True,
        text=True,
    )

    assert second.returncode == 2
    assert second.stderr == f"Error: Timbre runs already at http://127.0.0.1:{port}; stop that one first\n"


@pytest.mark.usefixtures("up")
def test_a_taken_port_is_refused(tmp_path: Path, port: int) -> None:
    other = subprocess.run(
        [*TIMBRE, "up", "--port", str(port)],
        env=os.environ | {"TIMBRE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert other.returncode == 2
    assert other.stderr == f"Error: port {port} is used by another program; choose another one with --port\n"


@pytest.mark.usefixtures("up")
def test_a_killed_worker_is_started_again(home: Path) -> None:
    assert eventually(lambda: bool(processes(home, "config.worker")))
    (first,) = processes(home, "config.worker")

    os.kill(first, signal.SIGKILL)

    assert eventually(lambda: processes(home, "config.worker") not in ([], [first]))


@pytest.mark.usefixtures("up")
def test_a_killed_database_is_started_again(home: Path, port: int) -> None:
    (server,) = processes(home, "bin/postgres", "-D")

    os.kill(server, signal.SIGKILL)

    assert eventually(lambda: processes(home, "bin/postgres", "-D") not in ([], [server]))
    assert eventually(lambda: answers(port))


def test_it_stops_in_order_and_leaves_nothing(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, port + 2) as up:
        up.terminate()

        assert up.wait(PATIENCE_S) == 0
        assert processes(tmp_path) == []


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, port + 3) as up:
        up.kill()
        up.wait()

        assert eventually(lambda: processes(tmp_path) == [])
