"""`timbre up` whose web process, database or one session of it is killed while rows are written and an index is built:
nothing that was committed is missing after.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.config.serving import PATIENCE_S, TIMBRE, answers, eventually, free_port, processes, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are told by /proc")

CHECKOUT = Path(__file__).parents[2]
LOOKED_FOR = 12  # twins of those committed around a kill


@dataclass(frozen=True, slots=True)
class Home:
    """A Timbre that serves, and somebody who writes into its database without end."""

    folder: Path
    port: int
    said: Path  # by the writer

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"TIMBRE_HOME": str(self.folder)}

    def twins(self) -> list[tuple[int, int]]:
        """Those that were committed, and whose end nobody has asked for; the last ones last."""
        lines = [line.split() for line in self.said.read_text().splitlines(keepends=True) if line.endswith("\n")]
        gone = {int(first) for sign, first, _ in lines if sign == "-"}
        return [(int(one), int(other)) for sign, one, other in lines if sign == "+" and int(one) not in gone]

    def like(self, sound: int) -> list[int]:
        with urlopen(f"http://127.0.0.1:{self.port}/api/sounds/{sound}/similar?limit=3", timeout=PATIENCE_S) as answer:
            return [found["id"] for found in json.loads(answer.read())["results"]]

    def build(self, point: str, pids: list[int]) -> str:
        command = [sys.executable, "-m", "tests.search.killing_builder", point, *map(str, pids)]
        done = subprocess.run(
            command, cwd=CHECKOUT, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return done.stdout + done.stderr

    def verify(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TIMBRE, "index", "verify", "--sample", "20"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@contextmanager
def writing(folder: Path, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    with said.open("w") as out, (folder / "writer.log").open("w") as log:
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.search.pair_writer"],
            cwd=CHECKOUT,
            env=os.environ | {"TIMBRE_HOME": str(folder)},
            stdout=out,
            stderr=log,
        )
        try:
            yield writer
        finally:
            writer.kill()
            writer.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    home = Home(folder, free_port(), folder / "said")
    with serving(folder, home.port), writing(folder, home.said) as writer:
        assert eventually(lambda: bool(home.twins())), writer.poll()
        assert "killed" in home.build("when it is named", [])
        yield home


def children_of(parent: int) -> list[int]:
    stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    return [int(stat.split()[0]) for stat in stats if stat.rpartition(")")[2].split()[1] == str(parent)]


def web_processes(home: Home) -> list[int]:
    return processes(home.folder, "gunicorn")


def database_processes(home: Home) -> list[int]:
    (postmaster,) = processes(home.folder, "bin/postgres", "-D")
    return [postmaster, *children_of(postmaster)]


def one_session(home: Home) -> list[int]:
    """As memory that runs out ends one: all others are ended too, and the server recovers without starting anew."""
    (postmaster,) = processes(home.folder, "bin/postgres", "-D")
    sessions = [pid for pid in children_of(postmaster) if b"[local]" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return sessions[:1]


@pytest.mark.parametrize(
    ("victims", "point"),
    [
        (web_processes, "while rows are read"),
        (database_processes, "while rows are read"),
        (database_processes, "before the indexes are made"),
        (database_processes, "before it is named"),
        (one_session, "while rows are read"),
        (one_session, "when it is named"),
    ],
)
def test_nothing_is_missing_after_a_kill_during_a_build(
    home: Home, victims: Callable[[Home], list[int]], point: str
) -> None:
    assert eventually(lambda: bool(victims(home)))

    told = home.build(point, victims(home))

    assert "killed" in told, told
    before = len(home.twins())
    assert eventually(lambda: answers(home.port, "/api/health"))
    assert eventually(lambda: len(home.twins()) > before + LOOKED_FOR)  # it writes again
    verified = home.verify()
    assert verified.returncode == 0, verified.stdout + verified.stderr
    twins = home.twins()
    around = twins[before - LOOKED_FOR :: 3]
    lost = [one for one, other in [*twins[:3], *around] if other not in home.like(one) and (one, other) in home.twins()]
    assert lost == []
