"""Waiting for a library to be done, with a progress bar on standard error."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.db.models import Q, Sum
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from catalog.models import Library, Run
from catalog.store import OPEN, failures
from config.cli.errors import WrongUse
from config.runtime import WorkerOnCall

LOOK_S = 0.3
WORKER_LOOK_S = 3.0


@dataclass(frozen=True, slots=True)
class Failure:
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scan and the analyses after it came to."""

    scanned: int
    analyzed: int
    failed: list[Failure] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        return max(0, self.scanned - self.analyzed - len(self.failed))

    def as_json(self) -> dict[str, object]:
        failed = [{"path": failure.path, "reason": failure.reason} for failure in self.failed]
        return {"scanned": self.scanned, "analyzed": self.analyzed, "skipped": self.skipped, "failed": failed}


def wait_for_library(library: Library, scan: Run, worker: WorkerOnCall) -> Outcome:
    """Wait for the scan, what it queued, and what an earlier, broken off run of this library left over."""
    unfinished = Run.objects.filter(library=library, kind=Run.Kind.ANALYSIS, state__in=OPEN)
    earlier = list(unfinished.values_list("pk", flat=True))
    analyses = Run.objects.filter(Q(follows=scan) | Q(pk__in=earlier))
    worker_seen_at = 0.0
    with progress_bar() as bar:
        task = bar.add_task("scanning", total=None)
        while not scan.is_finished or analyses.filter(state__in=OPEN).exists():
            show(bar, task, scan, analyses.aggregate(total=Sum("total"), done=Sum("done"), failed=Sum("failed")))
            if time.monotonic() - worker_seen_at > WORKER_LOOK_S:
                worker.ensure()
                worker_seen_at = time.monotonic()
            time.sleep(LOOK_S)
            try:
                scan.refresh_from_db()
            except Run.DoesNotExist as error:
                raise WrongUse(f"the library of {library.root} was removed meanwhile") from error
    if scan.state == Run.State.CANCELLED:
        raise WrongUse(f"the scan of {library.root} was cancelled")
    if scan.state == Run.State.FAILED:
        raise WrongUse(f"the scan of {library.root} failed: {scan.error}")
    return outcome_of(scan, list(analyses))


def progress_bar() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def show(bar: Progress, task: TaskID, scan: Run, counts: dict[str, int | None]) -> None:
    if counts["total"]:
        finished = (counts["done"] or 0) + (counts["failed"] or 0)
        bar.update(task, description="analyzing", total=counts["total"], completed=finished)
    else:
        bar.update(task, completed=scan.total)


def outcome_of(scan: Run, analyses: list[Run]) -> Outcome:
    failed = [Failure(str(problem["path"]), str(problem["reason"])) for problem in scan.problems]
    for run in (scan, *analyses):
        failed += [Failure(sound.path, sound.error) for sound in failures(run)]
    return Outcome(scan.total, sum(run.done for run in analyses), failed)
