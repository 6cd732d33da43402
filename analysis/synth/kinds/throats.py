"""Makers of what throats do beside speaking: coughs, sneezes, songs, grunts, purrs and hisses."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.calls import calls, mouth
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal

VOWELS_HZ = ((730, 1_090, 2_440), (270, 2_290, 3_010), (300, 870, 2_240), (530, 1_840, 2_480), (570, 840, 2_410))


def _burst(rng: Rng, m: int, low_hz: float, high_hz: float, fall_s: float) -> Signal:
    """Air that breaks out."""
    return s.normalize_peak(s.bandpass(s.noise(rng, m), low_hz, high_hz, 1)) * s.decay(m, 0.003, fall_s)


@kind("coughing", 0.3, 6)
def coughing(rng: Rng, n: int) -> Signal:
    """A burst of air, a rasping middle and sometimes a voiced end; alone or in fits."""
    size = s.log_uniform(rng, 0.75, 1.6)  # of the throat: child to man
    base = 150 * size * s.log_uniform(rng, 0.7, 1.6)
    voiced, wet, count = s.uniform(rng, 0.1, 1.2), s.uniform(rng, 0, 1), int(rng.choice([1, 1, 2, 2, 3, 4]))

    def cough() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.16, 0.45))
        burst = _burst(rng, m, 250 * size, 6_000, s.uniform(rng, 0.02, 0.07))
        middle = s.noise(rng, m) * s.decay(m, 0.02, s.uniform(rng, 0.06, 0.15)) * (1 - wet * 0.6 * s.wander(rng, m, 60))
        pitch = base * s.curve(m, s.uniform(rng, 1.0, 1.7), 1.1, s.uniform(rng, 0.6, 1.0))
        voice = s.glottis(rng, pitch, breath=0.4, rough=s.uniform(rng, 0.2, 1), tilt_hz=1_500)
        voice = voice * s.curve(m, 0.1, 1, 0.6, 0)
        source = middle + voiced * voice
        tracks: list[tuple[s.Frequency, float, s.Frequency]] = [
            (s.uniform(rng, 450, 850) * size, 180.0, 1.0),
            (s.uniform(rng, 1_000, 1_900) * size, 250.0, 0.7),
            (2_700 * size, 400.0, 0.4),
        ]
        y = s.normalize_peak(s.throat(rng, source, tracks, 0.03)) + s.uniform(rng, 0.5, 1.5) * burst
        return s.normalize_peak(y * s.hold(m, 0.002, 0.04)) * s.uniform(rng, 0.6, 1)

    def fit() -> Signal:
        parts = []
        for _ in range(count):
            parts += [cough(), np.zeros(s.samples(s.log_uniform(rng, 0.04, 0.3)))]
        return np.concatenate(parts)

    return calls(rng, n, fit, 0.3, 1.4, 0.3)


@kind("sneezing", 0.5, 3.5)
def sneezing(rng: Rng, n: int) -> Signal:
    """A drawn breath or an 'ah', then a hissing 'choo'."""
    base = s.log_uniform(rng, 130, 420)

    def sneeze() -> Signal:
        into = s.samples(s.log_uniform(rng, 0.15, 0.8))
        gasp = s.bandpass(s.noise(rng, into), 500, 5_000, 1) * s.curve(into, 0, 0.4, 1, 0.5) * s.uniform(rng, 0.05, 0.5)
        if s.chance(rng, 0.5):
            voice = s.glottis(rng, base * s.curve(into, 0.8, 1, 1.3), breath=0.3, tilt_hz=1_500) * s.curve(
                into, 0, 1, 0.7
            )
            gasp = gasp + s.uniform(rng, 0.1, 0.7) * s.normalize_peak(
                s.throat(rng, voice, [(750.0, 150.0, 1.0), (1_250.0, 200.0, 0.6)])
            )
        m = s.samples(s.log_uniform(rng, 0.2, 0.6))
        hiss = _burst(rng, m, s.log_uniform(rng, 700, 3_000), s.uniform(rng, 7_000, 14_000), s.uniform(rng, 0.06, 0.2))
        voice = s.glottis(rng, base * s.curve(m, 1.6, 1.3, 0.7), breath=0.5, rough=0.4, tilt_hz=2_000)
        vowel = s.normalize_peak(
            s.throat(rng, voice, [(s.uniform(rng, 350, 800), 150.0, 1.0), (s.uniform(rng, 900, 1_900), 220.0, 0.7)])
        )
        out = hiss + s.uniform(rng, 0, 1) * vowel * s.curve(m, 0.2, 1, 0.6, 0)
        gap = np.zeros(s.samples(s.uniform(rng, 0.01, 0.2)))
        return np.concatenate([0.5 * gasp, gap, s.normalize_peak(out)])

    return calls(rng, n, sneeze, 0.3, 1.0, 0.6)


@kind("singing voice", 1.2, 8)
def singing_voice(rng: Rng, n: int) -> Signal:
    """Held notes of a tune on vowels, with vibrato."""
    base, stretch = ((s.log_uniform(rng, 100, 220), 1.0), (s.log_uniform(rng, 200, 480), 1.17))[int(rng.integers(2))]
    return _sing(rng, n, base, stretch, s.log_uniform(rng, 0.2, 1.2), s.uniform(rng, 0, 0.03))


def _sing(rng: Rng, n: int, base: float, stretch: float, note_s: float, vibrato: float) -> Signal:
    count = max(int(n / s.SAMPLE_RATE_HZ / note_s), 1)
    steps = np.cumsum(rng.choice([-4, -2, -1, 0, 0, 2, 2, 3, 5], count)) % 14
    tune = np.repeat(2.0 ** (steps / 12), n // count + 1)[:n]
    tune = s.lowpass(tune - tune[0], 15, 1) + tune[0]
    pitch = base * tune * (1 + vibrato * s.sine(n, s.uniform(rng, 4.5, 6.5))) * (1 + 0.01 * s.wander(rng, n, 8))
    source = s.glottis(rng, pitch, breath=0.05, tilt_hz=s.log_uniform(rng, 600, 1_500))
    m = len(s.frame_times(n))
    vowels = np.array(VOWELS_HZ)[rng.integers(0, len(VOWELS_HZ), count + 1)] * stretch
    first, second, third = (np.interp(np.linspace(0, count, m), np.arange(count + 1), vowels[:, i]) for i in range(3))
    tracks: list[tuple[s.Frequency, float, s.Frequency]] = [
        (first, 90.0, 1.0),
        (second, 110.0, 0.5),
        (third, 170.0, 0.35),
    ]
    beats = 0.35 + 0.65 * np.abs(np.sin(np.pi * count * np.linspace(0, 1, n))) ** 0.3
    return s.normalize_rms(s.throat(rng, source, tracks)) * beats


@kind("choir", 2, 9)
def choir(rng: Rng, n: int) -> Signal:
    """Many voices on one chord, swelling slowly, in a hall of their own."""
    base, note_s = s.log_uniform(rng, 110, 260), s.log_uniform(rng, 1, 5)
    chord = ((1.0, 1.26, 1.5, 2.0), (1.0, 1.19, 1.5, 2.0), (1.0, 1.0, 1.0, 2.0), (1.0, 1.335, 2.0, 2.67))[
        int(rng.integers(4))
    ]
    seed = int(rng.integers(2**31))
    y = np.zeros(n)
    for ratio in chord:
        own = np.random.default_rng(seed)  # all of them sing the same vowels in the same rhythm
        voice = _sing(own, n, base * ratio * s.uniform(rng, 0.995, 1.005), 1.1, note_s, 0.012)
        for _ in range(2):
            lag = int(rng.integers(1, 2_400))
            y += s.uniform(rng, 0.4, 1) * np.roll(voice, lag)
    return y * s.hold(n, s.uniform(rng, 0.05, 0.6), s.uniform(rng, 0.1, 0.8))


@kind("pig grunt", 0.25, 5)
def pig_grunt(rng: Rng, n: int) -> Signal:
    """Rattling snorts in a row, or squeals."""
    base, squeals = s.log_uniform(rng, 55, 140), s.chance(rng, 0.35)
    high = s.log_uniform(rng, 500, 1_400)

    def grunt() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.1, 0.4))
        y = s.glottis(rng, base * s.curve(m, 1.2, 1.0, 0.8), breath=s.uniform(rng, 0.4, 1.5), rough=1.0, tilt_hz=2_000)
        y = y * (0.4 + 0.6 * (s.phase(m, s.uniform(rng, 22, 55)) % 1 < 0.5))
        y = s.throat(rng, y, [(mouth(m, 350, 550, 400), 130.0, 1.0), (1_250.0, 250.0, 0.6), (2_300.0, 400.0, 0.3)])
        return y * s.hold(m, 0.01, 0.05)

    def squeal() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.25, 1.0))
        pitch = high * s.curve(m, 0.8, 1.2, 1.3, 1.1, 0.7) * (1 + 0.08 * s.wander(rng, m, 25))
        y = s.glottis(rng, pitch, breath=0.3, rough=s.uniform(rng, 0.4, 1), tilt_hz=5_000)
        return s.throat(rng, y, [(1_300.0, 300.0, 1.0), (2_900.0, 500.0, 0.8)], 0.02) * s.hold(m, 0.02, 0.08)

    def call() -> Signal:
        return squeal() if squeals and s.chance(rng, 0.6) else grunt()

    return calls(rng, n, call, 0.05, 0.5, 0.2)


@kind("cat purr", 1, 8)
def cat_purr(rng: Rng, n: int) -> Signal:
    """A soft rattle of 22 to 30 beats a second, changing with every breath in and out."""
    rate, breath_s = s.uniform(rng, 20, 32), s.uniform(rng, 0.6, 1.4)
    cycle = (s.times(n) / breath_s + rng.random()) % 2
    into = cycle < 1
    beats = np.exp(-s.uniform(rng, 3, 8) * (s.phase(n, rate * np.where(into, 1.0, 0.9)) % 1))
    low = s.log_uniform(rng, 60, 200)
    y = s.bandpass(s.noise(rng, n) + 0.5, low, low * s.uniform(rng, 4, 20), 1) * beats
    return y * np.where(into, 1.0, s.uniform(rng, 0.4, 1.0)) * np.abs(np.sin(np.pi * cycle)) ** 0.3


@kind("snake hiss", 0.5, 5)
def snake_hiss(rng: Rng, n: int) -> Signal:
    """Breathy hisses, with or without a rattle."""
    low, rattle = s.log_uniform(rng, 1_500, 4_500), s.chance(rng, 0.35)

    def hiss() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.4, 2.5))
        y = s.normalize_rms(s.bandpass(s.noise(rng, m), low, low * s.uniform(rng, 2, 4), 1)) * s.arch(m, 0.5)
        if rattle:
            y = 0.4 * y + s.normalize_rms(s.highpass(s.dust(rng, m, 60.0, 0.3), 2_500, 1)) * s.arch(m, 0.3)
        return y * (0.8 + 0.2 * s.wander(rng, m, 15))

    return calls(rng, n, hiss, 0.3, 1.5, 0.5)
