"""Re-tagging: what sounds are said to be, told anew from stored vectors; no audio is read and no audio tower runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from multiprocessing import get_context
from threading import Event

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import Exact
from threadpoolctl import threadpool_limits

from analysis.calibration import Calibration, calibration_for
from analysis.checkpoints import ModelKey
from analysis.errors import ModelUnavailable
from analysis.interpretation import interpret_many
from analysis.labels import LabelSpace
from analysis.profiles import AnalysisProfile
from analysis.records import Provenance
from analysis.version import timbre_version
from analysis.windows import window_count, window_spacing_s
from catalog import bulk, engine, retag_join, store
from catalog.models import Analysis, Embedding, Library, Retagging, Run, Sound
from catalog.storable import storable_text

logger = logging.getLogger(__name__)

CHUNK = 500  # sounds of a transaction: a second of work, which is how long a person's edit may wait for it
MOST_PROCESSES = 4  # more would wait for the database
WORTH_A_PROCESS = 5_000  # sounds: what one core tells while another process starts
MAX_ATTEMPTS = 3  # to begin without getting anywhere
PROBLEMS_KEPT = 200
LEASE = 4 * store.LEASE  # renewed with each chunk, whose first may have to place all labels
FROM_VECTORS, TO_BE_HEARD = "from_vectors", "to_be_heard"  # findings of a run
CALIBRATED_WITH = Coalesce(
    KeyTextTransform("calibration", KeyTransform("analysis_provenance", "current_analysis__record")),
    Value(""),
    output_field=TextField(),
)  # of a sound: fingerprint of what its confidence was calibrated with, "" where it was not


class RunEnded(Exception):
    """The run was cancelled or removed while a chunk was at work: nothing of the chunk stays."""


@dataclass(frozen=True, slots=True)
class Teller:
    """All that a profile needs to say what sounds are."""

    profile: AnalysisProfile
    space: LabelSpace
    model: ModelKey
    calibration: Calibration | None
    made_by: Mapping[str, str | None]  # columns of provenance that do not depend on the sound

    @classmethod
    def of(cls, name: str) -> Teller:
        """Raises UnknownProfile, ModelUnavailable and VocabularyError."""
        analyzer = engine.new_analyzer()
        profile = engine.profiles().get(name)
        source = analyzer.source(profile)
        calibration = analyzer.calibration(profile)
        made_by = {
            "profile_name": profile.name,
            "profile_fingerprint": profile.fingerprint,
            "config_path": engine.profiles().config_name,
            "model_id": source.key.model_id,
            "model_revision": source.key.revision,
            "vocabulary_sha256": engine.vocabulary().sha256,
            "calibration": calibration.fingerprint if calibration else None,
            "timbre_version": timbre_version(),
        }
        return cls(profile, analyzer.label_space(profile), source.key, calibration, made_by)

    def provenance(self, stored: bulk.StoredSound) -> Provenance:
        profile, n_samples = self.profile, stored.measured.n_samples
        lengths = (profile.window_s, profile.hop_s)
        spacing_s = window_spacing_s(n_samples, *lengths, max_windows=profile.max_windows) if profile.windowed else None
        return stored.provenance.model_copy(update={**self.made_by, "window_spacing_s": spacing_s})


@dataclass(slots=True)
class Told:
    """What became of the sounds of a chunk."""

    done: int = 0
    failures: dict[int, str] = field(default_factory=dict)


def with_vectors(sounds: QuerySet[Sound], profile_name: str) -> QuerySet[Sound]:
    """Those that a profile can be applied to without hearing them. Raises UnknownProfile and ModelUnavailable."""
    profile = engine.profiles().get(profile_name)
    model = engine.profile_source(profile_name).key
    of_model = {"sound": OuterRef("pk"), "model_id": model.model_id, "model_revision": model.revision}
    windows = {"window_s": profile.window_s, "hop_s": profile.hop_s} if profile.windowed else {}
    vectors = Embedding.objects.filter(**of_model, **windows)
    return sounds.filter(Exists(vectors), Exists(Analysis.objects.filter(**of_model)))


def up_to_date(profile_name: str) -> Q:
    """Sounds that the profile, as it is now, has told already, with the calibration in force.

    Raises UnknownProfile, ModelUnavailable, and ConfigurationError where a calibration cannot be read.
    """
    profile, source = engine.profiles().get(profile_name), engine.profile_source(profile_name)
    model, vocabulary = source.key, engine.vocabulary()
    calibration = calibration_for(settings.CALIBRATION_DIR, profile, source, vocabulary.sha256)
    told_with = Q(
        current_analysis__profile_fingerprint=profile.fingerprint,
        current_analysis__vocabulary_sha256=vocabulary.sha256,
        current_analysis__model_id=model.model_id,
        current_analysis__model_revision=model.revision,
    )
    # last, as a record has to be unpacked for it: 2 s for 100,000 sounds
    return told_with & Q(Exact(CALIBRATED_WITH, Value(calibration.fingerprint if calibration else "")))


def told(sounds: QuerySet[Sound]) -> QuerySet[Sound]:
    return sounds.filter(current_analysis__isnull=False)


def by_profile(sounds: QuerySet[Sound]) -> dict[str, QuerySet[Sound]]:
    """Analyzed sounds by the profile that each is told with; its library's where there is none of that name anymore."""
    names = engine.profiles().names
    orphans = ~Q(current_analysis__profile__in=names)
    return {
        name: told(sounds).filter(Q(current_analysis__profile=name) | (orphans & Q(library__profile=name)))
        for name in names
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """Sounds by the profile to apply to them, and how many cannot be told anew because they have to be heard."""

    chosen: Mapping[str, QuerySet[Sound]]
    to_be_heard: int


def plan(wanted: Mapping[str, QuerySet[Sound]], *, renew: bool = False) -> Plan:
    """Choose what is not up to date, or with `renew` all, of what can be told from vectors."""
    chosen: dict[str, QuerySet[Sound]] = {}
    to_be_heard = 0
    for name, sounds in wanted.items():
        try:
            due = sounds if renew else sounds.exclude(up_to_date(name))
            chosen[name] = with_vectors(due, name)
        except ModelUnavailable as error:
            logger.info("profile %s cannot be applied: %s", name, error)
            to_be_heard += sounds.count()
            continue
        to_be_heard += due.count() - chosen[name].count()
    return Plan(chosen, to_be_heard)


@transaction.atomic
def create_run(plan: Plan, *, profile: str = "", library: Library | None = None) -> Run:
    """Note which sounds a run has to tell anew; where there is none, the run is done already."""
    run = Run.objects.create(kind=Run.Kind.RETAG, profile=profile, library=library)
    total = sum(note_sounds(run, sounds, name) for name, sounds in plan.chosen.items())
    run.total = total
    run.findings = {FROM_VECTORS: total, TO_BE_HEARD: plan.to_be_heard}
    run.save(update_fields=["total", "findings"])
    finish_if_through(run.pk)
    run.refresh_from_db()
    return run


def note_sounds(run: Run, sounds: QuerySet[Sound], profile: str) -> int:
    ids, parameters = sounds.order_by().values("pk").query.sql_with_params()
    table = Retagging._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (run_id, sound_id, profile) SELECT %s, id, %s FROM ({ids}) AS chosen (id)"
            " ON CONFLICT DO NOTHING",
            [run.pk, profile, *parameters],
        )
        return int(cursor.rowcount)


