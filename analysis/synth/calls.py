"""How animals call: once, or again after pauses, with a mouth that moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.synth import signals as s
from analysis.synth.signals import Rng, Signal


def calls(rng: Rng, n: int, make: Callable[[], Signal], low_s: float, high_s: float, single: float = 0.4) -> Signal:
    """Call once, or again with pauses of `low_s` to `high_s` after each call."""
    y = np.zeros(n)
    start = 0 if s.chance(rng, 0.5) else int(min(0.1 * n, 7_000) * rng.random())
    once = s.chance(rng, single)
    while start < n - 400:
        call = s.normalize_peak(make())[: n - start] * s.uniform(rng, 0.6, 1)
        y[start : start + len(call)] += call
        start += len(call) + s.samples(s.log_uniform(rng, low_s, high_s))
        if once:
            break
    return y


def mouth(m: int, *points: float) -> Signal:
    """Track a resonance over the frames of `m` samples."""
    return s.curve(m // s.HOP + 2, *points)
