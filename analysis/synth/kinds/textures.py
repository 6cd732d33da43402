"""Crackles, scrapes, squeaks, drones and the sounds of machines that do not exist."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal


@kind("fire crackle", 2, 10)
def fire_crackle(rng: Rng, n: int) -> Signal:
    """Snaps and pops of wood over a low, breathing roar."""
    falls_s = [s.log_uniform(rng, 0.0005, 0.005) for _ in range(12)]
    bank = [s.normalize_peak(s.grain(rng, 0.02, fall, s.log_uniform(rng, 500, 2_500), 9_000)) for fall in falls_s]
    gate = s.wander(rng, n, s.uniform(rng, 1, 4))
    moments = s.scattered(rng, n, s.log_uniform(rng, 15, 90))
    moments = moments[rng.random(len(moments)) < gate[(moments * s.SAMPLE_RATE_HZ).astype(int)]]
    snaps = s.sprinkle(rng, n, np.concatenate([[0.05], moments]), bank, 0.8)
    roar = s.normalize_rms(s.lowpass(s.brown(rng, n), s.log_uniform(rng, 150, 500), 1)) * (
        0.5 + 0.5 * s.wander(rng, n, 6)
    )
    hiss = s.bandpass(s.noise(rng, n), 2_000, 9_000, 1) * s.wander(rng, n, 1.5) ** 2
    y = s.normalize_rms(snaps) + s.log_uniform(rng, 0.1, 0.9) * roar + s.uniform(rng, 0, 0.12) * hiss
    if s.chance(rng, 0.6):  # many small crackles that flow together over the draft of the flames
        tiny = s.bandpass(s.dust(rng, n, s.log_uniform(rng, 80, 900), 1.1), s.log_uniform(rng, 400, 2_500), 14_000, 1)
        draft = s.normalize_rms(s.lowpass(s.pink(rng, n), s.log_uniform(rng, 1_000, 12_000), 1))
        y = s.log_uniform(rng, 0.15, 1) * y + s.normalize_rms(tiny) + s.log_uniform(rng, 0.2, 1.2) * draft
    return y


def _scratch(rng: Rng, n: int) -> Signal:
    """Move a record by hand under the needle: its pitch follows the hand's speed, forth and back."""
    t = s.times(n)
    if s.chance(rng, 0.35):  # backspin: one fast pull that slows down
        speed = s.uniform(rng, 3, 7) * np.exp(-t * s.uniform(rng, 1.5, 5))
    else:
        rate = s.log_uniform(rng, 2, 7)
        speed = np.abs(s.sine(n, rate * (0.6 + 0.8 * s.wander(rng, n, 3)))) * s.uniform(rng, 1, 3)
    record = s.samples(3.0)
    groove = s.saw(record, s.log_uniform(rng, 110, 330)) + s.normalize_rms(
        s.bandpass(s.noise(rng, record), 300, 2_500, 1)
    )
    position = np.cumsum(speed) % (record - 1)
    y = np.interp(position, np.arange(record), groove) * np.minimum(speed, 1.0)
    return s.normalize_rms(s.bandpass(y, 150, 9_000, 1))


@kind("vinyl crackle", 1, 10)
def vinyl_crackle(rng: Rng, n: int) -> Signal:
    """Ticks, pops and surface hiss of a record that turns; sometimes scratched or spun back."""
    ticks = s.highpass(s.dust(rng, n, s.log_uniform(rng, 12, 160), 0.7), s.uniform(rng, 600, 2_500), 1)
    ticks = s.normalize_rms(s.lowpass(ticks, s.uniform(rng, 5_000, 14_000), 1))
    bank = [s.grain(rng, 0.01, 0.0015, 200, 5_000) for _ in range(4)]
    turn = 60 / float(rng.choice([33.3, 45.0, 78.0]))
    pops = s.sprinkle(rng, n, s.steady(rng, n, turn, 0.001), bank, 0.2)  # the same scratch at every turn
    pops += s.sprinkle(rng, n, s.scattered(rng, n, s.uniform(rng, 0.5, 4)), bank, 0.6)
    hiss = s.normalize_rms(s.bandpass(s.noise(rng, n), s.uniform(rng, 300, 1_500), 12_000, 1))
    rumble = s.normalize_rms(s.lowpass(s.brown(rng, n), 60, 1)) * (0.7 + 0.3 * s.sine(n, 1 / turn))
    y = ticks + s.uniform(rng, 1, 4) * pops + s.log_uniform(rng, 0.05, 0.4) * hiss + s.uniform(rng, 0, 0.3) * rumble
    if s.chance(rng, 0.25):
        y = s.uniform(rng, 0.1, 0.5) * y + _scratch(rng, n) * s.hold(n, 0.01, 0.05)
    return y


