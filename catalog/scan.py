"""Bringing the rows of a library in step with its folder: new, changed, moved, missing, back, duplicate, unreadable."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet

from analysis.audio import AudioFacts, probe
from analysis.errors import UnreadableAudio
from analysis.metadata import read_metadata
from catalog import engine
from catalog.effective import is_loop, is_named_loop, measured_columns, search_name
from catalog.models import Library, Run, Sound
from catalog.storable import storable_json, storable_text
from catalog.store import RESTORED
from catalog.walk import FolderWalk, FoundFile

T = TypeVar("T")

BATCH = 500  # rows of a transaction
HASHED_BYTES = 1 << 16  # at each end: enough to tell recordings apart, little to read over a network
PROGRESS_S = 1.0
IN_QUEUE = {Sound.State.QUEUED, Sound.State.ANALYZING}


class FolderUnavailable(Exception):
    """The folder of a library is not there, so that nothing can be said of its sounds."""


class ScanCancelled(Exception):
    """Nobody wants the scan anymore: it was cancelled, or its library removed."""


@dataclass
class ScanCounts:
    """What a scan found."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    missing: int = 0
    back: int = 0
    duplicate: int = 0
    unreadable: int = 0
    unchanged: int = 0
    skipped: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)

    @property
    def settled(self) -> int:
        return self.new + self.changed + self.moved + self.back + self.unchanged

    def as_findings(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if isinstance(value, int) and name != "seen"}


