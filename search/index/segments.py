"""Windows of a long sound that say the same, one after the other, made one entry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME_COSINE = 0.95
"""How near a window must lie to the mean of a segment to belong to it: steady rain stays one, a bark is another."""

FIRST_LOOK = 16
"""Windows that are compared at once; four times as many after each look that found no end."""


def segment_bounds(windows: NDArray[np.float32], *, same_cosine: float = SAME_COSINE) -> NDArray[np.int64]:
    """Divide consecutive windows into segments.

    Parameters
    ----------
    windows : float32, shape (n, dim)
        Of unit length; zeros, which say nothing, or values that are not finite end a segment and belong to none.
    same_cosine : float
        A window joins the segment before it where its cosine with the mean of the segment so far is at least this.

    Returns
    -------
    int64, shape (m, 2)
        First window of each segment and the one after its last.
    """
    heard: NDArray[np.bool_] = np.isfinite(windows).all(axis=1) & np.any(windows, axis=1)
    bounds = []
    first = 0
    while first < len(windows):
        if not heard[first]:
            first += 1
            continue
        silent = np.flatnonzero(~heard[first:])
        end = first + _length(windows[first : first + silent[0] if len(silent) else None], same_cosine)
        bounds.append((first, end))
        first = end
    return np.array(bounds, np.int64).reshape(-1, 2)


def _length(windows: NDArray[np.float32], same_cosine: float) -> int:
    """How many windows from the first one on make a segment."""
    total = windows[0].astype(np.float32)
    done, look = 1, FIRST_LOOK
    while done < len(windows):
        ahead = windows[done : done + look]
        totals = np.cumsum(np.concatenate([total[np.newaxis], ahead]), axis=0)  # (n + 1, dim)
        means = totals[:-1] / np.maximum(np.linalg.norm(totals[:-1], axis=1, keepdims=True), 1e-12)
        others = np.flatnonzero(np.einsum("nd,nd->n", ahead, means) < same_cosine)
        if len(others):
            return done + int(others[0])
        total = totals[-1]
        done, look = done + len(ahead), 4 * look
    return done


def segment_vectors(windows: NDArray[np.float32], bounds: NDArray[np.int64]) -> NDArray[np.float32]:
    """Compute the mean direction of each segment.

    Parameters
    ----------
    windows : float32, shape (n, dim)
    bounds : int64, shape (m, 2)
        As `segment_bounds` gives them.

    Returns
    -------
    float32, shape (m, dim)
        Of unit length, rounded to what half precision holds: windows are stored so, and an index may store it so.
    """
    if not len(bounds):
        return np.empty((0, windows.shape[1]), np.float32)
    sums = np.stack([windows[first:end].sum(axis=0) for first, end in bounds.tolist()])
    means: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return means.astype(np.float16).astype(np.float32)
