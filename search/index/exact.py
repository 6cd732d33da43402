"""An exact index of vectors by id, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import faiss
import numpy as np
from numpy.typing import ArrayLike, NDArray

from search.errors import DimensionMismatch, NotFinite, UnknownId
from search.index.lock import SharedLock

BITMAP_MAX_ID = 2**27
"""Highest id a bitmap is made for: it costs one bit an id, so at most 16 MiB for a moment."""


class VectorIndex:
    """Vectors by id, searched exactly.

    Think of it as a dict of unit vectors that can also be asked for the keys whose vectors point most nearly the way a
    given vector does. Every vector is compared, so nothing is missed; a million vectors of 512 take about 70 ms.

    All methods may be called from any thread; a search never sees half of a change.

    Parameters
    ----------
    dim : int
        Length of every vector.

    Notes
    -----
    Inside: a flat inner-product index of FAISS, wrapped so that ids stay while positions shift. Source: Douze et al.
    2024, arXiv:2401.08281.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._lock = SharedLock()
        self._ids: set[int] = set()
        self._flat = faiss.IndexIDMap2(faiss.IndexFlatIP(dim))

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, key: object) -> bool:
        return key in self._ids

    def put(self, ids: ArrayLike, vectors: ArrayLike) -> None:
        """Add vectors, or replace those that the ids had before.

        Parameters
        ----------
        ids : int, shape (n,)
            Not negative. Where one stands twice, its last vector holds.
        vectors : float32, shape (n, dim)
            Rows of unit length, so that an inner product is a cosine.

        Raises
        ------
        DimensionMismatch
            Rows of another length than the index holds, or more or fewer rows than ids.
        NotFinite
            A value that is not a number or infinite.
        ValueError
            A negative id.
        """
        keys = as_ids(ids)
        rows = as_rows(vectors, self.dim)
        if len(keys) != len(rows):
            raise DimensionMismatch(f"{len(keys)} ids for {len(rows)} vectors")
        _, last = np.unique(keys[::-1], return_index=True)
        chosen = np.sort(len(keys) - 1 - last)
        with self._lock.alone():
            self.remove(keys)
            self._flat.add_with_ids(rows[chosen], keys[chosen])
            self._ids.update(keys.tolist())

    def remove(self, ids: ArrayLike) -> int:
        """Forget the vectors of some ids.

        Parameters
        ----------
        ids : int, shape (n,)
            Ids that are not there are passed over.

        Returns
        -------
        int
            How many were there.
        """
        with self._lock.alone():
            known = self._ids.intersection(as_ids(ids).tolist())
            if known:
                self._flat.remove_ids(faiss.IDSelectorBatch(as_ids(sorted(known))))
                self._ids -= known
            return len(known)

    def search(
        self, vector: ArrayLike, k: int, *, allowed_ids: ArrayLike | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the ids whose vectors have the largest inner product with a vector.

        Parameters
        ----------
        vector : float32, shape (dim,)
            Of unit length where the products are to be cosines.
        k : int
            How many to find; fewer come back where the index, or what is allowed of it, holds fewer.
        allowed_ids : int, shape (m,), optional
            The only ids that may be found. Exact with a filter too: what is not allowed is not compared at all.

        Returns
        -------
        ids : int64, shape (found,)
            The nearest first.
        products : float32, shape (found,)
            Inner products with `vector`, falling.

        Raises
        ------
        DimensionMismatch
            `vector` is of another length than the index holds.
        NotFinite
            `vector` has a value that is not a number or infinite.
        """
        row = as_rows(np.asarray(vector)[np.newaxis], self.dim)
        allowed = None if allowed_ids is None else as_ids(allowed_ids)
        with self._lock.shared():
            most = min(k, len(self._ids), len(self._ids) if allowed is None else len(allowed))
            if most < 1:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            with one_thread():
                products, found = self._flat.search(row, most, params=_only(allowed))
        held = found[0] >= 0  # FAISS fills up with -1 where fewer are allowed than were asked for
        return found[0][held], products[0][held]

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
            unknown = [key for key in keys.tolist() if key not in self._ids]
            if unknown:
                raise UnknownId(f"the index has no vector of id {unknown[0]}")
            if not len(keys):
                return np.empty((0, self.dim), np.float32)
            found: NDArray[np.float32] = self._flat.reconstruct_batch(keys)
            return found

    def ids(self) -> NDArray[np.int64]:
        """Give every id of the index, in no order."""
        with self._lock.shared():
            return np.fromiter(self._ids, np.int64, len(self._ids))

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Hold off every change, so that what several calls answer belongs together."""
        with self._lock.shared():
            yield


def as_rows(vectors: ArrayLike, dim: int) -> NDArray[np.float32]:
    """Take vectors as FAISS wants them.

    Parameters
    ----------
    vectors : float, shape (n, dim)
    dim : int

    Returns
    -------
    float32, shape (n, dim)
        In one piece.

    Raises
    ------
    DimensionMismatch
        Rows of another length.
    NotFinite
        A value that is not a number or infinite.
    """
    rows = np.ascontiguousarray(vectors, np.float32)
    if rows.ndim != 2 or rows.shape[1] != dim:
        got = rows.shape[-1] if rows.ndim else 0
        raise DimensionMismatch(f"the index holds vectors of {dim} numbers, got {got} (shape {rows.shape})")
    if not np.isfinite(rows).all():
        raise NotFinite(
            f"{int((~np.isfinite(rows)).any(axis=1).sum())} of {len(rows)} vectors have values that are not finite"
        )
    return rows


def as_ids(ids: ArrayLike | Iterable[int]) -> NDArray[np.int64]:
    """Take ids as FAISS wants them.

    Parameters
    ----------
    ids : int, shape (n,)

    Returns
    -------
    int64, shape (n,)

    Raises
    ------
    ValueError
        Another shape, or a negative id.
    """
    keys = np.ascontiguousarray(ids, np.int64)
    if keys.ndim != 1:
        raise ValueError(f"ids are a list of numbers, got shape {keys.shape}")
    if len(keys) and keys.min() < 0:
        raise ValueError(f"ids are not negative, got {keys.min()}")
    return keys


def _only(allowed: NDArray[np.int64] | None) -> faiss.SearchParameters:
    """Let a search find some ids only: by a bitmap, one look an id, where ids are small enough, else by a hash set."""
    if allowed is None:
        return faiss.SearchParameters()
    if not len(allowed) or allowed.max() > BITMAP_MAX_ID:
        selector: faiss.IDSelector = faiss.IDSelectorBatch(allowed)
    else:
        keep = np.zeros(int(allowed.max()) + 1, bool)
        keep[allowed] = True
        selector = bitmap(keep)
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # faiss's stubs miss its wrapper


def bitmap(keep: NDArray[np.bool_]) -> faiss.IDSelector:
    """Make a selector of what is kept.

    Parameters
    ----------
    keep : bool, shape (n,)
        By id, or by position where the index has no ids of its own.
    """
    bits = np.packbits(keep, bitorder="little")
    return faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]  # faiss's stubs miss its wrapper


@contextmanager
def one_thread() -> Iterator[None]:
    """Let FAISS search in this thread alone; searches run beside each other instead.

    Its threads wait for each other in a loop: where the processors have other work, 0.8 ms become 36.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of this thread only
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
