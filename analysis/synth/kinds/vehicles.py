"""Engines on roads, rails, water and in the air."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Frequency, Rng, Signal


def _engine(rng: Rng, n: int, firing_hz: Frequency, *, cutoff_hz: float, grit: float, drive: float) -> Signal:
    """Firing pulses of uneven cylinders through an exhaust, with intake noise that pulses along."""
    cycle = s.phase(n, firing_hz)
    uneven = 1 + 0.35 * s.sine(n, np.asarray(firing_hz) / 4) * s.uniform(rng, 0, 1)
    fire = np.exp(-(cycle % 1) * s.uniform(rng, 3, 9)) * uneven
    noise = s.lowpass(s.noise(rng, n), cutoff_hz * 2, 1) * (0.3 + fire)
    body = np.tanh(drive * (fire - np.mean(fire) + grit * noise))
    return s.highpass(s.lowpass(body, cutoff_hz), 25, 1)


def _passing(rng: Rng, n: int) -> tuple[Signal, Signal]:
    """Level and Doppler factor of something that drives past."""
    sharp = s.log_uniform(rng, 1.5, 6)
    t = np.linspace(-1, 1, n) - s.uniform(rng, -0.3, 0.3)
    return 1 / (1 + (t * sharp * 2) ** 2), 1 - s.uniform(rng, 0.04, 0.12) * np.tanh(t * sharp * 2)


@kind("car engine idle", 1, 10)
def car_engine_idle(rng: Rng, n: int) -> Signal:
    """A steady low chug with a small wobble."""
    firing = s.log_uniform(rng, 16, 95) * (1 + s.uniform(rng, 0.01, 0.12) * (s.wander(rng, n, 3) - 0.5))
    y = _engine(
        rng,
        n,
        firing,
        cutoff_hz=s.log_uniform(rng, 300, 6_000),
        grit=s.uniform(rng, 0.1, 0.9),
        drive=s.log_uniform(rng, 0.8, 5),
    )
    whine = s.sine(n, s.uniform(rng, 300, 1_200)) * 0.02 * s.uniform(rng, 0, 1)
    if s.chance(rng, 0.15):  # the starter turns first
        start = s.samples(s.uniform(rng, 0.15, 0.4) * n / s.SAMPLE_RATE_HZ)
        turn = 1 - s.phase(start, s.uniform(rng, 6, 12)) % 1
        y[:start] = (
            (0.3 * s.saw(start, s.uniform(rng, 180, 420)) + 0.4 * s.pink(rng, start)) * (0.3 + turn**2) * np.std(y)
        )
    return y + whine + s.log_uniform(rng, 0.01, 0.3) * s.pink(rng, n)


@kind("car passing", 2.5, 9)
def car_passing(rng: Rng, n: int) -> Signal:
    """Tire noise that swells and fades, an engine whose pitch drops."""
    level, doppler = _passing(rng, n)
    tire = s.bandpass(s.noise(rng, n), s.uniform(rng, 80, 300), s.uniform(rng, 1_200, 3_500), 1)
    bright = s.bandpass(s.noise(rng, n), 1_500, 7_000, 1) * level**2 * s.uniform(rng, 0.1, 0.6)
    engine = _engine(rng, n, s.uniform(rng, 45, 110) * doppler, cutoff_hz=900, grit=0.3, drive=1.5)
    return (tire + bright + s.uniform(rng, 0.1, 0.8) * s.normalize_rms(engine)) * level


@kind("tire skid", 0.6, 3)
def tire_skid(rng: Rng, n: int) -> Signal:
    """Rubber squeals: several rough, drifting tones between 500 and 2,000 Hz."""
    base = s.log_uniform(rng, 550, 1_300)
    y = np.zeros(n)
    for ratio in (1.0, s.uniform(rng, 1.05, 1.3), s.uniform(rng, 1.8, 2.2)):
        pitch = (
            base
            * ratio
            * (1 + 0.18 * (s.wander(rng, n, s.uniform(rng, 2, 6)) - 0.5) + 0.04 * (s.wander(rng, n, 50) - 0.5))
        )
        y += s.saw(n, pitch) * (0.3 + s.wander(rng, n, 8))
    rub = s.bandpass(s.noise(rng, n), 400, 4_500, 1) * s.uniform(rng, 0.1, 0.5)
    return (s.bandpass(y, 400, 5_000, 1) + rub) * s.hold(n, 0.04, s.uniform(rng, 0.1, 0.5))


@kind("motorcycle", 2, 8)
def motorcycle(rng: Rng, n: int) -> Signal:
    """A loud rasp that revs up and down."""
    revs = s.uniform(rng, 28, 60) * (1 + s.uniform(rng, 0.8, 3.5) * s.wander(rng, n, s.uniform(rng, 0.5, 1.5)) ** 2)
    y = _engine(rng, n, revs, cutoff_hz=s.log_uniform(rng, 1_800, 6_000), grit=0.35, drive=s.uniform(rng, 3, 8))
    return np.asarray(y * (0.4 + 0.6 * revs / revs.max()))


@kind("train passing", 3, 10)
def train_passing(rng: Rng, n: int) -> Signal:
    """A rolling roar with the double clack of rail joints and now and then a squeal."""
    roar = s.bandpass(s.noise(rng, n), 40, s.uniform(rng, 500, 1_800), 1)
    period = s.uniform(rng, 0.45, 1.1)
    gap = period * s.uniform(rng, 0.12, 0.25)

    def clack() -> Signal:
        m = s.samples(0.18)
        y = s.bandpass(s.noise(rng, m), 120, 1_800, 1) * s.decay(m, 0.001, 0.025)
        return y + s.modes(rng, m, s.uniform(rng, 300, 900) * np.array([1, 2.3, 3.7]), 0.03, [0.3, 0.2, 0.1])

    joints = s.steady(rng, n, period, 0.015)
    clacks = s.place(n, np.sort(np.concatenate([joints, joints + gap])), clack)
    squeal = s.sine(n, s.uniform(rng, 1_800, 3_500) * (1 + 0.02 * s.wander(rng, n, 5))) * s.wander(rng, n, 0.8) ** 4
    level = _passing(rng, n)[0] if s.chance(rng, 0.4) else np.ones(n)
    if s.chance(rng, 0.4):
        roar = roar + s.log_uniform(rng, 0.1, 1) * s.normalize_rms(s.highpass(s.pink(rng, n), 300, 1)) * np.std(roar)
    return (roar + s.log_uniform(rng, 0.7, 4) * clacks + s.uniform(rng, 0, 0.15) * squeal) * (0.15 + level)


@kind("helicopter", 2.5, 10)
def helicopter(rng: Rng, n: int) -> Signal:
    """Blade slaps 8 to 20 times a second over a turbine's whine."""
    rate = s.uniform(rng, 8, 20)
    cycle = s.phase(n, rate) % 1
    slap = np.exp(-cycle * s.uniform(rng, 3, 10))
    chop = s.lowpass(s.noise(rng, n), s.log_uniform(rng, 250, 7_000), 1) * (slap + s.log_uniform(rng, 0.02, 0.6))
    thump = s.lowpass(slap - slap.mean(), 180, 1) * s.uniform(rng, 0.5, 3)
    turbine = s.sine(n, s.uniform(rng, 900, 3_000)) * s.uniform(rng, 0, 0.06)
    level = 0.3 + 0.7 * (_passing(rng, n)[0] if s.chance(rng, 0.5) else s.wander(rng, n, 0.3))
    return (chop + thump + turbine) * level


