"""Builds of the search index, and counts of the words that correct searches, in a process beside the worker."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time

from django.conf import settings
from django.db import Error, connection

from analysis.errors import AnalysisError
from catalog import engine
from catalog.dictionary import refresh_due
from catalog.postings import forget_old_changes, postings_due
from catalog.tallies import fold_tallies
from config.renumbering import is_numbered_elsewhere
from config.runtime import launch, stop_group
from search.building import current_generations, due_builds
from search.errors import SearchError
from search.trust import Look
from search.unused import tell_in_use, unused_folders

logger = logging.getLogger(__name__)

COMMAND = [sys.executable, "-m", "config.cli.main", "index", "rebuild", "--due"]
ENVIRONMENT = {"TIMBRE_LOG_LEVEL": "INFO"}  # its log tells what was built and how long it took
LOOK_S = 30.0
AFTER_FAILURE_S = 600.0
STOP_LIMIT_S = 2.0  # it dies at once, and what it leaves the next one cleans away


class IndexBuilder:
    """Looks now and then whether an index should be built, and has it built beside: with memory of its own, that goes
    back when it is done, and as the last in line for the processor. What was built is read there once by each worker,
    so that what the disk damaged is built anew.
    """

    def __init__(self) -> None:
        self._build: subprocess.Popen[bytes] | None = None
        self._read: set[str] = set()  # generations of which every byte was right
        self._next_look = time.monotonic() + LOOK_S

    def tend(self) -> None:
        """To be called every second or so, from the main thread: a child lives no longer than who started it."""
        if self._build is not None and self._build.poll() is not None:
            if self._build.returncode:
                logger.warning("An index could not be built; %s says why", settings.LOGS_DIR / "index.log")
            else:
                self._read = built()
            self._next_look = time.monotonic() + (AFTER_FAILURE_S if self._build.returncode else LOOK_S)
            self._build = None
        if self._build is None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_S
            keep_small()
            if is_due() or not built() <= self._read:
                self._start()

    def _start(self) -> None:
        log = settings.LOGS_DIR / "index.log"
        try:
            self._build = launch(COMMAND, log, at_parents_end=signal.SIGKILL, environment=ENVIRONMENT)
        except OSError as error:  # no memory, or no place for the log: the worker goes on without
            logger.warning("A build of the index could not be started: %s", error)
            self._next_look = time.monotonic() + AFTER_FAILURE_S

    def stop(self) -> None:
        if self._build is not None:
            stop_group(self._build, limit_s=STOP_LIMIT_S)


def keep_small() -> None:
    """Fold the counts of sounds and drop the oldest of their changes: while a library is taken in, that is many rows a
    minute.
    """
    try:
        fold_tallies()
        forget_old_changes()
    except Error as error:  # the database restarts: the next look does it
        logger.debug("Counts are not folded: %s", error)
        connection.close()


def is_due() -> bool:
    """Whether an index of the model that searches ask for should be built, or the words of the sounds be counted, or
    something cleared up: all that the command does.
    """
    try:
        database = Look.now().database
        tell_in_use(database)
        model = engine.active_model()
        return (
            postings_due()
            or refresh_due()
            or bool(due_builds(model))
            or bool(unused_folders(database, model))
            or is_numbered_elsewhere()
        )
    except (AnalysisError, SearchError, Error) as error:  # no model yet, or the database restarts: the next look sees
        logger.debug("Not known whether an index is due: %s", error)
        connection.close()
        return False


def built() -> set[str]:
    """The built indexes of the model that searches ask for; none where that cannot be told now."""
    try:
        return current_generations(engine.active_model())
    except (AnalysisError, Error):
        connection.close()
        return set()