def claim_run(run_id: int, claim: str) -> Run | None:
    """Take a re-tagging that waits; None where somebody else is at it, or nobody wants it anymore."""
    waiting = Run.objects.filter(pk=run_id, kind=Run.Kind.RETAG, state=Run.State.WAITING)
    taken = {"claimed_by": claim, "lease_until": Now() + LEASE, "attempts": F("attempts") + 1}
    if not waiting.update(state=Run.State.RUNNING, started_at=Now(), **taken):
        return None
    run = Run.objects.get(pk=run_id)
    if run.attempts > MAX_ATTEMPTS:
        last = run.error or "the re-tagging broke off each time it was begun"
        end_run(run.pk, state=Run.State.FAILED, error=last)
        return None
    return run


def work_off(run: Run, *, others: int | None = None) -> None:
    """Tell all sounds of a run anew, a long one together with other processes. Begun again after a kill, it goes on
    where it stopped.
    """
    try:
        with processes_at(run.pk, others_worth(run) if others is None else others):
            tell_all(run.pk, Event())
        tell_all(run.pk, Event())  # what another process left, because it broke
        finish_if_through(run.pk)
    except RunEnded:
        logger.info("re-tagging %s was cancelled", run.pk)
    except BaseException as error:
        reason = storable_text(f"{type(error).__name__}: {error}")
        of_run(run.pk).update(state=Run.State.WAITING, claimed_by="", lease_until=None, error=reason)
        raise


