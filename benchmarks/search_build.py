"""Builds the indexes with Timbre's own builder, in a process of its own, and writes what it took as JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.memory import forget_peak, peak_bytes

WATCH_S = 0.05


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from catalog import engine
    from search import building
    from search.rows import KINDS

    told: list[dict[str, Any]] = []
    model = engine.active_model()
    for kind in KINDS:
        forget_peak()
        started = time.perf_counter()
        with watched() as own:
            generation = building.build(model, kind)
        elapsed_s = time.perf_counter() - started
        if generation is None:
            continue
        facts = generation.manifest
        told.append(
            {
                "kind": kind.name,
                "elapsed_s": elapsed_s,
                "entries": facts.entries,
                "lists": facts.lists,
                "files": {name: file.size_bytes for name, file in facts.files.items()},
                "peak_bytes": peak_bytes(),
                "peak_own_bytes": own.peak_bytes,
            }
        )
    json.dump(told, sys.stdout)


class Own:
    """Memory that belongs to this process alone: mapped files, which the system may drop, are not in it."""

    peak_bytes = 0


@contextmanager
def watched() -> Iterator[Own]:
    own, done = Own(), threading.Event()

    def watch() -> None:
        while not done.wait(WATCH_S):
            own.peak_bytes = max(own.peak_bytes, own_bytes())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield own
    done.set()
    thread.join()


def own_bytes(pid: int | str = "self") -> int:
    """Anonymous memory of a process; 0 where the system does not say."""
    return status_bytes(pid, "RssAnon")


def status_bytes(pid: int | str, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


if __name__ == "__main__":
    main()
