"""A built index with what changed since laid over it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.index.base import Base
from search.index.entries import Entries
from search.index.exact import as_ids
from search.index.lock import SharedLock


class LayeredIndex(ABC):
    """Entries in a base that never changes, and over it those of the sounds that changed since.

    A sound that was written or removed since is hidden in the base, and its new entries, if any, lie in memory. A
    search asks both and merges what they find, which is exact in order: both compare stored vectors.

    All methods may be called from any thread; a search never sees half of a change, and searches run beside each other.

    Parameters
    ----------
    dim : int
        Length of every vector.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._lock = SharedLock()
        self._base: Base | None = None
        self._hidden = np.empty(0, bool)
        self._hidden_count = 0

    @property
    def base(self) -> Base | None:
        """The built part; None while everything is in memory."""
        return self._base

    @property
    @abstractmethod
    def changed_count(self) -> int:
        """Entries in memory."""

    def __len__(self) -> int:
        with self._lock.shared():
            return self._base_count() - self._hidden_count + self.changed_count

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Hold off every change, so that what several calls answer belongs together."""
        with self._lock.shared():
            yield

    @contextmanager
    def changing(self) -> Iterator[Self]:
        """Make several changes at once, which no search sees one by one."""
        with self._lock.alone():
            yield self

    def adopt(self, base: Base) -> None:
        """Replace everything by a built index; what changed since it was built has to be renewed after.

        Parameters
        ----------
        base : Base
            Of vectors of the same length.
        """
        with self._lock.alone():
            self._base = base
            self._hidden = np.zeros(len(base), bool)
            self._hidden_count = 0
            self._clear_changed()

    def renew(self, sounds: ArrayLike, entries: Entries) -> None:
        """Forget all entries of some sounds and take new ones for them.

        Parameters
        ----------
        sounds : int, shape (m,)
            Written or removed since the base was built.
        entries : Entries
            Of those of them that are still there.

        Raises
        ------
        DimensionMismatch, NotFinite
            Vectors that must not be in an index; nothing is changed then.
        """
        keys = as_ids(sounds)
        with self._lock.alone():
            self._take(keys, entries)
            if self._base is not None and len(self._base):
                at = self._base.positions(np.unique(keys))
                self._hidden_count += int(np.count_nonzero(~self._hidden[at]))
                self._hidden[at] = True

    @abstractmethod
    def entries(self, sounds: ArrayLike) -> Entries:
        """All entries of some sounds, those of one sound together; sounds that are not there are passed over."""

    @abstractmethod
    def ids(self) -> NDArray[np.int64]:
        """Every sound that has an entry, in rising order."""

    @abstractmethod
    def _take(self, sounds: NDArray[np.int64], entries: Entries) -> None:
        """Replace what is in memory of some sounds."""

    @abstractmethod
    def _clear_changed(self) -> None:
        """Forget what is in memory."""

    def _base_count(self) -> int:
        return 0 if self._base is None else len(self._base)

    def _search_base(
        self, row: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if self._base is None:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if allowed is None and not self._hidden_count:
            return self._base.search(row, k)
        shown = ~self._hidden
        return self._base.search(row, k, keep=shown if allowed is None else self._base.mask(allowed) & shown)

    def _base_positions(self, sounds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in the base that still hold, of some sounds."""
        if self._base is None:
            return np.empty(0, np.int64)
        at = self._base.positions(sounds)
        return at[~self._hidden[at]]

    def _base_entries(self, sounds: NDArray[np.int64]) -> list[Entries]:
        at = self._base_positions(sounds)
        if self._base is None or not len(at):
            return []
        return [Entries(self._base.owners[at], self._base.vectors(at), self._base.spans_s[at])]

    def _base_ids(self) -> NDArray[np.int64]:
        return np.empty(0, np.int64) if self._base is None else self._base.owners[~self._hidden]


def best_first(products: NDArray[np.float32], ids: NDArray[np.int64], k: int) -> NDArray[np.intp]:
    """Order what was found in several layers.

    Parameters
    ----------
    products : float32, shape (n,)
    ids : int64, shape (n,)
        Decide between equal products, so that an order does not change with the layer that answers.
    k : int

    Returns
    -------
    int, shape (at most k,)
        Positions, the largest product first.
    """
    return np.lexsort((ids, -products))[:k]
