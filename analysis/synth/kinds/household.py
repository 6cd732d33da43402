"""Makers of the sounds of a home and its street: flushing, washing, brushing, clicking, feet, fireworks."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _rush(rng: Rng, n: int, low_hz: float, high_hz: float) -> Signal:
    """Water that runs fast: noise in a band, stirred, with bubbles."""
    y = s.normalize_rms(s.bandpass(s.noise(rng, n), low_hz, high_hz, 1)) * (0.6 + 0.4 * s.wander(rng, n, 12))
    bank = [s.bubble(rng, s.log_uniform(rng, 200, 2_500), rise=6, decay_s=0.02) for _ in range(12)]
    gurgle = s.sprinkle(rng, n, s.scattered(rng, n, s.log_uniform(rng, 20, 200)), bank, 0.6)
    return np.asarray(y + s.log_uniform(rng, 0.1, 0.9) * s.normalize_rms(gurgle))


@kind("toilet flush", 2.5, 10)
def toilet_flush(rng: Rng, n: int) -> Signal:
    """A handle, a rush that swells and gurgles away, and the hiss of the tank that fills."""
    t = s.times(n)
    swell_s, length_s = s.log_uniform(rng, 0.1, 1.2), s.uniform(rng, 1.5, 6)
    level = np.minimum(t / swell_s, 1) * np.exp(-np.maximum(t - length_s, 0) / s.uniform(rng, 0.3, 1.5))
    rush = _rush(rng, n, s.log_uniform(rng, 80, 350), s.log_uniform(rng, 2_500, 10_000))
    hollow = s.resonate(rush, s.log_uniform(rng, 200, 700), 120)
    y = (rush + s.uniform(rng, 0.2, 1.5) * s.normalize_rms(hollow)) * level
    refill = s.normalize_rms(s.bandpass(s.noise(rng, n), s.log_uniform(rng, 800, 3_000), 12_000, 1))
    y += s.log_uniform(rng, 0.03, 0.35) * refill * np.minimum(t / 2, 1)
    if s.chance(rng, 0.5):
        y += s.place(n, [0.01], lambda: 3 * s.grain(rng, 0.06, 0.008, 300, 5_000))
    return np.asarray(y)


@kind("washing machine", 2, 10)
def washing_machine(rng: Rng, n: int) -> Signal:
    """A drum that turns to and fro in water, or spins ever faster with a whine."""
    if s.chance(rng, 0.5):  # spin
        speed = s.curve(n, *((0.4, 1), (1, 1), (1, 1), (1, 0.3))[int(rng.integers(4))])
        turn = s.log_uniform(rng, 6, 22) * speed
        whine = s.harmonics(n, turn * s.uniform(rng, 9, 30), [1, 0.4, 0.25, 0.1])
        rumble = s.normalize_rms(s.lowpass(s.pink(rng, n), s.log_uniform(rng, 200, 1_500), 1))
        beat = 1 - s.uniform(rng, 0.2, 0.8) * (0.5 + 0.5 * s.sine(n, turn))
        air = s.normalize_rms(s.bandpass(s.noise(rng, n), 300, s.log_uniform(rng, 2_000, 9_000), 1))
        return rumble * beat + s.log_uniform(rng, 0.05, 0.6) * whine + s.log_uniform(rng, 0.1, 0.8) * air * speed
    period = s.uniform(rng, 0.9, 2.2)
    slosh = np.abs(s.sine(n, 0.5 / period)) ** 2
    water = _rush(rng, n, 150, s.log_uniform(rng, 1_500, 7_000)) * (0.15 + slosh)
    motor = s.harmonics(n, s.uniform(rng, 80, 240) * (0.95 + 0.1 * slosh), [1, 0.5, 0.3, 0.3, 0.1])
    thump = s.place(
        n,
        s.steady(rng, n, period, 0.1),
        lambda: s.lowpass(s.noise(rng, 9_600), 200) * s.decay(9_600, 0.01, 0.06) * s.uniform(rng, 2, 8),
    )
    return water + s.log_uniform(rng, 0.1, 0.7) * motor + s.uniform(rng, 0, 1) * thump + 0.3 * s.brown(rng, n)


@kind("toothbrushing", 0.8, 8)
def toothbrushing(rng: Rng, n: int) -> Signal:
    """Fast short strokes of bristles, close by, in groups; or the buzz of an electric brush."""
    center = s.log_uniform(rng, 1_800, 6_000)
    if s.chance(rng, 0.2):
        hum = s.harmonics(n, s.uniform(rng, 110, 260), (rng.random(12) + 0.1).tolist())
        rub = s.bandpass(s.noise(rng, n), center, 3 * center, 1) * (0.5 + 0.5 * s.wander(rng, n, 6))
        return s.normalize_rms(hum) * (0.8 + 0.2 * s.wander(rng, n, 3)) + s.uniform(rng, 0.2, 0.8) * rub
    rate = s.uniform(rng, 3, 7) * (0.85 + 0.3 * s.wander(rng, n, 0.8))
    to_and_fro = s.sine(n, rate)
    strokes = np.abs(to_and_fro) ** s.uniform(rng, 0.7, 2) * np.where(to_and_fro > 0, 1.0, s.uniform(rng, 0.4, 1))
    x = s.noise(rng, n) * (0.4 + s.wander(rng, n, s.uniform(rng, 60, 200)))
    y = s.resonate(x, center, s.uniform(rng, 800, 2_500)) + 0.3 * s.highpass(x, 2_000, 1)
    y += s.uniform(rng, 0.1, 0.6) * s.resonate(x, s.uniform(rng, 500, 1_200), 250)
    return y * strokes * (s.wander(rng, n, 0.8) > 0.2 * (n > s.SAMPLE_RATE_HZ))


@kind("can opening", 0.4, 3)
def can_opening(rng: Rng, n: int) -> Signal:
    """A tab clicks, gas hisses out, the lid tears and the drink fizzes."""
    m = s.samples(0.3)
    ring = s.log_uniform(rng, 1_500, 4_500)
    snap = s.modes(rng, m, ring * np.array([1, 1.6, 2.3, 3.1]), s.uniform(rng, 0.004, 0.02), [1, 0.7, 0.6, 0.4])
    snap = s.normalize_peak(snap + 2 * np.pad(s.grain(rng, 0.02, 0.003, 1_000, 14_000), (0, m - s.samples(0.02))))
    k = s.samples(s.log_uniform(rng, 0.08, 0.7))
    hiss = s.normalize_peak(s.highpass(s.noise(rng, k), s.log_uniform(rng, 1_000, 4_000), 1)) * s.decay(
        k, 0.004, k / s.SAMPLE_RATE_HZ / 3
    )
    fizz = s.highpass(s.dust(rng, n, s.log_uniform(rng, 200, 3_000), 0.5), 3_000, 1) * s.decay(n, 0.1, 0.8)
    start = s.uniform(rng, 0.02, 0.3) * n / s.SAMPLE_RATE_HZ
    y = s.log_uniform(rng, 0.01, 0.15) * s.normalize_peak(fizz)
    if s.chance(rng, 0.6):
        s.add_at(y, max(start - s.uniform(rng, 0.05, 0.3), 0.0), s.uniform(rng, 0.1, 0.5) * snap)
    s.add_at(y, start, snap)
    s.add_at(y, start + 0.004, s.uniform(rng, 0.3, 1.2) * hiss)
    s.add_at(y, start + s.uniform(rng, 0.08, 0.35), s.uniform(rng, 0.2, 0.9) * snap)
    return y


@kind("mouse click", 0.2, 3)
def mouse_click(rng: Rng, n: int) -> Signal:
    """The button of a computer mouse: down and up, once, twice or many times, over a quiet room."""
    low, high, gap = s.log_uniform(rng, 700, 3_500), s.log_uniform(rng, 6_000, 16_000), s.log_uniform(rng, 0.04, 0.13)
    body, fall = s.log_uniform(rng, 700, 3_000), s.log_uniform(rng, 0.0008, 0.003)

    def half(loudness: float) -> Signal:
        m = s.samples(0.025)
        x = s.grain(rng, 0.025, fall, low, high) + 0.4 * s.modes(
            rng, m, body * np.array([1, 1.9, 3.3]), 0.003, [1, 0.6, 0.4]
        )
        return loudness * s.normalize_peak(x)

    def click() -> Signal:
        y = np.zeros(s.samples(gap + 0.03))
        s.add_at(y, 0.001, half(1.0))
        s.add_at(y, gap, half(s.uniform(rng, 0.3, 0.9)))
        return np.concatenate([y, y]) if s.chance(rng, 0.25) else y

    y = s.strikes(rng, n, click, single=0.35, period_s=(0.25, 1.2))
    return y + s.log_uniform(rng, 0.0005, 0.02) * s.pink(rng, n)


def _step(rng: Rng, heel_hz: float, hard: float, scuff: float) -> Signal:
    """Heel and sole of one foot on a floor that does not give."""
    m = s.samples(0.3)
    y = np.zeros(m)
    for at, loudness in ((0.0, 1.0), (s.uniform(rng, 0.05, 0.14), s.uniform(rng, 0.2, 0.7))):
        k = s.samples(0.12)
        tap = s.bandpass(s.noise(rng, k), heel_hz, heel_hz * 8, 1) * s.decay(
            k, 0.0005, s.uniform(rng, 0.004, 0.014) / hard
        )
        tap += s.uniform(rng, 0.3, 1.2) * s.lowpass(s.noise(rng, k), 180) * s.decay(k, 0.002, 0.02)
        s.add_at(y, at, loudness * s.normalize_peak(tap))
    drag = s.bandpass(s.noise(rng, m), 1_200, 8_000, 1) * s.arch(m, 1.5)
    return s.uniform(rng, 0.7, 1) * (y + scuff * s.normalize_peak(drag))


@kind("footsteps on concrete", 0.3, 8)
def footsteps_on_concrete(rng: Rng, n: int) -> Signal:
    """Dry taps of heel and sole, with some scuffing, walked or run."""
    heel, hard, scuff = s.log_uniform(rng, 250, 1_800), s.log_uniform(rng, 0.5, 1.8), s.log_uniform(rng, 0.01, 0.4)
    moments = s.steady(rng, n, s.log_uniform(rng, 0.27, 0.8), s.uniform(rng, 0.02, 0.1))
    return s.place(n, moments, lambda: _step(rng, heel, hard, scuff))


@kind("footsteps in leaves", 0.4, 8)
def footsteps_in_leaves(rng: Rng, n: int) -> Signal:
    """Swishing, crackling dry leaves at every step."""
    low, crackles = s.log_uniform(rng, 900, 2_500), s.log_uniform(rng, 150, 1_500)

    def step() -> Signal:
        m = s.samples(s.uniform(rng, 0.25, 0.55))
        crackle = s.bandpass(s.dust(rng, m, crackles, 1.0), low, 14_000, 1)
        swish = s.bandpass(s.noise(rng, m), low, 10_000, 1)
        y = s.normalize_rms(crackle) + s.uniform(rng, 0.2, 0.9) * s.normalize_rms(swish)
        return y * s.arch(m, 1.2) * s.uniform(rng, 0.6, 1)

    return s.place(n, s.steady(rng, n, s.uniform(rng, 0.4, 0.9), 0.06), step)


@kind("fireworks", 1, 9)
def fireworks(rng: Rng, n: int) -> Signal:
    """Whistling rockets, booms near and far with echoes, crackling stars."""
    far = s.log_uniform(rng, 700, 9_000)
    y = s.log_uniform(rng, 0.003, 0.05) * s.pink(rng, n)

    def boom() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.4, 1.5))
        x = s.lowpass(s.noise(rng, m), far * s.uniform(rng, 0.6, 1.4), 1) * s.decay(
            m, 0.001, s.log_uniform(rng, 0.02, 0.15)
        )
        x += 2.5 * s.lowpass(s.noise(rng, m), 150) * s.decay(m, 0.003, 0.12)
        echo = s.lowpass(s.noise(rng, m), far / 2, 1) * s.decay(m, 0.1, 0.3) * s.uniform(rng, 0.02, 0.2)
        return (x + echo) * s.log_uniform(rng, 0.25, 1)

    def rocket() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.4, 1.4))
        pitch = s.log_uniform(rng, 1_200, 3_500) * s.curve(m, 1.0, s.uniform(rng, 1.2, 1.9), s.uniform(rng, 0.9, 1.6))
        whistle = s.sine(m, pitch) + 0.3 * s.bandpass(s.noise(rng, m), 1_000, 9_000, 1)
        return whistle * s.hold(m, 0.1, 0.2) * s.log_uniform(rng, 0.05, 0.35)

    y += s.place(n, s.scattered(rng, n, s.log_uniform(rng, 0.7, 6)), boom) + s.place(n, [s.uniform(rng, 0, 0.5)], boom)
    if s.chance(rng, 0.5):
        y += s.place(n, s.scattered(rng, n, s.uniform(rng, 0.2, 1.2)), rocket)
    if s.chance(rng, 0.6):
        stars = (
            s.bandpass(s.dust(rng, n, s.log_uniform(rng, 20, 300), 0.7), 600, 12_000, 1) * s.wander(rng, n, 0.7) ** 3
        )
        y += s.log_uniform(rng, 0.1, 0.6) * s.normalize_peak(stars)
    return y
