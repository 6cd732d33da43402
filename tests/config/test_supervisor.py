"""`timbre up` as a person meets it: it serves, is alone, mends what dies and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are told by /proc, and tied on Linux alone")

TIMBRE = [sys.executable, "-m", "config.cli.main"]
PATIENCE_S = 60.0  # the machine may be busy with other things


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    up = subprocess.Popen(
        [*TIMBRE, "up", "--port", str(port)],
        env=os.environ | {"TIMBRE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert up.stdout is not None
    assert up.stdout.readline().startswith(f"Timbre listens at http://127.0.0.1:{port}")
    try:
        yield up
    finally:
        up.terminate()
        up.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def up(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    with serving(home, port) as up:
        yield up


def processes(home: Path, *words: str) -> list[int]:
    """Those started for this home, by what stands in their command lines."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().replace("\0", " ")
            if f"TIMBRE_HOME={home}\0" in (folder / "environ").read_text() and all(word in command for word in words):
                found.append(int(folder.name))
        except OSError:  # ended a moment ago
            continue
    return sorted(found)


def eventually(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def answers(port: int, path: str = "/") -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


@pytest.mark.usefixtures("up")
def test_it_serves_the_catalog(port: int) -> None:
    assert answers(port)
    assert answers(port, "/api/health")


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
