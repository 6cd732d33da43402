"""The worker process: takes messages from the queue until it is told to stop or the one who started it is gone."""

from __future__ import annotations

import logging
import os
import signal
import threading
from importlib import import_module
from types import FrameType

import django
import dramatiq
from django.conf import settings

logger = logging.getLogger(__name__)

MODULES = ("catalog.tasks",)
STOP_LIMIT_MS = 8_000  # work that takes longer is dropped: its lease runs out and another worker does it


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    stopping = threading.Event()
    stop_on_signals(stopping)
    django.setup()
    from config.index_builder import IndexBuilder  # models are known only now

    broker = dramatiq.get_broker()
    broker.emit_after("process_boot")
    for module in MODULES:
        import_module(module)
    worker = dramatiq.Worker(broker, worker_threads=settings.WORKER_THREADS)
    worker.start()
    logger.info("worker %d takes messages in %d thread(s)", os.getpid(), settings.WORKER_THREADS)
    builder = IndexBuilder()
    starter = os.getppid()
    while not stopping.wait(1.0) and os.getppid() == starter:
        builder.tend()
    builder.stop()
    worker.stop(timeout=STOP_LIMIT_MS)
    broker.close()


def stop_on_signals(stopping: threading.Event) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


if __name__ == "__main__":
    main()
