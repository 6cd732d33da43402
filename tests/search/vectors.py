"""Unit vectors to test with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unit_rows(count: int, dim: int, *, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def axis(position: int, dim: int) -> NDArray[np.float32]:
    row = np.zeros(dim, np.float32)
    row[position] = 1
    return row


def clustered_rows(count: int, dim: int, *, clusters: int = 40, seed: int = 0) -> NDArray[np.float32]:
    """Vectors as libraries have them: many near each other, so that neighbors mean something."""
    randoms = np.random.default_rng(seed)
    centers = unit_rows(clusters, dim, seed=1_000_003)
    rows = centers[randoms.integers(0, clusters, count)] + 0.6 * unit_rows(count, dim, seed=seed)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit.astype(np.float32)
