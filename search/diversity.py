"""Different ones among the best: no second take of what stands in the list already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LIKENESS_COSTS = 0.6
"""How much a sound's likeness to one that stands before it counts against its place: at 0 the order stays, at 1 only
difference counts. Source: maximal marginal relevance, Carbonell and Goldstein 1998, whose lambda is 1 less this."""


def diverse_order(
    relevance: NDArray[np.float64], vectors: NDArray[np.float32], *, cost: float = LIKENESS_COSTS
) -> list[int]:
    """Order sounds so that each is relevant and unlike those before it.

    Parameters
    ----------
    relevance : float64, shape (n,)
        Larger is better.
    vectors : float32, shape (n, dim)
        Rows of unit length; a row of zeros is like nothing.
    cost : float
        Weight of the likeness, 0 to 1.

    Returns
    -------
    list of int
        Positions, the best first; the most relevant one always leads.
    """
    count = len(relevance)
    if count == 0:
        return []
    spread = float(np.ptp(relevance)) or 1.0
    value = (relevance - relevance.min()) / spread  # the same scale as a cosine
    likeness = np.full(count, -1.0)
    left = np.ones(count, bool)
    order: list[int] = []
    for _ in range(count):
        penalty = likeness if order else 0.0
        at = int(np.where(left, (1 - cost) * value - cost * penalty, -np.inf).argmax())
        order.append(at)
        left[at] = False
        likeness = np.maximum(likeness, vectors @ vectors[at])
    return order