@kind("sizzling", 1.5, 10)
def sizzling(rng: Rng, n: int) -> Signal:
    """Fat in a pan: bright, nervous hiss with tiny spits, dying down at times."""
    hiss = s.normalize_rms(s.bandpass(s.noise(rng, n), s.log_uniform(rng, 2_500, 5_000), 16_000, 1))
    hiss *= 0.4 + 0.6 * s.wander(rng, n, s.uniform(rng, 20, 60))
    spits = s.bandpass(s.dust(rng, n, s.log_uniform(rng, 150, 1_200), 0.8), s.log_uniform(rng, 1_500, 3_500), 12_000, 1)
    y = hiss + s.uniform(rng, 0.4, 1.3) * s.normalize_rms(spits)
    bank = [s.grain(rng, 0.012, 0.002, 1_000, 8_000) for _ in range(4)]
    y += s.sprinkle(rng, n, s.scattered(rng, n, s.uniform(rng, 1, 10)), bank, 0.7) * s.uniform(rng, 0.5, 3)
    if s.chance(rng, 0.4):  # food goes in: a burst that settles
        y = y * (0.35 + s.decay(n, 0.03, s.uniform(rng, 0.4, 2)))
    return y * (0.75 + 0.25 * s.wander(rng, n, 1.0))


@kind("scraping", 0.5, 6)
def scraping(rng: Rng, n: int) -> Signal:
    """Something rough dragged over stone, metal or wood, in one stroke or to and fro."""
    rate = s.log_uniform(rng, 40, 400)
    speed = 0.35 + s.wander(rng, n, s.uniform(rng, 2, 6))
    teeth = (s.phase(n, rate * speed * (0.7 + 0.6 * s.wander(rng, n, 80))) % 1) ** s.uniform(rng, 2, 6)
    white = s.noise(rng, n)
    source = white * (0.25 + teeth)
    base = s.log_uniform(rng, 350, 2_500)
    y = 0.5 * s.normalize_rms(s.bandpass(source, s.log_uniform(rng, 300, 1_200), 9_000, 1))
    width = s.log_uniform(rng, 25, 350)
    for ratio in (1.0, s.uniform(rng, 1.4, 1.9), s.uniform(rng, 2.1, 3.3), s.uniform(rng, 3.5, 5.5)):
        y += s.normalize_rms(s.resonate(source, base * ratio, width * ratio)) * s.uniform(rng, 0.2, 0.8)
    y *= speed
    if s.chance(rng, 0.5):
        stroke = np.abs(s.sine(n, s.log_uniform(rng, 0.5, 2.5) * (0.8 + 0.4 * s.wander(rng, n, 1))))
        return y * stroke ** s.uniform(rng, 0.5, 1.5)
    return y * s.hold(n, s.uniform(rng, 0.02, 0.2), s.uniform(rng, 0.03, 0.2))


@kind("squeak", 0.2, 3)
def squeak(rng: Rng, n: int) -> Signal:
    """Stick and slip: a thin gliding tone of a hinge, a shoe, a toy or a balloon."""
    base = s.log_uniform(rng, 500, 3_200)
    rough, bend = s.uniform(rng, 0.0, 0.12), s.uniform(rng, 0.1, 0.6)
    duty = s.uniform(rng, 0.1, 0.5)

    def chirp() -> Signal:
        m = s.samples(min(s.log_uniform(rng, 0.06, 0.7), n / s.SAMPLE_RATE_HZ))
        glide = s.curve(m, *(base * (1 + bend * (rng.random(4) - 0.4))))
        pitch = glide * (1 + rough * (s.wander(rng, m, 90) - 0.5))
        tone = s.pulse(m, pitch, duty) + s.uniform(rng, 0, 0.8) * s.sine(m, pitch)
        rub = s.bandpass(s.noise(rng, m), base * 0.8, base * 3, 1) * s.uniform(rng, 0, 0.3)
        grip = 1 - s.uniform(rng, 0, 0.7) * s.wander(rng, m, s.uniform(rng, 20, 70))
        return s.uniform(rng, 0.5, 1) * s.bandpass((tone + rub) * grip, base * 0.6, 12_000, 1) * s.arch(m, 0.4)

    return s.strikes(rng, n, chirp, single=0.4, period_s=(0.15, 0.9))


