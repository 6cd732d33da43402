"""What becomes of a sound in the queue: the one place that claims sounds and writes their analyses and states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Now

from catalog.effective import refresh_sound
from catalog.models import Analysis, Edit, Embedding, EmbeddingRemoval, Library, Retagging, Run, Sound
from catalog.storable import storable_json, storable_text

if TYPE_CHECKING:
    from analysis.pipeline import AnalyzedSound, SoundEmbeddings

LEASE = timedelta(seconds=30)  # six heartbeats: a worker that is only slow keeps its sounds
MAX_ATTEMPTS = 3  # a sound that ends its worker each time must not do so forever
IN_QUEUE = (Sound.State.QUEUED, Sound.State.ANALYZING)
OPEN = (Run.State.WAITING, Run.State.RUNNING)
RESTORED = Case(When(current_analysis__isnull=False, then=Value(Sound.State.ANALYZED)), default=Value(Sound.State.NEW))
CHUNK = 5_000  # rows of one statement
REMOVALS_KEPT = timedelta(days=1)  # far longer than an index that is in use goes without a look at them


@transaction.atomic
def queue_sounds(sounds: QuerySet[Sound], profile: str, run: Run) -> list[int]:
    """Make sounds wait for an analysis of a run, and return their ids.

    What waits for the same profile already stays with its run; what waits for another one is taken over.
    """
    ids = list(sounds.order_by("id").values_list("id", flat=True))
    queued: list[int] = []
    taken: Counter[int] = Counter()
    for start in range(0, len(ids), CHUNK):
        chunk = Sound.objects.filter(pk__in=ids[start : start + CHUNK])
        chosen = chunk.exclude(state__in=IN_QUEUE, wanted_profile=profile).order_by("id").select_for_update()
        for sound_id, state, run_id in chosen.values_list("id", "state", "run_id"):
            queued.append(sound_id)
            if state in IN_QUEUE and run_id is not None:
                taken[run_id] += 1
    for start in range(0, len(queued), CHUNK):
        Sound.objects.filter(pk__in=queued[start : start + CHUNK]).update(
            state=Sound.State.QUEUED,
            wanted_profile=profile,
            run=run,
            queued_at=Now(),
            attempts=0,
            claimed_by="",
            lease_until=None,
            error="",
        )
    # runs after sounds, here as in every transaction of this module, so that none waits for another in a circle
    for run_id, count in sorted(taken.items()):
        Run.objects.filter(pk=run_id).update(total=F("total") - count)
        finish_if_done(run_id)
    Run.objects.filter(pk=run.pk).update(total=F("total") + len(queued))
    finish_if_done(run.pk)
    run.refresh_from_db()
    return queued


def claim_sound(sound_id: int, profile: str, claim: str) -> Sound | None:
    """Take a waiting sound; None where somebody else has it, or nobody wants it anymore."""
    waiting = Sound.objects.filter(pk=sound_id, state=Sound.State.QUEUED, wanted_profile=profile)
    claimed = waiting.update(
        state=Sound.State.ANALYZING, claimed_by=claim, lease_until=Now() + LEASE, attempts=F("attempts") + 1
    )
    if not claimed:
        return None
    sound = Sound.objects.select_related("library").filter(pk=sound_id).first()
    if sound is None:
        return None
    if sound.run_id is not None:
        Run.objects.filter(pk=sound.run_id, state=Run.State.WAITING).update(state=Run.State.RUNNING, started_at=Now())
    if sound.attempts > MAX_ATTEMPTS:
        last = f": {sound.error}" if sound.error else "; the worker may have run out of memory"
        fail_sound(sound, f"given up after {MAX_ATTEMPTS} attempts{last}", claim)
        return None
    return sound


@transaction.atomic
def take_turn() -> int | None:
    """The run whose turn it is: of those with sounds waiting, the one that was served longest ago."""
    waiting = Sound.objects.filter(run=OuterRef("pk"), state=Sound.State.QUEUED)
    runs = Run.objects.filter(Exists(waiting), kind=Run.Kind.ANALYSIS, state__in=OPEN)
    run_id = runs.order_by(F("served_at").asc(nulls_first=True), "id").values_list("id", flat=True).first()
    if run_id is not None:
        Run.objects.filter(pk=run_id).update(served_at=Now())
    return run_id


def claim_next(run_id: int, claim: str) -> Sound | None:
    """Take the next waiting sound of a run; None where none waits."""
    with transaction.atomic():  # held until it is claimed, so that two workers take two sounds
        waiting = Sound.objects.filter(run=run_id, state=Sound.State.QUEUED).order_by("id")
        found = waiting.select_for_update(skip_locked=True).values_list("id", "wanted_profile").first()
        return claim_sound(*found, claim) if found else None


@transaction.atomic
def give_back(sounds: Collection[Sound], claim: str, error: BaseException) -> None:
    """Make due again what a job holds and cannot end, with what broke it; an analysis that breaks each time is given
    up by its attempts.
    """
    reason = storable_text(f"{type(error).__name__}: {error}")
    counted = 1 if isinstance(error, DatabaseError) else 0  # no sound is to blame for a database that was away
    for sound in sorted(sounds, key=lambda each: each.pk):
        of_claim(sound.pk, claim).update(
            state=Sound.State.QUEUED,
            claimed_by="",
            lease_until=None,
            queued_at=Now(),
            error=reason,
            attempts=F("attempts") - counted,
        )
    restore_cancelled()


def of_claim(sound_id: int, claim: str) -> QuerySet[Sound]:
    return Sound.objects.filter(pk=sound_id, state=Sound.State.ANALYZING, claimed_by=claim)


@transaction.atomic
def store_analysis(sound: Sound, analyzed: AnalyzedSound, claim: str) -> bool:
    """Write all that an analysis brought; False, and nothing written, where the claim no longer holds."""
    row = of_claim(sound.pk, claim).select_for_update().first()
    if row is None:
        return False
    if row.content_hash and row.content_hash != analyzed.content_hash:  # other audio now: what was heard is not there
        row.analyses.all().delete()
        row.embeddings.all().delete()
    row.current_analysis = store_record(row, analyzed)
    store_embeddings(row, analyzed.embeddings)
    facts = analyzed.record.metadata
    row.format, row.duration_s = facts.format, facts.duration_s
    row.sample_rate_hz, row.channels, row.bit_depth = facts.sample_rate_hz, facts.channels, facts.bit_depth
    row.embedded = storable_json(facts.embedded)
    row.content_hash = analyzed.content_hash
    row.peaks = analyzed.waveform_peaks.to_bytes()
    row.state, row.error, row.claimed_by, row.lease_until = Sound.State.ANALYZED, "", "", None
    row.analyzed_at = row.current_analysis.created_at
    row.save()
    refresh_sound(row)
    count_sound(row.run_id, "done")
    return True


def store_record(sound: Sound, analyzed: AnalyzedSound) -> Analysis:
    record = analyzed.record
    provenance = record.analysis_provenance
    analysis, _ = Analysis.objects.update_or_create(
        sound=sound,
        profile_fingerprint=provenance.profile_fingerprint,
        model_id=provenance.model_id,
        model_revision=provenance.model_revision,
        vocabulary_sha256=provenance.vocabulary_sha256,
        defaults={
            "profile": provenance.profile_name,
            "record": storable_json(record.model_dump(mode="json")),
            "category": record.primary_category,
            "label": record.primary_label,
            "confidence": record.confidence,
            "description": storable_text(record.short_description),
            "tags": [storable_text(tag) for tag in record.tags],
            "created_at": Now(),
        },
    )
    analysis.refresh_from_db(fields=["created_at"])
    return analysis


def store_embeddings(sound: Sound, embeddings: SoundEmbeddings) -> None:
    Embedding.objects.update_or_create(
        sound=sound,
        model_id=embeddings.model_id,
        model_revision=embeddings.model_revision,
        window_s=embeddings.window_s or 0.0,
        hop_s=embeddings.hop_s or 0.0,
        defaults={
            "dim": len(embeddings.clip),
            "clip": embeddings.clip.astype("<f4").tobytes(),
            "windows": embeddings.windows.astype("<f2").tobytes(),
        },
    )


def fail_sound(sound: Sound, reason: str, claim: str) -> bool:
    """Note why a sound cannot be analyzed; what earlier analyses said of it stays."""
    return end_claim(sound, Sound.State.FAILED, reason, claim)


def lose_sound(sound: Sound, claim: str) -> bool:
    """Note that a file went away while it waited."""
    return end_claim(sound, Sound.State.MISSING, "the file was removed before it could be analyzed", claim)


@transaction.atomic
def end_claim(sound: Sound, state: Sound.State, reason: str, claim: str) -> bool:
    held = of_claim(sound.pk, claim).update(state=state, error=storable_text(reason), claimed_by="", lease_until=None)
    if held:
        count_sound(sound.run_id, "failed")
    return bool(held)


def count_sound(run_id: int | None, outcome: str) -> None:
    if run_id is not None:
        Run.objects.filter(pk=run_id).update(**{outcome: F(outcome) + 1})
        finish_if_done(run_id)


def finish_if_done(run_id: int) -> None:
    """End an analysis run whose last sound is through; of all who notice, one ends it."""
    through = Run.objects.filter(pk=run_id, kind=Run.Kind.ANALYSIS, state__in=OPEN, total__lte=F("done") + F("failed"))
    through.update(state=Run.State.DONE, finished_at=Now())


@transaction.atomic
def cancel_run(run: Run) -> None:
    """End a run early: what waits is what it was before, what is being heard may finish; a finished run stays so."""
    Retagging.objects.filter(run=run).delete()  # first, as they are locked first: waits for the chunk at work
    waiting = Sound.objects.filter(run=run, state=Sound.State.QUEUED).order_by("id")
    list(waiting.select_for_update().values_list("id", flat=True))  # sounds before runs, in their order
    ended = Run.objects.filter(pk=run.pk, state__in=OPEN).update(
        state=Run.State.CANCELLED, finished_at=Now(), claimed_by="", lease_until=None
    )
    if ended:
        restore_cancelled()


def restore_cancelled() -> None:
    """Take out of the queue what no open run wants anymore: all of a cancelled run, now or after its worker broke."""
    Sound.objects.filter(state=Sound.State.QUEUED, run__state=Run.State.CANCELLED).update(
        state=RESTORED, error="", wanted_profile="", queued_at=None, attempts=0
    )


@transaction.atomic
def forget_library(library: Library) -> None:
    """Delete the rows of a library, those of its sounds before it; triggers tell every index of its embeddings."""
    sounds = Sound.objects.filter(library=library)
    # Workers hold sounds and scans hold the library while they write: in this order none waits for another in a circle
    held = list(sounds.order_by("id").select_for_update().values_list("state", "run_id"))
    list(Library.objects.filter(pk=library.pk).select_for_update())
    for model in (Edit, Embedding, Analysis):
        rows = model._default_manager.filter(sound__library=library)
        rows._raw_delete(rows.db)  # one statement; Django would read every record first
    sounds._raw_delete(sounds.db)
    waiting = Counter(run_id for state, run_id in held if state in IN_QUEUE and run_id is not None)
    for run_id, count in sorted(waiting.items()):  # a run of a selection may hold sounds of other libraries
        Run.objects.filter(pk=run_id).update(total=F("total") - count)
        finish_if_done(run_id)
    library.delete()


def failures(run: Run) -> QuerySet[Sound]:
    """Sounds of a run that came to nothing, each with its reason."""
    bad = (Sound.State.FAILED, Sound.State.MISSING)
    return Sound.objects.filter(run=run, state__in=bad).exclude(error="").order_by("path")


def renew_leases(claims: Collection[str]) -> None:
    Sound.objects.filter(state=Sound.State.ANALYZING, claimed_by__in=claims).update(lease_until=Now() + LEASE)
    Run.objects.filter(state=Run.State.RUNNING, claimed_by__in=claims).update(lease_until=Now() + LEASE)


def release_worker(worker: str) -> None:
    """Make what a worker had claimed due again: it is gone."""
    release(
        Sound.objects.filter(state=Sound.State.ANALYZING, claimed_by__startswith=f"{worker}/"),
        Run.objects.filter(state=Run.State.RUNNING, claimed_by__startswith=f"{worker}/"),
    )


@transaction.atomic
def return_claims(worker: str) -> None:
    """Release what a worker that stops in order still holds: nothing broke, so the attempt does not count."""
    Sound.objects.filter(state=Sound.State.ANALYZING, claimed_by__startswith=f"{worker}/").update(
        attempts=F("attempts") - 1
    )
    Run.objects.filter(state=Run.State.RUNNING, claimed_by__startswith=f"{worker}/").update(attempts=F("attempts") - 1)
    release_worker(worker)


def release_expired() -> None:
    """Make due again what a worker claimed and did not renew."""
    release(
        Sound.objects.filter(state=Sound.State.ANALYZING, lease_until__lt=Now()),
        Run.objects.filter(state=Run.State.RUNNING, lease_until__lt=Now()),
    )


def release(sounds: QuerySet[Sound], runs: QuerySet[Run]) -> None:
    """At once: `queued_at` stays what it was, so that the sweep sends them without waiting."""
    sounds.update(state=Sound.State.QUEUED, claimed_by="", lease_until=None)
    runs.exclude(kind=Run.Kind.ANALYSIS).update(state=Run.State.WAITING, claimed_by="", lease_until=None)
    restore_cancelled()


def due_sounds(*, waiting: timedelta, limit: int) -> list[tuple[int, str]]:
    """Sounds that have waited so long that their message may be lost, with the profile; they wait anew from now."""
    due = Sound.objects.filter(state=Sound.State.QUEUED, queued_at__lt=Now() - waiting).order_by("queued_at", "id")
    with transaction.atomic():
        chosen = list(due.select_for_update(skip_locked=True).values_list("id", "wanted_profile")[:limit])
        Sound.objects.filter(pk__in=[sound_id for sound_id, _ in chosen]).update(queued_at=Now())
    return chosen


def finish_abandoned_runs() -> None:
    """End runs that nothing is left of, because their sounds or their library were deleted."""
    waiting = Sound.objects.filter(run=OuterRef("pk"), state__in=IN_QUEUE)
    Run.objects.filter(~Exists(waiting), kind=Run.Kind.ANALYSIS, state__in=OPEN).update(
        state=Run.State.DONE, finished_at=Now()
    )


def forget_old_removals() -> None:
    """Drop what every index has seen; one that did not look for so long loads anew."""
    EmbeddingRemoval.objects.filter(removed_at__lt=Now() - REMOVALS_KEPT).delete()
