"""`timbre up`: one process that starts database, worker and web server, keeps them alive and stops them in order."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import connections

from config.embedded_postgres import DatabaseUnavailable, EmbeddedPostgres
from config.runtime import (
    WORKER_COMMAND,
    WORKER_ENVIRONMENT,
    end_group,
    launch,
    migrate,
    stop_group,
    wait_for_database,
)

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
HEALTH_PATH = "/api/health"
WEB_THREADS = 8
LONGEST_ADDRESS = 8190  # bytes of a request's first line, the most gunicorn allows: beyond, its bare page answers
WEB_LIMIT_S = 60.0  # from the start of the web server to its first answer
TICK_S = 0.2
DATABASE_TICK_S = 2.0  # how often a server that somebody else owns is asked
BACK_OFF_S = (0.5, 30.0)  # the wait before a dead child is started again doubles between these
STEADY_S = 30.0  # a child that lived this long starts again at once
LOG_LIMIT_BYTES = 10_000_000

Tell = Callable[[str], None]


class AlreadyRunning(Exception):
    pass


class PortTaken(Exception):
    pass


class StartFailed(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Errand:
    """A command that is run once, after everything stands."""

    before: str  # what is told when it starts
    command: list[str]


@dataclass(slots=True)
class Child:
    """A process that is wanted alive."""

    name: str
    log_name: str
    command: list[str]
    at_parents_end: signal.Signals
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    back_off_s: float = BACK_OFF_S[0]

    @property
    def log_path(self) -> Path:
        return settings.LOGS_DIR / f"{self.log_name}.log"

    def start(self) -> None:
        self.process = launch(
            self.command, self.log_path, at_parents_end=self.at_parents_end, environment=self.environment
        )
        self.started_at = time.monotonic()

    def keep_alive(self, tell: Tell) -> None:
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        end_group(self.process)
        self.process = None
        low, high = BACK_OFF_S
        self.back_off_s = low if now - self.started_at > STEADY_S else min(self.back_off_s * 2, high)
        self.start_at = now + self.back_off_s
        tell(f"the {self.name} ended (code {code}) and is started again; see {self.log_path}")


def web(port: int) -> Child:
    command = [
        sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"{HOST}:{port}",
        "--workers", str(settings.WEB_PROCESSES), "--worker-class", "gthread", "--threads", str(WEB_THREADS),
        "--timeout", "120", "--graceful-timeout", "4",
        "--limit-request-line", str(LONGEST_ADDRESS), "--log-level", "warning", "--no-control-socket",
    ]  # fmt: skip
    return Child("web server", "web", command, signal.SIGTERM)


def worker() -> Child:
    return Child("worker", "worker", WORKER_COMMAND, signal.SIGKILL, environment=WORKER_ENVIRONMENT)


@contextmanager
def the_only_one(home: Path, address: str) -> Iterator[None]:
    """Hold the home for this process; a second one is told where the first listens."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"Timbre runs already at {running_address(home)}; stop that one first") from error
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "address": address}))
        lock.flush()
        yield
        lock.truncate(0)


def running_address(home: Path) -> str | None:
    """Where `timbre up` of this home listens, None where none runs."""
    try:
        with (home / "up.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                written = lock.read()
                return str(json.loads(written)["address"]) if written else "an address it has not told yet"
    except FileNotFoundError:
        pass
    return None


def refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            reason = "is used by another program" if error.errno == errno.EADDRINUSE else "is not open to this user"
            raise PortTaken(f"port {port} {reason}; choose another one with --port") from error


def rotate_logs() -> None:
    settings.LOGS_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in settings.LOGS_DIR.glob("*.log"):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))


def last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return f"{lines[-1] if lines else 'no message'} (see {path})"


class Supervisor:
    def __init__(self, *, port: int, tell: Tell, errands: Sequence[Errand] = ()) -> None:
        self.port = port
        self.address = f"http://{HOST}:{port}"
        self.tell = tell
        self.children = [worker(), web(port)]
        self.postgres = EmbeddedPostgres(settings.TIMBRE_HOME) if settings.EMBEDDED_POSTGRES else None
        self.is_stopping = False
        self._errands = list(errands)
        self._running_errand: subprocess.Popen[bytes] | None = None
        self._database_seen_at = 0.0

    def run(self) -> None:
        """Serve until a signal says to stop."""
        with the_only_one(settings.TIMBRE_HOME, self.address):
            refuse_taken_port(self.port)
            rotate_logs()
            self._listen_to_signals()
            try:
                self._start_database()
                self._wait_for_web()
                if not self.is_stopping:
                    self.tell(f"Timbre listens at {self.address} (Ctrl-C stops it; its files: {settings.TIMBRE_HOME})")
                while not self.is_stopping:
                    self._tick()
                    self._run_errands()
            finally:
                self._stop_all()

    def _listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background job
                signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_stopping = True

    def _start_database(self) -> None:
        if self.postgres is not None:
            self.postgres.start()
        wait_for_database()
        migrate()
        connections.close_all()

    def _wait_for_web(self) -> None:
        end = time.monotonic() + WEB_LIMIT_S
        while not self.is_stopping and not self._web_answers():
            if time.monotonic() > end:
                raise StartFailed(f"the web server does not answer; see {settings.LOGS_DIR / 'web.log'}")
            self._tick()

    def _web_answers(self) -> bool:
        connection = HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("GET", HEALTH_PATH)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _tick(self) -> None:
        self._keep_database()
        for child in self.children:
            child.keep_alive(self.tell)
        time.sleep(TICK_S)

    def _keep_database(self) -> None:
        if self.postgres is None:
            return  # somebody else's, and theirs to keep
        if self.postgres.is_owned:
            gone = self.postgres.has_exited
        elif time.monotonic() - self._database_seen_at < DATABASE_TICK_S:
            return
        else:
            gone = not self.postgres.is_answering()
            self._database_seen_at = time.monotonic()
        if gone:
            self.tell(f"the database ended and is started again; see {self.postgres.log_path}")
            try:
                self.postgres.start()
            except DatabaseUnavailable as error:
                self.tell(str(error))  # and tried again

    def _run_errands(self) -> None:
        if self._running_errand is not None:
            code = self._running_errand.poll()
            if code is None:
                return
            self._running_errand = None
            if code != 0:
                self.tell(f"that failed: {last_line(self._errand_log)}")
                self._errands.clear()
        if self._errands:
            errand = self._errands.pop(0)
            self.tell(errand.before)
            self._running_errand = launch(errand.command, self._errand_log, at_parents_end=signal.SIGTERM)

    @property
    def _errand_log(self) -> Path:
        return Path(settings.LOGS_DIR) / "errands.log"

    def _stop_all(self) -> None:
        started = [*(child.process for child in self.children), self._running_errand]
        living = [process for process in started if process is not None]
        for process in living:
            if process.poll() is None:
                process.terminate()
        for process in living:
            stop_group(process)
        if self.postgres is not None:
            self.postgres.stop()
