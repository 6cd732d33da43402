"""A real `timbre up` for tests, and what can be asked of it from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

TIMBRE = [sys.executable, "-m", "config.cli.main"]
PATIENCE_S = 60.0  # the machine may be busy with other things


def free_port() -> int:
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
