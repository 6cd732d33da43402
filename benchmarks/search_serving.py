"""The web server as `timbre up` starts it, and clients that ask it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search_load import HOST, Answer
from benchmarks.search_mix import Request
from config.runtime import CHECKOUT, stop_group
from config.supervisor import Child, web

START_LIMIT_S = 300.0
ASK_LIMIT_S = 120.0
READY = "/api/search?q=like:1&limit=2"


class NotServed(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a server: without what it maps from files, and with its share of that."""

    own_bytes: int
    proportional_bytes: int


class Server:
    """A web server that answers."""

    def __init__(self, child: Child, port: int) -> None:
        self.port = port
        self._child = child

    def ask(self, address: str) -> tuple[int, bytes]:
        connection = HTTPConnection(HOST, self.port, timeout=ASK_LIMIT_S)
        try:
            connection.request("GET", address)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def found(self, address: str) -> dict[str, Any]:
        status, body = self.ask(address)
        if status != HTTPStatus.OK:
            raise NotServed(f"{address}: {status} {body[:300]!r}; see {self._child.log_path}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    def wait(self, address: str) -> float:
        """How long until an address answers, in seconds."""
        started = time.perf_counter()
        while time.perf_counter() - started < START_LIMIT_S:
            try:
                if self.ask(address)[0] == HTTPStatus.OK:
                    return time.perf_counter() - started
            except (OSError, HTTPException):
                pass
            if self._child.process is None or self._child.process.poll() is not None:
                break
            time.sleep(0.02)
        raise NotServed(f"the web server does not answer {address}; see {self._child.log_path}")

    def memory(self) -> Memory | None:
        """None where the system does not say."""
        assert self._child.process is not None
        own = proportional = 0
        try:
            for pid in family(self._child.process.pid):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in rollup.splitlines()[1:]}
                own += sizes["Anonymous"]
                proportional += sizes["Pss"]
        except OSError:
            return None
        return Memory(own, proportional)


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


@contextmanager
def server() -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    child = web(port)
    child.start()
    assert child.process is not None
    try:
        yield Server(child, port)
    finally:
        stop_group(child.process)


class Clients:
    """Clients at work in their own process, until they are asked what they saw."""

    def __init__(self, port: int, clients: int, seconds: float, requests: Sequence[Request], *, seed: int = 0) -> None:
        wanted = {"port": port, "clients": clients, "seconds": seconds, "seed": seed, "requests": requests}
        self.clients = clients
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.search_load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()

    def seen(self, *, now: bool = False) -> Seen:
        """Wait for the end; `now` makes it the end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if now:
            self._process.stdin.close()
        told = json.loads(self._process.stdout.read())
        self._process.stdin.close()
        self._process.wait()
        return Seen(self.clients, told["elapsed_s"], [Answer(*answer) for answer in told["answers"]])


@dataclass(frozen=True, slots=True)
class Times:
    """Of all answers of a kind that were right."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What clients saw."""

    clients: int
    elapsed_s: float
    answers: list[Answer]

    @property
    def kinds(self) -> list[str]:
        return list(Counter(answer.kind for answer in self.answers))

    @property
    def per_second(self) -> float:
        return len(self.answers) / self.elapsed_s

    @property
    def failures(self) -> Counter[str]:
        return Counter(
            f"{answer.kind}: {answer.status or 'no answer'}"
            for answer in self.answers
            if answer.status != HTTPStatus.OK
        )

    def times(self, kind: str | None = None) -> Times | None:
        """Of one kind, or of all; None where nothing was answered."""
        took = [
            answer.took_ms for answer in self.answers if answer.status == HTTPStatus.OK and kind in (None, answer.kind)
        ]
        return Times(len(took), *(float(one) for one in np.percentile(took, [50, 95, 99]))) if took else None
