"""Things that hit, break, slam and blow up."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _click(rng: Rng, length_s: float, low_hz: float, high_hz: float) -> Signal:
    return s.grain(rng, length_s, length_s / 5, low_hz, high_hz)


def _add(long: Signal, short: Signal, gain: float = 1.0) -> Signal:
    y = long.copy()
    m = min(len(long), len(short))
    y[:m] += gain * short[:m]
    return y


@kind("metal impact", 0.3, 4)
def metal_impact(rng: Rng, n: int) -> Signal:
    """Inharmonic modes that ring: a pipe, a plate, an anvil, a pan."""
    body = int(rng.integers(4))
    base = s.log_uniform(rng, 150, 2_200)
    if body == 0:  # free bar
        ratios = np.array([1.0, 2.756, 5.404, 8.933, 13.34])
    elif body == 1:  # plate: many crowded modes
        ratios = np.sort(1 + s.uniform(rng, 6, 25) * rng.random(int(rng.integers(15, 40))))
    else:
        ratios = np.sort(1 + s.uniform(rng, 3, 10) * rng.random(int(rng.integers(5, 14))))
    ring = s.log_uniform(rng, 0.04, 1.2)

    def hit() -> Signal:
        m = s.samples(min(ring * 5 + 0.1, 4.0))
        falls = ring / ratios ** s.uniform(rng, 0.1, 0.8)
        return _add(
            s.modes(rng, m, base * ratios, falls, rng.random(len(ratios)) + 0.2),
            _click(rng, 0.02, 1_500, 16_000),
            s.uniform(rng, 0.3, 3),
        )

    return s.strikes(rng, n, hit, single=0.6, period_s=(0.25, 1.2))


@kind("wood impact", 0.2, 2.5)
def wood_impact(rng: Rng, n: int) -> Signal:
    """Few, quickly damped modes: a block, a plank, a bat."""
    base = s.log_uniform(rng, 180, 1_500)
    ratios = np.array([1.0, *np.sort(s.uniform(rng, 1.4, 2.2) + rng.random(4) * 4)])
    ring = s.log_uniform(rng, 0.008, 0.05)

    def hit() -> Signal:
        m = s.samples(0.3)
        return _add(
            s.modes(rng, m, base * ratios, ring / ratios**0.5, 1 / ratios ** s.uniform(rng, 0.3, 1.2)),
            _click(rng, 0.008, 800, 7_000),
            s.uniform(rng, 0.2, 1.5),
        )

    return s.strikes(rng, n, hit, single=0.6, period_s=(0.2, 1.0))


@kind("glass shatter", 0.6, 3.5)
def glass_shatter(rng: Rng, n: int) -> Signal:
    """A crack, then shards that ring high and fall for a while."""
    low = s.log_uniform(rng, 1_800, 4_000)
    bank = []
    for _ in range(14):
        base = s.log_uniform(rng, low, 10_000)
        ring = s.log_uniform(rng, 0.006, 0.09)
        bank.append(s.modes(rng, s.samples(ring * 6), base * np.array([1, 1.63, 2.31, 2.9]), ring, [1, 0.6, 0.5, 0.2]))
    count = int(rng.integers(25, 130))
    moments = 0.02 + np.abs(rng.standard_normal(count)) * s.uniform(rng, 0.08, 0.5)
    moments = moments[moments < n / s.SAMPLE_RATE_HZ - 0.02]
    y = s.sprinkle(rng, n, np.sort(moments), bank, 0.7)
    crack = s.highpass(s.noise(rng, n), s.log_uniform(rng, 900, 3_500)) * s.decay(n, 0.0005, s.uniform(rng, 0.02, 0.1))
    return y + s.uniform(rng, 0.3, 1.6) * crack


@kind("door slam", 0.4, 2.5)
def door_slam(rng: Rng, n: int) -> Signal:
    """A low boom of the panel, a latch, a rattle of the frame."""
    panel_hz = s.log_uniform(rng, 55, 160)

    def slam() -> Signal:
        m = s.samples(0.9)
        boom = s.lowpass(s.noise(rng, m), panel_hz * 2.5) * s.decay(m, 0.002, s.uniform(rng, 0.05, 0.2)) * 4
        boom += s.modes(rng, m, panel_hz * np.array([1, 1.7, 2.4, 3.8]), s.uniform(rng, 0.05, 0.16), [1, 0.8, 0.6, 0.3])
        boom = _add(boom, s.bandpass(s.noise(rng, m), 400, 3_500) * s.decay(m, 0.001, s.uniform(rng, 0.01, 0.04)), 0.8)
        latch = s.modes(rng, s.samples(0.06), s.log_uniform(rng, 1_500, 4_000) * np.array([1, 1.5, 2.2]), 0.008, 1)
        for _ in range(int(rng.integers(1, 4))):
            at = s.samples(s.uniform(rng, 0.0, 0.14))
            boom[at : at + len(latch)] += s.uniform(rng, 0.1, 0.5) * latch
        return boom

    return s.place(n, s.uniform(rng, 0, 0.15), slam)


@kind("knocking", 0.4, 3)
def knocking(rng: Rng, n: int) -> Signal:
    """A hand on a wooden door: two to seven even knocks."""
    base = s.log_uniform(rng, 110, 420)
    falls = np.array([0.035, 0.02, 0.012, 0.006]) * s.uniform(rng, 0.6, 1.6)

    def knock() -> Signal:
        m = s.samples(0.2)
        body = s.modes(rng, m, base * np.array([1, 2.1, 3.4, 5.2]), falls, [1, 0.6, 0.4, 0.3])
        return s.uniform(rng, 0.7, 1) * _add(body, _click(rng, 0.01, 500, 4_000), s.uniform(rng, 0.3, 1.2))

    period = s.uniform(rng, 0.12, 0.33)
    group = np.arange(int(rng.integers(2, 8))) * period * (1 + 0.05 * rng.standard_normal())
    moments = np.concatenate(
        [group + start for start in np.arange(0, n / s.SAMPLE_RATE_HZ, group[-1] + s.uniform(rng, 0.6, 1.2))]
    )
    return s.place(n, 0.02 + moments, knock)


@kind("explosion", 1.2, 6)
def explosion(rng: Rng, n: int) -> Signal:
    """A blast, a deep boom and a long rumbling tail with debris."""
    blast = np.tanh(
        s.log_uniform(rng, 3, 12)
        * s.lowpass(s.noise(rng, n), s.log_uniform(rng, 300, 2_500))
        * s.decay(n, 0.003, s.uniform(rng, 0.2, 0.8))
    )
    boom = s.lowpass(s.noise(rng, n), s.uniform(rng, 60, 140)) * s.decay(n, 0.01, s.uniform(rng, 0.5, 1.6)) * 4
    tail = s.brown(rng, n) * s.decay(n, 0.1, s.uniform(rng, 0.6, 2.0)) * (0.4 + s.wander(rng, n, 7))
    debris = s.highpass(s.dust(rng, n, s.uniform(rng, 5, 60)), 900, 1) * s.decay(n, 0.3, 0.8)
    return blast + s.uniform(rng, 0.5, 1.5) * boom + 0.5 * tail + s.uniform(rng, 0, 0.4) * debris


@kind("gunshot", 0.3, 3)
def gunshot(rng: Rng, n: int) -> Signal:
    """A clipped crack of a few milliseconds, a thump, an echo; sometimes a burst."""
    crack_s = s.log_uniform(rng, 0.004, 0.04)
    low = s.uniform(rng, 200, 700)

    def shot() -> Signal:
        m = s.samples(1.0)
        crack = np.clip(s.log_uniform(rng, 3, 9) * s.noise(rng, m) * s.decay(m, 0.0002, crack_s), -1, 1)
        thump = s.lowpass(s.noise(rng, m), low) * s.decay(m, 0.001, s.uniform(rng, 0.04, 0.2)) * 1.5
        echo = s.lowpass(s.noise(rng, m), s.uniform(rng, 1_000, 4_000)) * s.decay(m, 0.02, s.uniform(rng, 0.1, 0.35))
        return crack + s.uniform(rng, 0.3, 1) * thump + s.uniform(rng, 0.02, 0.25) * echo

    if s.chance(rng, 0.35):
        period = s.log_uniform(rng, 0.07, 0.2)
        moments = 0.01 + np.arange(int(rng.integers(2, 16))) * period
        return s.place(n, moments[moments < n / s.SAMPLE_RATE_HZ - 0.05], shot)
    if s.chance(rng, 0.5):  # in the open: the land answers
        t = s.times(n)
        land = s.lowpass(s.noise(rng, n), s.log_uniform(rng, 500, 5_000), 1) * np.exp(-t / s.log_uniform(rng, 0.1, 0.8))
        return s.place(n, 0.01, shot) + s.log_uniform(rng, 0.05, 0.6) * land * (0.5 + s.wander(rng, n, 12))
    return s.place(n, s.uniform(rng, 0.0, 0.1), shot)


@kind("punch", 0.2, 2)
def punch(rng: Rng, n: int) -> Signal:
    """A dull smack on a body: short noise in the low mids over a thump, no ring."""

    def hit() -> Signal:
        m = s.samples(0.3)
        smack = s.bandpass(s.noise(rng, m), s.uniform(rng, 200, 500), s.uniform(rng, 1_500, 4_500), 1)
        smack *= s.decay(m, 0.002, s.uniform(rng, 0.012, 0.04))
        thump = s.sine(m, 45 + s.uniform(rng, 40, 110) * np.exp(-s.times(m) / 0.03)) * s.decay(m, 0.002, 0.06)
        swish = s.bandpass(s.noise(rng, m), 600, 5_000, 1) * s.decay(m, 0.06, 0.01) * s.uniform(rng, 0, 0.15)
        return s.uniform(rng, 0.8, 1.6) * smack + s.uniform(rng, 0.2, 0.7) * thump + swish

    return s.strikes(rng, n, hit, single=0.6, period_s=(0.25, 0.8))


@kind("hammering", 0.25, 6)
def hammering(rng: Rng, n: int) -> Signal:
    """A hammer on a nail: regular blows, a metal tick upon wood that rises as the nail goes in."""
    nail, ring_s = s.log_uniform(rng, 900, 6_000), s.log_uniform(rng, 0.006, 0.12)
    wood, edge = s.log_uniform(rng, 120, 500), s.log_uniform(rng, 1, 10)
    clatter, dull_hz = s.log_uniform(rng, 0.1, 3), s.log_uniform(rng, 1_000, 9_000)

    def blow() -> Signal:
        m = s.samples(0.25)
        tick = s.modes(rng, m, nail * np.array([1, 1.83, 2.6]), ring_s * s.uniform(rng, 0.8, 1.2), [1, 0.7, 0.4])
        tick += clatter * s.bandpass(s.noise(rng, m), 120, dull_hz, 1) * s.decay(m, 0.001, s.uniform(rng, 0.01, 0.05))
        thud = s.modes(rng, m, wood * np.array([1, 1.9, 3.2]), 0.03, [1, 0.6, 0.3])
        return s.uniform(rng, 0.7, 1) * (
            tick + s.uniform(rng, 0.5, 1.4) * _add(thud, edge * _click(rng, 0.01, 500, 12_000))
        )

    return s.place(n, s.steady(rng, n, s.uniform(rng, 0.25, 0.7), 0.06), blow)


@kind("heavy thud", 0.3, 2.5)
def heavy_thud(rng: Rng, n: int) -> Signal:
    """Something heavy and soft drops: energy below 200 Hz, a dull edge, no ring."""

    def drop() -> Signal:
        m = s.samples(0.7)
        y = s.lowpass(s.noise(rng, m), s.uniform(rng, 70, 180), 3) * s.decay(m, 0.004, s.uniform(rng, 0.06, 0.18)) * 5
        y += s.sine(m, s.uniform(rng, 35, 80)) * s.decay(m, 0.003, s.uniform(rng, 0.06, 0.16)) * s.uniform(rng, 0.2, 1)
        return y + s.bandpass(s.noise(rng, m), 200, 1_200, 1) * s.decay(m, 0.002, 0.03) * s.uniform(rng, 0.05, 0.4)

    return s.strikes(rng, n, drop, single=0.75, period_s=(0.5, 1.2))
