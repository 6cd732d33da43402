"""Where a built index lies: generations in folders, written once, and a small file that names the current one."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from search.errors import UnusableIndex

FORMAT = 2
"""Raised when files of before can no longer be read; they are built anew then."""

CURRENT = "current.json"
MANIFEST = "manifest.json"
BUILDING = ".building-"
READ_BYTES = 16 * 2**20

VECTORS, OWNERS, SPANS, SOUNDS, CHANGED, SCALE = "vectors", "owners", "spans", "sounds", "changed", "scale"
FLAT, LISTS = "flat.faiss", "lists.faiss"
LARGEST_BYTE = 127  # entries of the flat index are signed bytes


class FileFacts(BaseModel):
    """What a file must be, to be believed."""

    model_config = ConfigDict(frozen=True)

    size_bytes: int
    crc32: int


class Manifest(BaseModel):
    """What a generation says of itself.

    Attributes
    ----------
    kind, recipe : str
        What its entries are, and how they were made of the rows.
    database : str
        The database whose rows it holds: the numbers of another one's transactions mean nothing here.
    horizon : int
        Every transaction below it had ended when the rows were read: all that they wrote is in.
    note : int
        Left in the database by the build: one that does not have it is of another past.
    built_at : datetime
        When the reading began, by the clock of the database.
    """

    model_config = ConfigDict(frozen=True)

    format: int
    kind: str
    recipe: str
    model_id: str
    model_revision: str
    dim: int
    dtype: str
    entries: int
    sounds: int
    lists: int  # 0: few enough to be compared with all
    database: str
    horizon: int
    note: int
    built_at: datetime
    build_s: float
    files: dict[str, FileFacts]

    @property
    def size_bytes(self) -> int:
        """Bytes on disk of all files."""
        return sum(facts.size_bytes for facts in self.files.values())


class _Current(BaseModel):
    generation: str
    manifest_crc32: int


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation on disk whose manifest was read and believed."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    def array(self, name: str) -> NDArray[np.generic]:
        """Map one of the arrays, for reading.

        Parameters
        ----------
        name : str
            VECTORS, OWNERS, SPANS, SOUNDS, CHANGED or SCALE.

        Raises
        ------
        UnusableIndex
            The file is gone or of another size.
        """
        facts = self.manifest
        shapes: dict[str, tuple[str, tuple[int, ...]]] = {
            VECTORS: (facts.dtype, (facts.entries, facts.dim)),
            OWNERS: ("<i8", (facts.entries,)),
            SPANS: ("<f4", (facts.entries, 2)),
            SOUNDS: ("<i8", (facts.sounds,)),
            CHANGED: ("<i8", (facts.sounds,)),
            SCALE: ("<f4", (facts.dim,)),
        }
        dtype, shape = shapes[name]
        if 0 in shape:
            return np.empty(shape, dtype)
        try:
            return np.memmap(self.folder / name, dtype, "r", shape=shape)
        except (OSError, ValueError) as error:
            raise UnusableIndex(f"{name} cannot be mapped: {error}") from error

    def check_sizes(self) -> None:
        """Compare the sizes of all files with the manifest.

        Raises
        ------
        UnusableIndex
            A file is missing, shorter or longer than was written.
        """
        for name, facts in self.manifest.files.items():
            try:
                size = (self.folder / name).stat().st_size
            except OSError as error:
                raise UnusableIndex(f"{name} cannot be read: {error.strerror}") from error
            if size != facts.size_bytes:
                raise UnusableIndex(f"{name} has {size} bytes instead of {facts.size_bytes}")

    def check_files(self) -> None:
        """Read every file and compare it with the manifest.

        Raises
        ------
        UnusableIndex
            A file is missing, of another size or of other content than was written.
        """
        self.check_sizes()
        for name, facts in self.manifest.files.items():
            try:
                found = checksum(self.folder / name)
            except OSError as error:
                raise UnusableIndex(f"{name} cannot be read: {error.strerror}") from error
            if found != facts.crc32:
                raise UnusableIndex(f"{name} holds other bytes than were written")


class Shelf:
    """The folder of one kind of index of one model: its generations and the name of the current one.

    Parameters
    ----------
    root : Path
        Of all indexes.
    model_id, model_revision, kind : str
    """

    def __init__(self, root: Path, *, model_id: str, model_revision: str, kind: str) -> None:
        self.model_id, self.model_revision, self.kind = model_id, model_revision, kind
        mark = zlib.crc32(f"{model_id}\0{model_revision}".encode())
        readable = "".join(letter if letter.isalnum() else "-" for letter in model_id).strip("-")[:60]
        self.folder = root / f"{readable}-{mark:08x}" / kind

    def mark(self) -> tuple[int, int] | None:
        """Tell apart which generation is the current one, without reading it; None where there is none."""
        try:
            found = (self.folder / CURRENT).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def current(self) -> Generation | None:
        """Read the manifest of the current generation; None where none was built.

        Raises
        ------
        UnusableIndex
            It cannot be read, is damaged, of another format or of another model.
        """
        try:
            text = (self.folder / CURRENT).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnusableIndex(f"{CURRENT} cannot be read: {error.strerror}") from error
        try:
            current = _Current.model_validate_json(text)
            folder = self.folder / Path(current.generation).name
            written = (folder / MANIFEST).read_bytes()
        except OSError as error:
            raise UnusableIndex(f"the manifest cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise UnusableIndex(f"{CURRENT} is damaged") from error
        if zlib.crc32(written) != current.manifest_crc32:
            raise UnusableIndex("the manifest holds other bytes than were written")
        generation = Generation(folder, _manifest(written))
        self._check_belongs(generation.manifest)
        return generation

    def _check_belongs(self, manifest: Manifest) -> None:
        wanted = (self.model_id, self.model_revision, self.kind)
        got = (manifest.model_id, manifest.model_revision, manifest.kind)
        if got != wanted:
            raise UnusableIndex(f"it is of {' '.join(got)}, not of {' '.join(wanted)}")

    def start(self) -> Path:
        """Make a folder to build a generation in.

        Raises
        ------
        OSError
            No folder can be made here.
        """
        folder = self.folder / f"{BUILDING}{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        return folder

    def publish(self, building: Path) -> Generation:
        """Make a finished generation the current one, in one step; what was current before may be dropped then.

        Parameters
        ----------
        building : Path
            With all of its files, the manifest too.

        Raises
        ------
        OSError
            The disk is full or the folder gone; what was current before still is.
        """
        for path in building.iterdir():
            sync_to_disk(path)
        sync_to_disk(building)
        folder = self.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        building.rename(folder)
        written = (folder / MANIFEST).read_bytes()
        fresh = self.folder / f"{BUILDING}{secrets.token_hex(4)}.json"
        fresh.write_text(json.dumps({"generation": folder.name, "manifest_crc32": zlib.crc32(written)}))
        sync_to_disk(fresh)
        sync_to_disk(self.folder)
        fresh.replace(self.folder / CURRENT)
        sync_to_disk(self.folder)
        return Generation(folder, _manifest(written))

    def clean(self) -> None:
        """Remove every generation but the current one, and what broken builds left; mappings of them keep answering."""
        with suppress(OSError):  # which one is the current one cannot be read right now: all stay
            kept = {CURRENT, self._current_name()}
            for path in self.folder.iterdir():
                if path.name in kept:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove every generation: there is no row of which one could be; mappings of them keep answering."""
        with suppress(OSError):
            (self.folder / CURRENT).unlink(missing_ok=True)
        self.clean()

    def _current_name(self) -> str:
        try:
            return Path(_Current.model_validate_json((self.folder / CURRENT).read_bytes()).generation).name
        except (FileNotFoundError, ValidationError):  # none was ever named, or nobody will know which one
            return ""


def checksum(path: Path) -> int:
    """Compute the CRC-32 of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    int
        Enough against disks and copies that fail; nobody is kept from forging it.
    """
    found = 0
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            found = zlib.crc32(block, found)
    return found


def file_facts(path: Path) -> FileFacts:
    """Measure a file that was just written."""
    return FileFacts(size_bytes=path.stat().st_size, crc32=checksum(path))


def sync_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manifest(written: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(written)
    except ValidationError as error:
        raise UnusableIndex("the manifest is damaged") from error
    if manifest.format != FORMAT:
        raise UnusableIndex(f"it is of format {manifest.format}, and this Timbre reads format {FORMAT}")
    return manifest
