"""The outline of a sound for drawing: the lowest and the highest sample of a few hundred stretches."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analysis.samples import Samples

MAX_STRETCHES = 800
FULL_SCALE = 127  # int8


@dataclass(frozen=True, slots=True)
class Peaks:
    """Minimum and maximum of each stretch.

    Attributes
    ----------
    values : int8, shape (n, 2)
        -127 to 127 is full scale; n is at most 800.
    """

    values: npt.NDArray[np.int8]

    def to_bytes(self) -> bytes:
        """Give the pairs one after the other, one byte a value."""
        return self.values.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Peaks:
        """Read what `to_bytes` gave."""
        return cls(np.frombuffer(stored, dtype=np.int8).reshape(-1, 2))


def measure_peaks(samples: Samples, *, stretches: int = MAX_STRETCHES) -> Peaks:
    """Measure the outline of a sound.

    Parameters
    ----------
    samples : Samples
        At least one.
    stretches : int
        At most so many pairs; fewer where there are fewer samples.

    Returns
    -------
    Peaks
        Values beyond full scale are drawn at full scale.
    """
    edges = np.linspace(0, len(samples), min(stretches, len(samples)) + 1).astype(int)
    pairs = np.empty((len(edges) - 1, 2), np.float32)
    for number, (start, stop) in enumerate(pairwise(edges)):
        stretch = samples.read(start, stop)
        pairs[number] = stretch.min(), stretch.max()
    return Peaks(np.rint(np.clip(pairs, -1, 1) * FULL_SCALE).astype(np.int8))
