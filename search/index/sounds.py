"""The index of whole sounds: one vector each."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import UnknownId
from search.index.entries import Entries
from search.index.exact import VectorIndex, as_ids, as_rows
from search.index.layered import LayeredIndex, best_first


class SoundIndex(LayeredIndex):
    """Vectors by the id of their sound.

    Think of it as a dict of unit vectors that can also be asked for the keys whose vectors point most nearly the way a
    given vector does. What was built lies in files, what changed since in memory.

    Parameters
    ----------
    dim : int
        Length of every vector.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self._changed = VectorIndex(dim)

    @property
    def changed_count(self) -> int:
        """Sounds in memory."""
        return len(self._changed)

    def __contains__(self, key: object) -> bool:
        with self._lock.shared():
            if key in self._changed:
                return True
            return isinstance(key, int | np.integer) and bool(len(self._base_positions(np.array([key], np.int64))))

    def search(
        self, vector: ArrayLike, k: int, *, allowed_ids: ArrayLike | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the sounds whose vectors have the largest inner product with a vector.

        Parameters
        ----------
        vector : float32, shape (dim,)
            Of unit length where the products are to be cosines.
        k : int
            How many to find; fewer come back where the index, or what is allowed of it, holds fewer.
        allowed_ids : int, shape (m,), optional
            The only ids that may be found.

        Returns
        -------
        ids : int64, shape (found,)
            The nearest first; equally near ones by their id.
        products : float32, shape (found,)
            Inner products with `vector`, falling; of the stored vectors, so exact.

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
            owners = np.empty(0, np.int64) if self._base is None else self._base.owners[positions]
            if self.changed_count:
                ids, more = self._changed.search(row, k, allowed_ids=allowed)
                owners, products = np.concatenate([owners, ids]), np.concatenate([products, more])
        order = best_first(products, owners, max(0, k))
        return owners[order], products[order]

    def vectors(self, ids: ArrayLike) -> NDArray[np.float32]:
        """Give back the vectors of some ids.

        Parameters
        ----------
        ids : int, shape (n,)

        Returns
        -------
        float32, shape (n, dim)
            A copy, in the order of `ids`.

        Raises
        ------
        UnknownId
            One of the ids is not in the index.
        """
        keys = as_ids(ids)
        with self._lock.shared():
            found = self.entries(np.unique(keys))
        order = np.argsort(found.owners)
        owners = found.owners[order]
        at = np.searchsorted(owners, keys)
        unknown = keys if not len(owners) else keys[owners[np.minimum(at, len(owners) - 1)] != keys]
        if len(unknown):
            raise UnknownId(f"the index has no vector of id {unknown[0]}")
        return found.vectors[order[at]]

    def entries(self, sounds: ArrayLike) -> Entries:
        """Give back the entries of some sounds.

        Parameters
        ----------
        sounds : int, shape (n,)
            Each once; those that are not there are passed over.
        """
        keys = as_ids(sounds)
        with self._lock.shared():
            changed = np.array([key for key in keys.tolist() if key in self._changed], np.int64)
            parts = [*self._base_entries(keys), Entries.of_whole_sounds(changed, self._changed.vectors(changed))]
        return Entries.joined(parts, self.dim)

    def ids_among(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Give those of some ids that are in the index.

        Parameters
        ----------
        ids : int, shape (n,)

        Returns
        -------
        int64, shape (found,)
            In the order of `ids`.
        """
        keys = as_ids(ids)
        with self._lock.shared():
            there = np.array([key in self._changed for key in keys.tolist()], bool)
            if self._base is not None:
                there |= np.isin(keys, self._base.owners[self._base_positions(np.unique(keys))])
        found: NDArray[np.int64] = keys[there]
        return found

    def ids(self) -> NDArray[np.int64]:
        """Give every sound of the index, in rising order."""
        with self._lock.shared():
            return np.union1d(self._base_ids(), self._changed.ids())

    def _take(self, sounds: NDArray[np.int64], entries: Entries) -> None:
        self._changed.put(entries.owners, entries.vectors)
        self._changed.remove(np.setdiff1d(sounds, entries.owners))

    def _clear_changed(self) -> None:
        self._changed = VectorIndex(self.dim)