@dataclass(frozen=True, slots=True)
class KnownSound:
    id: int
    size_bytes: int
    modified_ns: int
    state: str
    file_hash: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is read of a file without decoding it; `reason` says why it cannot be a sound."""

    file_hash: str
    audio: AudioFacts | None
    embedded: dict[str, str]
    reason: str = ""


class LibraryScan:
    """One scan, from the walk to the rows; it may be broken off and begun again anywhere."""

    def __init__(self, library: Library, run: Run) -> None:
        self.library = library
        self.run = run
        self.root = Path(library.root)
        self.counts = ScanCounts()
        self.walk = FolderWalk(self.root)
        self.known = known_sounds(library)
        self.gone: dict[str, list[tuple[str, KnownSound]]] = {}
        self._told_at = time.monotonic()

    def scan(self) -> ScanCounts:
        new: list[FoundFile] = []
        changed: list[tuple[FoundFile, KnownSound]] = []
        back: list[KnownSound] = []
        for file in self.walk.files():
            self.counts.seen += 1
            self.tell_progress()
            row = self.known.pop(file.path, None)
            if row is None:
                new.append(file)
            elif (row.size_bytes, row.modified_ns) != (file.size_bytes, file.modified_ns):
                changed.append((file, row))
            elif row.state == Sound.State.MISSING:
                back.append(row)
            else:
                self.counts.unchanged += 1
        self.check_root()  # again: a drive that went away during the walk must not make its sounds missing
        self.find_gone()
        for changes in batches(changed, BATCH):
            self.tell_progress(now=True)
            self.write_changed(changes)
        for files in batches(new, BATCH):
            self.tell_progress(now=True)
            self.write_new(files)
        self.tell_progress(now=True)
        self.write_back(back)
        self.write_missing()
        self.counts.skipped, self.counts.problems = self.walk.skipped, self.walk.problems
        return self.counts

    def check_root(self) -> None:
        try:
            with os.scandir(self.root):
                pass
        except OSError as error:
            raise FolderUnavailable(
                f"the folder {self.root} cannot be read: {error.strerror}; is its drive mounted?"
            ) from error

    def find_gone(self) -> None:
        """Sounds whose file was not met, by hash; what lies in folders that cannot be read is not among them."""
        hidden = tuple(f"{folder}/" if folder else "" for folder in self.walk.unreadable)
        self.known = {path: row for path, row in self.known.items() if not hidden or not path.startswith(hidden)}
        for path, row in self.known.items():
            if row.file_hash:
                self.gone.setdefault(row.file_hash, []).append((path, row))

    def facts_of(self, files: Iterable[FoundFile]) -> list[FileFacts]:
        """Read files outside of any transaction: over a slow network its locks would keep heartbeats waiting."""
        facts = []
        for file in files:
            self.tell_progress()
            facts.append(read_facts(self.root / file.relative, file.size_bytes))
        return facts

    def write_new(self, files: Sequence[FoundFile]) -> None:
        read = self.facts_of(files)
        with transaction.atomic():
            self.write_read(zip(files, read, strict=True))

    def write_read(self, files: Iterable[tuple[FoundFile, FileFacts]]) -> None:
        fresh: list[Sound] = []
        for file, facts in files:
            old = self.take_gone(file, facts.file_hash)
            if old is not None:
                self.write_moved(file, facts, old)
            else:
                fresh.append(Sound(library=self.library, **self.columns(file, facts)))
        self.count_duplicates(fresh)
        Sound.objects.bulk_create(fresh, ignore_conflicts=True)
        self.counts.new += len(fresh)

    def take_gone(self, file: FoundFile, file_hash: str) -> KnownSound | None:
        """The row of a file that was here under another path; of several alike, one of the same name."""
        alike = self.gone.get(file_hash, [])
        if not alike or not file.size_bytes:
            return None
        name = file.path.rpartition("/")[2]
        chosen = next((one for one in alike if one[0].rpartition("/")[2] == name), alike[0])
        alike.remove(chosen)
        del self.known[chosen[0]]
        return chosen[1]

    def write_moved(self, file: FoundFile, facts: FileFacts, old: KnownSound) -> None:
        moved = Sound.objects.filter(pk=old.id)
        columns = place_columns(file) | {"search_name": search_name(file.path, facts.embedded)}
        record = moved.values_list("current_analysis__record", flat=True).first()
        columns["is_loop"] = is_loop(columns["file_name"], facts.embedded, measured_columns(record or {}))
        moved.update(**columns)
        if old.state == Sound.State.MISSING:
            restore(moved)
        self.counts.moved += 1

    def write_changed(self, changes: Sequence[tuple[FoundFile, KnownSound]]) -> None:
        read = self.facts_of(file for file, _ in changes)
        with transaction.atomic():
            states = lock_states(old.id for _, old in changes)
            for (file, old), facts in zip(changes, read, strict=True):
                if old.id not in states:  # the next scan sees it: what is being heard now is neither
                    self.counts.unchanged += 1
                    continue
                columns = self.columns(file, facts)
                if states[old.id] == Sound.State.QUEUED:
                    columns = {name: value for name, value in columns.items() if name not in {"state", "error", "run"}}
                Sound.objects.filter(pk=old.id).update(**columns)
                self.counts.changed += 1

    def columns(self, file: FoundFile, facts: FileFacts) -> dict[str, Any]:
        audio = facts.audio
        columns = place_columns(file) | {
            "file_hash": facts.file_hash,
            "embedded": facts.embedded,
            "search_name": search_name(file.path, facts.embedded),
            "is_loop": is_named_loop(file.path.rpartition("/")[2], facts.embedded),
            "state": Sound.State.NEW if audio else Sound.State.FAILED,
            "error": facts.reason,
        }
        if audio is None:
            self.counts.unreadable += 1
            return columns | {"run": self.run}
        return columns | {
            "format": audio.format,
            "duration_s": audio.duration_s if math.isfinite(audio.duration_s) else None,
            "sample_rate_hz": audio.sample_rate_hz,
            "channels": audio.channels,
            "bit_depth": audio.bit_depth,
        }

    def count_duplicates(self, fresh: Sequence[Sound]) -> None:
        hashes = [sound.file_hash for sound in fresh if sound.state == Sound.State.NEW]
        known = set(
            Sound.objects.filter(file_hash__in=hashes)
            .exclude(state=Sound.State.MISSING)
            .values_list("file_hash", flat=True)
        )
        for file_hash in hashes:
            self.counts.duplicate += file_hash in known
            known.add(file_hash)

    def write_back(self, back: Sequence[KnownSound]) -> None:
        for rows in batches(back, BATCH):
            self.counts.back += restore(Sound.objects.filter(pk__in=[row.id for row in rows]))

    def write_missing(self) -> None:
        """What waits in the queue is left to its worker, which finds out too and counts it in its run."""
        settled = (row for row in self.known.values() if row.state not in IN_QUEUE | {Sound.State.MISSING})
        for rows in batches(settled, BATCH):
            missing = Sound.objects.filter(pk__in=[row.id for row in rows]).exclude(state__in=IN_QUEUE)
            self.counts.missing += missing.update(
                state=Sound.State.MISSING, error="the file is no longer in its folder; bring it back and scan again"
            )

    def tell_progress(self, *, now: bool = False) -> None:
        """Write how far the scan is, and stop it where nobody wants it anymore."""
        if now or time.monotonic() - self._told_at >= PROGRESS_S:
            self._told_at = time.monotonic()
            wanted = Run.objects.filter(pk=self.run.pk).exclude(state=Run.State.CANCELLED)
            if not wanted.update(total=self.counts.seen, done=self.counts.settled):
                raise ScanCancelled


def scan_library(library: Library, run: Run) -> ScanCounts:
    """Bring a library's rows in step with its folder. Raises FolderUnavailable where the folder is not there,
    ScanCancelled where its run was cancelled or is gone.
    """
    scan = LibraryScan(library, run)
    scan.check_root()
    return scan.scan()


def known_sounds(library: Library) -> dict[str, KnownSound]:
    columns = ("path", "id", "size_bytes", "modified_ns", "state", "file_hash")
    rows = Sound.objects.filter(library=library).order_by().values_list(*columns)
    return {path: KnownSound(*facts) for path, *facts in rows.iterator(chunk_size=10_000)}


def lock_states(ids: Iterable[int]) -> dict[int, str]:
    """States as they are now, held until the transaction ends; without those that a worker has."""
    free = Sound.objects.filter(pk__in=list(ids)).exclude(state=Sound.State.ANALYZING)
    return dict(free.order_by("id").select_for_update().values_list("id", "state"))


def restore(sounds: QuerySet[Sound]) -> int:
    """What somebody has queued meanwhile stays in its run."""
    return sounds.filter(state=Sound.State.MISSING).update(state=RESTORED, error="")


def place_columns(file: FoundFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "raw_path": file.raw_path,
        "file_name": file.path.rpartition("/")[2],
        "size_bytes": file.size_bytes,
        "modified_ns": file.modified_ns,
    }


def read_facts(path: Path, size_bytes: int) -> FileFacts:
    try:
        audio = probe(path)
        written = read_metadata(path, engine.vocabulary().ucs)
        return FileFacts(hash_ends(path, size_bytes), audio, storable_json(written.embedded))
    except UnreadableAudio as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    return FileFacts("", None, {}, storable_text(reason))


def hash_ends(path: Path, size_bytes: int) -> str:
    digest = hashlib.sha256(str(size_bytes).encode())
    with path.open("rb") as file:
        digest.update(file.read(HASHED_BYTES))
        if size_bytes > HASHED_BYTES:
            file.seek(max(HASHED_BYTES, size_bytes - HASHED_BYTES))
            digest.update(file.read(HASHED_BYTES))
    return digest.hexdigest()


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
