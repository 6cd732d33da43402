"""Clients that ask over HTTP, one question after the other each, in a process of their own.

Reads one line of JSON on standard in: `port`, `clients`, `seconds`, `seed` and `requests`, pairs of a kind and an
address. Asks until the time is over or standard in is closed, and writes what it saw as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

HOST = "127.0.0.1"
LIMIT_S = 120.0


class Answer(NamedTuple):
    """What one request took; status 0 where no answer came."""

    kind: str
    status: int
    took_ms: float
    size_bytes: int


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=wait_for_end, args=[stop], daemon=True).start()
    answers: list[Answer] = []
    end = time.perf_counter() + wanted["seconds"]
    clients = [
        threading.Thread(target=ask, args=[wanted, number, end, stop, answers]) for number in range(wanted["clients"])
    ]
    started = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    json.dump({"elapsed_s": time.perf_counter() - started, "answers": answers}, sys.stdout)


def wait_for_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def ask(wanted: dict[str, object], number: int, end: float, stop: threading.Event, answers: list[Answer]) -> None:
    """One client: its requests are all of them, in an order of its own."""
    port, requests = wanted["port"], wanted["requests"]
    assert isinstance(port, int)
    assert isinstance(requests, list)
    mixed = random.Random(f"{wanted['seed']} {number}")
    connection = HTTPConnection(HOST, port, timeout=LIMIT_S)
    while time.perf_counter() < end and not stop.is_set():
        kind, address = mixed.choice(requests)
        started = time.perf_counter()
        try:
            connection.request("GET", address)
            response = connection.getresponse()
            size, status = len(response.read()), response.status
        except (OSError, HTTPException):
            connection.close()
            size, status = 0, 0
        answers.append(Answer(kind, status, 1e3 * (time.perf_counter() - started), size))
    connection.close()


if __name__ == "__main__":
    main()
