"""Steps, hooves, doors, chains, zippers and things that fly past."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _crunch(rng: Rng, length_s: float, grains: int, low_hz: float, high_hz: float, grain_s: float) -> Signal:
    m = s.samples(length_s)
    bank = [s.grain(rng, grain_s * 4, grain_s, low_hz, high_hz) for _ in range(4)]
    moments = np.sort(np.clip(length_s * (0.35 + 0.22 * rng.standard_normal(grains)), 0, length_s - 0.01))
    return s.sprinkle(rng, m, moments, bank, 0.7)


def _walk(rng: Rng, n: int) -> Signal:
    return s.steady(rng, n, s.log_uniform(rng, 0.28, 0.75), s.uniform(rng, 0.02, 0.1))


@kind("footsteps on gravel", 0.3, 8)
def footsteps_on_gravel(rng: Rng, n: int) -> Signal:
    """Crunching bursts of many small stones, two to four a second."""
    low, grains = s.uniform(rng, 800, 2_000), int(rng.integers(25, 90))

    def step() -> Signal:
        heel = _crunch(rng, s.uniform(rng, 0.15, 0.28), grains, low, 11_000, s.uniform(rng, 0.0006, 0.002))
        thump = s.lowpass(s.noise(rng, len(heel)), 160) * s.decay(len(heel), 0.005, 0.04)
        return s.uniform(rng, 0.6, 1) * (heel + s.uniform(rng, 0, 1) * thump)

    return s.place(n, _walk(rng, n), step)


@kind("footsteps on wood", 0.3, 8)
def footsteps_on_wood(rng: Rng, n: int) -> Signal:
    """Hollow heel knocks on a wooden floor, heel and toe, now and then a creak."""
    base, hollow = s.log_uniform(rng, 70, 230), s.uniform(rng, 0.7, 1.8)

    def tap(gain: float) -> Signal:
        m = s.samples(0.22)
        body = s.modes(
            rng, m, base * s.uniform(rng, 0.95, 1.05) * np.array([1, 1.9, 2.8, 4.4]), 0.03 * hollow, [1, 0.5, 0.35, 0.2]
        )
        return gain * (
            body
            + s.bandpass(s.noise(rng, m), 700, s.uniform(rng, 2_500, 6_000))
            * s.decay(m, 0.0005, 0.006)
            * s.uniform(rng, 0.3, 1.5)
        )

    def step() -> Signal:
        y = np.zeros(s.samples(0.4))
        heel, toe = tap(1.0), tap(s.uniform(rng, 0.2, 0.6))
        y[: len(heel)] += heel
        gap = s.samples(s.uniform(rng, 0.04, 0.13))
        y[gap : gap + len(toe)] += toe[: len(y) - gap]
        return s.uniform(rng, 0.7, 1) * y

    return s.place(n, _walk(rng, n), step)


@kind("footsteps in snow", 0.3, 8)
def footsteps_in_snow(rng: Rng, n: int) -> Signal:
    """Soft squeaking compression: band-limited creaks that swell and stop, no hard onset."""
    center = s.log_uniform(rng, 500, 1_800)

    def step() -> Signal:
        m = s.samples(s.uniform(rng, 0.25, 0.45))
        squeak = s.resonate(s.noise(rng, m), center * s.uniform(rng, 0.9, 1.1), s.uniform(rng, 250, 700))
        rough = 0.4 + (s.wander(rng, m, s.uniform(rng, 60, 160)) > 0.5)
        powder = s.bandpass(s.noise(rng, m), 1_500, 6_000, 1) * 0.12
        return (s.normalize_rms(squeak) * s.lowpass(rough.astype(float), 400, 1) + powder) * s.arch(m, 1.4)

    return s.place(n, s.steady(rng, n, s.uniform(rng, 0.45, 0.9), 0.05), step)


@kind("horse hooves", 0.3, 8)
def horse_hooves(rng: Rng, n: int) -> Signal:
    """Clip-clop: hollow knocks in the four beats of a walk, two of a trot, three of a gallop."""
    gait = [[0, 0.25, 0.5, 0.75], [0, 0.5], [0, 0.18, 0.36]][int(rng.integers(3))]
    period = {4: s.uniform(rng, 0.9, 1.3), 2: s.uniform(rng, 0.55, 0.8), 3: s.uniform(rng, 0.42, 0.6)}[len(gait)]
    base = s.log_uniform(rng, 450, 1_300)
    starts = np.arange(0, n / s.SAMPLE_RATE_HZ, period)
    moments = np.sort(np.concatenate([starts + part * period for part in gait]))

    def hoof() -> Signal:
        m = s.samples(0.12)
        pitch = base * (1.25 if s.chance(rng, 0.5) else 1.0) * s.uniform(rng, 0.95, 1.05)
        clop = s.modes(rng, m, pitch * np.array([1, 2.3, 3.9]), [0.018, 0.008, 0.004], [1, 0.5, 0.3])
        thump = s.lowpass(s.noise(rng, m), 220) * s.decay(m, 0.002, 0.03)
        return s.uniform(rng, 0.6, 1) * (
            clop + s.uniform(rng, 0.2, 1.2) * thump + s.grain(rng, 0.12, 0.004, 1_000, 8_000)[:m] * 0.4
        )

    return s.place(n, moments + 0.008 * rng.standard_normal(len(moments)).clip(-1, 1) + 0.02, hoof)


@kind("paper rustle", 0.3, 5)
def paper_rustle(rng: Rng, n: int) -> Signal:
    """Crackling treble in irregular bursts: pages turned, a sheet crumpled."""
    dense = s.log_uniform(rng, 60, 500)
    crackle = s.bandpass(s.dust(rng, n, dense * 4, 1.3), s.uniform(rng, 900, 2_200), s.uniform(rng, 7_000, 15_000), 1)
    swish = s.bandpass(s.noise(rng, n), 2_000, 9_000, 1) * s.uniform(rng, 0.01, 0.06)
    bursts = s.wander(rng, n, s.uniform(rng, 2, 6)) ** 3
    return (crackle + swish) * (0.03 + bursts)


@kind("whoosh", 0.25, 2.5)
def whoosh(rng: Rng, n: int) -> Signal:
    """Air that swells and dies while its band moves up and down."""

    def pass_by(m: int) -> Signal:
        width, middle = s.uniform(rng, 0.1, 0.28), s.uniform(rng, 0.35, 0.65)
        hump = np.exp(-(((np.linspace(0, 1, m) - middle) / width) ** 2))
        frames = np.exp(-(((s.frame_times(m) - middle) / (width * 1.4)) ** 2))
        center = s.log_uniform(rng, 250, 900) * (1 + s.uniform(rng, 0.5, 5) * frames)
        return s.formants(s.noise(rng, m), [(center, s.uniform(rng, 200, 900), 1.0)], 0.01) * hump

    if n < s.samples(1.0) or s.chance(rng, 0.6):
        return pass_by(n)
    moments = s.steady(rng, n, s.uniform(rng, 0.4, 0.9), 0.1)
    return s.place(n, moments, lambda: pass_by(s.samples(s.uniform(rng, 0.25, 0.6))))


@kind("keys jingling", 0.6, 5)
def keys_jingling(rng: Rng, n: int) -> Signal:
    """Many small high metal rings in shaken clusters."""
    bank = []
    for _ in range(7):
        base = s.log_uniform(rng, 3_200, 8_500)
        bank.append(
            s.modes(
                rng,
                s.samples(0.18),
                base * np.array([1, 1.37, 1.91, 2.4]),
                s.uniform(rng, 0.012, 0.05),
                [1, 0.8, 0.5, 0.3],
            )
        )
    shakes = s.steady(rng, n, s.uniform(rng, 0.12, 0.5), 0.25)
    moments = np.concatenate(
        [shake + np.abs(rng.standard_normal(int(rng.integers(3, 12)))) * 0.05 for shake in shakes] or [np.zeros(1)]
    )
    return s.sprinkle(rng, n, np.sort(moments[moments < n / s.SAMPLE_RATE_HZ - 0.01]), bank, 0.6)


@kind("coins", 0.5, 4)
def coins(rng: Rng, n: int) -> Signal:
    """Coins that drop: a bright ping, bounces that hurry, a spin that settles."""
    base = s.log_uniform(rng, 4_200, 9_000)

    def ping(gain: float) -> Signal:
        return gain * s.modes(
            rng,
            s.samples(0.35),
            base * s.uniform(rng, 0.9, 1.1) * np.array([1, 1.48, 2.16]),
            s.uniform(rng, 0.03, 0.12),
            [1, 0.7, 0.4],
        )

    y = np.zeros(n)
    for _ in range(int(rng.integers(1, 6))):
        at, gap, gain = s.uniform(rng, 0, n / s.SAMPLE_RATE_HZ * 0.5), s.uniform(rng, 0.12, 0.35), 1.0
        ratio = s.uniform(rng, 0.6, 0.85)
        for _ in range(int(rng.integers(2, 14))):
            s.add_at(y, at, ping(gain))
            at, gap, gain = at + gap, max(gap * ratio, 0.02), gain * 0.75
            if at > n / s.SAMPLE_RATE_HZ - 0.02:
                break
    return y


@kind("chain rattle", 0.8, 6)
def chain_rattle(rng: Rng, n: int) -> Signal:
    """Links knock on one another: denser and lower than keys, in drags."""
    bank = []
    for _ in range(8):
        base = s.log_uniform(rng, 700, 3_000)
        ratios = np.sort(1 + 4 * rng.random(6))
        bank.append(
            s.modes(rng, s.samples(0.12), base * ratios, s.uniform(rng, 0.006, 0.03), 1 / ratios)
            + s.grain(rng, 0.12, 0.003, 1_500, 9_000)
        )
    moments = s.scattered(rng, n, s.log_uniform(rng, 18, 60))
    drags = s.wander(rng, n, s.uniform(rng, 1, 3))
    return s.sprinkle(rng, n, moments[moments < n / s.SAMPLE_RATE_HZ - 0.01], bank, 0.7) * (0.1 + drags**2)


@kind("zipper", 0.3, 2)
def zipper(rng: Rng, n: int) -> Signal:
    """Teeth by the hundred: a buzz of clicks whose rate glides."""

    def pull(m: int) -> Signal:
        start, end = s.log_uniform(rng, 60, 220), s.log_uniform(rng, 90, 400)
        clicks: Signal = np.diff(
            np.floor(s.phase(m, s.curve(m, start, end, end * s.uniform(rng, 0.6, 1.2)))), prepend=0.0
        )
        clicks *= 0.6 + 0.4 * rng.random(m)
        teeth = s.normalize_peak(s.bandpass(clicks, s.uniform(rng, 1_200, 3_000), s.uniform(rng, 7_000, 13_000), 1))
        return (teeth + 0.04 * s.highpass(s.noise(rng, m), 3_000)) * s.hold(m, 0.01, 0.03)

    if n < s.samples(0.9) or s.chance(rng, 0.5):
        return pull(n)
    return s.place(n, [0.0, n / s.SAMPLE_RATE_HZ * 0.55], lambda: pull(int(n * 0.4)))


@kind("door creak", 0.6, 4)
def door_creak(rng: Rng, n: int) -> Signal:
    """Stick and slip of a dry hinge: a pulse train that wanders through wooden resonances."""
    rate = s.log_uniform(rng, 25, 110) * (0.5 + 1.6 * s.wander(rng, n, s.uniform(rng, 1, 3)))
    pulses: Signal = np.diff(np.floor(s.phase(n, rate * (1 + 0.25 * s.wander(rng, n, 40)))), prepend=0.0)
    body = sum(s.resonate(pulses, s.log_uniform(rng, 350, 3_500), s.uniform(rng, 40, 160)) for _ in range(4))
    creak: Signal = np.asarray(body) * (0.15 + s.wander(rng, n, 2)) * s.hold(n, 0.05, 0.1)
    return creak
