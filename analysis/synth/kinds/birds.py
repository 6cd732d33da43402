"""Makers of the sounds of birds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.synth import signals as s
from analysis.synth.calls import calls, mouth
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _song(rng: Rng) -> Callable[[], Signal]:
    """Pick a species: each has its own note and way to repeat it."""
    species, hz = int(rng.integers(6)), s.log_uniform(rng, 2_200, 6_500)
    width, length, count = s.uniform(rng, 0.1, 0.5), s.log_uniform(rng, 0.03, 0.12), int(rng.integers(3, 14))
    second, rate = s.uniform(rng, 0.7, 1.3), s.uniform(rng, 18, 45)
    melody = [
        (hz * s.uniform(rng, 0.75, 1.3), s.log_uniform(rng, 0.06, 0.3), s.uniform(rng, -0.3, 0.3)) for _ in range(4)
    ]

    def note(m: int, pitch: Signal) -> Signal:
        return np.asarray((s.sine(m, pitch) + 0.08 * s.sine(m, 2 * np.minimum(pitch, 11_000))) * s.arch(m, 0.7))

    def sweep(start_hz: float, end_hz: float, seconds: float) -> Signal:
        m = s.samples(seconds)
        return note(m, s.curve(m, start_hz, (start_hz + end_hz) / 2, end_hz))

    def call() -> Signal:
        gap = np.zeros(s.samples(length * 0.5))
        if species == 0:  # sparrow: single chirps, up and down
            m = s.samples(length)
            return note(m, hz * s.curve(m, 1 - width / 2, 1 + width, 1 - width))
        if species == 1:  # wren: a fast series of falling notes
            return np.concatenate([part for _ in range(count) for part in (sweep(hz * (1 + width), hz, length), gap)])
        if species == 2:  # great tit: two notes in turn
            pair = (sweep(hz, hz, 0.13), gap, sweep(hz * second, hz * second, 0.11), gap)
            return np.concatenate([part for _ in range(2 + count // 4) for part in pair])
        if species == 3:  # canary: a trill
            m = s.samples(s.uniform(rng, 0.3, 1.2))
            swing = s.sine(m, rate)
            return note(m, hz * (1 + 0.5 * width * swing)) * (0.6 + 0.4 * swing)
        if species == 4:  # robin: a wandering whistled melody
            order = rng.permutation(4)[: int(rng.integers(2, 5))]
            notes = [melody[i] for i in order]
            return np.concatenate([part for f, d, glide in notes for part in (sweep(f, f * (1 + glide), d), gap)])
        m = s.samples(s.uniform(rng, 0.3, 0.8))  # starling: a warble
        return note(m, hz * (1 + 1.2 * width * (s.wander(rng, m, rate) - 0.5)))

    return call


def _chorus(rng: Rng, n: int) -> Signal:
    """Birds near and far that warble without an order, over the air of a wood or a garden."""
    y = np.zeros(n)
    for _ in range(int(rng.integers(1, 6))):
        low, high = s.log_uniform(rng, 1_500, 4_000), s.log_uniform(rng, 3_500, 9_000)
        pitch = low + max(high - low, 300.0) * s.wander(rng, n, s.log_uniform(rng, 3, 40))
        notes = np.clip(3 * (s.wander(rng, n, s.log_uniform(rng, 4, 18)) - s.uniform(rng, 0.3, 0.6)), 0, 1)
        phrases = np.clip(5 * (s.wander(rng, n, s.log_uniform(rng, 0.4, 1.5)) - s.uniform(rng, 0.2, 0.6)), 0, 1)
        y += s.log_uniform(rng, 0.1, 1) * (s.sine(n, pitch) + 0.1 * s.sine(n, 2 * pitch)) * notes * phrases
    y += 0.5 * calls(rng, n, _song(rng), 0.1, 1.0, 0.0)
    air = s.highpass(s.pink(rng, n), s.log_uniform(rng, 60, 600), 1) * (0.7 + 0.3 * s.wander(rng, n, 0.7))
    return y + s.log_uniform(rng, 0.002, 0.12) * air


@kind("bird chirp", 0.3, 8)
def bird_chirp(rng: Rng, n: int) -> Signal:
    """Songs of one to three birds of several species, or many at once in the open."""
    if s.chance(rng, 0.4):
        return _chorus(rng, n)
    y = np.zeros(n)
    for i in range(int(rng.choice([1, 1, 2, 3]))):
        pause = s.log_uniform(rng, 0.08, 0.8)
        y += calls(rng, n, _song(rng), pause, 2 * pause, 0.15) * (1.0 if i == 0 else s.uniform(rng, 0.15, 0.7))
    return y


@kind("crow call", 0.4, 5)
def crow_call(rng: Rng, n: int) -> Signal:
    """Hoarse caws."""
    base, length = s.uniform(rng, 280, 560), s.log_uniform(rng, 0.18, 0.5)
    rough = s.uniform(rng, 0.6, 1.0)

    def caw() -> Signal:
        m = s.samples(length * s.uniform(rng, 0.85, 1.15))
        pitch = base * s.curve(m, 0.85, 1.1, 1.05, 0.8)
        y = s.glottis(rng, pitch, breath=0.5, rough=rough, tilt_hz=5_000) * (0.5 + 0.5 * np.abs(s.sine(m, 37)))
        f1 = mouth(m, 1_100, 1_500, 1_400, 1_100)
        return s.throat(rng, y, [(f1, 280.0, 1.0), (2_300.0, 450.0, 0.6), (4_000.0, 900.0, 0.2)]) * s.hold(
            m, 0.02, 0.08
        )

    return calls(rng, n, caw, 0.1, 0.7, 0.3)


@kind("owl hoot", 0.6, 6)
def owl_hoot(rng: Rng, n: int) -> Signal:
    """Soft low hoots in the rhythm of a species, or the quavering call of a tawny owl."""
    hz = s.log_uniform(rng, 250, 750)
    rhythm = ((0.4,), (0.15, 0.15, 0.5), (0.5, 0.2, 0.2, 0.6), (0.25, 0.25), (0.2, 0.12, 0.3, 0.3, 0.4))[
        int(rng.integers(5))
    ]
    quaver = s.chance(rng, 0.3)

    def hoot(seconds: float) -> Signal:
        m = s.samples(seconds)
        pitch = hz * s.curve(m, 0.93, 1.03, 1.0, 0.92)
        y = s.harmonics(m, pitch, [1.0, 0.12, 0.06]) + 0.03 * s.bandpass(s.noise(rng, m), 300, 1_500, 1)
        if quaver and seconds > 0.35:
            y = y * (0.5 + 0.5 * s.sine(m, s.uniform(rng, 12, 18)))
        return y * s.arch(m, 0.7)

    def phrase() -> Signal:
        pace = s.uniform(rng, 0.9, 1.2)
        return np.concatenate([part for d in rhythm for part in (hoot(d * pace), np.zeros(s.samples(0.12 * pace)))])

    return calls(rng, n, phrase, 0.4, 1.8, 0.4)


@kind("rooster crow", 1, 4)
def rooster_crow(rng: Rng, n: int) -> Signal:
    """Cock-a-doodle-doo."""
    base, rough = s.log_uniform(rng, 420, 850), s.uniform(rng, 0.1, 0.6)
    notes = (
        (0.15, 0.8, 1.0),
        (0.12, 1.0, 1.15),
        (0.25, 1.1, 1.35),
        (s.uniform(rng, 0.5, 1.3), 1.4, s.uniform(rng, 0.6, 0.95)),
    )

    flat = s.chance(rng, 0.5)  # most cocks hold their notes, with gaps between

    def crow() -> Signal:
        parts = []
        for seconds, low, high in notes:
            if flat:
                low, high = (1.0, 1.0) if seconds < 0.3 else (1.05, s.uniform(rng, 0.8, 1.0))
            m = s.samples(seconds * s.uniform(rng, 0.9, 1.1))
            y = s.glottis(
                rng, base * s.curve(m, low, (low + high) / 2 * 1.05, high), breath=0.1, rough=rough, tilt_hz=4_000
            )
            y = s.throat(
                rng, y, [(mouth(m, 900, 1_500, 1_200), 300.0, 1.0), (2_600.0, 450.0, 0.6), (4_100.0, 700.0, 0.2)]
            )
            parts += [s.normalize_rms(y) * s.arch(m, 0.4), np.zeros(s.samples(0.04))]
        return np.concatenate(parts)

    return calls(rng, n, crow, 0.5, 1.5, 0.6)


@kind("duck quack", 0.25, 4)
def duck_quack(rng: Rng, n: int) -> Signal:
    """Nasal quacks, one or a falling series, sometimes from two ducks."""

    def duck() -> Callable[[], Signal]:
        base, length, count = s.uniform(rng, 150, 290), s.log_uniform(rng, 0.1, 0.22), int(rng.integers(1, 7))

        def quacks() -> Signal:
            parts = []
            for i in range(count):
                m = s.samples(length * (1 - 0.06 * i))
                y = s.glottis(rng, base * s.curve(m, 1.1, 1.05, 0.85), breath=0.15, rough=0.3, tilt_hz=4_000)
                tracks: list[tuple[s.Frequency, float, s.Frequency]] = [
                    (mouth(m, 900, 1_350, 1_100), 150.0, 1.0),
                    (2_300.0, 250.0, 0.8),
                    (3_400.0, 400.0, 0.3),
                ]
                parts += [
                    s.normalize_peak(s.throat(rng, y, tracks)) * s.hold(m, 0.012, 0.05) * (1 - 0.1 * i),
                    np.zeros(m // 2),
                ]
            return np.concatenate(parts)

        return quacks

    y = calls(rng, n, duck(), 0.1, 0.7, 0.3)
    return y + 0.6 * calls(rng, n, duck(), 0.2, 0.9, 0.2) if s.chance(rng, 0.25) else y


@kind("chicken cluck", 0.3, 7)
def chicken_cluck(rng: Rng, n: int) -> Signal:
    """Short clucks in loose rows that end, now and then, in a long squawk."""
    base, rough = s.log_uniform(rng, 320, 900), s.uniform(rng, 0.1, 0.7)

    def sound(seconds: float, *bend: float) -> Signal:
        m = s.samples(seconds)
        y = s.glottis(rng, base * s.curve(m, *bend), breath=0.3, rough=rough, tilt_hz=3_000)
        y = s.throat(rng, y, [(mouth(m, 900, 1_400, 1_100), 300.0, 1.0), (2_500.0, 400.0, 0.6)], 0.01)
        return s.normalize_peak(y * s.hold(m, 0.008, 0.03))

    def row() -> Signal:
        parts = []
        for _ in range(int(rng.integers(1, 7))):
            parts += [s.uniform(rng, 0.4, 0.9) * sound(s.log_uniform(rng, 0.04, 0.13), 1.1, 1.0, 0.8)]
            parts += [np.zeros(s.samples(s.log_uniform(rng, 0.06, 0.35)))]
        if s.chance(rng, 0.35):
            parts.append(sound(s.uniform(rng, 0.25, 0.8), 1.0, 1.5, 1.7, 1.3))
        return np.concatenate(parts)

    y = calls(rng, n, row, 0.1, 0.8, 0.25)
    return y + s.uniform(rng, 0.2, 0.7) * calls(rng, n, row, 0.2, 1.0, 0.2) if s.chance(rng, 0.35) else y


@kind("seagull", 0.4, 7)
def seagull(rng: Rng, n: int) -> Signal:
    """Shrill falling mews, alone, in rows that hurry, or from a flock, often over surf."""
    base, length = s.log_uniform(rng, 700, 1_900), s.log_uniform(rng, 0.15, 0.6)

    def cry(pitch_ratio: float, seconds: float) -> Signal:
        m = s.samples(seconds)
        pitch = base * pitch_ratio * s.curve(m, 0.7, 1.15, 1.05, 0.75) * (1 + 0.02 * s.wander(rng, m, 30))
        y = s.glottis(rng, pitch, breath=0.15, rough=s.uniform(rng, 0.1, 0.6), tilt_hz=5_000)
        y = s.throat(rng, y, [(mouth(m, 1_500, 2_200, 1_700), 400.0, 1.0), (3_600.0, 600.0, 0.6)], 0.01)
        return s.normalize_peak(y * s.hold(m, 0.02, 0.06))

    def bout() -> Signal:
        parts = []
        for i in range(int(rng.choice([1, 1, 2, 4, 6]))):
            seconds = length * (0.92**i) * s.uniform(rng, 0.85, 1.15)
            parts += [cry(s.uniform(rng, 0.9, 1.1), seconds), np.zeros(s.samples(s.log_uniform(rng, 0.03, 0.2)))]
        return np.concatenate(parts)

    y = calls(rng, n, bout, 0.2, 1.2, 0.3)
    if s.chance(rng, 0.4):
        y += s.uniform(rng, 0.2, 0.8) * calls(rng, n, bout, 0.2, 1.0, 0.1)
    if s.chance(rng, 0.4):
        surf = s.bandpass(s.noise(rng, n), 200, 6_000, 1) * (0.3 + s.wander(rng, n, 0.4))
        y += s.log_uniform(rng, 0.02, 0.2) * surf
    return y
