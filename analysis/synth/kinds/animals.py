"""Makers of the sounds of mammals: dogs, cats, farm animals and big cats."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.calls import calls, mouth
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


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
        f1, f2 = mouth(m, 450 * throat, 900 * throat, 600 * throat), mouth(m, 1_100 * throat, 1_600 * throat, 1_100)
        y = s.throat(rng, y, [(f1, 150.0, 1.0), (f2, 220.0, 0.7), (2_700 * throat, 400.0, 0.2)], 0.01)
        return s.normalize_peak(y * s.hold(m, 0.008, 0.06)) * s.uniform(rng, 0.7, 1)

    def growl() -> Signal:
        m = s.samples(s.uniform(rng, 0.3, 0.9))
        y = s.glottis(rng, s.curve(m, 60, 80, 75) * throat, breath=0.3, rough=1.0)
        y = s.throat(rng, y, [(450 * throat, 150.0, 1.0), (1_300 * throat, 300.0, 0.4)])
        return s.normalize_peak(y) * s.arch(m, 0.5) * 0.5

    count = int(rng.choice([1, 1, 2, 2, 3]))
    gap = s.uniform(rng, 0.03, 0.15)

    def bout() -> Signal:
        parts = [growl()] if s.chance(rng, 0.12) and n > s.SAMPLE_RATE_HZ else []
        for _ in range(count):
            parts += [bark(), np.zeros(s.samples(gap * s.uniform(rng, 0.8, 1.3)))]
        return np.concatenate(parts)

    return calls(rng, n, bout, 0.12, 0.9, 0.25)


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
        f1 = mouth(m, 550, 900, open_hz, 1_200, 650)
        f2 = mouth(m, 2_700, 2_500, 2_100, 1_700, 1_200)
        return s.throat(rng, y, [(f1, 200.0, 1.0), (f2, 300.0, 0.6), (4_200.0, 600.0, 0.15)]) * s.arch(m, 0.6)

    return calls(rng, n, meow, 0.2, 1.2, 0.5)


@kind("cow moo", 0.8, 5)
def cow_moo(rng: Rng, n: int) -> Signal:
    """Low moos that open from a hum; calves are higher."""
    base = s.log_uniform(rng, 85, 150) if s.chance(rng, 0.75) else s.log_uniform(rng, 170, 300)
    stretch = (base / 110) ** 0.4

    def moo() -> Signal:
        m = s.samples(s.uniform(rng, 0.9, 2.4))
        pitch = base * s.curve(m, 0.8, 1.0, 1.15, s.uniform(rng, 1.0, 1.4), s.uniform(rng, 0.7, 0.9))
        y = s.glottis(rng, pitch, breath=0.15, rough=s.uniform(rng, 0, 0.7), tilt_hz=2_000)
        f1, f2 = mouth(m, 230, 280, 480, 560, 400), mouth(m, 600, 700, 950, 1_150, 900)
        tracks: list[tuple[s.Frequency, float, s.Frequency]] = [
            (f1 * stretch, 90.0, 1.0),
            (f2 * stretch, 140.0, 0.45),
            (s.uniform(rng, 1_500, 2_400) * stretch, 350.0, s.log_uniform(rng, 0.08, 0.6)),
            (s.uniform(rng, 2_600, 4_000), 700.0, s.log_uniform(rng, 0.04, 0.4)),
        ]
        return s.throat(rng, y, tracks) * s.hold(m, 0.2, 0.3)

    return calls(rng, n, moo, 0.4, 1.5, 0.6)


@kind("sheep bleat", 0.5, 4)
def sheep_bleat(rng: Rng, n: int) -> Signal:
    """Baa with a quavering voice, of ewes, lambs and goats."""
    base, quaver = s.log_uniform(rng, 150, 480), s.uniform(rng, 7, 15)
    depth, rough = s.uniform(rng, 0.05, 0.8), s.uniform(rng, 0.05, 0.7)

    def baa() -> Signal:
        m = s.samples(s.uniform(rng, 0.45, 1.3))
        shake = s.sine(m, quaver * s.curve(m, 0.9, 1.1))
        pitch = base * s.curve(m, 0.9, 1.08, 1.0, 0.88) * (1 + 0.06 * depth * shake)
        y = s.glottis(rng, pitch, breath=0.3, rough=rough, tilt_hz=4_000) * (1 - depth * 0.5 * (1 - shake))
        f1 = mouth(m, 450, 850, 800, 700)
        y = s.throat(rng, y, [(f1, 140.0, 1.0), (1_750.0, 250.0, 0.8), (2_900.0, 450.0, 0.6), (4_300.0, 700.0, 0.35)])
        return y * s.hold(m, 0.04, 0.15)

    return calls(rng, n, baa, 0.25, 1.2, 0.5)


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
        y = s.throat(rng, y, [(mouth(m, 900, 1_400, 800), 300.0, 1.0), (2_200.0, 400.0, 0.5), (3_600.0, 600.0, 0.25)])
        y = s.normalize_peak(y * s.hold(m, 0.05, 0.35))
        return np.concatenate([y, 0.4 * s.normalize_peak(snort())]) if s.chance(rng, 0.3) else y

    if s.chance(rng, 0.08):
        return calls(rng, n, snort, 0.3, 0.9, 0.4)
    return calls(rng, n, neigh, 0.4, 1.2, 0.6)


@kind("lion roar", 0.8, 6)
def lion_roar(rng: Rng, n: int) -> Signal:
    """Deep rough roars, or a row of grunting ones that fade."""
    base, throat, growl = s.log_uniform(rng, 45, 120), s.uniform(rng, 0.8, 1.25), s.uniform(rng, 18, 34)

    def roar(seconds: float) -> Signal:
        m = s.samples(seconds)
        pitch = base * s.curve(m, 0.8, 1.35, 1.2, 0.75) * (1 + 0.2 * s.wander(rng, m, 20))
        y = s.glottis(rng, pitch, breath=s.uniform(rng, 0.4, 0.9), rough=1.0, tilt_hz=1_800)
        y = y * (0.55 + 0.45 * s.sine(m, growl * (0.8 + 0.4 * s.wander(rng, m, 3))))
        f1 = mouth(m, 250 * throat, 520 * throat, 480 * throat, 280 * throat)
        y = s.throat(rng, y, [(f1, 170.0, 1.0), (1_050 * throat, 280.0, 0.4), (2_200.0, 600.0, 0.12)], 0.008)
        return np.tanh(2 * s.normalize_peak(y)) * s.arch(m, 0.7)

    def series() -> Signal:
        parts, loudness = [roar(s.uniform(rng, 1.0, 2.4))], 0.8
        for _ in range(int(rng.integers(0, 5))):
            parts += [np.zeros(s.samples(s.uniform(rng, 0.1, 0.3))), loudness * roar(s.uniform(rng, 0.3, 0.6))]
            loudness *= 0.8
        return np.concatenate(parts)

    return calls(rng, n, series, 0.4, 1.2, 0.6)
