"""The index of moments: several vectors a sound, each of a stretch of it."""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.index.entries import Entries
from search.index.exact import VectorIndex, as_ids, as_rows
from search.index.layered import LayeredIndex, best_first


class Moments(NamedTuple):
    """Stretches of sounds, the nearest first.

    Attributes
    ----------
    sound_ids : int64, shape (n,)
    starts_s, ends_s : float32, shape (n,)
    cosines : float32, shape (n,)
        Falling.
    """

    sound_ids: NDArray[np.int64]
    starts_s: NDArray[np.float32]
    ends_s: NDArray[np.float32]
    cosines: NDArray[np.float32]

    def best_of_each(self) -> Moments:
        """Keep the nearest moment of each sound."""
        _, first = np.unique(self.sound_ids, return_index=True)
        first.sort()
        return self._at(first)

    def first(self, k: int) -> Moments:
        """Keep the nearest `k`."""
        return self._at(np.arange(min(k, len(self.sound_ids))))

    def _at(self, rows: NDArray[np.intp]) -> Moments:
        return Moments(self.sound_ids[rows], self.starts_s[rows], self.ends_s[rows], self.cosines[rows])


class MomentIndex(LayeredIndex):
    """Vectors of stretches of sounds, found by their nearness and told with where they are.

    Parameters
    ----------
    dim : int
        Length of every vector.
    """

    _owners: NDArray[np.int64]  # by row
    _spans_s: NDArray[np.float32]  # by row

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self._clear_changed()

    @property
    def changed_count(self) -> int:
        """Moments in memory."""
        return len(self._changed)

    def __contains__(self, key: object) -> bool:
        with self._lock.shared():
            if key in self._rows_of:
                return True
            return isinstance(key, int | np.integer) and bool(len(self._base_positions(np.array([key], np.int64))))

    def search(self, vector: ArrayLike, k: int, *, allowed_ids: ArrayLike | None = None) -> Moments:
        """Find the moments whose vectors have the largest inner product with a vector.

        Parameters
        ----------
        vector : float32, shape (dim,)
        k : int
            How many to find; of one sound there may be several.
        allowed_ids : int, shape (m,), optional
            The only sounds that may be found.

        Returns
        -------
        Moments
            At most `k`.

        Raises
        ------
        DimensionMismatch
            `vector` is of another length than the index holds.
        NotFinite
            `vector` has a value that is not a number or infinite.
        """
        row = as_rows(np.asarray(vector)[np.newaxis], self.dim)[0]
        allowed = None if allowed_ids is None else as_ids(allowed_ids)
        with self._lock.shared():
            positions, products = self._search_base(row, k, allowed)
            rows, more = self._search_changed(row, k, allowed)
            owners, spans_s = self._owners[rows], self._spans_s[rows]
            if self._base is not None:
                owners = np.concatenate([self._base.owners[positions], owners])
                spans_s = np.concatenate([self._base.spans_s[positions], spans_s])
                more = np.concatenate([products, more])
        order = best_first(more, owners, max(0, k))
        return Moments(owners[order], spans_s[order, 0], spans_s[order, 1], more[order])

    def search_sounds(self, vector: ArrayLike, k: int, *, allowed_ids: ArrayLike | None = None) -> Moments:
        """Find the sounds with the nearest moments, each told by its nearest one.

        Parameters
        ----------
        vector : float32, shape (dim,)
        k : int
            How many sounds.
        allowed_ids : int, shape (m,), optional

        Returns
        -------
        Moments
            Of each sound one: pooling by the maximum.

        Raises
        ------
        DimensionMismatch, NotFinite
            As `search`.
        """
        depth = 4 * k
        with self._lock.shared():
            while True:
                found = self.search(vector, depth, allowed_ids=allowed_ids)
                best = found.best_of_each()
                if len(best.sound_ids) >= k or len(found.sound_ids) < depth:
                    return best.first(max(0, k))
                depth *= 4

    def entries(self, sounds: ArrayLike) -> Entries:
        """Give back the moments of some sounds.

        Parameters
        ----------
        sounds : int, shape (n,)
            Each once; those that are not there are passed over.

        Returns
        -------
        Entries
            Those of one sound together, in their order in it.
        """
        keys = as_ids(sounds)
        with self._lock.shared():
            rows = np.array([row for key in keys.tolist() for row in self._rows_of.get(key, ())], np.int64)
            parts = self._base_entries(keys)
            parts.append(Entries(self._owners[rows], self._changed.vectors(rows), self._spans_s[rows]))
        return Entries.joined(parts, self.dim)

    def ids(self) -> NDArray[np.int64]:
        """Give every sound of the index, in rising order."""
        with self._lock.shared():
            return np.union1d(self._base_ids(), np.fromiter(self._rows_of, np.int64, len(self._rows_of)))

    def _search_changed(
        self, row: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if not len(self._changed):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if allowed is None:
            return self._changed.search(row, k)
        rows = self._changed.ids()
        return self._changed.search(row, k, allowed_ids=rows[np.isin(self._owners[rows], allowed)])

    def _take(self, sounds: NDArray[np.int64], entries: Entries) -> None:
        vectors = as_rows(entries.vectors, self.dim)  # refused before anything is forgotten
        gone = [row for sound in set(sounds.tolist()) for row in self._rows_of.pop(sound, ())]
        self._changed.remove(gone)
        rows = np.array([self._free.pop() if self._free else next(self._next) for _ in range(len(entries))], np.int64)
        self._free.extend(gone)
        self._make_room(int(rows.max(initial=-1)) + 1)
        self._owners[rows], self._spans_s[rows] = entries.owners, entries.spans_s
        self._changed.put(rows, vectors)
        for row, owner in zip(rows.tolist(), entries.owners.tolist(), strict=True):
            self._rows_of.setdefault(owner, []).append(row)

    def _make_room(self, wanted: int) -> None:
        if wanted > len(self._owners):
            more = max(wanted, 2 * len(self._owners)) - len(self._owners)
            self._owners = np.pad(self._owners, (0, more))
            self._spans_s = np.pad(self._spans_s, ((0, more), (0, 0)))

    def _clear_changed(self) -> None:
        self._changed = VectorIndex(self.dim)  # by a row number of our own
        self._rows_of: dict[int, list[int]] = {}
        self._owners = np.empty(0, np.int64)
        self._spans_s = np.empty((0, 2), np.float32)
        self._next = count()
        self._free: list[int] = []
