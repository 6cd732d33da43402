"""A worker's life signs: its row, the leases of what it has claimed, and the sweep for what nobody works on."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import dramatiq
from django import db
from django.db.models.functions import Now
from dramatiq.errors import BrokerError

from catalog import store
from catalog.models import Worker

logger = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
SWEEP_S = 10.0
IDLE_S = 2.0  # a worker with messages left takes the next one at once
RESEND_AFTER = timedelta(seconds=10)
FORGOTTEN_AFTER = timedelta(hours=1)  # rows of workers that ended without a word

_claims: set[str] = set()  # of the jobs that run now; adding, removing and copying are each one step for threads


def worker_name() -> str:
    return _name(os.getpid())


@cache
def _name(pid: int) -> str:
    return f"{socket.gethostname()[:32]}-{pid}-{secrets.token_hex(3)}"


@contextmanager
def claiming() -> Iterator[str]:
    """A name for what one job claims. It is renewed until the block ends and no longer: what a job could not give back,
    because the database was away, is due again when its lease ends, though the worker lives on.
    """
    claim = f"{worker_name()}/{secrets.token_hex(4)}"
    _claims.add(claim)
    try:
        yield claim
    finally:
        _claims.discard(claim)


class LifeSigns(dramatiq.Middleware):
    """Runs the heartbeat for as long as the worker runs, and knows whether it has anything to do."""

    def __init__(self) -> None:
        self._busy = 0
        self._idle_since = time.monotonic()
        self._lock = threading.Lock()
        self._heartbeat: Heartbeat | None = None

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        self._heartbeat = Heartbeat(self)
        self._heartbeat.start()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        with self._lock:
            self._busy += 1

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        with self._lock:
            self._busy -= 1
            self._idle_since = time.monotonic()

    @property
    def is_idle(self) -> bool:
        with self._lock:
            return self._busy == 0 and time.monotonic() - self._idle_since >= IDLE_S


class Heartbeat(threading.Thread):
    """Says every few seconds that the worker is alive, and now and then looks for what is due."""

    def __init__(self, signs: LifeSigns) -> None:
        super().__init__(name="timbre-heartbeat", daemon=True)
        self._signs = signs
        self._stopping = threading.Event()
        self._next_sweep = 0.0

    def run(self) -> None:
        self._attempt(release_dead_neighbors)
        while not self._stopping.is_set():
            self._attempt(beat)
            if time.monotonic() >= self._next_sweep and self._signs.is_idle:
                self._next_sweep = time.monotonic() + SWEEP_S
                self._attempt(sweep)
            self._stopping.wait(HEARTBEAT_S)
        self._attempt(leave)
        db.connections.close_all()

    def _attempt(self, work: Any) -> None:
        try:
            work()
        except (db.Error, BrokerError) as error:  # the database restarts: the next beat finds it again
            logger.warning("%s: %s", work.__name__, str(error).strip())
            db.connection.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join(HEARTBEAT_S)


def beat() -> None:
    facts = {"host": socket.gethostname(), "pid": os.getpid(), "seen_at": Now()}
    Worker.objects.update_or_create(name=worker_name(), defaults=facts)
    store.renew_leases(_claims.copy())


def leave() -> None:
    store.return_claims(worker_name())
    Worker.objects.filter(name=worker_name()).delete()


def sweep() -> None:
    from catalog import tasks  # the tasks need this module's claims

    store.release_expired()
    store.finish_abandoned_runs()
    store.forget_old_removals()
    tasks.send_due(RESEND_AFTER)
    Worker.objects.filter(seen_at__lt=Now() - FORGOTTEN_AFTER).delete()


def release_dead_neighbors() -> None:
    """Take over at once from a worker of this machine that was killed, instead of waiting for its leases to end."""
    for other in Worker.objects.filter(host=socket.gethostname()).exclude(name=worker_name()):
        if not is_alive(other.pid):
            logger.info("worker %s is gone; what it had claimed is due again", other.name)
            store.release_worker(other.name)
            other.delete()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def show_device(device: str) -> None:
    Worker.objects.filter(name=worker_name()).exclude(device=device).update(device=device)
