"""Writing a generation: vectors as they are read, then the indexes over them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from search.index import files
from search.index.entries import Entries
from search.index.exact import as_rows
from search.index.files import LARGEST_BYTE, Generation, Manifest, Shelf, file_facts

LISTS_ABOVE = 200_000
"""Entries up to which each is compared with every query: 5 ms for a flat index of 200,000."""

MOST_LISTS = 4_096
POINTS_PER_LIST = 64
"""Vectors that each list is learnt from. FAISS takes 256; a quarter of them finds as much and is learnt in minutes."""

ROWS_AT_ONCE = 50_000
LEAST = 1e-6  # a dimension that is zero everywhere is multiplied with something finite


@dataclass(frozen=True, slots=True)
class Origin:
    """What a generation is built from.

    Attributes
    ----------
    recipe : str
        How entries are made of rows.
    dtype : str
        How vectors are stored: "<f4", or "<f2" where they were never more.
    database, horizon, note, built_at
        As in `search.index.files.Manifest`.
    """

    recipe: str
    dtype: str
    database: str
    horizon: int
    note: int
    built_at: datetime


class GenerationWriter:
    """Takes entries in the order of their sounds and makes a generation of them.

    Parameters
    ----------
    shelf : Shelf
        Where it will stand; until `finish` nothing there changes but a folder of its own.
    dim : int
    origin : Origin

    Raises
    ------
    OSError
        No folder can be made.
    """

    def __init__(self, shelf: Shelf, dim: int, origin: Origin) -> None:
        self.dim = dim
        self._shelf, self._origin = shelf, origin
        self._started = time.monotonic()
        self._entries, self._sounds = 0, 0
        self._largest = np.full(dim, LEAST, np.float32)
        self.folder = shelf.start()
        names = (files.VECTORS, files.OWNERS, files.SPANS, files.SOUNDS, files.CHANGED)
        self._streams = {name: (self.folder / name).open("wb") for name in names}

    def add(self, entries: Entries, sounds: NDArray[np.int64], changed: NDArray[np.int64]) -> None:
        """Take what was read of some sounds.

        Parameters
        ----------
        entries : Entries
        sounds : int64, shape (m,)
            All that were read, in rising order, also those of which there is no entry.
        changed : int64, shape (m,)
            The transactions that wrote them.

        Raises
        ------
        DimensionMismatch, NotFinite
            A vector that must not be in an index.
        OSError
            The disk is full.
        """
        rows = as_rows(entries.vectors, self.dim).astype(self._origin.dtype)
        if len(rows):
            self._largest = np.maximum(self._largest, np.abs(rows).max(axis=0))
        parts = {
            files.VECTORS: rows,
            files.OWNERS: entries.owners.astype("<i8"),
            files.SPANS: entries.spans_s.astype("<f4"),
            files.SOUNDS: sounds.astype("<i8"),
            files.CHANGED: changed.astype("<i8"),
        }
        for name, part in parts.items():
            self._streams[name].write(np.ascontiguousarray(part).tobytes())
        self._entries += len(rows)
        self._sounds += len(sounds)

    def finish(self) -> Generation:
        """Build the indexes, make everything safe on disk, and make it the current generation.

        Raises
        ------
        OSError
            The disk is full; what was current before still is.
        """
        self.close()
        lists = self._build_indexes()
        manifest = self._manifest(lists)
        (self.folder / files.MANIFEST).write_text(manifest.model_dump_json(indent=1))
        return self._shelf.publish(self.folder)

    def close(self) -> None:
        """Close the files; what is in them stays."""
        for stream in self._streams.values():
            stream.close()

    def _build_indexes(self) -> int:
        if not self._entries:
            return 0
        shape = (self._entries, self.dim)
        vectors = np.memmap(self.folder / files.VECTORS, self._origin.dtype, "r", shape=shape)
        scale = np.float32(LARGEST_BYTE) / self._largest
        (self.folder / files.SCALE).write_bytes(scale.astype("<f4").tobytes())
        _write(flat_index(vectors, scale), self.folder / files.FLAT)
        if self._entries <= LISTS_ABOVE:
            return 0
        lists = list_count(self._entries)
        _write(list_index(vectors, lists), self.folder / files.LISTS)
        return lists

    def _manifest(self, lists: int) -> Manifest:
        return Manifest(
            format=files.FORMAT,
            kind=self._shelf.kind,
            recipe=self._origin.recipe,
            model_id=self._shelf.model_id,
            model_revision=self._shelf.model_revision,
            dim=self.dim,
            dtype=self._origin.dtype,
            entries=self._entries,
            sounds=self._sounds,
            lists=lists,
            database=self._origin.database,
            horizon=self._origin.horizon,
            note=self._origin.note,
            built_at=self._origin.built_at,
            build_s=round(time.monotonic() - self._started, 3),
            files={path.name: file_facts(path) for path in sorted(self.folder.iterdir())},
        )


def list_count(entries: int) -> int:
    """Choose how many lists entries are divided into: the power of two next to four times their root.

    Parameters
    ----------
    entries : int

    Returns
    -------
    int
        At most 4,096, which is what a million takes.
    """
    return int(min(MOST_LISTS, 2 ** round(np.log2(max(1.0, 4 * np.sqrt(entries))))))


def flat_index(vectors: NDArray[np.floating], scale: NDArray[np.float32]) -> faiss.Index:
    """Build an index of bytes that compares each entry.

    Parameters
    ----------
    vectors : float, shape (n, dim)
        May be mapped; read in pieces.
    scale : float32, shape (dim,)
        What each dimension is multiplied with to fill signed bytes; a query is divided by it, so that products stay.

    Notes
    -----
    Signed bytes take two thirds of the time of bytes between the bounds of each dimension, and lose no more.
    """
    index = faiss.IndexScalarQuantizer(
        vectors.shape[1], faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    )
    for rows in _pieces(vectors):
        index.add(np.rint(rows * scale))
    return index


def list_index(vectors: NDArray[np.floating], lists: int) -> faiss.Index:
    """Build an index of bytes in lists, of which a search looks into the nearest.

    Parameters
    ----------
    vectors : float, shape (n, dim)
    lists : int

    Notes
    -----
    Learnt from a sample by spherical k-means. Source: Jegou et al. 2011, doi:10.1109/TPAMI.2010.57.
    """
    index = faiss.index_factory(vectors.shape[1], f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = POINTS_PER_LIST  # type: ignore[attr-defined]  # the stubs know its base alone
    count = min(len(vectors), POINTS_PER_LIST * lists)
    chosen = np.sort(np.random.default_rng(lists).choice(len(vectors), count, replace=False))
    index.train(vectors[chosen].astype(np.float32, copy=False))
    for rows in _pieces(vectors):
        index.add(rows)
    return index


def _pieces(vectors: NDArray[np.floating]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        yield np.ascontiguousarray(vectors[start : start + ROWS_AT_ONCE], np.float32)


def _write(index: faiss.Index, path: Path) -> None:
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # FAISS knows no other
        raise OSError(f"{path.name} cannot be written: {error}") from error
