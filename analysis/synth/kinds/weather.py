"""Rain, thunder, hail and wind."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _drops(rng: Rng, n: int, rate_hz: float, low_hz: float, high_hz: float) -> Signal:
    """Ticks of drops on leaves, soil and stone, a few of them with a small bubble."""
    bank = [s.normalize_peak(s.grain(rng, 0.012, s.log_uniform(rng, 0.0004, 0.003), low_hz, high_hz)) for _ in range(8)]
    bank += [0.4 * s.bubble(rng, s.log_uniform(rng, 1_200, 6_000), decay_s=0.004) for _ in range(3)]
    return s.sprinkle(rng, n, s.scattered(rng, n, rate_hz), bank, 0.6)


def _gusts(rng: Rng, n: int, rate_hz: float, power: float, floor: float) -> Signal:
    return np.asarray(
        floor + (1 - floor) * (0.7 * s.wander(rng, n, rate_hz) + 0.3 * s.wander(rng, n, rate_hz * 4)) ** power
    )


@kind("heavy rain", 2.5, 10)
def heavy_rain(rng: Rng, n: int) -> Signal:
    """Dense hiss of drops, with nearer ones that can be told apart."""
    hiss = s.bandpass(s.noise(rng, n), s.log_uniform(rng, 250, 1_200), s.uniform(rng, 9_000, 18_000), 1)
    hiss = s.normalize_rms(hiss) * (0.8 + 0.2 * s.wander(rng, n, 0.6))
    near = s.normalize_rms(_drops(rng, n, s.log_uniform(rng, 120, 600), s.uniform(rng, 900, 2_500), 12_000))
    body = s.normalize_rms(s.bandpass(s.noise(rng, n), 120, 500, 1)) * s.uniform(rng, 0.0, 0.4)
    if s.chance(rng, 0.4):  # on ground or roof, heard from a porch: pink rather than bright
        hiss = hiss + s.uniform(rng, 0.3, 2) * s.normalize_rms(
            s.lowpass(s.pink(rng, n), s.log_uniform(rng, 1_500, 12_000), 1)
        )
    return hiss + s.log_uniform(rng, 0.1, 0.9) * near + body


@kind("light rain", 2.5, 10)
def light_rain(rng: Rng, n: int) -> Signal:
    """Separate drops over a thin, far hiss."""
    near = s.normalize_rms(_drops(rng, n, s.log_uniform(rng, 15, 110), s.uniform(rng, 1_000, 3_500), 13_000))
    hiss = s.bandpass(s.noise(rng, n), s.log_uniform(rng, 1_500, 4_500), 15_000, 1)
    return near + s.log_uniform(rng, 0.04, 0.4) * s.normalize_rms(hiss)


@kind("rain on metal roof", 2.5, 10)
def rain_on_metal_roof(rng: Rng, n: int) -> Signal:
    """Drumming drops on a sheet that rings with its own few modes."""
    hits = s.lowpass(s.dust(rng, n, s.log_uniform(rng, 40, 500), 0.7), s.uniform(rng, 3_000, 9_000), 1)
    y = 0.4 * s.normalize_rms(hits)
    base = s.log_uniform(rng, 180, 700)
    for k in range(6):
        center = base * (1 + k * s.uniform(rng, 0.5, 1.4))
        y += (
            s.normalize_rms(s.resonate(hits, center, s.log_uniform(rng, 8, 60)))
            * s.uniform(rng, 0.2, 1)
            / (1 + 0.2 * k)
        )
    hiss = s.normalize_rms(s.bandpass(s.noise(rng, n), 700, 8_000, 1))
    return y + s.uniform(rng, 0.05, 0.5) * hiss


def _rolling_thunder(rng: Rng, n: int) -> Signal:
    """One clap that dies away for many seconds, growing duller, often over rain."""
    t = s.times(n)
    fall_s = s.log_uniform(rng, 0.6, 5)
    swell_s = s.log_uniform(rng, 0.01, 1.5) if s.chance(rng, 0.6) else 0.004
    level = np.minimum(t / swell_s, 1.0) * np.exp(-np.maximum(t - swell_s, 0) / fall_s)
    level *= 0.3 + 0.7 * s.wander(rng, n, s.uniform(rng, 2, 14))
    center = s.log_uniform(rng, 60, 250)
    y = s.normalize_rms(s.bandpass(s.noise(rng, n), 25, center * 2, 1)) * level
    y += s.log_uniform(rng, 0.1, 0.9) * s.normalize_rms(s.lowpass(s.pink(rng, n), 14 * center, 1)) * level**1.4
    y += s.log_uniform(rng, 0.03, 0.6) * s.noise(rng, n) * level**2 * (0.2 + s.wander(rng, n, 40))
    if s.chance(rng, 0.45):
        y += s.log_uniform(rng, 0.01, 0.12) * s.normalize_rms(
            s.highpass(s.noise(rng, n), s.log_uniform(rng, 300, 3_000), 1)
        )
    return np.asarray(y)


@kind("thunder", 1.2, 10)
def thunder(rng: Rng, n: int) -> Signal:
    """Crack, if near, then rolling claps that grow duller."""
    if s.chance(rng, 0.55):
        return _rolling_thunder(rng, n)
    near = s.chance(rng, 0.55)
    seconds = n / s.SAMPLE_RATE_HZ
    start = s.uniform(rng, 0.0, 0.15) * seconds
    level = np.zeros(n)
    for _ in range(int(rng.integers(3, 11))):
        moment = start + abs(rng.standard_normal()) * seconds * 0.25
        i = min(s.samples(moment), n - 1)
        level[i:] += s.uniform(rng, 0.2, 1) * s.decay(
            n - i, s.log_uniform(rng, 0.02, 0.4), s.log_uniform(rng, 0.2, 1.6)
        )
    level *= 0.35 + 0.65 * s.wander(rng, n, s.uniform(rng, 4, 12))
    rumble = s.normalize_rms(s.lowpass(s.brown(rng, n), s.log_uniform(rng, 90, 300))) * level
    mid = s.normalize_rms(s.bandpass(s.noise(rng, n), 80, s.log_uniform(rng, 400, 1_500), 1)) * level**2
    y = rumble + s.uniform(rng, 0.1, 0.5) * mid
    if near:
        i = min(s.samples(start), n - 1)
        m = n - i
        tear = s.highpass(s.noise(rng, m), s.uniform(rng, 150, 600), 1) * s.decay(
            m, 0.001, s.log_uniform(rng, 0.05, 0.35)
        )
        y[i:] += s.uniform(rng, 0.5, 2) * tear * (s.wander(rng, m, 60) ** 2)
    return y


@kind("soft wind", 2.5, 10)
def soft_wind(rng: Rng, n: int) -> Signal:
    """Low, dull noise that swells and falls, without hiss or pitch."""
    gust = _gusts(rng, n, s.log_uniform(rng, 0.25, 1.0), s.uniform(rng, 1, 2), 0.15)
    low = s.lowpass(s.pink(rng, n), s.log_uniform(rng, 180, 450))
    mid = s.bandpass(s.noise(rng, n), 200, s.log_uniform(rng, 500, 900), 2)
    y = s.normalize_rms(low) * gust + s.uniform(rng, 0.1, 0.5) * s.normalize_rms(mid) * gust**2
    if s.chance(rng, 0.4):  # the microphone buffets
        buffet = s.normalize_rms(s.lowpass(s.brown(rng, n), s.log_uniform(rng, 60, 300), 1))
        y += s.uniform(rng, 0.5, 2) * buffet * s.wander(rng, n, s.uniform(rng, 3, 12)) ** 2 * gust
    if s.chance(rng, 0.4):
        y += s.log_uniform(rng, 0.05, 0.4) * s.pink(rng, n) * gust
    return s.highpass(y, s.uniform(rng, 20, 90), 1)


@kind("howling wind", 2.5, 10)
def howling_wind(rng: Rng, n: int) -> Signal:
    """Whistling resonances that rise and fall with the gusts."""
    m = len(s.frame_times(n))
    gust = _gusts(rng, n, s.log_uniform(rng, 0.3, 1.2), 1.2, 0.1)
    frames = np.interp(np.linspace(0, n - 1, m), np.arange(n), gust)
    base = s.log_uniform(rng, 280, 900)
    tracks: list[tuple[s.Frequency, float, s.Frequency]] = []
    for k in range(int(rng.integers(1, 4))):
        center = base * (1 + 0.6 * k * s.uniform(rng, 0.7, 1.5)) * (0.7 + s.uniform(rng, 0.4, 0.9) * frames)
        tracks.append((center, s.log_uniform(rng, 12, 50), frames**1.5 / (1 + k)))
    howl = s.normalize_rms(s.shape_spectrum(s.noise(rng, n), s.resonances(n, tracks, 0.001)))
    roar = s.normalize_rms(s.bandpass(s.noise(rng, n), 80, s.uniform(rng, 500, 1_500), 1)) * gust
    return howl * s.log_uniform(rng, 0.25, 1) + s.log_uniform(rng, 0.08, 1.0) * roar


@kind("hail", 2, 10)
def hail(rng: Rng, n: int) -> Signal:
    """Hard stones that knock and bounce on a car, a roof or the ground."""
    surface = int(rng.integers(3))
    bank = []
    for _ in range(8):
        m = s.samples(0.05)
        click = s.bandpass(s.noise(rng, m), 1_500, 12_000, 1) * s.decay(m, 0.0002, s.log_uniform(rng, 0.0008, 0.003))
        base = s.log_uniform(rng, *((300, 1_400), (900, 3_500), (120, 500))[surface])
        ring = (0.012, 0.006, 0.009)[surface]
        click += s.uniform(rng, 0.2, 0.9) * s.modes(
            rng, m, base * np.array([1, 1.7, 2.6, 4.1]), ring, [0.6, 0.5, 0.3, 0.2]
        )
        bank.append(s.normalize_peak(click))
    moments = s.scattered(rng, n, s.log_uniform(rng, 25, 160))
    bounces = moments[rng.random(len(moments)) < 0.4] + s.uniform(rng, 0.04, 0.12)
    moments = np.sort(np.concatenate([moments, bounces[bounces < n / s.SAMPLE_RATE_HZ - 0.01]]))
    bed = s.normalize_rms(s.bandpass(s.noise(rng, n), 600, 7_000, 1))
    return s.normalize_rms(s.sprinkle(rng, n, moments, bank, 0.6)) + s.log_uniform(rng, 0.02, 0.2) * bed


@kind("wind in trees", 2.5, 10)
def wind_in_trees(rng: Rng, n: int) -> Signal:
    """Leaves that rustle between 1 and 6 kHz, fluttering, swelling with each gust."""
    gust = _gusts(rng, n, s.log_uniform(rng, 0.3, 0.9), s.uniform(rng, 1.3, 2.5), 0.12)
    y = np.zeros(n)
    for low, high in ((900, 2_200), (2_000, 4_000), (3_500, 6_500)):
        flutter = 0.35 + s.wander(rng, n, s.uniform(rng, 12, 35))
        y += s.normalize_rms(s.bandpass(s.noise(rng, n), low, high)) * flutter * s.uniform(rng, 0.5, 1)
    leaves = s.bandpass(s.dust(rng, n, s.log_uniform(rng, 300, 1_500), 0.4), 1_500, 6_000, 1)
    y += s.uniform(rng, 0.2, 0.7) * s.normalize_rms(leaves)
    air = s.normalize_rms(s.lowpass(s.pink(rng, n), 300, 1))
    return y * gust + s.uniform(rng, 0.03, 0.25) * air * gust
