"""Makers of the sounds of bells: telephones, doors and towers."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal
from analysis.synth.tones import pick_timbre


@kind("phone ringing", 1, 8)
def phone_ringing(rng: Rng, n: int) -> Signal:
    """Old bells, an electronic warble, a ringback tone, a ringtone or a buzzing mobile."""
    way = int(rng.integers(5))
    ring, rest = s.uniform(rng, 0.8, 2.2), s.uniform(rng, 0.5, 3)
    if s.chance(rng, 0.3):
        ring, rest = 0.4, 0.25
    t = s.times(n)
    on = (t % (ring + rest)) < ring
    if way <= 1:  # bell with two gongs
        hz, rate = s.uniform(rng, 900, 1_900), s.uniform(rng, 17, 27)
        m = s.samples(0.7)
        bank = [
            s.modes(
                rng,
                m,
                hz * f * np.array([1, 1.52, 2.41, 3.3, 4.7]),
                [0.22, 0.16, 0.12, 0.07, 0.04],
                [1, 0.6, 0.5, 0.4, 0.3],
            )
            for f in (1.0, s.uniform(rng, 1.1, 1.3))
        ]
        bank = [gong + np.pad(s.grain(rng, 0.01, 0.001, 2_000, 9_000), (0, m - s.samples(0.01))) for gong in bank]
        moments = np.arange(0, t[-1], 1 / rate)
        return s.sprinkle(rng, n, moments[moments % (ring + rest) < ring], bank, 0.1)
    edge = np.convolve(on, np.ones(200) / 200, "same")
    if way == 2:  # electronic warble
        hz, tone = s.uniform(rng, 600, 2_000), pick_timbre(rng)
        warble = np.sign(s.sine(n, s.uniform(rng, 8, 25)))
        return tone(n, hz * (1 + s.uniform(rng, 0.05, 0.15) * warble)) * edge
    if way == 3:  # melody
        tone, base, length = pick_timbre(rng), s.log_uniform(rng, 500, 1_400), s.uniform(rng, 0.07, 0.18)
        steps = rng.choice([0, 2, 4, 5, 7, 9, 12], int(rng.integers(4, 12)))
        m = s.samples(length)
        notes = np.concatenate([tone(m, base * 2 ** (k / 12)) * s.decay(m, 0.003, 2 * length) for k in steps])
        return np.resize(np.concatenate([notes, np.zeros(s.samples(rest * 0.5))]), n)
    if s.chance(rng, 0.5):  # a motor on a table
        hz = s.uniform(rng, 120, 210)
        rattle = s.bandpass(s.noise(rng, n), 300, 3_000, 1) * (s.sine(n, hz) > 0.6)
        return (s.lowpass(s.pulse(n, hz, 0.3), 1_500) + s.uniform(rng, 0.3, 1.5) * rattle) * edge
    first, second = ((440, 480), (400, 450), (425, 425))[int(rng.integers(3))]
    return (s.sine(n, float(first)) + s.sine(n, float(second))) * edge


@kind("doorbell", 0.8, 5)
def doorbell(rng: Rng, n: int) -> Signal:
    """Ding-dong, a chime of several notes, a buzzer or a small bell struck by a hammer."""
    way = int(rng.choice([0, 0, 0, 1, 2, 3]))
    hz, fall = s.log_uniform(rng, 450, 950), s.uniform(rng, 0.3, 1.0)
    ratios = np.array(((1, 2.0, 3.0, 4.2), (1, 2.76, 5.4, 8.9), (1, 3.0, 6.2, 10))[int(rng.integers(3))])
    gains = [1, *(rng.random(3) * (0.5, 0.25, 0.1))]

    def bar(f: float) -> Signal:
        m = s.samples(4 * fall)
        y = s.modes(rng, m, f * ratios, fall / ratios**0.7, gains)
        y[: s.samples(0.01)] += 0.2 * s.grain(rng, 0.01, 0.001, 800, 6_000)
        return y * np.minimum(s.times(m) / 0.001, 1)

    if way == 2:  # buzzer
        on = s.hold(n, 0.005, 0.01) * (s.times(n) < max(0.3, s.uniform(rng, 0.3, 0.9) * n / s.SAMPLE_RATE_HZ))
        return s.bandpass(s.pulse(n, s.uniform(rng, 80, 130), 0.3), 300, 5_000, 1) * on
    if way == 3:  # hammered bell
        ring = s.uniform(rng, 0.4, 0.9) * n / s.SAMPLE_RATE_HZ
        moments = np.arange(0, ring, 1 / s.uniform(rng, 18, 30))
        return s.sprinkle(rng, n, moments, [bar(2.2 * hz)[: s.samples(0.5)]], 0.1)
    third = float(rng.choice([0.7937, 0.8409, 0.75, 0.6667]))
    steps = [1.0, third] if way == 0 else list(0.8 + 0.6 * rng.random(int(rng.integers(3, 9))))
    if way == 1 and s.chance(rng, 0.5):
        steps = [1.0, 0.7937, 0.8909, 0.5946, 0.5946, 0.8909, 1.0, 0.7937]
    gap = s.uniform(rng, 0.35, 0.75) if way == 0 else s.uniform(rng, 0.2, 0.4)
    queue = iter(steps * 2)
    moments = np.arange(len(steps)) * gap
    if way == 0 and s.chance(rng, 0.3):
        moments = np.concatenate([moments, moments + 2 * gap + s.uniform(rng, 0.3, 1.0)])
    return s.place(n, moments, lambda: bar(hz * next(queue)))


@kind("church bell", 1.5, 9)
def church_bell(rng: Rng, n: int) -> Signal:
    """Tolling of one great bell, or a peal of several."""
    base = s.log_uniform(rng, 110, 600)
    peal = s.chance(rng, 0.3)
    ratios = np.array([0.5, 0.503, 1, 1.004, 1.19, 1.5, 2, 2.01, 2.52, 3.0, 4.1, 5.4])
    ratios = ratios * np.exp(0.015 * rng.standard_normal(12))
    gains = np.array([0.5, 0.2, 0.8, 0.5, 0.8, 0.4, 1, 0.5, 0.5, 0.5, 0.35, 0.25]) * np.exp(
        0.4 * rng.standard_normal(12)
    )
    falls = (
        np.array([3.2, 3, 1.8, 1.8, 1.4, 1, 0.9, 0.9, 0.5, 0.4, 0.25, 0.15])
        * s.uniform(rng, 0.6, 1.3)
        * (250 / base) ** 0.3
    )
    longest = n / s.SAMPLE_RATE_HZ

    def toll(hz: float) -> Signal:
        m = s.samples(min(longest, 2.5 if peal else 5.0))
        y = s.modes(rng, m, hz * ratios, falls * (0.5 if peal else 1), gains)
        k = min(m, s.samples(0.05))
        y[:k] += s.uniform(rng, 0.3, 1.2) * s.grain(rng, k / s.SAMPLE_RATE_HZ, 0.006, 5 * hz, 25 * hz)[:k]
        return y * s.hold(m, 0.0005, 0.3)

    if peal:
        scale = np.array((1, 1.125, 1.25, 1.5, 1.667))[: int(rng.integers(2, 6))]
        return s.sprinkle(
            rng, n, s.steady(rng, n, s.uniform(rng, 0.25, 0.7), 0.08), [toll(base * f) for f in scale], 0.25
        )
    bank = [toll(base)]
    if s.chance(rng, 0.35):
        return s.sprinkle(rng, n, np.zeros(1), bank, 0.1)
    return s.sprinkle(rng, n, s.steady(rng, n, s.uniform(rng, 1.2, 3.5), 0.02), bank, 0.15)
