"""Hum, noise, static and nothing."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


@kind("electrical hum", 1.5, 10)
def electrical_hum(rng: Rng, n: int) -> Signal:
    """Mains of 50 or 60 Hz with overtones: a transformer, a ground loop, a buzzing lamp."""
    mains = float(rng.choice([50.0, 60.0])) * (1 + 0.002 * (s.wander(rng, n, 0.5) - 0.5))
    tilt = s.uniform(rng, 0.4, 2.2)
    k = np.arange(1, int(rng.integers(6, 36)))
    gains = rng.random(len(k)) / k**tilt
    gains[1::2] *= s.uniform(rng, 0.3, 3)  # even overtones: transformers
    gains[0] = s.uniform(rng, 0.2, 1)
    y = s.normalize_rms(s.harmonics(n, mains, gains.tolist()))
    if s.chance(rng, 0.5):
        rate = 2 * float(np.mean(mains))
        buzz = s.highpass(s.pulse(n, mains * 2, s.uniform(rng, 0.02, 0.2)), s.log_uniform(rng, 300, 2_500), 1)
        sizzle = s.bandpass(s.noise(rng, n), 2_000, 9_000, 1) * np.clip(s.sine(n, rate), 0, 1)
        y += s.uniform(rng, 0.05, 0.6) * s.normalize_rms(buzz) + s.uniform(rng, 0, 0.1) * sizzle
    return y * (1 - s.uniform(rng, 0, 0.3) * s.wander(rng, n, 1.5)) + s.log_uniform(rng, 0.001, 0.03) * s.noise(rng, n)


@kind("white noise", 1, 10)
def white_noise(rng: Rng, n: int) -> Signal:
    """Flat, loud, unchanging noise up to the highest frequencies; rarely a slight tilt."""
    y = s.noise(rng, n)
    if s.chance(rng, 0.2):
        y = rng.uniform(-1.7, 1.7, n)
    if s.chance(rng, 0.2):
        y = y + s.uniform(rng, -0.3, 0.5) * s.lowpass(y, 3_000, 1)
    return y * s.hold(n, 0.01, 0.01) if s.chance(rng, 0.3) else y


@kind("silence", 0.5, 10, as_is=True)
def silence(rng: Rng, n: int) -> Signal:
    """Digital zero, or a noise floor below -75 dBFS."""
    way = rng.random()
    if way < 0.3:
        return np.zeros(n)
    peak = 10 ** (s.uniform(rng, -110, -77) / 20)
    if way < 0.5:
        floor = s.noise(rng, n)
    elif way < 0.7:
        floor = s.pink(rng, n)
    elif way < 0.85:
        floor = s.brown(rng, n)
    else:  # the last bit of a 16-bit file
        return rng.integers(-1, 2, n) / 32_768.0
    if s.chance(rng, 0.2):
        floor = floor + s.sine(n, float(rng.choice([50.0, 60.0])))
    return s.normalize_peak(floor) * peak


@kind("radio static", 0.8, 8)
def radio_static(rng: Rng, n: int) -> Signal:
    """Band-limited hiss that crackles and fades, with whistles and scraps of stations between."""
    hiss = s.bandpass(s.noise(rng, n), s.uniform(rng, 200, 600), s.uniform(rng, 2_800, 6_500), 2)
    y = s.normalize_rms(hiss) * (0.35 + 0.65 * s.wander(rng, n, s.log_uniform(rng, 1, 15)))
    crackle = s.bandpass(s.dust(rng, n, s.log_uniform(rng, 10, 300), 0.8), 300, 5_000, 1)
    y += s.uniform(rng, 0.2, 0.9) * s.normalize_rms(crackle)
    if s.chance(rng, 0.5):  # heterodyne whistle while tuning
        sweep = s.uniform(rng, 400, 1_200) + s.uniform(rng, 300, 2_400) * s.wander(rng, n, s.uniform(rng, 0.5, 3))
        y += s.uniform(rng, 0.1, 0.8) * s.sine(n, sweep) * s.wander(rng, n, 2) ** 2
    if s.chance(rng, 0.4):  # a station
        source = s.saw(n, s.uniform(rng, 90, 220) * (0.8 + 0.4 * s.wander(rng, n, 4))) * s.wander(rng, n, 9)
        station = s.bandpass(s.resonate(source, s.uniform(rng, 500, 900), 150), 350, 3_000)
        y += s.uniform(rng, 0.3, 1.2) * s.normalize_rms(station) * (s.wander(rng, n, 1.5) > 0.5)
    if s.chance(rng, 0.3):  # squelch: gaps
        gate = s.lowpass((s.wander(rng, n, s.uniform(rng, 2, 6)) > 0.35).astype(float), 200, 1)
        y = y * (0.02 + gate)
    return y
