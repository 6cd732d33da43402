"""Makers of the sounds of small animals: insects and frogs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.synth import signals as s
from analysis.synth.calls import calls
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


@kind("crickets", 0.6, 9)
def crickets(rng: Rng, n: int) -> Signal:
    """High chirps of single crickets in pulses, a chorus, or one long trill."""
    y = np.zeros(n)
    count, t = int(rng.choice([1, 1, 2, 3])), s.times(n)
    for i in range(count):
        hz, rate, chirps = s.log_uniform(rng, 3_200, 6_500), s.uniform(rng, 22, 60), s.log_uniform(rng, 0.8, 4)
        pulses = np.maximum(np.sin(2 * np.pi * (rate * t + rng.random())), 0)
        if s.chance(rng, 0.75):
            place = (chirps * t + rng.random()) % 1
            pulses = (
                pulses * np.clip(np.sin(np.pi * place / s.uniform(rng, 0.3, 0.7)), 0, 1) * (place < 0.3 + 0.4 * (i % 2))
            )
        tone = np.sin(2 * np.pi * (hz * t + rng.random())) + s.uniform(rng, 0, 0.4) * np.sin(4 * np.pi * hz * t)
        if s.chance(rng, 0.4):  # several of them, not quite in tune
            tone = s.resonate(s.noise(rng, n), hz, s.log_uniform(rng, 40, 400)) * 8
        y += tone * pulses * (1.0 if i == 0 else s.log_uniform(rng, 0.1, 0.8))
    if s.chance(rng, 0.3):  # cicadas: a band of noise that pulses
        low = s.log_uniform(rng, 2_500, 7_000)
        beat = s.log_uniform(rng, 3, 120) * (1 + 0.1 * s.wander(rng, n, 1))
        buzz = s.bandpass(s.noise(rng, n), low, low * s.uniform(rng, 1.15, 1.8)) * (0.4 + 0.6 * s.sine(n, beat) ** 2)
        y = np.asarray(s.uniform(rng, 0, 1) * y + 1.5 * buzz * (0.3 + s.wander(rng, n, 0.5)))
    if s.chance(rng, 0.6):  # the night around them
        y = np.asarray(y + s.log_uniform(rng, 0.005, 0.15) * s.pink(rng, n))
    if s.chance(rng, 0.5):
        low = s.uniform(rng, 3_000, 5_000)
        y += (
            s.uniform(rng, 0.05, 0.3)
            * s.bandpass(s.noise(rng, n), low, 1.5 * low)
            * (0.6 + 0.4 * s.sine(n, s.uniform(rng, 15, 40)))
        )
    return y


@kind("bee buzz", 0.8, 8)
def bee_buzz(rng: Rng, n: int) -> Signal:
    """Buzzing wings of a bee, a fly or a whole swarm, near or flying past."""
    swarm = s.chance(rng, 0.25)
    y = np.zeros(n)
    for _ in range(5 if swarm else 1):
        base = s.log_uniform(rng, 130, 290)
        pitch = base * (1 + 0.22 * (s.wander(rng, n, s.uniform(rng, 1, 4)) - 0.5) + 0.03 * s.wander(rng, n, 25))
        wings = s.saw(n, pitch, rng.random())
        y += wings * np.abs(wings) * (0.15 + 0.85 * s.wander(rng, n, s.uniform(rng, 0.5, 2.5)) ** 1.5)
    y = s.lowpass(y, s.log_uniform(rng, 1_200, 5_000), 2)
    y += 0.7 * s.resonate(y, s.uniform(rng, 350, 900), 200)
    return y * s.arch(n, 1.5) if s.chance(rng, 0.35) else y


@kind("frog croak", 0.3, 6)
def frog_croak(rng: Rng, n: int) -> Signal:
    """Croaks as trains of pulses: ribbits, deep bullfrogs, peeping tree frogs, or a pond of them."""

    def frog() -> Callable[[], Signal]:
        way = int(rng.integers(4))
        hz, rate = s.log_uniform(rng, 500, 1_400), s.uniform(rng, 28, 75)
        length, deep = s.uniform(rng, 0.12, 0.5), s.uniform(rng, 85, 150)

        def croak() -> Signal:
            if way == 2:  # bullfrog
                m = s.samples(s.uniform(rng, 0.4, 0.9))
                y = s.glottis(rng, deep * s.curve(m, 0.85, 1, 0.95), breath=0.02, rough=0.5)
                return s.throat(rng, y, [(220.0, 80.0, 1.0), (620.0, 130.0, 0.5), (1_400.0, 300.0, 0.1)]) * s.arch(
                    m, 0.8
                )
            if way == 3:  # peeper
                m = s.samples(s.uniform(rng, 0.08, 0.2))
                return s.sine(m, 2.4 * hz * s.curve(m, 0.85, 1.0, 1.1)) * s.arch(m, 0.6)
            parts = [1.0] if way == 0 else [0.4, 0.6]  # one croak or rib-bit
            calls = []
            for i, part in enumerate(parts):
                m = s.samples(length * part)
                pulses = s.phase(m, rate * s.curve(m, 0.85, 1.15)) % 1
                tone = hz * (1 + 0.25 * i) * s.curve(m, 0.9, 1.1)
                y = (s.sine(m, tone) + 0.5 * s.sine(m, 2 * tone) + 0.2 * s.noise(rng, m)) * np.exp(-6 * pulses)
                calls += [y * s.arch(m, 0.5), np.zeros(s.samples(0.035))]
            return np.concatenate(calls)

        return croak

    y = np.zeros(n)
    for i in range(int(rng.choice([1, 1, 2, 4]))):
        y += calls(rng, n, frog(), 0.15, 1.0, 0.2 if i == 0 else 0.0) * (1.0 if i == 0 else s.uniform(rng, 0.15, 0.7))
    return y
