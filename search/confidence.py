"""Whether what came first is a match, or only the nearest of what there is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

SAMPLE = 2_000
"""Sounds whose cosines tell how a query scores by chance: their median is then known to about a fiftieth of the
spread, and placing them takes a millisecond."""

STRONG_BELOW = 0.05
"""A match is strong where chance would bring so many sounds of the library this near: one search in twenty."""

FAIR_BELOW = 1.0
"""And fair where chance would not be expected to bring even one."""

MAD_TO_SIGMA = 1.4826  # of a normal distribution: standard deviation over the median absolute deviation
LEAST_SAMPLE = 8  # fewer sounds say nothing about chance
LEAST_SPREAD = 1e-3  # of cosines: below it is rounding


class Verdict(StrEnum):
    """What an answer by ear is worth."""

    STRONG = "strong"
    FAIR = "fair"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Chance:
    """How near a query lies to sounds that have nothing to do with it: center and spread of their cosines."""

    center: float
    spread: float
    sounds: int  # of the library, or of what its filters let through

    def expected(self, cosine: float) -> float:
        """How many sounds of the library would lie at least so near by chance alone."""
        return self.sounds * 0.5 * math.erfc(self.deviations(cosine) / math.sqrt(2))

    def deviations(self, cosine: float) -> float:
        return (cosine - self.center) / self.spread

    def verdict(self, cosine: float) -> Verdict:
        expected = self.expected(cosine)
        if expected < STRONG_BELOW:
            return Verdict.STRONG
        return Verdict.FAIR if expected < FAIR_BELOW else Verdict.NONE


def chance_of(cosines: ArrayLike, *, sounds: int) -> Chance | None:
    """Estimate a query's null distribution from its cosines (n,) to a sample of a library of so many sounds.

    By median and median absolute deviation, which stay where they are while less than half of the sample is what was
    asked for. None where the sample is too small to say anything.
    """
    values: NDArray[np.float64] = np.asarray(cosines, np.float64)
    if len(values) < LEAST_SAMPLE:
        return None
    center = float(np.median(values))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(values - center)))
    return Chance(center, max(spread, LEAST_SPREAD), sounds)