def work_off_and_close(run: Run) -> None:
    """In a thread that is not the main one, whose connection nobody else would close."""
    try:
        work_off(run)
    finally:
        connection.close()


def others_worth(run: Run) -> int:
    """How many processes shall help, so that all cores reckon; none for what is done before one has started."""
    cores = os.cpu_count() or 1
    return min(cores, MOST_PROCESSES) - 1 if run.total - run.done >= WORTH_A_PROCESS else 0


@contextmanager
def processes_at(run_id: int, count: int) -> Iterator[None]:
    """Other processes that take part for the block, and end with it."""
    context = get_context("spawn")  # a copy of a process with threads and connections would share them
    others = [
        context.Process(target=retag_join.join_run, args=(run_id, os.getpid()), daemon=True) for _ in range(count)
    ]
    for other in others:
        other.start()
    try:
        yield
    except BaseException:
        for other in others:
            other.terminate()
        raise
    finally:
        for other in others:
            other.join()


def join_run(run_id: int, stopping: Event) -> None:
    with suppress(RunEnded):
        tell_all(run_id, stopping)


def tell_all(run_id: int, stopping: Event) -> None:
    """Tell anew what no other thread or process is at."""
    tellers: dict[str, Teller] = {}
    # Products here are small: cores that wait for a share of one cost more than the share
    with threadpool_limits(limits=1, user_api="blas"):
        while not stopping.is_set() and retag_chunk(run_id, tellers):
            pass


@transaction.atomic
def retag_chunk(run_id: int, tellers: dict[str, Teller]) -> bool:
    """Tell the next sounds anew, in one transaction; False where none is left that nobody else is at.

    The sounds are locked until they are written, so that no worker, no person and no other run writes between reading
    and writing: sounds in the order of their ids and then the run, as everywhere in `catalog.store`.
    """
    waiting = Retagging.objects.filter(run=run_id).order_by("profile", "sound_id")
    taken = list(waiting.select_for_update(skip_locked=True).values_list("id", "sound_id", "profile")[:CHUNK])
    if not taken:
        return False
    for name in {name for _, _, name in taken}.difference(tellers):
        tellers[name] = Teller.of(name)  # before any sound is locked: it may have to place all labels
    held = lock_sounds([sound_id for _, sound_id, _ in taken])
    outcome = Told()
    for name, group in groupby(taken, key=lambda row: row[2]):
        tell_anew([sound_id for _, sound_id, _ in group if sound_id in held], tellers[name], outcome)
    forget_rows([row_id for row_id, _, _ in taken])
    count_chunk(run_id, outcome, gone=len(taken) - len(held))
    return True


