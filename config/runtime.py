"""What a command needs around it: a database that answers, and where wanted a worker. Django is set up before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now

from catalog.models import Worker
from config.embedded_postgres import DatabaseUnavailable, EmbeddedPostgres
from config.renumbering import is_numbered_elsewhere, renumber_changes
from config.tether import tethered

CHECKOUT = Path(__file__).resolve().parent.parent
WORKER_COMMAND = [sys.executable, "-m", "config.worker"]
WORKER_ENVIRONMENT = {"dramatiq_queue_prefetch": "1"}  # read at dramatiq's import: nothing waits behind a long message
WORKER_SEEN_S = 15.0
STOP_LIMIT_S = 12.0
MIGRATION_LOCK = 7_274_551_002  # any number that nothing else on this database locks
SERVER_LIMIT_S = 30.0  # a database container may start after us


@contextmanager
def database() -> Iterator[None]:
    """A migrated database for the block: the one that answers already, else one started for it and stopped after."""
    server = EmbeddedPostgres(settings.TIMBRE_HOME) if settings.EMBEDDED_POSTGRES else None
    if server is not None:
        server.start()
    try:
        wait_for_database()
        migrate()
        yield
    finally:
        connections.close_all()
        if server is not None:
            server.stop()


def wait_for_database() -> None:
    end = time.monotonic() + (0.0 if settings.EMBEDDED_POSTGRES else SERVER_LIMIT_S)
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            if time.monotonic() >= end:
                raise DatabaseUnavailable(f"the database does not answer: {' '.join(str(error).split())}") from error
            time.sleep(0.5)
        else:
            return


def migrate() -> None:
    """The rows as this Timbre and this server want them; a few small queries where they are so already."""
    if not unapplied_migrations() and not is_numbered_elsewhere():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])  # of processes at once, one migrates
        try:
            call_command("migrate", verbosity=0, interactive=False)
            renumber_changes()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def unapplied_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def live_workers() -> int:
    return Worker.objects.filter(seen_at__gt=Now() - timedelta(seconds=WORKER_SEEN_S)).count()


class WorkerOnCall:
    """A worker for as long as it is needed: one that is alive already, else one of our own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> WorkerOnCall:
        self.ensure()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process is not None:
            stop_group(self._process)

    def ensure(self) -> None:
        """Start one where none is alive; to be called again now and then, since one may have died a moment ago."""
        if (self._process is None or self._process.poll() is not None) and not live_workers():
            self._process = start_worker()


def start_worker() -> subprocess.Popen[bytes]:
    log_path = settings.LOGS_DIR / "worker.log"
    return launch(WORKER_COMMAND, log_path, at_parents_end=signal.SIGKILL, environment=WORKER_ENVIRONMENT)


def launch(
    command: list[str], log_path: Path, *, at_parents_end: signal.Signals, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A child that does not outlive us, in a process group of its own, so that Ctrl-C reaches only us."""
    log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            tethered(command, at_parents_end=at_parents_end),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=CHECKOUT,
            env={**os.environ, **(environment or {})},
            process_group=0,
        )


def stop_group(process: subprocess.Popen[bytes], *, limit_s: float = STOP_LIMIT_S) -> None:
    """Ask a child to stop, wait, and end what is left of its process group."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
    end_group(process)
    process.wait()


def end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # nobody is left; macOS says it the second way
        return
