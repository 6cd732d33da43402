"""Sounds that are written and removed while others search: how long until a search sees it."""

from __future__ import annotations

import random
import string
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np
from django.db import connection, transaction

from analysis.clap import ModelKey
from analysis.labels import SILENCE_LABEL
from benchmarks.search_serving import Server
from benchmarks.search_vectors import turned
from catalog.effective import search_name
from catalog.models import Embedding, Sound
from config.runtime import CHECKOUT

WRITES_PER_S = 20.0
PROBE_EVERY_S = 0.3
GIVE_UP_S = 60.0
NEAR = 0.02  # length of what is added to the vector of the sound that a new one is like
LOOKED_THROUGH = 5  # the first of an answer, among which the new one has to be
REBUILD = ["nice", "-n", "10", sys.executable, "-m", "config.cli.main", "index", "rebuild"]
VERIFY = [sys.executable, "-m", "config.cli.main", "index", "verify"]


@dataclass(slots=True)
class Delays:
    """From the commit to the end of the first answer that shows it, in milliseconds."""

    by_word_ms: list[float] = field(default_factory=list)
    by_ear_ms: list[float] = field(default_factory=list)
    gone_ms: list[float] = field(default_factory=list)
    late: int = 0  # not seen by the first answer
    never: int = 0
    written: int = 0  # rows, those of the probes included


class Writing:
    """Writes sounds like others, and looks for some of them; in threads, until `stop`."""

    def __init__(self, server: Server, model: ModelKey, sounds: int) -> None:
        self.delays = Delays()
        self.errors: list[BaseException] = []
        self._server, self._model, self._sounds = server, model, sounds
        self._random = random.Random(13)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[work]) for work in (self._write, self._probe)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()

    def _write(self) -> None:
        while not self._stop.wait(1 / WRITES_PER_S):
            self._add(self._random.randint(1, self._sounds), self._word())

    def _probe(self) -> None:
        while not self._stop.wait(PROBE_EVERY_S):
            like, word = self._audible(), self._word()
            sound = self._add(like, word)
            committed = time.perf_counter()
            by_word = f"/api/search?q={word}&semantic=false&limit={LOOKED_THROUGH}"
            self._until(lambda: sound.pk in self._ids(by_word), committed, self.delays.by_word_ms)  # noqa: B023 - at once
            by_ear = f"/api/search?q={quote(f'like:{like}')}&limit={LOOKED_THROUGH}"
            sound_id = self._add(like, self._word()).pk
            committed = time.perf_counter()
            self._until(lambda: sound_id in self._ids(by_ear), committed, self.delays.by_ear_ms)  # noqa: B023
            Sound.objects.filter(pk=sound_id).delete()
            committed = time.perf_counter()
            self._until(lambda: sound_id not in self._ids(by_ear), committed, self.delays.gone_ms)  # noqa: B023

    def _ids(self, address: str) -> set[int]:
        return {result["id"] for result in self._server.found(address)["results"]}

    def _until(self, is_seen: Callable[[], bool], since: float, delays_ms: list[float]) -> None:
        first = True
        while not is_seen():
            self.delays.late += first
            first = False
            if time.perf_counter() - since > GIVE_UP_S:
                self.delays.never += 1
                return
        delays_ms.append(1e3 * (time.perf_counter() - since))

    def _audible(self) -> int:
        """A sound that can be found by ear: what was measured to be silent is like nothing."""
        while True:
            like = self._random.randint(1, self._sounds)
            if not Sound.objects.filter(pk=like, label=SILENCE_LABEL).exists():
                return like

    def _word(self) -> str:
        return "zq" + "".join(self._random.choices(string.ascii_lowercase, k=9))

    def _add(self, like: int, word: str) -> Sound:
        """One sound, as a worker stores it: with its embedding in one transaction."""
        sound = Sound.objects.defer("search_vector").get(pk=like)
        embedding = Embedding.objects.get(
            sound_id=like, model_id=self._model.model_id, model_revision=self._model.revision
        )
        clip = np.frombuffer(embedding.clip, "<f4")[np.newaxis]
        vector = turned(clip, seed=self._random.getrandbits(30), length=NEAR)
        path = f"New/{word}.wav"
        fresh = {"path": path, "file_name": f"{word}.wav", "search_name": search_name(path, {})}
        with transaction.atomic():
            stored: Sound = copied(sound, **fresh)
            copied(embedding, sound_id=stored.pk, clip=vector.astype("<f4").tobytes())
        self.delays.written += 1
        return stored


def copied(row: Any, **changes: Any) -> Any:
    """Store a row anew, with another id."""
    columns = [column for column in row._meta.concrete_fields if not column.generated and not column.primary_key]
    values = {column.attname: getattr(row, column.attname) for column in columns}
    return type(row).objects.create(**(values | changes))


class Rebuilding:
    """Builds the indexes once, and again while it has not been at it for so many seconds; the last is let finish."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self.took_s: list[float] = []
        self.problems: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self.problems and sum(self.took_s) < self._least_s and not self._stop.is_set():
            started = time.perf_counter()
            done = subprocess.run(REBUILD, capture_output=True, text=True, cwd=CHECKOUT, check=False)
            if done.returncode:
                self.problems.append(done.stderr.strip()[-300:])
            else:
                self.took_s.append(time.perf_counter() - started)


@contextmanager
def at_work(*workers: Writing | Rebuilding) -> Iterator[None]:
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()


def verify() -> str:
    """What `timbre index verify` says."""
    done = subprocess.run(VERIFY, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    return (done.stdout + done.stderr).strip()
