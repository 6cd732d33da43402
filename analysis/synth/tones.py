"""Timbres of electronic tones, and how parts of a signal follow one another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.synth import signals as s
from analysis.synth.signals import Rng, Signal


def pick_timbre(rng: Rng) -> Callable[[int, s.Frequency], Signal]:
    """Pick a timbre for an electronic tone."""
    way, duty, index = int(rng.integers(5)), s.uniform(rng, 0.15, 0.5), s.uniform(rng, 0.3, 2)
    cutoff_hz = s.log_uniform(rng, 4_000, 16_000)
    gains = [1.0, *(rng.random(4) * 0.4)]

    def tone(m: int, hz: s.Frequency) -> Signal:
        if way == 0:
            return s.sine(m, hz)
        if way == 1:
            return s.lowpass(s.pulse(m, hz, duty), cutoff_hz)
        if way == 2:
            return s.harmonics(m, hz, gains)
        if way == 3:
            return s.fm(m, hz, 2 * np.asarray(hz), index)
        return s.lowpass(s.saw(m, hz), cutoff_hz)

    return tone


def join_parts(parts: list[Signal], n: int) -> Signal:
    """Lay parts end to end and cut or fill them to `n` samples."""
    y = np.concatenate(parts)[:n]
    return np.pad(y, (0, n - len(y)))
