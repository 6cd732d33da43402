"""Waiting for a library ends with what happened, also where somebody ended the work early."""

from __future__ import annotations

import pytest

from catalog import actions, tasks
from catalog.models import Library, Run, Sound
from config.cli.errors import WrongUse
from config.cli.progress import wait_for_library
from config.runtime import WorkerOnCall

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(db: None) -> Library:
    return Library.objects.create(name="Shelf", root="/shelf")


def test_a_cancelled_scan_is_told(library: Library) -> None:
    run = actions.cancel(tasks.start_scan(library))
    with pytest.raises(WrongUse, match="was cancelled"):
        wait_for_library(library, run, WorkerOnCall())


def test_a_cancelled_analysis_is_not_waited_for(library: Library) -> None:
    scan = Run.objects.create(kind="scan", state="done", library=library, total=1)
    Sound.objects.create(library=library, path="a.wav", file_name="a.wav", size_bytes=1, modified_ns=1)
    actions.cancel(tasks.start_analysis(library.sounds.all(), "fast", library=library, follows=scan))
    outcome = wait_for_library(library, scan, WorkerOnCall())
    assert (outcome.scanned, outcome.analyzed, outcome.failed) == (1, 0, [])
