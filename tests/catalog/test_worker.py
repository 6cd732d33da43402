"""The real queue and real worker processes: one is killed in the middle of a run, and nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models.functions import Now

from catalog import actions, scan, store, tasks
from catalog.models import Analysis, EmbeddingRemoval, Library, Run, Sound, Worker
from catalog.worker import beat, claiming, leave, release_dead_neighbors, sweep, worker_name
from tests.catalog.conftest import MakeFile, scan_now

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_queue")]

CHECKOUT = Path(__file__).parents[2]
LIMIT_S = 180.0

StartWorker = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker(database_url: str, tmp_path: Path) -> Iterator[StartWorker]:
    """A worker as the supervisor starts it."""
    home = tmp_path / "home"
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "TIMBRE_HOME": str(home),
        "TIMBRE_MODEL": str(settings.MODEL_OVERRIDE),
        "dramatiq_queue_prefetch": "1",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        worker = subprocess.Popen([sys.executable, "-m", "config.worker"], cwd=CHECKOUT, env=environment)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        if worker.poll() is None:
            worker.kill()
        worker.wait()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(
    library: Library, make_file: MakeFile, start_worker: StartWorker
) -> None:
    for number in range(24):
        make_file(f"{number:02}.wav")
    scan = actions.start_scan(library)

    first = start_worker()
    wait_until(lambda: Run.objects.filter(follows=scan, done__gte=5).exists())
    first.send_signal(signal.SIGKILL)
    first.wait()
    done_before = dict(Analysis.objects.values_list("sound_id", "created_at"))
    assert 5 <= len(done_before) < 24

    second = start_worker()
    run = Run.objects.get(follows=scan)
    wait_until(lambda: Run.objects.filter(pk=run.pk, state="done").exists())

    run.refresh_from_db()
    assert (run.total, run.done, run.failed) == (24, 24, 0)
    assert set(Sound.objects.values_list("state", flat=True)) == {"analyzed"}
    created = dict(Analysis.objects.values_list("sound_id", "created_at"))
    assert len(created) == Analysis.objects.count() == 24
    assert done_before.items() <= created.items()  # nothing that was done was done again
    assert Sound.objects.filter(attempts__gt=1).count() <= tasks.BATCH  # but for those that were being heard
    assert Worker.objects.get().pid == second.pid

    second.terminate()
    assert second.wait(30) == 0
    assert not Worker.objects.exists()


def test_a_short_run_does_not_wait_for_a_long_one(
    library: Library, make_file: MakeFile, start_worker: StartWorker, tmp_path: Path
) -> None:
    for number in range(40):
        make_file(f"{number:02}.wav", duration_s=0.1)
    scan_now(library)
    (tmp_path / "other").mkdir()
    for number in range(16):
        make_file(f"../other/{number:02}.wav", duration_s=0.1)
    scan = actions.start_scan(actions.add_library(tmp_path / "other"))

    start_worker()
    wait_until(lambda: Run.objects.filter(kind="analysis", state="done").count() == 2)
    long = Run.objects.get(kind="analysis", library=library)
    short = Run.objects.get(follows=scan)
    assert (long.done, short.done) == (40, 16)
    assert long.finished_at is not None
    assert short.finished_at is not None
    assert short.finished_at < long.finished_at


def test_a_scan_whose_library_is_removed_ends_quietly(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file("a.wav")
    run = actions.start_scan(library)
    read = scan.read_facts

    def remove_and_read(path: Path, size_bytes: int) -> scan.FileFacts:
        actions.remove_library(Library(pk=library.pk))
        return read(path, size_bytes)

    monkeypatch.setattr(scan, "read_facts", remove_and_read)
    tasks.scan_library.fn(run.pk)
    assert not Run.objects.exists()
    assert not Sound.objects.exists()


def test_a_worker_takes_over_from_one_that_was_killed(library: Library, make_file: MakeFile) -> None:
    make_file("a.wav")
    scan_now(library)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    beat()
    Worker.objects.create(name="gone", host=Worker.objects.get().host, pid=ended.pid)
    sound = store.claim_sound(Sound.objects.get().pk, "balanced", "gone/1")
    assert sound is not None

    release_dead_neighbors()

    sound.refresh_from_db()
    assert (sound.state, sound.claimed_by) == ("queued", "")
    assert list(Worker.objects.values_list("name", flat=True)) == [worker_name()]
    leave()


def test_leases_are_renewed_while_their_job_runs_and_no_longer(library: Library, make_file: MakeFile) -> None:
    for path in ("runs.wav", "ended.wav", "other.wav"):
        make_file(path)
    scan_now(library)
    with claiming() as ended:
        pass
    with claiming() as runs:
        for path, claim in (("runs.wav", runs), ("ended.wav", ended), ("other.wav", "other/1")):
            assert store.claim_sound(library.sounds.get(path=path).pk, "balanced", claim)
        Sound.objects.update(lease_until=Now() - timedelta(seconds=1))
        beat()
        store.release_expired()

    states = {"runs.wav": "analyzing", "ended.wav": "queued", "other.wav": "queued"}
    assert dict(library.sounds.values_list("path", "state")) == states


def test_what_is_due_without_a_message_is_sent_again(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file("a.wav")
    scan_now(library)
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(tasks, "send", lambda actor, *arguments: sent.append((actor.actor_name, *arguments)))

    sweep()
    assert sent == []  # it waits for a moment only

    Sound.objects.update(queued_at=Now() - timedelta(minutes=1))
    sweep()
    sweep()
    assert sent == [("analyze_few_sounds", [Sound.objects.get().pk], "balanced")]


def test_a_run_whose_sounds_were_deleted_ends(library: Library, make_file: MakeFile) -> None:
    make_file("a.wav")
    run = scan_now(library).followers.get()
    Sound.objects.all().delete()

    sweep()

    run.refresh_from_db()
    assert run.state == "done"


def test_a_worker_that_stops_in_order_gives_its_attempt_back(library: Library, make_file: MakeFile) -> None:
    make_file("a.wav")
    scan_now(library)
    scan = actions.start_scan(library)
    with claiming() as claim:
        for _ in range(store.MAX_ATTEMPTS + 1):
            assert store.claim_sound(library.sounds.get().pk, "balanced", claim)
            assert tasks.claim_scan(scan.pk, claim)
            leave()

    scan.refresh_from_db()
    assert (library.sounds.get().attempts, library.sounds.get().state) == (0, "queued")
    assert (scan.attempts, scan.state) == (0, "waiting")


def test_the_sweep_forgets_removals_that_every_index_has_seen(library: Library, make_file: MakeFile) -> None:
    for age, sound_id in ((store.REMOVALS_KEPT * 2, 1), (store.REMOVALS_KEPT / 2, 2)):
        removed = {"sound_id": sound_id, "model_id": "tests/small", "changed_xid": sound_id}
        EmbeddingRemoval.objects.create(**removed, removed_at=Now() - age)

    sweep()

    assert EmbeddingRemoval.objects.get().sound_id == 2
