"""`timbre retag`: what sounds are said to be, brought up to date from stored vectors, whether or not it is served."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import click
from django.db.models import QuerySet

from catalog import actions
from catalog import retag as retagging
from catalog.models import Run, Sound
from config.cli.catalog import SOME_FAILED, library_called
from config.cli.errors import WrongUse
from config.cli.one_line import told_in_one_line
from config.cli.progress import Failure, progress_bar
from config.runtime import database

LOOK_S = 0.3


@click.command()
@click.option("--profile", help="Apply this profile; where left out, each sound keeps the one it was told with.")
@click.option("--library", "library_name", metavar="LIBRARY", help="Only the sounds of this library.")
@click.option("--all", "everything", is_flag=True, help="Also what is up to date.")
@click.option("--json", "as_json", is_flag=True, help="End with what happened, for scripts.")
@told_in_one_line
def retag(*, profile: str | None, library_name: str | None, everything: bool, as_json: bool) -> None:
    """Tell sounds anew where the vocabulary, a calibration, their profile or --profile asks for it.

    Stored vectors are compared with labels again: no audio is read. What people wrote stays above it.
    """
    with database():
        library = library_called(library_name) if library_name else None
        sounds = retagging.told(Sound.objects.filter(library=library) if library else Sound.objects.all())
        plan = retagging.plan(wanted(sounds, profile), renew=everything)
        run = retagging.create_run(plan, profile=profile or "", library=library)
        outcome = Outcome.of(work_off(run), told=sounds.count(), to_be_heard=plan.to_be_heard)
    if as_json:
        click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2))
    else:
        tell(outcome)
    if outcome.failed:
        raise SystemExit(SOME_FAILED)


def wanted(sounds: QuerySet[Sound], profile: str | None) -> Mapping[str, QuerySet[Sound]]:
    return {actions.checked_profile(profile): sounds} if profile else retagging.by_profile(sounds)


def work_off(run: Run) -> Run:
    """Here and not in a worker, which might have long sounds before it; a worker goes on with what is left of us."""
    claimed = None if run.is_finished else retagging.claim_run(run.pk, f"cli-{os.getpid()}/{secrets.token_hex(4)}")
    if claimed is not None:
        with ThreadPoolExecutor(1) as pool, progress_bar() as bar:
            task = bar.add_task("re-tagging", total=run.total)
            work = pool.submit(retagging.work_off_and_close, claimed)
            try:
                while wait([work], LOOK_S).not_done:
                    run.refresh_from_db()
                    bar.update(task, total=run.total, completed=run.done + run.failed)
            except KeyboardInterrupt:
                actions.cancel(run)
            work.result()
    run.refresh_from_db()
    if run.state == Run.State.CANCELLED:
        raise WrongUse(f"cancelled; {run.done} of {run.total} sounds are re-tagged")
    return run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the analyzed sounds."""

    retagged: int
    up_to_date: int
    to_be_heard: int
    failed: int
    failures: list[Failure]  # the first of them

    @classmethod
    def of(cls, run: Run, *, told: int, to_be_heard: int) -> Outcome:
        failures = [Failure(problem["path"], problem["reason"]) for problem in run.problems]
        return cls(run.done, max(0, told - run.total - to_be_heard), to_be_heard, run.failed, failures)

    def as_json(self) -> dict[str, object]:
        failed = [{"path": failure.path, "reason": failure.reason} for failure in self.failures]
        counts = {"retagged": self.retagged, "up_to_date": self.up_to_date, "to_be_heard": self.to_be_heard}
        return {**counts, "failed": failed}


def tell(outcome: Outcome) -> None:
    for failure in outcome.failures:
        click.echo(f"{failure.path}: {failure.reason}", err=True)
    click.echo(f"{outcome.retagged} re-tagged, {outcome.up_to_date} up to date, {outcome.failed} failed")
    if outcome.to_be_heard:
        click.echo(f"{outcome.to_be_heard} have no vectors for this: analyze them with the profile, on /libraries/")
