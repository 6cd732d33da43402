"""Places: rooms, crowds, streets and the sea from below."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal

VOWELS_HZ = ((730, 1_090, 2_440), (270, 2_290, 3_010), (300, 870, 2_240), (530, 1_840, 2_480), (570, 840, 2_410))


@kind("room tone", 2, 10)
def room_tone(rng: Rng, n: int) -> Signal:
    """Dull, even bed: rumble of the building, soft air, at times a faint hum."""
    air = s.highpass(s.lowpass(s.pink(rng, n), s.log_uniform(rng, 500, 2_500), 1), 100, 1)
    rumble = s.lowpass(s.brown(rng, n), s.uniform(rng, 80, 200), 1)
    y = s.normalize_rms(air) + s.uniform(rng, 0.3, 0.9) * s.normalize_rms(rumble)
    if s.chance(rng, 0.4):
        y += s.log_uniform(rng, 0.03, 0.25) * s.harmonics(n, float(rng.choice([50.0, 60.0])), [1, 0.6, 0.2, 0.1])
    if s.chance(rng, 0.35):
        y += s.log_uniform(rng, 0.02, 0.12) * s.noise(rng, n)
    return 0.003 * y


def _babble(rng: Rng, n: int, pace_hz: float) -> Signal:
    """One person who talks where no word can be made out."""
    low, high, stretch = ((85, 150, 1.0), (160, 260, 1.17))[int(rng.integers(2))]
    pitch = s.log_uniform(rng, low, high) * (0.8 + 0.4 * s.wander(rng, n, 2.5))
    m = len(s.frame_times(n))
    count = max(int(n / s.SAMPLE_RATE_HZ * pace_hz) + 2, 3)
    mouth = np.array(VOWELS_HZ)[rng.integers(0, len(VOWELS_HZ), count)] * stretch
    place, knots = np.linspace(0, 1, m), np.linspace(0, 1, count)
    first, second, third = (np.interp(place, knots, mouth[:, i]) for i in range(3))
    talk = np.clip(2.5 * (s.wander(rng, n, 0.5) - 0.2), 0, 1)
    syllables = np.clip(s.wander(rng, n, 2 * pace_hz) * 1.5 - 0.2, 0, 1)
    source = s.glottis(rng, pitch, breath=0.15) * syllables * talk
    tracks: list[tuple[s.Frequency, float, s.Frequency]] = [(first, 90, 1.0), (second, 120, 0.45), (third, 180, 0.2)]
    return s.normalize_rms(s.formants(source, tracks))


@kind("crowd murmur", 2.5, 10)
def crowd_murmur(rng: Rng, n: int) -> Signal:
    """Voices that babble over one another, in front of a mass of more distant ones."""
    y = np.zeros(n)
    for _ in range(2):
        voice = np.resize(_babble(rng, min(n, s.samples(s.uniform(rng, 2.2, 3.6))), s.uniform(rng, 3, 5.5)), n)
        for _ in range(int(rng.integers(2, 5))):  # the same talker somewhere else in time is another one
            y += s.uniform(rng, 0.3, 1) * np.roll(voice, int(rng.integers(n)))
    mass = np.zeros(n)
    white = s.noise(rng, n)
    for center, width in (
        (s.uniform(rng, 380, 550), 130),
        (s.uniform(rng, 700, 1_100), 220),
        (s.uniform(rng, 1_600, 2_300), 350),
    ):
        mass += s.resonate(white, center, width) * (0.35 + s.wander(rng, n, s.uniform(rng, 5, 9)))
    y = s.normalize_rms(y) + s.uniform(rng, 0.3, 1.2) * s.normalize_rms(mass)
    return s.lowpass(y, s.log_uniform(rng, 1_800, 6_000), 1)


@kind("city traffic", 3, 10)
def city_traffic(rng: Rng, n: int) -> Signal:
    """Far roar, cars that come and go, at times a horn."""
    t = np.linspace(0, 1, n)
    y = s.normalize_rms(s.lowpass(s.pink(rng, n), s.log_uniform(rng, 250, 900), 1)) * s.uniform(rng, 0.4, 1.0)
    for _ in range(int(rng.integers(2, 5))):
        width = s.uniform(rng, 0.08, 0.25)
        swell = 1 / (1 + ((t - s.uniform(rng, -0.1, 1.1)) / width) ** 2)
        tires = s.normalize_rms(s.bandpass(s.noise(rng, n), s.uniform(rng, 120, 400), s.uniform(rng, 1_000, 3_000), 1))
        y += s.uniform(rng, 0.3, 1.2) * swell * tires
    if s.chance(rng, 0.6):
        engine = s.lowpass(s.saw(n, s.uniform(rng, 40, 90) * (0.8 + 0.5 * s.wander(rng, n, 1.0))), 300)
        y += s.uniform(rng, 0.2, 0.8) * s.normalize_rms(engine) * s.wander(rng, n, 0.6)
    if s.chance(rng, 0.4):
        pitch = s.uniform(rng, 320, 480)

        def horn() -> Signal:
            m = s.samples(s.uniform(rng, 0.15, 0.7))
            tone = s.pulse(m, pitch, 0.3) + s.pulse(m, pitch * 1.26, 0.3)
            return s.uniform(rng, 0.2, 0.6) * s.lowpass(tone, 2_500) * s.hold(m, 0.02, 0.04)

        y += s.place(n, rng.random(int(rng.integers(1, 4))) * n / s.SAMPLE_RATE_HZ, horn)
    return y


@kind("underwater ambience", 2.5, 10)
def underwater_ambience(rng: Rng, n: int) -> Signal:
    """Muffled low swirls, dull bubbles, at times a distant moan."""
    swirl = s.normalize_rms(s.lowpass(s.brown(rng, n), s.log_uniform(rng, 150, 450))) * (0.3 + s.wander(rng, n, 0.8))
    m = len(s.frame_times(n))
    center = s.log_uniform(rng, 150, 350) * (0.7 + 0.7 * s.wander(rng, m * s.HOP, 0.7)[:: s.HOP][:m])
    wash = s.normalize_rms(s.formants(s.pink(rng, n), [(center, 50, 1.0), (center * 2.1, 90, 0.4)], 0.002))
    bank = [s.bubble(rng, s.log_uniform(rng, 150, 700), rise=5, decay_s=s.uniform(rng, 0.02, 0.05)) for _ in range(10)]
    gate = s.wander(rng, n, 0.9)
    moments = s.scattered(rng, n, s.log_uniform(rng, 4, 35))
    moments = moments[gate[(moments * s.SAMPLE_RATE_HZ).astype(int)] > 0.4]
    y = swirl + s.uniform(rng, 0.3, 1.2) * wash + s.uniform(rng, 0.3, 2.0) * s.sprinkle(rng, n, moments, bank, 0.6)
    if s.chance(rng, 0.3):
        moan = s.sine(n, s.uniform(rng, 90, 280) * (0.9 + 0.3 * s.wander(rng, n, 0.6)))
        y += s.uniform(rng, 0.1, 0.5) * moan * s.wander(rng, n, 0.7) ** 2
    return s.lowpass(y, s.log_uniform(rng, 450, 1_000))
