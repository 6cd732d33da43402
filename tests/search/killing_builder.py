"""A build that kills others at a point of its way: `python -m tests.search.killing_builder POINT PID...`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import django

django.setup()

from catalog import engine  # noqa: E402  # models are known only now
from search import building, rows  # noqa: E402
from search.errors import AlreadyBuilding  # noqa: E402
from search.index import files, writing  # noqa: E402

POINTS: dict[str, tuple[Any, str, int]] = {  # what is called there, and for which time
    "while rows are read": (rows.SOUNDS, "read", 3),
    "before the indexes are made": (writing, "flat_index", 1),
    "before it is named": (files, "sync_to_disk", 1),
    "when it is named": (files.Shelf, "clean", 2),
}
ROWS_AT_ONCE = 500


def strike_at(point: str, strike: Callable[[], None]) -> None:
    owner, name, which = POINTS[point]
    called, original = [], getattr(owner, name)

    def instead(*arguments: Any, **named: Any) -> Any:
        called.append(name)
        if len(called) == which:
            strike()
        return original(*arguments, **named)

    setattr(owner, name, instead)


def main() -> None:
    point, *pids = sys.argv[1:]

    def kill() -> None:
        for pid in map(int, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sys.stdout.write("killed\n")

    rows.SOUNDS.chunk = ROWS_AT_ONCE
    strike_at(point, kill)
    while True:
        try:
            building.build(engine.active_model(), rows.SOUNDS)
        except AlreadyBuilding:  # the worker does
            continue
        break


if __name__ == "__main__":
    main()
