"""A process that takes part in a re-tagging. It is spawned and knows nothing yet, so Django is set up here."""

from __future__ import annotations

import os
from threading import Event, Thread

LOOK_S = 0.5


def join_run(run_id: int, starter: int) -> None:
    """Tell sounds of a run anew until none is left, or until the process that started this one is gone."""
    import django

    django.setup()
    from catalog import retag

    stopping = Event()
    Thread(target=stop_with, args=(starter, stopping), daemon=True).start()
    retag.join_run(run_id, stopping)


def stop_with(starter: int, stopping: Event) -> None:
    while os.getppid() == starter:
        stopping.wait(LOOK_S)
    stopping.set()
