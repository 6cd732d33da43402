"""Makers of the sounds of people: speech, cries, breath, heart and crowds."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal

VOWELS_HZ = (
    (730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480),
    (570, 840, 2410), (640, 1190, 2390), (490, 1350, 1690), (390, 1990, 2550),
)  # fmt: skip
Knots = list[tuple[float, float]]


def _trace(n: int, knots: Knots, *, frames: bool = False) -> Signal:
    t = s.frame_times(n) * n / s.SAMPLE_RATE_HZ if frames else s.times(n)
    moments, values = np.array(sorted(knots)).T
    return np.asarray(np.interp(t, moments, values))


def _consonant(rng: Rng, t: float, hiss: tuple[Knots, Knots]) -> float:
    way = rng.random()
    track = hiss[int(rng.integers(2))]
    if way < 0.3:  # fricative
        length, loudness = s.uniform(rng, 0.05, 0.13), s.uniform(rng, 0.15, 0.6)
        track.extend([(t, 0.0), (t + 0.3 * length, loudness), (t + 0.8 * length, loudness), (t + length, 0.0)])
        return t + 0.9 * length
    if way < 0.65:  # plosive: a closure and a burst
        gap = s.uniform(rng, 0.03, 0.08)
        burst = t + gap
        track.extend([(burst, 0.0), (burst + 0.002, s.uniform(rng, 0.3, 0.9)), (burst + 0.02, 0.0)])
        return burst + 0.008
    return t + 0.015


def _talk(rng: Rng, n: int, source: Signal, stretch: float, hiss_gain: float) -> Signal:
    voice: Knots = [(-1.0, 0.0)]
    hiss: tuple[Knots, Knots] = ([(-1.0, 0.0)], [(-1.0, 0.0)])
    mouth: tuple[Knots, Knots, Knots] = ([], [], [])
    pace = s.log_uniform(rng, 0.75, 1.5)
    seconds, t, left = n / s.SAMPLE_RATE_HZ, s.uniform(rng, 0, 0.06), int(rng.integers(3, 14))
    while t < seconds or not mouth[0]:
        t = _consonant(rng, t, hiss)
        length = pace * s.log_uniform(rng, 0.07, 0.22)
        loudness = s.uniform(rng, 0.45, 1.0)
        voice += [(t, 0.0), (t + 0.02, loudness), (t + 0.75 * length, 0.8 * loudness), (t + length, 0.0)]
        vowel = VOWELS_HZ[int(rng.integers(len(VOWELS_HZ)))]
        for track, hz in zip(mouth, vowel, strict=True):
            track += [(t + 0.25 * length, hz * stretch), (t + 0.65 * length, hz * stretch * s.uniform(rng, 0.93, 1.07))]
        t += length
        left -= 1
        if left <= 0:
            t += s.log_uniform(rng, 0.12, 0.7)
            left = int(rng.integers(3, 14))
    first, second, third = (_trace(n, track, frames=True) for track in mouth)
    tracks: list[tuple[s.Frequency, float, s.Frequency]] = [
        (first, 80.0, 1.0),
        (second, 110.0, 0.5),
        (third, 170.0, 0.25),
        (3500.0 * stretch, 300.0, 0.1),
    ]
    y = s.normalize_rms(s.throat(rng, source, tracks)) * _trace(n, voice)
    white = s.noise(rng, n)
    y += hiss_gain * 0.5 * s.bandpass(white, 4_200, 10_000) * _trace(n, hiss[0])
    return y + hiss_gain * 0.6 * s.bandpass(white, 1_800, 5_500, 1) * _trace(n, hiss[1])


@kind("speech", 0.25, 7)
def speech(rng: Rng, n: int) -> Signal:
    """Syllables of a man, woman or child in phrases with pauses."""
    low, high, stretch = ((80, 145, 1.0), (165, 250, 1.16), (250, 380, 1.38))[int(rng.integers(3))]
    lively = s.log_uniform(rng, 0.08, 0.5)
    pitch = s.log_uniform(rng, low, high) * np.exp(lively * (s.wander(rng, n, 1.2) + 0.6 * s.wander(rng, n, 4) - 0.8))
    source = s.glottis(rng, pitch, breath=s.log_uniform(rng, 0.02, 0.2), tilt_hz=s.log_uniform(rng, 500, 1_800))
    return _talk(rng, n, source, stretch * s.uniform(rng, 0.94, 1.06), s.uniform(rng, 0.4, 1.2))


@kind("whispering", 0.8, 6)
def whispering(rng: Rng, n: int) -> Signal:
    """Speech made of breath alone."""
    source = s.highpass(s.noise(rng, n), s.uniform(rng, 300, 900), 1)
    return _talk(rng, n, source, s.uniform(rng, 1.0, 1.35), s.uniform(rng, 0.8, 2.0))


@kind("laughter", 0.5, 6)
def laughter(rng: Rng, n: int) -> Signal:
    """Bouts of falling ha-ha or hee-hee, giggled, hearty or by several people."""
    people = int(rng.integers(2, 4)) if s.chance(rng, 0.25) else 1
    return sum((_laugh(rng, n, i * 0.2) for i in range(people)), np.zeros(n))


def _laugh(rng: Rng, n: int, start: float) -> Signal:
    base, rate = s.log_uniform(rng, 110, 420), s.uniform(rng, 3.8, 6.5)
    voice: Knots = [(-1.0, 0.0)]
    air: Knots = [(-1.0, 0.0)]
    pitch: Knots = []
    t = start
    while t < n / s.SAMPLE_RATE_HZ or not pitch:
        count = int(rng.integers(3, 12))
        rise = s.uniform(rng, 1.1, 1.9)
        for i in range(count):
            length, loudness = s.uniform(rng, 0.85, 1.15) / rate, 1 - 0.7 * i / count
            air += [(t, 0.0), (t + 0.25 * length, 0.5 * loudness), (t + 0.5 * length, 0.1)]
            voice += [(t + 0.2 * length, 0.0), (t + 0.4 * length, loudness), (t + 0.9 * length, 0.0)]
            peak = base * (rise - (rise - 0.9) * i / count) * s.uniform(rng, 0.95, 1.08)
            pitch += [(t + 0.2 * length, peak), (t + 0.9 * length, 0.8 * peak)]
            t += length
        pause = s.uniform(rng, 0.25, 0.7)
        air += [(t, 0.0), (t + 0.5 * pause, s.uniform(rng, 0, 0.6)), (t + pause, 0.0)]
        t += pause
    vowel = ((780, 1300, 2600), (400, 2200, 2900), (500, 1000, 2500), (620, 1700, 2500))[int(rng.integers(4))]
    stretch = 1.0 + 0.25 * (base > 200)
    buzz = s.glottis(rng, _trace(n, pitch), breath=0.15, rough=s.uniform(rng, 0, 0.5), tilt_hz=1_500)
    source = buzz * _trace(n, voice) + 0.6 * s.noise(rng, n) * _trace(n, air)
    gains = (1.0, 0.6, 0.25)
    return s.throat(rng, source, [(hz * stretch, 130.0, gain) for hz, gain in zip(vowel, gains, strict=True)], 0.01)


@kind("baby crying", 1, 8)
def baby_crying(rng: Rng, n: int) -> Signal:
    """Wails of an infant with gasps between, from whimpering to raging."""
    base, rage = s.log_uniform(rng, 340, 560), rng.random()
    moments, t = [], s.uniform(rng, 0, 0.1)
    lengths = []
    while t < n / s.SAMPLE_RATE_HZ:
        lengths.append(s.log_uniform(rng, 0.35, 1.6))
        moments.append(t)
        t += lengths[-1] + s.log_uniform(rng, 0.2, 0.6)
    queue = iter(lengths)

    def wail() -> Signal:
        m = s.samples(next(queue))
        gasp = s.samples(0.16)
        top = base * s.uniform(rng, 1.05, 1.5)
        pitch = s.curve(m, 0.75 * base, top, top * s.uniform(rng, 0.85, 1.05), s.uniform(rng, 0.6, 0.95) * base)
        pitch = pitch * (1 + 0.025 * s.sine(m, s.uniform(rng, 5, 8)) + 0.05 * s.wander(rng, m, 9))
        y = s.glottis(rng, pitch, breath=0.08, rough=rage * s.uniform(rng, 0.1, 0.7), tilt_hz=3_000)
        f1 = s.curve(m // s.HOP + 2, 700, 1_150, 1_050, 800)
        y = s.throat(rng, y, [(f1, 220.0, 1.0), (2_000.0, 300.0, 0.4), (3_300.0, 450.0, 0.7), (5_200.0, 600.0, 0.2)])
        y = s.normalize_peak(y * s.arch(m, 0.4)) * s.uniform(rng, 0.6, 1)
        breath = s.bandpass(s.noise(rng, gasp), 900, 4_000, 1) * s.arch(gasp) * s.uniform(rng, 0, 0.1)
        return np.concatenate([y, breath])

    return s.place(n, moments, wail)


@kind("scream", 0.4, 4)
def scream(rng: Rng, n: int) -> Signal:
    """One long shriek or a hoarse yell, sometimes a few short ones."""
    woman = s.chance(rng, 0.6)
    base = s.log_uniform(rng, 600, 1_500) if woman else s.log_uniform(rng, 260, 600)
    rough = s.uniform(rng, 0.1, 1.0)

    def shout(m: int) -> Signal:
        pitch = base * s.curve(m, s.uniform(rng, 0.5, 0.9), 1.0, s.uniform(rng, 0.9, 1.15), s.uniform(rng, 0.55, 0.95))
        pitch = pitch * (1 + 0.05 * (s.wander(rng, m, 12) - 0.5) + 0.015 * s.sine(m, s.uniform(rng, 5, 9)))
        y = s.glottis(rng, pitch, breath=s.uniform(rng, 0.1, 0.5), rough=rough, tilt_hz=5_000)
        f1, f2 = s.uniform(rng, 900, 1_400), s.uniform(rng, 1_700, 2_500)
        y = s.throat(rng, y, [(f1, 250.0, 1.0), (f2, 350.0, 0.8), (3_400.0, 500.0, 0.6)], 0.02)
        envelope = s.hold(m, s.uniform(rng, 0.02, 0.15), 0.25 * m / s.SAMPLE_RATE_HZ)
        return np.asarray(np.tanh(s.uniform(rng, 1, 4) * s.normalize_peak(y)) * envelope)

    if n > s.SAMPLE_RATE_HZ and s.chance(rng, 0.25):
        moments = s.steady(rng, n, s.uniform(rng, 0.5, 1.2), 0.15)
        return s.place(n, moments, lambda: shout(s.samples(s.uniform(rng, 0.25, 0.5))))
    m = int(n * s.uniform(rng, 0.75, 1))
    return np.pad(shout(m), (0, n - m))


@kind("snoring", 1.5, 9)
def snoring(rng: Rng, n: int) -> Signal:
    """Rattling drawn breaths with softer breaths out."""
    flutter, period = s.log_uniform(rng, 22, 75), s.uniform(rng, 2.2, 4.2)
    dark, wheeze = s.log_uniform(rng, 250, 700), rng.random()

    def breath() -> Signal:
        m = s.samples(period * s.uniform(rng, 0.38, 0.5))
        rate = flutter * s.curve(m, 0.8, 1.0, 1.15) * (1 + 0.3 * (s.wander(rng, m, 15) - 0.5))
        flaps = np.maximum(0.5 + 0.5 * s.sine(m, rate), 0) ** s.uniform(rng, 3, 8)
        y = flaps * (s.noise(rng, m) + 1.5) * (0.4 + s.wander(rng, m, 8))
        y = s.highpass(y, 150)
        y = s.resonate(y, dark, 150) + 0.5 * s.resonate(y, dark * 3.1, 350) + 0.2 * s.resonate(y, 2_600, 700)
        y = s.normalize_rms(y) * s.curve(m, 0, 0.6, 1, 0.8, 0)
        k = s.samples(period * 0.35)
        out = s.bandpass(s.noise(rng, k), 400, 2_500, 1) * s.arch(k) * 0.3 * wheeze
        return np.concatenate([y, np.zeros(s.samples(0.15)), out])

    return s.place(n, s.steady(rng, n, period, 0.05), breath)


@kind("breathing", 1, 8)
def breathing(rng: Rng, n: int) -> Signal:
    """In and out, calm, panting or through a mask."""
    fast = s.chance(rng, 0.35)
    period = s.uniform(rng, 0.45, 1.1) if fast else s.uniform(rng, 1.8, 4.0)
    bright, mask = s.uniform(rng, 0.8, 1.6), s.chance(rng, 0.2)

    def half(seconds: float, center_hz: float, loudness: float) -> Signal:
        m = s.samples(seconds)
        x = s.noise(rng, m)
        y = s.resonate(x, center_hz, 500) + 0.7 * s.resonate(x, 2.4 * center_hz, 900) + 0.04 * s.highpass(x, 3_000, 1)
        if mask:
            y = y + 1.5 * s.resonate(y, 240, 60)
        return s.normalize_rms(y) * s.arch(m, s.uniform(rng, 0.9, 2)) * loudness

    def breath() -> Signal:
        part = period * s.uniform(rng, 0.36, 0.44)
        into = half(part, 1_250 * bright, s.uniform(rng, 0.5, 0.9))
        out = half(part * 1.1, 720 * bright, s.uniform(rng, 0.7, 1.0))
        return np.concatenate([into, np.zeros(s.samples(period * 0.05)), out])

    return s.place(n, s.steady(rng, n, period, 0.06), breath)


@kind("heartbeat", 1, 8)
def heartbeat(rng: Rng, n: int) -> Signal:
    """Lub-dub: two low thumps, heard through a chest or a stethoscope."""
    rate = s.log_uniform(rng, 0.75, 2.4)
    low, click = s.uniform(rng, 32, 70), s.uniform(rng, 0, 0.35)
    gap = s.uniform(rng, 0.24, 0.36) / rate

    def thump(hz: float, fall: float) -> Signal:
        m = s.samples(0.22)
        body = s.sine(m, hz * s.curve(m, 1.5, 0.9, 0.8)) * s.decay(m, 0.008, fall)
        return body + click * s.bandpass(s.noise(rng, m), 60, 260, 1) * s.decay(m, 0.004, 0.03)

    def beat() -> Signal:
        m = s.samples(gap + 0.23)
        second, start = s.uniform(rng, 0.5, 0.9) * thump(low * 1.25, 0.04), s.samples(gap)
        y = np.zeros(m)
        y[: s.samples(0.22)] += thump(low, s.uniform(rng, 0.045, 0.08))
        y[start : start + len(second)] += second
        return y

    y = s.place(n, s.steady(rng, n, 1 / rate, 0.02), beat)
    return np.tanh(s.uniform(rng, 0.5, 3) * y) if s.chance(rng, 0.4) else y


def _claps(rng: Rng, n: int, people: float) -> Signal:
    bank = []
    for _ in range(16):
        center = s.log_uniform(rng, 600, 2_400)
        m = s.samples(0.05)
        x = s.noise(rng, m) * s.decay(m, 0.0004, s.uniform(rng, 0.003, 0.009))
        bank.append(s.normalize_peak(s.bandpass(x, 0.6 * center, 2.6 * center, 1) + 0.6 * s.resonate(x, center, 300)))
    return s.sprinkle(rng, n, s.scattered(rng, n, people * s.uniform(rng, 3, 4.5)), bank, 0.6)


@kind("applause", 0.4, 9)
def applause(rng: Rng, n: int) -> Signal:
    """Clapping hands, from one pair to a full hall, loose or in time."""
    if s.chance(rng, 0.2):  # a few people, each in their own rhythm
        parts = []
        for _ in range(int(rng.integers(1, 5))):
            clap = s.normalize_peak(_claps(rng, s.samples(0.06), 300.0))[:2_000] * np.exp(-np.arange(2_000) / 350)
            period = s.uniform(rng, 0.2, 0.34)
            parts.append(s.place(n, s.steady(rng, n, period, 0.05), lambda clap=clap: clap * s.uniform(rng, 0.6, 1)))  # type: ignore[misc]
        return np.asarray(np.sum(parts, axis=0))
    people = s.log_uniform(rng, 4, 220)
    y = _claps(rng, n, people)
    if people > 60:
        y += s.uniform(rng, 0.2, 0.8) * np.std(y) * s.bandpass(s.noise(rng, n), 800, 4_500, 1)
    points = ((1, 1, 1), (0.3, 1, 1), (1, 0.9, 0.2), (0.1, 1, 0.9, 0.1))[int(rng.integers(4))]
    return y * s.curve(n, *points)


@kind("crowd cheering", 1, 9)
def crowd_cheering(rng: Rng, n: int) -> Signal:
    """Roaring of many voices that swells, with single yells, whistles and claps."""
    size = s.log_uniform(rng, 0.2, 1.0)
    white = s.noise(rng, n)
    roar = s.resonate(white, s.uniform(rng, 600, 900), 350) + 0.6 * s.resonate(white, s.uniform(rng, 1_100, 1_700), 500)
    roar = s.normalize_rms(roar + 0.04 * s.pink(rng, n)) * (0.7 + 0.3 * s.wander(rng, n, 5))
    base = s.log_uniform(rng, 0.8, 1.3)

    def yell() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.3, 1.0))
        pitch = base * s.log_uniform(rng, 220, 650) * s.curve(m, 0.75, 1.05, 1.0, s.uniform(rng, 0.6, 1.0))
        y = s.lowpass(s.saw(m, pitch * (1 + 0.03 * s.wander(rng, m, 10))), 2_000, 1)
        y = s.resonate(y, s.uniform(rng, 600, 1_000), 150) + 0.5 * s.resonate(y, s.uniform(rng, 1_200, 2_300), 200)
        return s.normalize_rms(y) * s.arch(m, 0.7) * s.log_uniform(rng, 0.2, 1.0)

    bank = [yell() for _ in range(7)]
    y = size * 1.5 * roar + s.sprinkle(rng, n, s.scattered(rng, n, s.log_uniform(rng, 8, 22)), bank, 0.5)
    if s.chance(rng, 0.4):
        m = s.samples(0.5)
        hz = s.uniform(rng, 1_800, 3_000)
        whistle = [s.sine(m, hz * s.curve(m, 0.7, 1.1, 1.3, 0.8)) * s.arch(m, 0.5) * 0.4]
        y += s.sprinkle(rng, n, s.scattered(rng, n, 0.6), whistle, 0.3)
    if s.chance(rng, 0.5):
        y += s.uniform(rng, 0.2, 0.8) * _claps(rng, n, 40.0)
    points = ((1, 1, 1), (0.15, 1, 0.8), (0.3, 1, 1, 0.3), (1, 0.8, 0.25))[int(rng.integers(4))]
    return y * s.curve(n, *points)
