"""Makers of the sounds of animals: dogs, cats, birds, insects, farm animals and big cats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _calls(rng: Rng, n: int, make: Callable[[], Signal], low_s: float, high_s: float, single: float = 0.4) -> Signal:
    """Call once, or again with pauses of `low_s` to `high_s` after each call."""
    y = np.zeros(n)
    start = 0 if s.chance(rng, 0.5) else int(min(0.1 * n, 7_000) * rng.random())
    once = s.chance(rng, single)
    while start < n - 400:
        call = s.normalize_peak(make())[: n - start] * s.uniform(rng, 0.6, 1)
        y[start : start + len(call)] += call
        start += len(call) + s.samples(s.log_uniform(rng, low_s, high_s))
        if once:
            break
    return y


def _mouth(m: int, *points: float) -> Signal:
    return s.curve(m // s.HOP + 2, *points)


@kind("dog bark", 0.25, 6)
def dog_bark(rng: Rng, n: int) -> Signal:
    """Barks of a yapping, middling or large dog, alone, in pairs or in series, sometimes out of a growl."""
    size = rng.random()  # 0 small, 1 large
    base = 750 * (180 / 750) ** size * s.log_uniform(rng, 0.85, 1.2)
    throat = (1.7 - 0.95 * size) * s.uniform(rng, 0.9, 1.1)
    rough = s.uniform(rng, 0.2, 0.9)

    def bark() -> Signal:
        m = s.samples((0.09 + 0.13 * size) * s.uniform(rng, 0.8, 1.5))
        pitch = base * s.curve(m, 0.7, 1.25, 1.1, s.uniform(rng, 0.5, 0.75))
        y = s.glottis(rng, pitch, breath=s.uniform(rng, 0.15, 0.5), rough=rough, tilt_hz=2_500)
        f1, f2 = _mouth(m, 450 * throat, 900 * throat, 600 * throat), _mouth(m, 1_100 * throat, 1_600 * throat, 1_100)
        y = s.formants(y, [(f1, 150.0, 1.0), (f2, 220.0, 0.7), (2_700 * throat, 400.0, 0.2)], 0.01)
        return s.normalize_peak(y * s.hold(m, 0.008, 0.06)) * s.uniform(rng, 0.7, 1)

    def growl() -> Signal:
        m = s.samples(s.uniform(rng, 0.3, 0.9))
        y = s.glottis(rng, s.curve(m, 60, 80, 75) * throat, breath=0.3, rough=1.0)
        y = s.formants(y, [(450 * throat, 150.0, 1.0), (1_300 * throat, 300.0, 0.4)])
        return s.normalize_peak(y) * s.arch(m, 0.5) * 0.5

    count = int(rng.choice([1, 1, 2, 2, 3]))
    gap = s.uniform(rng, 0.03, 0.15)

    def bout() -> Signal:
        parts = [growl()] if s.chance(rng, 0.12) and n > s.SAMPLE_RATE_HZ else []
        for _ in range(count):
            parts += [bark(), np.zeros(s.samples(gap * s.uniform(rng, 0.8, 1.3)))]
        return np.concatenate(parts)

    return _calls(rng, n, bout, 0.12, 0.9, 0.25)


@kind("wolf howl", 1.5, 9)
def wolf_howl(rng: Rng, n: int) -> Signal:
    """Long gliding howls, alone or in a pack."""

    def howl(m: int) -> Signal:
        top = s.log_uniform(rng, 330, 720)
        shape = s.curve(
            m, s.uniform(rng, 0.5, 0.7), 1, s.uniform(rng, 0.9, 1.05), s.uniform(rng, 0.85, 1), s.uniform(rng, 0.5, 0.8)
        )
        pitch = top * shape * (1 + 0.03 * (s.wander(rng, m, 4) - 0.5))
        y = s.harmonics(m, pitch, [1.0, s.uniform(rng, 0.15, 0.5), s.uniform(rng, 0.05, 0.2), 0.06, 0.02])
        y += 0.02 * s.bandpass(s.noise(rng, m), 400, 2_000, 1)
        return y * s.hold(m, s.uniform(rng, 0.1, 0.4), s.uniform(rng, 0.3, 0.8)) * (0.7 + 0.3 * s.wander(rng, m, 3))

    longest = min(n / s.SAMPLE_RATE_HZ, 5.0)
    y = np.zeros(n)
    for i in range(int(rng.choice([1, 1, 1, 2, 4]))):
        m = s.samples(longest * s.uniform(rng, 0.6, 1))
        start = int(rng.random() * (n - m) * (i > 0 or s.chance(rng, 0.4)))
        call = howl(m)[: n - start]
        y[start : start + len(call)] += call * s.uniform(rng, 0.3, 1)
    return y


@kind("cat meow", 0.4, 4)
def cat_meow(rng: Rng, n: int) -> Signal:
    """Meow of a cat or kitten, a trill, or an angry yowl."""
    base, yowl = s.log_uniform(rng, 350, 950), s.chance(rng, 0.2)

    def meow() -> Signal:
        m = s.samples(s.log_uniform(rng, 0.9, 2.0) if yowl else s.log_uniform(rng, 0.3, 1.0))
        pitch = base * s.curve(m, s.uniform(rng, 0.7, 0.9), 1.1, s.uniform(rng, 0.95, 1.2), s.uniform(rng, 0.65, 0.9))
        pitch = pitch * (1 + 0.02 * s.sine(m, s.uniform(rng, 5, 25)))
        y = s.glottis(rng, pitch, breath=0.05, rough=s.uniform(rng, 0.4, 0.9) if yowl else 0.0, tilt_hz=2_500)
        open_hz = s.uniform(rng, 1_300, 1_900)
        f1 = _mouth(m, 550, 900, open_hz, 1_200, 650)
        f2 = _mouth(m, 2_700, 2_500, 2_100, 1_700, 1_200)
        return s.formants(y, [(f1, 200.0, 1.0), (f2, 300.0, 0.6), (4_200.0, 600.0, 0.15)]) * s.arch(m, 0.6)

    return _calls(rng, n, meow, 0.2, 1.2, 0.5)


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


@kind("bird chirp", 0.3, 8)
def bird_chirp(rng: Rng, n: int) -> Signal:
    """Songs of one to three birds of several species."""
    y = np.zeros(n)
    for i in range(int(rng.choice([1, 1, 2, 3]))):
        pause = s.log_uniform(rng, 0.08, 0.8)
        y += _calls(rng, n, _song(rng), pause, 2 * pause, 0.15) * (1.0 if i == 0 else s.uniform(rng, 0.15, 0.7))
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
        f1 = _mouth(m, 1_100, 1_500, 1_400, 1_100)
        return s.formants(y, [(f1, 280.0, 1.0), (2_300.0, 450.0, 0.6), (4_000.0, 900.0, 0.2)]) * s.hold(m, 0.02, 0.08)

    return _calls(rng, n, caw, 0.1, 0.7, 0.3)


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

    return _calls(rng, n, phrase, 0.4, 1.8, 0.4)


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

    def crow() -> Signal:
        parts = []
        for seconds, low, high in notes:
            m = s.samples(seconds * s.uniform(rng, 0.9, 1.1))
            y = s.glottis(
                rng, base * s.curve(m, low, (low + high) / 2 * 1.05, high), breath=0.1, rough=rough, tilt_hz=4_000
            )
            y = s.formants(
                y, [(_mouth(m, 900, 1_500, 1_200), 300.0, 1.0), (2_600.0, 450.0, 0.6), (4_100.0, 700.0, 0.2)]
            )
            parts += [s.normalize_rms(y) * s.arch(m, 0.4), np.zeros(s.samples(0.04))]
        return np.concatenate(parts)

    return _calls(rng, n, crow, 0.5, 1.5, 0.6)


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
                    (_mouth(m, 900, 1_350, 1_100), 150.0, 1.0),
                    (2_300.0, 250.0, 0.8),
                    (3_400.0, 400.0, 0.3),
                ]
                parts += [
                    s.normalize_peak(s.formants(y, tracks)) * s.hold(m, 0.012, 0.05) * (1 - 0.1 * i),
                    np.zeros(m // 2),
                ]
            return np.concatenate(parts)

        return quacks

    y = _calls(rng, n, duck(), 0.1, 0.7, 0.3)
    return y + 0.6 * _calls(rng, n, duck(), 0.2, 0.9, 0.2) if s.chance(rng, 0.25) else y


@kind("crickets", 1.5, 9)
def crickets(rng: Rng, n: int) -> Signal:
    """High chirps of single crickets in pulses, a chorus, or one long trill."""
    y = np.zeros(n)
    count, t = int(rng.choice([1, 1, 2, 3])), s.times(n)
    for i in range(count):
        hz, rate, chirps = s.log_uniform(rng, 3_200, 6_500), s.uniform(rng, 22, 60), s.log_uniform(rng, 0.8, 4)
        pulses = np.maximum(np.sin(2 * np.pi * (rate * t + rng.random())), 0)
        if s.chance(rng, 0.75):
            place = (chirps * t + rng.random()) % 1
            pulses = (
                pulses * np.clip(np.sin(np.pi * place / s.uniform(rng, 0.3, 0.7)), 0, 1) * (place < 0.3 + 0.4 * (i % 2))
            )
        tone = np.sin(2 * np.pi * (hz * t + rng.random()))
        y += tone * pulses * (1.0 if i == 0 else s.log_uniform(rng, 0.1, 0.8))
    if s.chance(rng, 0.5):
        low = s.uniform(rng, 3_000, 5_000)
        y += (
            s.uniform(rng, 0.05, 0.3)
            * s.bandpass(s.noise(rng, n), low, 1.5 * low)
            * (0.6 + 0.4 * s.sine(n, s.uniform(rng, 15, 40)))
        )
    return y


@kind("bee buzz", 0.8, 8)
def bee_buzz(rng: Rng, n: int) -> Signal:
    """Buzzing wings of a bee, a fly or a whole swarm, near or flying past."""
    swarm = s.chance(rng, 0.25)
    y = np.zeros(n)
    for _ in range(5 if swarm else 1):
        base = s.log_uniform(rng, 130, 290)
        pitch = base * (1 + 0.22 * (s.wander(rng, n, s.uniform(rng, 1, 4)) - 0.5) + 0.03 * s.wander(rng, n, 25))
        wings = s.saw(n, pitch, rng.random())
        y += wings * np.abs(wings) * (0.15 + 0.85 * s.wander(rng, n, s.uniform(rng, 0.5, 2.5)) ** 1.5)
    y = s.lowpass(y, s.log_uniform(rng, 1_200, 5_000), 2)
    y += 0.7 * s.resonate(y, s.uniform(rng, 350, 900), 200)
    return y * s.arch(n, 1.5) if s.chance(rng, 0.35) else y


@kind("frog croak", 0.3, 6)
def frog_croak(rng: Rng, n: int) -> Signal:
    """Croaks as trains of pulses: ribbits, deep bullfrogs, peeping tree frogs, or a pond of them."""

    def frog() -> Callable[[], Signal]:
        way = int(rng.integers(4))
        hz, rate = s.log_uniform(rng, 500, 1_400), s.uniform(rng, 28, 75)
        length, deep = s.uniform(rng, 0.12, 0.5), s.uniform(rng, 85, 150)

        def croak() -> Signal:
            if way == 2:  # bullfrog
                m = s.samples(s.uniform(rng, 0.4, 0.9))
                y = s.glottis(rng, deep * s.curve(m, 0.85, 1, 0.95), breath=0.02, rough=0.5)
                return s.formants(y, [(220.0, 80.0, 1.0), (620.0, 130.0, 0.5), (1_400.0, 300.0, 0.1)]) * s.arch(m, 0.8)
            if way == 3:  # peeper
                m = s.samples(s.uniform(rng, 0.08, 0.2))
                return s.sine(m, 2.4 * hz * s.curve(m, 0.85, 1.0, 1.1)) * s.arch(m, 0.6)
            parts = [1.0] if way == 0 else [0.4, 0.6]  # one croak or rib-bit
            calls = []
            for i, part in enumerate(parts):
                m = s.samples(length * part)
                pulses = s.phase(m, rate * s.curve(m, 0.85, 1.15)) % 1
                tone = hz * (1 + 0.25 * i) * s.curve(m, 0.9, 1.1)
                y = (s.sine(m, tone) + 0.5 * s.sine(m, 2 * tone) + 0.2 * s.noise(rng, m)) * np.exp(-6 * pulses)
                calls += [y * s.arch(m, 0.5), np.zeros(s.samples(0.035))]
            return np.concatenate(calls)

        return croak

    y = np.zeros(n)
    for i in range(int(rng.choice([1, 1, 2, 4]))):
        y += _calls(rng, n, frog(), 0.15, 1.0, 0.2 if i == 0 else 0.0) * (1.0 if i == 0 else s.uniform(rng, 0.15, 0.7))
    return y


@kind("cow moo", 0.8, 5)
def cow_moo(rng: Rng, n: int) -> Signal:
    """Low moos that open from a hum; calves are higher."""
    base = s.log_uniform(rng, 85, 150) if s.chance(rng, 0.75) else s.log_uniform(rng, 170, 300)
    stretch = (base / 110) ** 0.4

    def moo() -> Signal:
        m = s.samples(s.uniform(rng, 0.9, 2.4))
        pitch = base * s.curve(m, 0.8, 1.0, 1.15, s.uniform(rng, 1.0, 1.4), s.uniform(rng, 0.7, 0.9))
        y = s.glottis(rng, pitch, breath=0.08, rough=s.uniform(rng, 0, 0.5), tilt_hz=1_000)
        f1, f2 = _mouth(m, 230, 280, 480, 560, 400), _mouth(m, 600, 700, 950, 1_150, 900)
        tracks: list[tuple[s.Frequency, float, s.Frequency]] = [
            (f1 * stretch, 90.0, 1.0),
            (f2 * stretch, 140.0, 0.45),
            (2_300 * stretch, 350.0, 0.08),
        ]
        return s.formants(y, tracks) * s.hold(m, 0.2, 0.3)

    return _calls(rng, n, moo, 0.4, 1.5, 0.6)


@kind("sheep bleat", 0.5, 4)
def sheep_bleat(rng: Rng, n: int) -> Signal:
    """Baa with a quavering voice, of ewes, lambs and goats."""
    base, quaver = s.log_uniform(rng, 150, 480), s.uniform(rng, 7, 15)
    depth = s.uniform(rng, 0.3, 0.9)

    def baa() -> Signal:
        m = s.samples(s.uniform(rng, 0.45, 1.3))
        shake = s.sine(m, quaver * s.curve(m, 0.9, 1.1))
        pitch = base * s.curve(m, 0.9, 1.08, 1.0, 0.88) * (1 + 0.06 * depth * shake)
        y = s.glottis(rng, pitch, breath=0.12, rough=0.15, tilt_hz=2_500) * (1 - depth * 0.5 * (1 - shake))
        f1 = _mouth(m, 450, 850, 800, 700)
        y = s.formants(y, [(f1, 140.0, 1.0), (1_750.0, 200.0, 0.8), (2_900.0, 350.0, 0.35)])
        return y * s.hold(m, 0.04, 0.15)

    return _calls(rng, n, baa, 0.25, 1.2, 0.5)


@kind("horse neigh", 0.7, 4)
def horse_neigh(rng: Rng, n: int) -> Signal:
    """Whinnies that fall while they shake, sometimes with a snort."""
    base = s.log_uniform(rng, 550, 1_250)

    def snort() -> Signal:
        m = s.samples(s.uniform(rng, 0.25, 0.6))
        flutter = 0.5 + 0.5 * s.sine(m, s.uniform(rng, 22, 38))
        return s.bandpass(s.noise(rng, m), 250, 2_600, 1) * flutter * s.decay(m, 0.02, 0.2)

    def neigh() -> Signal:
        m = s.samples(s.uniform(rng, 0.9, 2.0))
        shake = s.sine(m, s.uniform(rng, 8, 14)) * s.curve(m, 0.1, 0.5, 1, 1)
        pitch = base * s.curve(m, 0.6, 1.15, 1.1, 0.85, 0.5, 0.35) * (1 + 0.09 * shake)
        y = s.glottis(rng, pitch, breath=0.15, rough=s.uniform(rng, 0.1, 0.5), tilt_hz=4_000)
        y = y * (0.65 + 0.35 * shake)
        y = s.formants(y, [(_mouth(m, 900, 1_400, 800), 300.0, 1.0), (2_200.0, 400.0, 0.5), (3_600.0, 600.0, 0.25)])
        y = s.normalize_peak(y * s.hold(m, 0.05, 0.35))
        return np.concatenate([y, 0.4 * s.normalize_peak(snort())]) if s.chance(rng, 0.3) else y

    if s.chance(rng, 0.08):
        return _calls(rng, n, snort, 0.3, 0.9, 0.4)
    return _calls(rng, n, neigh, 0.4, 1.2, 0.6)


@kind("lion roar", 0.8, 6)
def lion_roar(rng: Rng, n: int) -> Signal:
    """Deep rough roars, or a row of grunting ones that fade."""
    base, throat, growl = s.log_uniform(rng, 45, 120), s.uniform(rng, 0.8, 1.25), s.uniform(rng, 18, 34)

    def roar(seconds: float) -> Signal:
        m = s.samples(seconds)
        pitch = base * s.curve(m, 0.8, 1.35, 1.2, 0.75) * (1 + 0.2 * s.wander(rng, m, 20))
        y = s.glottis(rng, pitch, breath=s.uniform(rng, 0.4, 0.9), rough=1.0, tilt_hz=1_800)
        y = y * (0.55 + 0.45 * s.sine(m, growl * (0.8 + 0.4 * s.wander(rng, m, 3))))
        f1 = _mouth(m, 250 * throat, 520 * throat, 480 * throat, 280 * throat)
        y = s.formants(y, [(f1, 170.0, 1.0), (1_050 * throat, 280.0, 0.4), (2_200.0, 600.0, 0.12)], 0.008)
        return np.tanh(2 * s.normalize_peak(y)) * s.arch(m, 0.7)

    def series() -> Signal:
        parts, loudness = [roar(s.uniform(rng, 1.0, 2.4))], 0.8
        for _ in range(int(rng.integers(0, 5))):
            parts += [np.zeros(s.samples(s.uniform(rng, 0.1, 0.3))), loudness * roar(s.uniform(rng, 0.3, 0.6))]
            loudness *= 0.8
        return np.concatenate(parts)

    return _calls(rng, n, series, 0.4, 1.2, 0.6)