@kind("propeller plane", 3, 10)
def propeller_plane(rng: Rng, n: int) -> Signal:
    """A drone rich in harmonics at 60 to 120 Hz with a slow beat."""
    level, doppler = _passing(rng, n) if s.chance(rng, 0.6) else (np.ones(n), np.ones(n))
    base = s.uniform(rng, 55, 125) * doppler
    gains = np.exp(-np.arange(14) * s.uniform(rng, 0.1, 0.35)) * (0.4 + rng.random(14))
    drone = s.harmonics(n, base, gains.tolist()) + 0.8 * s.harmonics(
        n, base * s.uniform(rng, 1.004, 1.03), gains.tolist()
    )
    wash = s.bandpass(s.noise(rng, n), 100, 1_500, 1) * s.uniform(rng, 0.05, 0.4)
    if s.chance(rng, 0.5):  # close by: the propeller's blades chop the air
        chop = 0.3 + np.exp(-5 * (s.phase(n, base) % 1))
        wash = (
            wash
            + s.log_uniform(rng, 0.2, 1.5)
            * s.normalize_rms(s.lowpass(s.pink(rng, n), s.log_uniform(rng, 800, 8_000), 1))
            * chop
        )
    return (s.normalize_rms(drone) + wash) * (0.1 + level)


@kind("jet flyover", 3, 10)
def jet_flyover(rng: Rng, n: int) -> Signal:
    """A broad roar that swells, with a whine that falls."""
    level, doppler = _passing(rng, n)
    if s.chance(rng, 0.35):  # as heard from within, or on the apron
        level, doppler = np.ones(n) * s.curve(n, *(0.7 + 0.6 * rng.random(3))), np.ones(n)
    roar = s.lowpass(s.noise(rng, n), s.log_uniform(rng, 500, 6_000), 1) + s.uniform(rng, 0.2, 1) * s.brown(rng, n)
    frames = s.frame_times(n)
    comb = s.uniform(rng, 300, 900) * (1 + 2 * np.abs(frames - 0.5))
    sweep = s.formants(s.noise(rng, n), [(comb * k, 60.0 * k, 0.7) for k in (1.0, 2.0, 3.0)], 0.02)
    whine = s.sine(n, s.uniform(rng, 1_200, 4_000) * doppler**3) * level**2 * s.uniform(rng, 0.02, 0.3)
    return (s.normalize_rms(roar) + s.uniform(rng, 0.1, 0.6) * s.normalize_rms(sweep) + whine) * (0.04 + level)


@kind("motorboat", 2.5, 10)
def motorboat(rng: Rng, n: int) -> Signal:
    """An outboard's buzz that bounces on waves, with splashing water."""
    bounce = s.wander(rng, n, s.uniform(rng, 1.5, 4))
    firing = s.uniform(rng, 55, 130) * (1 + 0.12 * bounce)
    engine = _engine(rng, n, firing, cutoff_hz=s.uniform(rng, 700, 2_200), grit=0.2, drive=2.5)
    splash = s.bandpass(s.noise(rng, n), 500, 7_000, 1) * s.wander(rng, n, 4) ** 3
    return s.normalize_rms(engine) * (0.5 + 0.5 * bounce) + s.uniform(rng, 0.3, 1.0) * splash