@kind("glitch", 0.2, 4)
def glitch(rng: Rng, n: int) -> Signal:
    """Digital stutter: fragments that repeat, crushed tones, bursts, clicks and gaps with hard edges."""
    y = np.zeros(n)
    i = 0
    while i < n:
        m = min(s.samples(s.log_uniform(rng, 0.008, 0.12)), n - i)
        way = int(rng.integers(6))
        pitch = s.log_uniform(rng, 60, 7_000)
        if way == 0:
            piece = s.pulse(m, pitch, s.uniform(rng, 0.1, 0.5))
        elif way == 1:
            piece = s.noise(rng, m) * 0.4
        elif way == 2:
            piece = s.fm(m, pitch, pitch * s.uniform(rng, 0.1, 3), s.uniform(rng, 1, 12))
        elif way == 3:
            piece = np.zeros(m)
            piece[:: max(int(s.SAMPLE_RATE_HZ / s.log_uniform(rng, 30, 900)), 1)] = 1.0
        elif way == 4:
            keep = int(rng.integers(8, 60))
            piece = np.repeat(s.noise(rng, m // keep + 1), keep)[:m] * 0.4
        else:
            piece = np.zeros(m)
        for _ in range(int(rng.choice([1, 1, 2, 4, 8]))):
            end = min(i + m, n)
            y[i:end] = piece[: end - i]
            i = end
    if s.chance(rng, 0.5):
        steps = float(2 ** rng.integers(2, 6))
        y = np.round(y * steps) / steps
    y[: s.samples(0.01)] += s.noise(rng, len(y[: s.samples(0.01)])) * 0.3
    return y


@kind("sweep riser", 1, 8)
def sweep_riser(rng: Rng, n: int) -> Signal:
    """Tension that climbs: noise through a rising filter, a rising tone, or both, louder to the end."""
    place = s.frame_times(n)
    shape = s.uniform(rng, 0.8, 2.5)
    low, high = s.log_uniform(rng, 150, 500), s.log_uniform(rng, 4_000, 14_000)
    center = low * (high / low) ** place**shape
    white = s.noise(rng, n)
    swept = s.normalize_rms(
        s.shape_spectrum(white, s.resonances(n, [(center, s.log_uniform(rng, 100, 900), 1.0)], 0.005))
    )
    start = s.log_uniform(rng, 60, 300)
    pitch = start * s.uniform(rng, 3, 16) ** (np.linspace(0, 1, n) ** shape)
    tone = s.normalize_rms(s.saw(n, pitch) + s.saw(n, pitch * 1.007) + s.sine(n, pitch * 2))
    mix = float(rng.choice([0.0, 0.5, 1.0]))
    y = (1 - mix) * swept + mix * tone * s.uniform(rng, 0.5, 1) + 0.1 * mix * swept
    if s.chance(rng, 0.3):  # a pulse that quickens
        y = y * (0.4 + 0.6 * (0.5 + 0.5 * s.sine(n, np.linspace(3, s.uniform(rng, 8, 24), n))))
    return y * np.linspace(0.05, 1, n) ** s.uniform(rng, 0.7, 2)


@kind("drone", 3, 10)
def drone(rng: Rng, n: int) -> Signal:
    """Low held chord of detuned low tones that drifts slowly."""
    base = s.log_uniform(rng, 45, 180)
    ratios = [(1.0, 1.5, 2.0), (1.0, 1.006, 0.5), (1.0, 1.335, 2.0), (1.0, 1.19, 1.5)][int(rng.integers(4))]
    y = np.zeros(n)
    for ratio in ratios:
        pitch = base * ratio * s.uniform(rng, 0.995, 1.005) * (1 + 0.004 * (s.wander(rng, n, 0.5) - 0.5))
        wave = s.saw(n, pitch) if s.chance(rng, 0.6) else s.fm(n, pitch, pitch * 2, s.uniform(rng, 0.3, 2))
        y += wave * (0.4 + 0.6 * s.wander(rng, n, 0.5))
    dark = s.lowpass(y, s.log_uniform(rng, 250, 900))
    bright = s.lowpass(y, s.log_uniform(rng, 1_200, 4_000)) * s.wander(rng, n, 0.4) * s.uniform(rng, 0.1, 0.8)
    air = s.bandpass(s.noise(rng, n), base * 4, base * 12, 1) * s.uniform(rng, 0, 0.2)
    return (dark + bright + air) * s.hold(n, s.uniform(rng, 0.05, 1.0), s.uniform(rng, 0.05, 1.0))


@kind("low rumble", 2, 10)
def low_rumble(rng: Rng, n: int) -> Signal:
    """Noise below 100 Hz only: an earthquake, a far machine, a subwoofer."""
    top = s.uniform(rng, 45, 90)
    y = s.normalize_rms(s.lowpass(s.brown(rng, n), top, 6))
    y = y * (0.4 + 0.6 * s.wander(rng, n, s.log_uniform(rng, 0.5, 8)))
    if s.chance(rng, 0.35):
        y += s.uniform(rng, 0.2, 1) * s.sine(n, s.uniform(rng, 25, 70) * (0.97 + 0.06 * s.wander(rng, n, 1)))
    if s.chance(rng, 0.3):
        y = y * s.arch(n, s.uniform(rng, 0.4, 1.2))
    return y


@kind("laser zap", 0.2, 2.5)
def laser_zap(rng: Rng, n: int) -> Signal:
    """Tone that falls within a blink of an eye, single or in bursts."""
    high, low = s.log_uniform(rng, 1_500, 9_000), s.log_uniform(rng, 60, 500)
    length, wave = s.log_uniform(rng, 0.08, 0.6), int(rng.integers(4))
    fall, index = s.uniform(rng, 2, 9), s.uniform(rng, 1, 6)

    def zap() -> Signal:
        m = s.samples(min(length, n / s.SAMPLE_RATE_HZ))
        place = np.linspace(0, 1, m)
        pitch = (low + (high - low) * np.exp(-fall * place)) * s.uniform(rng, 0.95, 1.05)
        if wave == 0:
            y = s.sine(m, pitch)
        elif wave == 1:
            y = s.saw(m, pitch)
        elif wave == 2:
            y = s.pulse(m, pitch, s.uniform(rng, 0.15, 0.5))
        else:
            y = s.fm(m, pitch, pitch * 0.5, index)
        return y * s.decay(m, 0.001, length * 0.45) * np.minimum((1 - place) * 12, 1)

    return s.strikes(rng, n, zap, single=0.45, period_s=(0.09, 0.6))


@kind("electric spark", 0.2, 4)
def electric_spark(rng: Rng, n: int) -> Signal:
    """Sharp cracks and arcs that buzz at twice the mains frequency or sputter."""
    rate = s.log_uniform(rng, 60, 240)
    arc_low = s.log_uniform(rng, 1_200, 4_000)

    def arc() -> Signal:
        m = s.samples(min(s.log_uniform(rng, 0.03, 0.6), n / s.SAMPLE_RATE_HZ))
        cycle = s.phase(m, rate * (0.75 + 0.5 * s.wander(rng, m, 60))) % 1
        buzz = np.exp(-cycle * s.uniform(rng, 6, 20)) * s.highpass(s.noise(rng, m), arc_low, 1)
        crack = s.highpass(s.noise(rng, m), 600, 1) * s.decay(m, 0.0001, s.log_uniform(rng, 0.001, 0.006))
        sputter = np.clip(s.wander(rng, m, s.uniform(rng, 25, 90)) * 2.5 - 0.6, 0, 1)
        return s.uniform(rng, 0.4, 1) * (buzz * sputter * s.hold(m, 0.0005, 0.02) + s.uniform(rng, 0.5, 2.5) * crack)

    y = s.strikes(rng, n, arc, single=0.35, period_s=(0.08, 0.7))
    if s.chance(rng, 0.4):
        y += s.highpass(s.dust(rng, n, s.log_uniform(rng, 20, 200), 1.0), 1_500, 1) * s.uniform(rng, 0.2, 1)
    return s.lowpass(y, s.log_uniform(rng, 5_000, 16_000), 1)
