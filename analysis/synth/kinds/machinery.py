"""Makers of the sounds of tools, household machines, keys, shutters and clocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


def _speed(rng: Rng, n: int, start_s: float, stop_s: float) -> Signal:
    """Speed of a motor from 0 to 1: switched on and off within the clip, or running all the while."""
    t = s.times(n)
    length = n / s.SAMPLE_RATE_HZ
    speed = np.ones(n)
    if s.chance(rng, 0.5):
        speed = 1 - np.exp(-np.maximum(t - s.uniform(rng, 0, 0.1), 0) / start_s)
    if s.chance(rng, 0.4):
        end = length * s.uniform(rng, 0.6, 0.85)
        speed = speed * np.exp(-np.maximum(t - end, 0) / stop_s)
    return speed


def _triggers(rng: Rng, n: int) -> Signal:
    """Speed of a tool whose trigger is pulled again and again."""
    points = [0.0]
    for _ in range(max(2, int(n / s.SAMPLE_RATE_HZ * s.uniform(rng, 0.6, 1.6)))):
        points += [s.uniform(rng, 0.7, 1), s.uniform(rng, 0.8, 1), s.uniform(rng, 0.0, 0.25)]
    return s.lowpass(s.curve(n, *points), 8, 1).clip(0, 1)


@kind("electric drill", 0.8, 7)
def electric_drill(rng: Rng, n: int) -> Signal:
    """Whining motor and gears, pulled in bursts or biting into wood, metal or (hammering) stone."""
    speed = (
        _triggers(rng, n)
        if s.chance(rng, 0.4)
        else _speed(rng, n, s.uniform(rng, 0.04, 0.25), s.uniform(rng, 0.08, 0.4))
    )
    load = s.wander(rng, n, 1.5) * (s.chance(rng, 0.6))
    hz = s.log_uniform(rng, 220, 700) * speed * (1 - 0.25 * load) * (1 + 0.01 * s.wander(rng, n, 30)) + 3
    teeth = float(rng.choice([3.0, 4.0, 5.5, 7.0]))
    y = s.highpass(s.saw(n, hz), 150, 1) + s.uniform(rng, 0.2, 0.9) * s.saw(n, hz * teeth * 0.97)
    y += s.uniform(rng, 0.1, 0.5) * s.highpass(s.noise(rng, n), s.log_uniform(rng, 1_500, 5_000), 1) * (0.4 + load)
    y = y + s.uniform(rng, 0.3, 1.5) * s.resonate(y, s.log_uniform(rng, 900, 3_500), 400)
    if s.chance(rng, 0.25):  # hammer drill
        blows = 1 - s.phase(n, s.uniform(rng, 25, 50) * speed) % 1
        y = y * (0.3 + 1.5 * blows**4) + 1.2 * s.bandpass(s.noise(rng, n), 400, 5_000, 1) * blows**8
    return s.lowpass(y, s.log_uniform(rng, 5_000, 15_000), 1) * speed


@kind("chainsaw", 1.5, 9)
def chainsaw(rng: Rng, n: int) -> Signal:
    """Two-stroke rasp that revs, cuts and idles; sometimes pull starts first."""
    idle, top = s.uniform(rng, 38, 60), s.uniform(rng, 110, 190)
    points = [s.uniform(rng, 0, 1) for _ in range(max(3, int(n / s.SAMPLE_RATE_HZ * s.uniform(rng, 0.8, 2.5))))]
    throttle = s.curve(n, *[0.05 if point < 0.3 else 0.75 + 0.25 * point for point in points])
    if s.chance(rng, 0.4):
        throttle = 0.75 + 0.25 * s.wander(rng, n, 2)
    throttle = s.lowpass(throttle, 5, 1).clip(0, 1)
    cut = s.wander(rng, n, 0.8) * throttle
    hz = (idle + (top - idle) * throttle) * (1 - 0.15 * cut) * (1 + 0.06 * (s.wander(rng, n, 40) - 0.5))
    cycle = s.phase(n, hz) % 1
    bang = np.exp(-cycle * s.uniform(rng, 5, 12))
    white = s.noise(rng, n)
    y = (bang - 0.15) * (1 + 0.5 * white)
    y = y + 1.5 * s.resonate(y, s.uniform(rng, 250, 500), 150) + s.resonate(y, s.uniform(rng, 900, 1_800), 400)
    y = s.highpass(np.tanh(s.uniform(rng, 1, 4) * y), 90, 1) * (0.35 + 0.65 * throttle)
    y += s.uniform(rng, 0.3, 0.9) * s.highpass(white, 2_000, 1) * cut * (0.4 + bang)
    if n > 2.5 * s.SAMPLE_RATE_HZ and s.chance(rng, 0.2):  # pulls of the starter cord
        m = s.samples(0.3)
        start = s.samples(s.uniform(rng, 0.8, 1.4))
        pull = (
            s.bandpass(s.noise(rng, m), 300, 4_000, 1)
            * (0.4 + (s.phase(m, s.curve(m, 15, 35, 20)) % 1 < 0.3))
            * s.arch(m)
        )
        y[:start] = s.place(start, [0.02, 0.45 * start / s.SAMPLE_RATE_HZ], lambda: pull * s.uniform(rng, 0.5, 0.8))
    return y


@kind("hand saw", 0.4, 7)
def hand_saw(rng: Rng, n: int) -> Signal:
    """Strokes to and fro through wood or metal, teeth rasping faster in mid-stroke."""
    period, teeth = s.log_uniform(rng, 0.22, 0.75), s.log_uniform(rng, 120, 700)
    center, ring = s.log_uniform(rng, 900, 3_800), s.uniform(rng, 0, 0.5)
    back = s.uniform(rng, 0.25, 0.9)
    forward = [True]

    def stroke() -> Signal:
        m = s.samples(period * s.uniform(rng, 0.75, 0.9))
        move = s.arch(m, 0.8)
        bite = (1 - s.phase(m, teeth * (0.3 + 0.7 * move)) % 1) ** 2
        x = s.noise(rng, m) * (0.25 + bite)
        tilt = 1.0 if forward[0] else 1.25
        y = s.resonate(x, center * tilt, 900) + 0.5 * s.resonate(x, 2.6 * center * tilt, 1_800)
        y += 0.4 * s.bandpass(x, 180, 900, 1) + ring * s.resonate(x, 1.7 * center, 60)
        y = s.normalize_rms(y) * move**1.3 * (1.0 if forward[0] else back)
        forward[0] = not forward[0]
        return y

    return s.place(n, s.steady(rng, n, period, 0.04), stroke)


@kind("vacuum cleaner", 1.5, 9)
def vacuum_cleaner(rng: Rng, n: int) -> Signal:
    """Roaring air over a high motor whine, nozzle moved to and fro, grit rattling up the hose."""
    speed = _speed(rng, n, s.uniform(rng, 0.2, 0.7), s.uniform(rng, 0.4, 1.2))
    move = s.wander(rng, n, s.uniform(rng, 0.6, 2))
    hz = s.log_uniform(rng, 280, 620) * speed * (1 + 0.04 * move) + 4
    white = s.noise(rng, n)
    low = s.uniform(rng, 250, 600)
    air = s.bandpass(white, low, low * s.uniform(rng, 5, 14), 1) + s.uniform(rng, 0.3, 1) * s.resonate(
        white, 2.2 * low, 300
    )
    y = s.normalize_rms(air) * (0.75 + 0.25 * move) * speed**2
    whine = s.harmonics(n, hz, [0.6, 0.3, 0.15, 0.1, 0.05, 0.25, 0.12])
    y += s.uniform(rng, 0.2, 0.8) * whine * speed
    if s.chance(rng, 0.4):
        bank = [s.grain(rng, 0.02, 0.002, 1_500 * k, 7_000 * k) for k in (0.6, 1.0, 1.5)]
        y += s.sprinkle(rng, n, s.scattered(rng, n, s.uniform(rng, 3, 30)), bank, 0.7) * speed
    return y


@kind("fan", 1.5, 9)
def fan(rng: Rng, n: int) -> Signal:
    """Soft wash of air chopped by blades over a faint hum, with a tick or rattle now and then."""
    speed = _speed(rng, n, 1.0, 1.5) if s.chance(rng, 0.3) else np.ones(n)
    blades = s.log_uniform(rng, 12, 130) * (0.2 + 0.8 * speed)
    depth = s.uniform(rng, 0.1, 0.6)
    chop = 1 - depth * (0.5 + 0.5 * s.sine(n, blades))
    white = s.noise(rng, n)
    air = s.lowpass(white, s.log_uniform(rng, 300, 1_800), 1) + s.uniform(rng, 0, 0.3) * s.resonate(
        white, s.uniform(rng, 400, 1_500), 500
    )
    y = s.normalize_rms(air) * chop * (0.3 + 0.7 * speed)
    mains = float(rng.choice([100.0, 120.0]))
    y += s.uniform(rng, 0, 0.25) * s.harmonics(n, mains, [1, 0.4, 0.2, 0.1]) + s.uniform(rng, 0, 0.2) * s.sine(
        n, blades * 2
    )
    if s.chance(rng, 0.3):
        tick = [s.grain(rng, 0.01, 0.001, 1_000, 6_000)]
        y += s.uniform(rng, 0.3, 1.5) * s.sprinkle(rng, n, s.steady(rng, n, 1 / s.uniform(rng, 2, 8), 0.01), tick, 0.2)
    if s.chance(rng, 0.2):
        y *= 0.7 + 0.3 * s.sine(n, s.uniform(rng, 0.1, 0.4))
    return y * (0.2 + 0.8 * speed)


@kind("keyboard typing", 0.3, 8)
def keyboard_typing(rng: Rng, n: int) -> Signal:
    """Keys of a laptop, a clicking mechanical board or a typewriter, in bursts of fingers."""
    way, rate = int(rng.integers(3)), s.log_uniform(rng, 3, 13)
    body, high = s.log_uniform(rng, 250, 900), s.log_uniform(rng, 3_000, 9_000)

    def key(heavy: float = 1.0) -> Signal:
        m = s.samples(0.22)
        y = np.zeros(m)
        tilt = s.uniform(rng, 0.85, 1.2) / heavy

        def add(at_s: float, x: Signal) -> None:
            start = s.samples(at_s)
            y[start : start + len(x)] += x[: m - start]

        add(0.0, s.grain(rng, 0.02, 0.0012, 0.4 * high * tilt, 2 * high) * (0.4 if way == 0 else 1.0))
        bottom = s.uniform(rng, 0.006, 0.018)
        k = s.samples(0.05)
        thump = s.modes(rng, k, body * tilt * np.array([1, 2.3, 3.9]), [0.009, 0.005, 0.004], [0.35, 0.25, 0.2])
        add(bottom, heavy * thump + np.pad(s.grain(rng, 0.02, 0.002, 500, 5_000) * 0.7, (0, k - s.samples(0.02))))
        if way == 2:
            add(
                bottom,
                s.modes(rng, s.samples(0.12), high * 0.5 * np.array([1, 1.6, 2.3]), 0.02 * np.ones(3), [0.5, 0.4, 0.3]),
            )
        add(s.uniform(rng, 0.06, 0.12), 0.35 * s.grain(rng, 0.02, 0.0012, 0.5 * high * tilt, 2 * high))
        return y

    bank = [key() for _ in range(7)] + [key(1.7)]
    moments = s.steady(rng, n, 1 / rate, s.uniform(rng, 0.2, 0.5))
    pauses = s.wander(rng, n, s.uniform(rng, 0.8, 2))
    keep = pauses[np.minimum((moments * s.SAMPLE_RATE_HZ).astype(int), n - 1)] > s.uniform(rng, 0, 0.4)
    keep[:1] = True
    y = s.sprinkle(rng, n, moments[keep], bank, 0.25)
    if way == 2 and n > 2 * s.SAMPLE_RATE_HZ and s.chance(rng, 0.4):  # the bell at the end of a line
        bell = s.modes(rng, s.samples(0.8), [2_300, 4_900, 7_100], [0.25, 0.15, 0.1], [0.5, 0.3, 0.2])
        y += s.place(n, [s.uniform(rng, 0.5, 0.8) * n / s.SAMPLE_RATE_HZ], lambda: bell)
    return y


@kind("camera shutter", 0.25, 3)
def camera_shutter(rng: Rng, n: int) -> Signal:
    """Mirror up, curtain, mirror down; single, in bursts, or with the film wound on."""
    low, high = s.log_uniform(rng, 500, 1_600), s.log_uniform(rng, 5_000, 14_000)
    gap = s.log_uniform(rng, 0.025, 0.14)
    compact, wind = s.chance(rng, 0.3), s.chance(rng, 0.3)
    body = s.log_uniform(rng, 180, 700)

    def clack(loudness: float) -> Signal:
        m = s.samples(0.045)
        y = s.modes(rng, m, body * np.array([1, 2.7, 5.1, 8.3]), [0.012, 0.006, 0.004, 0.003], [0.5, 0.5, 0.4, 0.3])
        for delay in (0.0, s.uniform(rng, 0.003, 0.009), s.uniform(rng, 0.01, 0.02)):
            start = int(delay * s.SAMPLE_RATE_HZ)
            x = s.grain(rng, 0.02, s.uniform(rng, 0.001, 0.003), low, high)
            y[start : start + len(x)] += s.uniform(rng, 0.4, 1) * x
        return loudness * y

    def shot() -> Signal:
        if compact:
            return np.concatenate([clack(0.8), clack(0.5)[: s.samples(0.03)]])
        parts = [clack(0.9), np.zeros(s.samples(gap)), clack(s.uniform(rng, 0.6, 1.0))]
        if wind:
            m = s.samples(s.uniform(rng, 0.15, 0.7))
            hz = s.uniform(rng, 250, 600) * s.curve(m, 0.7, 1, 1.05, 0.8)
            motor = 0.25 * s.saw(m, hz) + 0.2 * s.bandpass(s.noise(rng, m), 1_500, 7_000, 1)
            parts += [s.lowpass(motor, 5_000, 1) * s.hold(m, 0.02, 0.04) * s.uniform(rng, 0.3, 0.9)]
        return np.concatenate(parts)

    return s.strikes(rng, n, shot, single=0.6, period_s=(0.12, 0.9))


@kind("clock ticking", 1, 9)
def clock_ticking(rng: Rng, n: int) -> Signal:
    """Tick-tock of a wall clock, a pendulum clock, a watch, or a kitchen timer."""
    way = int(rng.integers(4))
    rate = (1.0, s.uniform(rng, 0.9, 2.1), float(rng.choice([5.0, 6.0, 8.0])), s.uniform(rng, 3, 9))[way]
    base = (
        s.log_uniform(rng, 1_200, 4_000),
        s.log_uniform(rng, 350, 1_500),
        s.log_uniform(rng, 3_500, 8_000),
        2_500.0,
    )[way]
    ratios = np.array([1, 1.83, 2.71, 4.2]) * np.exp(0.1 * rng.standard_normal(4))
    fall = (0.006, 0.018, 0.003, 0.005)[way] * s.log_uniform(rng, 0.6, 1.8)

    def tick(pitch: float) -> Signal:
        m = s.samples(0.12)
        y = s.modes(rng, m, base * pitch * ratios, fall * np.array([1, 0.7, 0.5, 0.4]), [1, 0.6, 0.5, 0.3])
        for delay, loudness in ((0.0, 0.6), (s.uniform(rng, 0.004, 0.012), 0.4), (s.uniform(rng, 0.013, 0.025), 0.2)):
            start = int(delay * s.SAMPLE_RATE_HZ)
            x = s.grain(rng, 0.01, 0.0008, 0.7 * base * pitch, 4 * base)
            y[start : start + len(x)] += loudness * x
        return y

    moments = s.steady(rng, n, 1 / rate, 0.0)
    ticks, limp = (tick(1.0), tick(s.uniform(rng, 0.75, 1.15))), s.uniform(rng, -0.12, 0.12) / rate
    y = s.place(n, moments[::2], lambda: ticks[0] * s.uniform(rng, 0.9, 1))
    loudness = s.uniform(rng, 0.5, 1.1)
    late = np.maximum(moments[1::2] + limp, 0)
    return y + s.place(n, late, lambda: loudness * ticks[1] * s.uniform(rng, 0.9, 1))


def _winder(rng: Rng, n: int) -> Callable[[], Signal]:
    """Pick how the speed of a small motor goes."""
    ways: list[Callable[[], Signal]] = [
        lambda: _speed(rng, n, s.log_uniform(rng, 0.05, 0.6), s.log_uniform(rng, 0.08, 0.6)),
        lambda: s.lowpass(np.repeat(0.5 + 0.5 * rng.random(8), n // 8 + 1)[:n], 6, 1),
        lambda: 0.9 + 0.1 * s.wander(rng, n, 3),
        lambda: s.hold(n, 0.3 * n / s.SAMPLE_RATE_HZ, 0.3 * n / s.SAMPLE_RATE_HZ),
    ]
    return ways[int(rng.integers(len(ways)))]


@kind("electric motor", 0.6, 8)
def electric_motor(rng: Rng, n: int) -> Signal:
    """Steady hum and whine of a servo, a pump, a toy motor or a spinning-up machine."""
    speed = _winder(rng, n)()
    hz = s.log_uniform(rng, 60, 420) * (0.08 + 0.92 * speed) * (1 + 0.006 * s.wander(rng, n, 20))
    gains = 0.8 ** np.arange(12) * rng.random(12) ** 2
    gains[int(rng.integers(3, 12))] = s.uniform(rng, 0.4, 1.2)  # slots of the armature
    y = s.harmonics(n, hz, [1.0, *gains.tolist()])
    if s.chance(rng, 0.6):
        y += s.uniform(rng, 0.05, 0.4) * s.sine(n, hz * s.uniform(rng, 8, 22)) * (0.5 + 0.5 * s.wander(rng, n, 6))
    brush = s.bandpass(s.noise(rng, n), s.log_uniform(rng, 800, 2_500), s.log_uniform(rng, 5_000, 12_000), 1)
    y += s.log_uniform(rng, 0.03, 0.5) * brush * (0.6 + 0.4 * s.sine(n, hz))
    y = y + s.uniform(rng, 0, 1) * s.resonate(y, s.log_uniform(rng, 250, 1_800), 150)
    return y * (0.1 + 0.9 * speed) * (speed > 0.01)