def lock_sounds(ids: Sequence[int]) -> set[int]:
    """Those that are there. An array is one value: of hundreds of values Django would look at each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM catalog_sound WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(ids)])
        return {sound_id for (sound_id,) in cursor.fetchall()}


def forget_rows(row_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_retagging WHERE id = ANY(%s)", [list(row_ids)])


def tell_anew(sound_ids: Sequence[int], teller: Teller, outcome: Told) -> None:
    places = bulk.find_places(sound_ids, teller.profile, teller.model)
    missing = set(sound_ids).difference(place.sound_id for place in places)
    outcome.failures |= dict.fromkeys(missing, "its vectors were removed meanwhile: analyze it again")
    for stored in bulk.read_measured(places, teller.profile, teller.model):
        fitting = []
        for one in stored:
            if isinstance(one, bulk.UnreadableRecord):
                outcome.failures[one.sound_id] = one.reason
            elif not windows_fit(one, teller.profile):
                outcome.failures[one.sound_id] = "its windows lie as another max_windows has them: analyze it again"
            else:
                fitting.append(one)
        tell_together(fitting, teller, outcome)


def tell_together(fitting: Sequence[bulk.StoredSound], teller: Teller, outcome: Told) -> None:
    """Tell sounds at once; where that breaks, each half by itself, until what breaks it fails alone."""
    if not fitting:
        return
    try:
        with transaction.atomic():
            outcome.done += tell_and_write(fitting, teller)
    except (OperationalError, InterfaceError):  # no sound is to blame for a database that was away
        raise
    except Exception as error:  # of any kind: the reason stands with the sound, and the others are told
        if len(fitting) == 1:
            logger.exception("sound %s cannot be told anew", fitting[0].sound_id)
            outcome.failures[fitting[0].sound_id] = storable_text(f"{type(error).__name__}: {error}")
            return
        middle = len(fitting) // 2
        tell_together(fitting[:middle], teller, outcome)
        tell_together(fitting[middle:], teller, outcome)


def tell_and_write(fitting: Sequence[bulk.StoredSound], teller: Teller) -> int:
    records = interpret_many(
        [one.measured for one in fitting],
        teller.profile,
        space=teller.space,
        vocabulary=engine.vocabulary(),
        provenances=[teller.provenance(one) for one in fitting],
        calibration=teller.calibration,
    )
    return bulk.write_said(zip(fitting, records, strict=True), teller.profile, engine.vocabulary().sha256)


def windows_fit(stored: bulk.StoredSound, profile: AnalysisProfile) -> bool:
    """Whether a long sound's windows are spread as the profile spreads them; the length of a sound is known to a
    sample, which may be one window.
    """
    if not profile.windowed:
        return True
    count = window_count(stored.measured.n_samples, profile.window_s, profile.hop_s)
    return abs(len(stored.measured.embeddings.windows) - min(count, profile.max_windows)) <= 1


def count_chunk(run_id: int, outcome: Told, *, gone: int) -> None:
    """Count, and hold the run a while longer; where it is not open anymore, the chunk must not be either."""
    counts = {
        "done": F("done") + outcome.done,
        "failed": F("failed") + len(outcome.failures),
        "total": F("total") - gone,
        "lease_until": Now() + LEASE,
        "attempts": 0,
    }
    if not of_run(run_id).update(**counts):
        raise RunEnded
    if outcome.failures:
        paths = dict(Sound.objects.filter(pk__in=outcome.failures).values_list("id", "path"))
        run = Run.objects.only("problems").get(pk=run_id)  # its row is ours since the update
        told = [{"path": paths[sound_id], "reason": reason} for sound_id, reason in sorted(outcome.failures.items())]
        run.problems = [*run.problems, *told][:PROBLEMS_KEPT]
        run.save(update_fields=["problems"])


def of_run(run_id: int) -> QuerySet[Run]:
    return Run.objects.filter(pk=run_id, kind=Run.Kind.RETAG, state=Run.State.RUNNING)


def finish_if_through(run_id: int) -> None:
    """End a run whose last sound is told; while another thread or process is at some of them, that one ends it."""
    left = Retagging.objects.filter(run=OuterRef("pk"))
    through = Run.objects.filter(~Exists(left), pk=run_id, kind=Run.Kind.RETAG, state__in=store.OPEN)
    through.update(state=Run.State.DONE, finished_at=Now(), claimed_by="", lease_until=None, error="")


def end_run(run_id: int, *, state: Run.State, error: str) -> None:
    with transaction.atomic():
        Retagging.objects.filter(run=run_id).delete()
        of_run(run_id).update(state=state, error=error, finished_at=Now(), claimed_by="", lease_until=None)


def due_runs(waiting: timedelta) -> list[int]:
    """Re-taggings that have waited so long that their message may be lost."""
    due = Run.objects.filter(kind=Run.Kind.RETAG, state=Run.State.WAITING, created_at__lt=Now() - waiting)
    return list(due.values_list("id", flat=True))
