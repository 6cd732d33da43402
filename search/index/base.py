"""A built index: read from mapped files that every process shares, and never changed."""

from __future__ import annotations

import math

import faiss
import numpy as np
from numpy.typing import NDArray

from search.errors import UnusableIndex
from search.index import files
from search.index.exact import BITMAP_MAX_ID, bitmap, one_thread
from search.index.files import LARGEST_BYTE, Generation

EXACT_BELOW = 4_096
"""So few entries are compared by their stored vectors at once: a millisecond or two."""

RANKED_AGAIN = 200
"""Entries beyond those asked for whose order is decided by their stored vectors: bytes swap near neighbors."""

NARROW = 0.25
"""Share of the entries below which a filter goes to the flat index: lists lose what a filter by content keeps, and to
look into enough of them takes as long."""

PROBES = 128
"""Lists looked into, more with a filter. Sounds find their neighbors in 32; words, which lie apart from all sounds,
find 0.979 of the ten nearest in 32 and 0.994 in 128."""

LOOKED_AT_PER_ENTRY = 16
"""Entries of the lists compared for each that is wanted: the thousandth nearest lies farther than the tenth."""

ROWS_AT_ONCE = 65_536


class Base:
    """Entries in files, searched by position.

    Think of a printed telephone book: it is complete up to a day, many read it at the same time, and nobody writes into
    it. What changed since is written on a sheet beside it (`search.index.layered`).

    Parameters
    ----------
    generation : Generation
        Its files are mapped, not read: the processes of a machine share the memory.

    Raises
    ------
    UnusableIndex
        The files are not what the manifest says.

    Notes
    -----
    A flat index of bytes for narrow filters, above 200,000 entries lists of bytes beside it, and exact vectors that
    decide the order of the best. Nothing may be added to a mapped index of FAISS: it would end the process. Sources:
    Douze et al. 2024, arXiv:2401.08281; the figures are our own.
    """

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.manifest = generation.manifest
        self.dim = self.manifest.dim
        self.owners = np.asarray(generation.array(files.OWNERS), np.int64)
        self.spans_s = np.asarray(generation.array(files.SPANS), np.float32)
        self.sounds = np.asarray(generation.array(files.SOUNDS), np.int64)
        self.changed = np.asarray(generation.array(files.CHANGED), np.int64)
        self._vectors = generation.array(files.VECTORS)
        self._flat = self._mapped(files.FLAT) if len(self) else None
        self._scale = np.asarray(generation.array(files.SCALE)) if len(self) else np.ones(self.dim, np.float32)
        self._lists = self._mapped(files.LISTS) if self.manifest.lists else None

    def __len__(self) -> int:
        return self.manifest.entries

    @classmethod
    def open_checked(cls, generation: Generation) -> Base:
        """Map a generation after reading every byte of it: what was damaged must not answer.

        Parameters
        ----------
        generation : Generation

        Raises
        ------
        UnusableIndex
            A file is missing, truncated, damaged or of another kind.
        """
        generation.check_files()
        base = cls(generation)
        if np.any(np.diff(base.owners) < 0) or np.any(np.diff(base.sounds) <= 0):
            raise UnusableIndex("its sounds are not in order")
        return base

    def _mapped(self, name: str) -> faiss.Index:
        try:
            index = faiss.read_index(str(self.generation.folder / name), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # FAISS knows no other
            raise UnusableIndex(f"{name} cannot be read") from error
        if (index.ntotal, index.d) != (len(self), self.dim):
            wanted = f"{len(self)} vectors of {self.dim}"
            raise UnusableIndex(f"{name} holds {index.ntotal} vectors of {index.d} instead of {wanted}")
        return index

    def search(
        self, row: NDArray[np.float32], k: int, *, keep: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the positions whose vectors have the largest inner product with a vector.

        Parameters
        ----------
        row : float32, shape (dim,)
        k : int
        keep : bool, shape (entries,), optional
            The only positions that may be found.

        Returns
        -------
        positions : int64, shape (found,)
            The nearest first.
        products : float32, shape (found,)
            Of the stored vectors, so that they are what they were before the index was built.
        """
        kept = len(self) if keep is None else int(np.count_nonzero(keep))
        most = min(k, kept)
        if most < 1:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        positions = self._candidates(row, most, kept, keep)
        products = self._products(row) if positions is None else self._products_of(positions, row)
        best = np.argsort(-products, kind="stable")[:most]
        return (best if positions is None else positions[best]), products[best]

    def _products_of(self, positions: NDArray[np.int64], row: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inner products of some stored vectors, a part of them in memory at a time."""
        parts = range(0, len(positions), ROWS_AT_ONCE)
        found = [dot(self.vectors(positions[start : start + ROWS_AT_ONCE]), row) for start in parts]
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def _candidates(
        self, row: NDArray[np.float32], most: int, kept: int, keep: NDArray[np.bool_] | None
    ) -> NDArray[np.int64] | None:
        """Positions to compare by their stored vectors; None for all of them."""
        depth = min(kept, most + max(RANKED_AGAIN, most // 4))
        if kept <= EXACT_BELOW or 4 * depth > kept:
            return None if keep is None else np.flatnonzero(keep)
        if self._lists is not None and kept >= NARROW * len(self):
            found = self._in_lists(row, depth, kept, keep)
            if len(found) >= most:
                return found
        return self._in_flat(row, depth, keep)

    def _in_lists(
        self, row: NDArray[np.float32], depth: int, kept: int, keep: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        lists = self.manifest.lists
        least = math.ceil(PROBES * len(self) / kept)
        probes = min(lists, max(least, math.ceil(LOOKED_AT_PER_ENTRY * depth * lists / kept)))
        if keep is None:
            how = faiss.SearchParametersIVF(nprobe=probes)  # type: ignore[call-arg]  # faiss's stubs miss its wrapper
        else:
            how = faiss.SearchParametersIVF(sel=bitmap(keep), nprobe=probes)  # type: ignore[call-arg]  # the same
        assert self._lists is not None
        with one_thread():
            _, found = self._lists.search(row[np.newaxis], depth, params=how)
        return np.sort(found[0][found[0] >= 0])  # sorted: pages of the vectors are then read in their order

    def _in_flat(self, row: NDArray[np.float32], depth: int, keep: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        assert self._flat is not None
        how = None if keep is None else faiss.SearchParameters(sel=bitmap(keep))  # type: ignore[call-arg]  # the same
        query = whole_numbers(np.asarray(row / self._scale, np.float32))[np.newaxis]
        with one_thread():
            _, found = self._flat.search(query, depth, params=how)
        return np.sort(found[0][found[0] >= 0])

    def _products(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        products = np.empty(len(self), np.float32)
        for start in range(0, len(self), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            products[part] = dot(self._vectors[part].astype(np.float32, copy=False), row)
        return products

    def vectors(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give back stored vectors.

        Parameters
        ----------
        positions : int64, shape (n,)

        Returns
        -------
        float32, shape (n, dim)
            A copy.
        """
        found: NDArray[np.float32] = self._vectors[positions].astype(np.float32, copy=False)
        return found

    def mask(self, owners: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark the entries of some sounds.

        Parameters
        ----------
        owners : int64, shape (m,)
            Sounds that are not there are passed over.

        Returns
        -------
        bool, shape (entries,)
        """
        if not len(owners) or not len(self):
            return np.zeros(len(self), bool)
        if 20 * len(owners) < len(self):
            marked = np.zeros(len(self), bool)
            marked[self.positions(owners)] = True
            return marked
        highest = int(self.owners[-1])
        if highest > BITMAP_MAX_ID:
            return np.isin(self.owners, owners)
        wanted = np.zeros(highest + 1, bool)
        wanted[owners[owners <= highest]] = True
        return wanted[self.owners]

    def positions(self, owners: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find the positions of all entries of some sounds.

        Parameters
        ----------
        owners : int64, shape (m,)

        Returns
        -------
        int64, shape (found,)
            Sound by sound, in the order of `owners`.
        """
        first = np.searchsorted(self.owners, owners, "left")
        counts = np.searchsorted(self.owners, owners, "right") - first
        before = np.cumsum(counts) - counts
        return np.repeat(first - before, counts) + np.arange(int(counts.sum()))


def whole_numbers(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch a query to signed bytes: FAISS drops what is behind the point where it compares signed bytes.

    Parameters
    ----------
    row : float32, shape (dim,)

    Returns
    -------
    float32, shape (dim,)
        Whole numbers up to 127, that give the same order but for what rounding blurs.
    """
    largest = np.abs(row).max()
    stretched: NDArray[np.float32] = np.rint(row * (LARGEST_BYTE / largest)) if largest > 0 else row
    return stretched.astype(np.float32)


def dot(rows: NDArray[np.float32], row: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the product of each row with one, in this thread.

    Parameters
    ----------
    rows : float32, shape (n, dim)
    row : float32, shape (dim,)

    Returns
    -------
    float32, shape (n,)

    Notes
    -----
    Not by BLAS: its threads wait for each other, 20 ms for the work of a tenth where the processors have other work.
    """
    products: NDArray[np.float32] = np.einsum("nd,d->n", rows, row)
    return products
