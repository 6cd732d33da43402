"""The jobs of a worker: analyzing sounds, scanning libraries, and sending both into the queue."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dramatiq
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from analysis.errors import AnalysisError
from analysis.results import AnalyzedFile
from catalog import engine, retag, scan, store
from catalog.models import Library, Run, Sound
from catalog.storable import storable_text
from catalog.worker import LifeSigns, claiming, show_device

if TYPE_CHECKING:
    from analysis.results import AnalyzedSound

logger = logging.getLogger(__name__)

# Here and not in the settings: the broker is made before models can be imported, and every worker imports its tasks
dramatiq.get_broker().add_middleware(LifeSigns())

BATCH = 8  # sounds of a message: small, so that several workers share a run, and what a dying one loses is little
FEW = BATCH  # a request of so few sounds comes from a person who waits: it goes past the long runs
RESENT_AT_ONCE = 2_000
MAX_SCAN_ATTEMPTS = 3
DAY_MS = 24 * 60 * 60 * 1000  # dramatiq's ten minutes are too few for a long file on a slow machine
MAX_RETRIES = BATCH * store.MAX_ATTEMPTS  # each sound of a batch may break it until it is given up
MIN_BACKOFF_MS, MAX_BACKOFF_MS = 1_000, 10_000
job = partial(
    dramatiq.actor,
    time_limit=DAY_MS,
    max_retries=MAX_RETRIES,
    min_backoff=MIN_BACKOFF_MS,
    max_backoff=MAX_BACKOFF_MS,
)


@job(queue_name="analysis", priority=10)
def analyze_sounds(ids: list[int], profile: str) -> None:
    """Analyze as many sounds as are named. Runs take turns: the sounds are those of the run whose turn it is, wherever
    the message stands in the queue, so that nobody waits for the end of a long run.
    """
    with claiming() as claim:
        analyze_claimed(claims_in_turn(ids, profile, claim), claim)


@job(queue_name="soon", priority=0)
def analyze_few_sounds(ids: list[int], profile: str) -> None:
    """Analyze the sounds that are named; for each that a longer message took meanwhile, one that it left."""
    with claiming() as claim:
        analyze_claimed(claims_of(ids, profile, claim), claim)


def claims_in_turn(ids: list[int], profile: str, claim: str) -> Iterator[Sound]:
    turn = store.take_turn()
    for sound_id in ids:
        sound = store.claim_next(turn, claim) if turn is not None else None
        if sound is None and turn is not None:  # the run is through: the rest of the message is another's
            turn = store.take_turn()
            sound = store.claim_next(turn, claim) if turn is not None else None
        sound = sound or store.claim_sound(sound_id, profile, claim)
        if sound is not None:
            yield sound


def claims_of(ids: list[int], profile: str, claim: str) -> Iterator[Sound]:
    for sound_id in ids:
        sound = store.claim_sound(sound_id, profile, claim)
        if sound is None and (turn := store.take_turn()) is not None:
            sound = store.claim_next(turn, claim)
        if sound is not None:
            yield sound


class Together:
    """Sounds that are analyzed at once: of one profile, and one alone that was claimed before. What ended its worker
    then may do so again, and must not take the attempts of others with it.
    """

    def __init__(self, first: Sound, claims: Iterator[Sound]) -> None:
        self.profile = first.wanted_profile
        self.next: Sound | None = None
        self.held: dict[Path, list[Sound]] = {}
        self._first = first
        self._first_path = self._hold(first)  # held before its file is asked for, which a missing model prevents
        self._claims = claims

    def paths(self) -> Iterator[Path]:
        """The files, each sound claimed when its file is asked for."""
        yield self._first_path
        if self._first.attempts > 1:
            return
        for sound in self._claims:
            if sound.wanted_profile != self.profile or sound.attempts > 1:
                self.next = sound
                return
            yield self._hold(sound)

    def release(self, path: Path) -> None:
        self.held[path].pop()

    def of_profile(self) -> list[Sound]:
        return [sound for sounds in self.held.values() for sound in sounds]

    def all_held(self) -> list[Sound]:
        return self.of_profile() if self.next is None else [*self.of_profile(), self.next]

    def _hold(self, sound: Sound) -> Path:
        path = sound.absolute_path  # libraries may lie within each other, so two sounds may be one file
        self.held.setdefault(path, []).append(sound)
        return path


def analyze_claimed(claims: Iterator[Sound], claim: str) -> None:
    """Analyze sounds as they are claimed; what breaks, but is no fact about a file, is due again and breaks the job."""
    waiting = next(claims, None)
    while waiting is not None:
        together = Together(waiting, claims)
        try:
            broken = analyze_together(together, claim)
        except BaseException as error:
            store.give_back(together.all_held(), claim, error)
            raise
        if broken:
            store.give_back(together.all_held(), claim, broken[0])
            raise broken[0]  # and not the next claim, which would be the same sound: the message comes again, later
        waiting = together.next or next(claims, None)


def analyze_together(together: Together, claim: str) -> list[Exception]:
    """Analyze and store; returns what broke the analysis of single files."""
    broken = []
    try:
        for result in engine.analyzer().analyze_many(together.paths(), together.profile):
            sound = together.held[result.path][-1]
            if isinstance(result, AnalyzedFile):
                store_sound(sound, result.sounds[0], claim)
            elif isinstance(result.error, AnalysisError):
                fail_sound(sound, result.error, claim)
            else:
                store.give_back([sound], claim, result.error)
                broken.append(result.error)
            together.release(result.path)
    except AnalysisError as error:  # of the profile, its model or the vocabulary: trying again corrects none of them
        for sound in together.of_profile():
            fail_sound(sound, error, claim)
    return broken


def store_sound(sound: Sound, analyzed: AnalyzedSound, claim: str) -> None:
    show_device(analyzed.record.analysis_provenance.device)
    if not store.store_analysis(sound, analyzed, claim):
        logger.info("sound %s: analyzed, but the claim was lost meanwhile; nothing stored", sound.pk)


def fail_sound(sound: Sound, error: AnalysisError, claim: str) -> None:
    if sound.absolute_path.exists():
        logger.info("sound %s: %s", sound.pk, error)
        store.fail_sound(sound, str(error), claim)
    else:
        store.lose_sound(sound, claim)


@job(queue_name="scan", priority=5)
def scan_library(run_id: int) -> None:
    with claiming() as claim:
        run = claim_scan(run_id, claim)
        if run is None:
            return
        try:
            scan_and_analyze(run, claim)
        except scan.FolderUnavailable as error:
            end_scan(run, claim, state=Run.State.FAILED, error=str(error))
        except scan.ScanCancelled:
            logger.info("scan %s was cancelled", run_id)
        except BaseException as error:
            if not Run.objects.filter(pk=run_id).exists():
                logger.info("scan %s: its library was removed meanwhile", run_id)
                return
            reason = storable_text(f"{type(error).__name__}: {error}")
            of_scan(run, claim).update(state=Run.State.WAITING, claimed_by="", lease_until=None, error=reason)
            raise


@job(queue_name="scan", priority=5)
def retag_sounds(run_id: int) -> None:
    with claiming() as claim:
        run = retag.claim_run(run_id, claim)
        if run is not None:
            retag.work_off(run)


def claim_scan(run_id: int, claim: str) -> Run | None:
    waiting = Run.objects.filter(pk=run_id, kind=Run.Kind.SCAN, state=Run.State.WAITING)
    taken = {"claimed_by": claim, "lease_until": Now() + store.LEASE, "attempts": F("attempts") + 1}
    if not waiting.update(state=Run.State.RUNNING, started_at=Now(), **taken):
        return None
    run = Run.objects.select_related("library").get(pk=run_id)
    if run.attempts > MAX_SCAN_ATTEMPTS:
        end_scan(run, claim, state=Run.State.FAILED, error=run.error or "the scan broke off each time it was begun")
        return None
    return run


def scan_and_analyze(run: Run, claim: str) -> None:
    if run.library is None:
        raise ValueError(f"scan {run.pk} has no library")
    counts = scan.scan_library(run.library, run)
    with transaction.atomic():
        found = {
            "findings": counts.as_findings(),
            "problems": counts.problems,
            "failed": counts.unreadable,
            "error": "",
        }
        if end_scan(run, claim, state=Run.State.DONE, total=counts.seen, done=counts.seen - counts.unreadable, **found):
            Library.objects.filter(pk=run.library.pk).update(scanned_at=Now())
            fresh = Sound.objects.filter(library=run.library, state=Sound.State.NEW)
            if fresh.exists():
                start_analysis(fresh, run.library.profile, library=run.library, follows=run)


def of_scan(run: Run, claim: str) -> QuerySet[Run]:
    return Run.objects.filter(pk=run.pk, state=Run.State.RUNNING, claimed_by=claim)


def end_scan(run: Run, claim: str, **columns: Any) -> bool:
    ended = of_scan(run, claim).update(finished_at=Now(), claimed_by="", lease_until=None, **columns)
    return bool(ended)


@transaction.atomic
def start_analysis(
    sounds: QuerySet[Sound], profile: str, *, library: Library | None = None, follows: Run | None = None
) -> Run:
    """Queue sounds as one run; where there is none, the run is done already."""
    run = Run.objects.create(kind=Run.Kind.ANALYSIS, profile=profile, library=library, follows=follows)
    send_sounds(store.queue_sounds(sounds, profile, run), profile)
    return run


@transaction.atomic
def start_scan(library: Library) -> Run:
    """Ask for a scan; one that is asked for already is the same one."""
    asked = Run(kind=Run.Kind.SCAN, library=library)
    Run.objects.bulk_create([asked], ignore_conflicts=True)  # the database allows one open scan of a library
    run = Run.objects.filter(library=library, kind=Run.Kind.SCAN).latest("id")  # it may have ended a moment ago
    if run.state == Run.State.WAITING:
        send(scan_library, run.pk)  # a second message finds the scan begun and does nothing
    return run


@transaction.atomic
def start_retag(plan: retag.Plan, profile: str = "", library: Library | None = None) -> Run:
    """Tell sounds anew from stored vectors, as one run; where there is none, the run is done already."""
    run = retag.create_run(plan, profile=profile, library=library)
    if not run.is_finished:
        send(retag_sounds, run.pk)
    return run


def send_sounds(ids: Sequence[int], profile: str) -> None:
    actor = analyze_few_sounds if len(ids) <= FEW else analyze_sounds
    for start in range(0, len(ids), BATCH):
        send(actor, list(ids[start : start + BATCH]), profile)


def send_due(waiting: timedelta) -> None:
    """Send again what has waited long while a worker had nothing to do: its messages are lost."""
    due = sorted(store.due_sounds(waiting=waiting, limit=RESENT_AT_ONCE), key=lambda one: (one[1], one[0]))
    if due:
        logger.info("%d sounds were due without a message; sent again", len(due))
    for profile, sounds in groupby(due, key=lambda one: one[1]):
        send_sounds([sound_id for sound_id, _ in sounds], profile)
    for run_id in due_scans(waiting):
        send(scan_library, run_id)
    for run_id in retag.due_runs(waiting):
        send(retag_sounds, run_id)


def due_scans(waiting: timedelta) -> Iterable[int]:
    scans = Run.objects.filter(kind=Run.Kind.SCAN, state=Run.State.WAITING, created_at__lt=Now() - waiting)
    return scans.values_list("id", flat=True)


def send(actor: dramatiq.Actor[..., Any], *arguments: Any) -> None:
    """Send with the transaction: the queue in Postgres takes part in it, another one is told once it is through."""
    if settings.BROKER_URL:
        transaction.on_commit(partial(actor.send, *arguments), robust=True)
    else:
        actor.send(*arguments)
