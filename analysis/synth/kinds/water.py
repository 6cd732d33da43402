"""Waves, streams, drips, bubbles and taps."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _bubbles(rng: Rng, n: int, rate_hz: float, low_hz: float, high_hz: float, *, rise: float = 4.0) -> Signal:
    """Many bubbles between two pitches, the lower the longer."""
    bank = []
    for _ in range(24):
        pitch = s.log_uniform(rng, low_hz, high_hz)
        bank.append(s.bubble(rng, pitch, rise=s.uniform(rng, 0.3, 2) * rise, decay_s=min(9 / pitch, 0.04)))
    return s.sprinkle(rng, n, s.scattered(rng, n, rate_hz), bank, 0.7)


@kind("ocean waves", 1.5, 10)
def ocean_waves(rng: Rng, n: int) -> Signal:
    """Surf that draws near, breaks and runs out hissing, every few seconds."""
    y = np.zeros(n)
    period = s.uniform(rng, 2.5, 7.0)
    seconds = n / s.SAMPLE_RATE_HZ
    roar = s.normalize_rms(s.bandpass(s.noise(rng, n), 60, s.log_uniform(rng, 500, 1_500), 1))
    foam = s.normalize_rms(s.bandpass(s.noise(rng, n), s.log_uniform(rng, 1_200, 3_000), 12_000, 1))
    t = s.times(n)
    swell, wash = np.zeros(n), np.zeros(n)
    crest = s.uniform(rng, 0.2, 0.6) * min(period, seconds)
    while crest < seconds + period / 2:
        gain, rise, fall = (
            s.uniform(rng, 0.5, 1),
            s.uniform(rng, 0.12, 0.3) * period,
            s.uniform(rng, 0.2, 0.45) * period,
        )
        lag = t - crest
        swell += gain * np.exp(-np.maximum(-lag, 0) / rise - np.maximum(lag, 0) / fall)
        lag = lag - 0.3
        wash += gain * np.exp(-np.maximum(-lag, 0) / (rise * 0.5) - np.maximum(lag, 0) / (fall * 1.5))
        crest += period * s.uniform(rng, 0.7, 1.35)
    rest = s.log_uniform(rng, 0.03, 0.7)
    y += roar * (swell + rest) + s.log_uniform(rng, 0.2, 1.5) * foam * (wash**1.5 + 0.5 * rest)
    return y


@kind("flowing stream", 2.5, 10)
def flowing_stream(rng: Rng, n: int) -> Signal:
    """Brook: endless gurgling bubbles over a soft bed of noise."""
    low = s.log_uniform(rng, 300, 700)
    gurgle = _bubbles(rng, n, s.log_uniform(rng, 60, 700), low, low * s.uniform(rng, 4, 18), rise=5)
    bed = s.bandpass(s.noise(rng, n), s.log_uniform(rng, 100, 700), s.uniform(rng, 2_000, 13_000), 1) * (
        0.6 + 0.4 * s.wander(rng, n, 5)
    )
    return s.normalize_rms(gurgle) + s.log_uniform(rng, 0.1, 1.2) * s.normalize_rms(bed)


@kind("waterfall", 3, 10)
def waterfall(rng: Rng, n: int) -> Signal:
    """Steady roar, broad with strong low middles, that moves slowly."""
    low = s.normalize_rms(s.bandpass(s.noise(rng, n), s.uniform(rng, 40, 90), s.uniform(rng, 250, 450), 1))
    middle = s.normalize_rms(s.bandpass(s.noise(rng, n), 250, s.uniform(rng, 900, 1_800), 1))
    high = s.normalize_rms(s.bandpass(s.noise(rng, n), 1_500, s.uniform(rng, 5_000, 10_000), 1))
    y = low * (0.7 + 0.3 * s.wander(rng, n, 1.5)) * s.uniform(rng, 0.5, 1.0) + middle * (
        0.75 + 0.25 * s.wander(rng, n, 2)
    )
    return np.asarray(y + s.uniform(rng, 0.15, 0.5) * high * (0.8 + 0.2 * s.wander(rng, n, 4)))


@kind("water dripping", 0.4, 10)
def water_dripping(rng: Rng, n: int) -> Signal:
    """Single drops with a tick and a rising plop, regular or not."""
    base, spread = s.log_uniform(rng, 500, 2_600), s.uniform(rng, 1.02, 1.6)
    fall = s.log_uniform(rng, 0.01, 0.05)

    def drop() -> Signal:
        pitch = base * s.log_uniform(rng, 1 / spread, spread)
        plop = s.bubble(rng, pitch, rise=s.uniform(rng, 4, 18), decay_s=fall)
        y = np.zeros(len(plop) + s.samples(0.06))
        tick = s.grain(rng, 0.006, 0.0008, 2_000, 12_000)
        y[: len(tick)] += s.uniform(rng, 0.05, 0.5) * tick
        lag = s.samples(s.uniform(rng, 0.004, 0.03))
        y[lag : lag + len(plop)] += plop
        if s.chance(rng, 0.3):
            lag = s.samples(s.uniform(rng, 0.03, 0.055))
            y[lag : lag + len(plop)] += (
                0.4 * s.bubble(rng, pitch * s.uniform(rng, 1.2, 1.9), rise=8, decay_s=fall)[: len(plop)]
            )
        return y

    period = s.log_uniform(rng, 0.18, 1.4)
    moments = s.steady(rng, n, period, float(rng.choice([0.01, 0.1, 0.4])))
    return s.place(n, moments if len(moments) else 0.05, drop)


@kind("water splash", 0.5, 3)
def water_splash(rng: Rng, n: int) -> Signal:
    """Slap and a burst of spray, then bubbles and drops that fall back."""
    size = rng.random()

    def splash() -> Signal:
        m = s.samples(min(0.5 + 1.6 * size, n / s.SAMPLE_RATE_HZ))
        slap = s.bandpass(s.noise(rng, m), 80 + 200 * (1 - size), 1_500, 1) * s.decay(m, 0.003, 0.03 + 0.09 * size)
        spray = s.bandpass(s.noise(rng, m), 900, s.uniform(rng, 6_000, 13_000), 1)
        spray *= s.decay(m, s.uniform(rng, 0.01, 0.08), s.uniform(rng, 0.08, 0.2) * (1 + 2 * size)) * (
            0.4 + s.wander(rng, m, 40)
        )
        fall = s.decay(m, 0.05, s.uniform(rng, 0.15, 0.5))
        after = _bubbles(rng, m, 70 + 120 * size, 350, 3_500) * fall
        plunge = s.bubble(rng, s.uniform(rng, 130, 400), rise=5, decay_s=0.05)[:m]
        y = s.uniform(rng, 0.5, 2) * slap + spray + s.uniform(rng, 0.3, 0.9) * after
        y[: len(plunge)] += s.uniform(rng, 0, 0.8) * plunge
        return y

    return s.strikes(rng, n, splash, single=0.7, period_s=(0.4, 1.2))


@kind("bubbles", 0.6, 8)
def bubbles(rng: Rng, n: int) -> Signal:
    """Round rising blips without noise: a straw, an aquarium, a diver, a boiling pot."""
    low = s.log_uniform(rng, 130, 900)
    rate = s.log_uniform(rng, 6, 55)
    bank = []
    for _ in range(16):
        pitch = s.log_uniform(rng, low, low * 2.8)
        bank.append(s.bubble(rng, pitch, rise=s.uniform(rng, 3, 12), decay_s=s.uniform(rng, 0.015, 0.045)))
    moments = s.scattered(rng, n, rate)
    if s.chance(rng, 0.4):  # in bursts
        gate = s.wander(rng, n, s.uniform(rng, 1, 3))
        moments = moments[gate[(moments * s.SAMPLE_RATE_HZ).astype(int)] > 0.45]
    y = s.sprinkle(rng, n, np.concatenate([[0.01], moments]), bank, 0.5)
    return s.lowpass(y, s.log_uniform(rng, 1_500, 9_000), 1)


@kind("pouring water", 0.8, 7)
def pouring_water(rng: Rng, n: int) -> Signal:
    """Jet into a vessel: bubbles and splatter under a resonance that rises as it fills."""
    source = _bubbles(
        rng, n, s.log_uniform(rng, 60, 600), s.log_uniform(rng, 250, 700), s.uniform(rng, 2_500, 8_000), rise=6
    )
    source = s.normalize_rms(source) + s.uniform(rng, 0.3, 1.2) * s.normalize_rms(
        s.bandpass(s.noise(rng, n), 400, 9_000, 1)
    )
    place = s.frame_times(n)
    start = s.log_uniform(rng, 220, 700)
    center = start * s.uniform(rng, 1.8, 4.5) ** (place ** s.uniform(rng, 0.8, 2.0))
    tracks: list[tuple[s.Frequency, float, s.Frequency]] = [
        (center, s.uniform(rng, 60, 160), 1.0),
        (center * s.uniform(rng, 2.6, 3.2), 200.0, s.uniform(rng, 0.2, 0.6)),
    ]
    filled = s.normalize_rms(s.formants(source, tracks, 0.02))
    y = filled * s.log_uniform(rng, 0.2, 1) + s.uniform(rng, 0.2, 0.9) * s.normalize_rms(source)
    return y * s.hold(n, s.uniform(rng, 0.03, 0.2), s.uniform(rng, 0.05, 0.5)) * (0.7 + 0.3 * s.wander(rng, n, 6))


@kind("shower", 2.5, 10)
def shower(rng: Rng, n: int) -> Signal:
    """Fine jets on tiles: bright hiss made of countless drops in a small hard room."""
    drops = s.dust(rng, n, s.log_uniform(rng, 2_500, 9_000), 0.6)
    jets = s.normalize_rms(s.highpass(s.bandpass(drops, s.uniform(rng, 2_000, 3_500), 14_000, 1), 1_200))
    hiss = s.normalize_rms(s.highpass(s.noise(rng, n), s.uniform(rng, 3_000, 5_500)))
    splat = s.normalize_rms(s.bandpass(s.dust(rng, n, s.log_uniform(rng, 30, 120), 0.6), 500, 2_500, 1))
    y = jets + s.uniform(rng, 0.2, 0.7) * hiss + s.uniform(rng, 0.1, 0.45) * splat
    for _ in range(3):  # reflections between the tiles
        lag = s.samples(s.uniform(rng, 0.004, 0.02))
        y[lag:] += s.uniform(rng, 0.15, 0.4) * y[:-lag]
    return y
