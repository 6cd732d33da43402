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
