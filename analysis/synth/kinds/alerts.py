"""Makers of signals meant to be heard: sirens, horns, whistles, beeps and interface sounds."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal
from analysis.synth.tones import join_parts, pick_timbre


@kind("siren", 1.5, 9)
def siren(rng: Rng, n: int) -> Signal:
    """Wail, yelp, hi-lo, an air-raid siren or a mix, standing or driving by."""
    way, t = int(rng.integers(5)), s.times(n)
    low, high = s.uniform(rng, 450, 800), s.uniform(rng, 1_000, 1_700)
    if way == 0:  # wail
        swing = 0.5 - 0.5 * np.cos(2 * np.pi * (s.uniform(rng, 0.1, 0.4) * t + rng.random()))
    elif way == 1:  # yelp
        swing = ((s.uniform(rng, 1.8, 5) * t) % 1) ** 0.6
    elif way == 2:  # hi-lo
        high = low * float(rng.choice([1.19, 1.335, 1.4, 1.5]))
        swing = ((s.uniform(rng, 0.5, 1.6) * t + rng.random()) % 1 < 0.5).astype(float)
        swing = s.lowpass(swing, 40, 1)
    elif way == 3:  # air raid: slow rise of a mechanical horn
        low, high = s.uniform(rng, 120, 250), s.uniform(rng, 380, 600)
        swing = s.curve(n, 0, 0.7, 0.95, 1, *((0.9, 0.4) if s.chance(rng, 0.5) else (1, 1)))
    else:  # wail, then yelp
        change = s.uniform(rng, 0.3, 0.7) * t[-1]
        rate = np.where(t < change, s.uniform(rng, 0.2, 0.4), s.uniform(rng, 2.5, 4))
        swing = 0.5 - 0.5 * np.cos(2 * np.pi * s.phase(n, rate))
    pitch = low + (high - low) * swing
    if s.chance(rng, 0.25):  # passing by
        pitch = pitch * (1 - 0.09 * np.tanh((t - t[-1] / 2) / s.uniform(rng, 0.3, 1.2)))
    y = s.saw(n, pitch, 0.1) if way == 3 or s.chance(rng, 0.4) else np.tanh(s.uniform(rng, 1, 5) * s.sine(n, pitch))
    y = s.lowpass(s.highpass(y, 300, 1), s.log_uniform(rng, 2_500, 8_000), 2)
    return y * (0.15 + 0.85 * s.arch(n, 2)) if s.chance(rng, 0.3) else y


@kind("alarm beep", 0.5, 7)
def alarm_beep(rng: Rng, n: int) -> Signal:
    """Insistent beeps: even, in groups of two to four, of two pitches, or a warbling smoke alarm."""
    tone, hz = pick_timbre(rng), s.log_uniform(rng, 700, 4_000)
    length, group = s.log_uniform(rng, 0.05, 0.5), int(rng.choice([1, 1, 2, 3, 4]))
    gap, pause = s.uniform(rng, 0.5, 1.2) * length, s.uniform(rng, 1, 4) * length
    other = float(rng.choice([1.0, 1.0, 0.8, 1.25, 1.5]))
    if s.chance(rng, 0.1):  # a warble without gaps
        return tone(n, hz * (1 + 0.12 * np.sign(s.sine(n, s.uniform(rng, 4, 14)))))
    m = s.samples(length)
    beeps = [tone(m, f) * s.hold(m, 0.002, 0.004) for f in (hz, hz * other)]
    parts: list[Signal] = []
    total, i = 0, 0
    while total < n:
        i += 1
        parts += [beeps[i % 2], np.zeros(s.samples(gap if i % group else max(gap, pause * (group > 1))))]
        total += len(parts[-1]) + m
    return join_parts(parts, n)


@kind("car horn", 0.2, 4)
def car_horn(rng: Rng, n: int) -> Signal:
    """Honks of two reedy horns, short or long; small cars and scooters have one high horn."""
    hz = s.uniform(rng, 330, 480)
    pair = (
        [hz, hz * float(rng.choice([1.19, 1.25, 1.26, 1.335]))]
        if s.chance(rng, 0.75)
        else [hz * s.uniform(rng, 0.9, 1.4)]
    )
    duty, drive = s.uniform(rng, 0.1, 0.35), s.uniform(rng, 1, 4)
    peak = s.uniform(rng, 1_800, 3_400)

    def honk(m: int) -> Signal:
        bend = s.curve(m, 0.985, 1, 1, 1, 1, 0.995)
        y = sum((s.pulse(m, f * bend, duty, rng.random()) for f in pair), np.zeros(m))
        y = s.highpass(np.tanh(drive * y), 150, 1)
        y = s.lowpass(0.4 * y + s.resonate(y, peak, 900) + 0.5 * s.resonate(y, 1.8 * hz, 300), 9_000)
        return y * s.hold(m, 0.012, 0.025)

    seconds = n / s.SAMPLE_RATE_HZ
    if seconds < 0.6 or s.chance(rng, 0.35):
        m = s.samples(seconds * s.uniform(rng, 0.75, 1))
        return join_parts([honk(m)], n)
    parts: list[Signal] = []
    while sum(map(len, parts)) < n:
        m = s.samples(s.log_uniform(rng, 0.1, 0.8))
        parts += [honk(m), np.zeros(s.samples(s.log_uniform(rng, 0.07, 0.6)))]
    return join_parts(parts, n)


@kind("train horn", 0.8, 6)
def train_horn(rng: Rng, n: int) -> Signal:
    """Loud chords of air horns, with blasts long and short, passing or standing."""
    base = s.log_uniform(rng, 180, 370)
    chords = ((1, 1.19, 1.5, 1.68, 2.0), (1, 1.26, 1.5), (1, 1.335, 1.68), (1, 1.2), (1, 1.12, 1.41, 1.68))
    chord = chords[int(rng.integers(5))]
    passing = s.chance(rng, 0.25)
    breath, bright = s.uniform(rng, 0.02, 0.15), s.log_uniform(rng, 1_200, 3_500)

    def blast(m: int) -> Signal:
        bend = s.curve(m, 0.95, *([1.0] * 8), 0.96)
        if passing:
            bend = bend * (1 - 0.08 * np.tanh(np.linspace(-4, 4, m)))
        y = sum((s.saw(m, base * f * s.uniform(rng, 0.995, 1.005) * bend, rng.random()) for f in chord), np.zeros(m))
        y = s.lowpass(np.tanh(0.8 * y), bright, 1) + breath * s.bandpass(s.noise(rng, m), 500, 6_000, 1)
        return y * s.hold(m, s.uniform(rng, 0.05, 0.15), s.uniform(rng, 0.1, 0.35))

    lengths = [(1.0,), (0.42, 0.42), (0.35, 0.35, 0.1, 0.2), (0.15, 0.6)][int(rng.integers(4))]
    parts: list[Signal] = []
    for part in lengths:
        parts += [blast(s.samples(0.92 * part * n / s.SAMPLE_RATE_HZ)), np.zeros(int(0.05 * part * n))]
    return join_parts(parts, n)


@kind("whistle", 0.3, 4)
def whistle(rng: Rng, n: int) -> Signal:
    """Referee's pea whistle, a human whistle, a steam whistle, a kettle or a slide whistle."""
    way = int(rng.integers(5))

    def pea(m: int, hz: float, rate: float) -> Signal:
        pea = s.sine(m, rate * (0.85 + 0.3 * s.wander(rng, m, 6)))
        pitch = hz * (1 + 0.025 * pea) * s.curve(m, 0.96, 1, 1, 0.97)
        y = s.harmonics(m, pitch, [1, 0.15, 0.08]) + 0.6 * s.sine(m, pitch * 1.07)
        y = y * (0.65 + 0.35 * pea) + 0.15 * s.bandpass(s.noise(rng, m), hz * 0.7, hz * 2, 1)
        return y * s.hold(m, 0.008, 0.03)

    if way == 0:
        hz, rate = s.uniform(rng, 2_200, 4_200), s.uniform(rng, 22, 60)
        lengths = ((1.0,), (0.25, 0.6), (0.2, 0.2, 0.5), (0.12, 0.12))[int(rng.integers(4))]
        return join_parts(
            [x for k in lengths for x in (pea(s.samples(0.9 * k * n / 48e3), hz, rate), np.zeros(int(0.06 * n)))], n
        )
    if way == 1:  # lips: a call, a wolf whistle or a tune
        base = s.log_uniform(rng, 900, 2_200)
        if s.chance(rng, 0.4):
            pitch = base * s.curve(n, 1, 1.3, 2.0, 2.0, 1, 1.2, 1.5, 1.1, 0.7)
            envelope = s.hold(n, 0.03, 0.1) * s.curve(n, 1, 1, 1, 1, 0.02, 1, 1, 1, 0.6)
        else:
            count = max(int(n / s.SAMPLE_RATE_HZ * s.uniform(rng, 2, 6)), 1)
            tune = 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12], count) / 12)
            pitch = base * s.lowpass(np.repeat(tune, n // count + 1)[:n] - tune[0], 18, 1) + base * tune[0]
            envelope = np.abs(np.sin(np.pi * count * np.linspace(0, 1, n))) ** 0.25
        pitch = pitch * (1 + 0.012 * s.sine(n, s.uniform(rng, 4, 7)))
        return (
            s.sine(n, pitch) + 0.03 * s.sine(n, 2 * pitch) + 0.04 * s.bandpass(s.noise(rng, n), base, 3 * base, 1)
        ) * envelope
    if way == 2:  # steam
        base = s.log_uniform(rng, 300, 800)
        bend = s.curve(n, 0.9, 1, 1, 1, 1, 0.93)
        y = sum((s.harmonics(n, base * f * bend, [1, 0.1, 0.3, 0.05, 0.1]) for f in (1, 1.26, 1.5)), np.zeros(n))
        y += s.uniform(rng, 0.3, 1) * s.bandpass(s.noise(rng, n), 700, 7_000, 1)
        return y * s.hold(n, 0.08, 0.2)
    if way == 3:  # kettle: pressure builds up
        pitch = s.uniform(rng, 1_800, 3_000) * s.curve(n, 0.7, 0.95, 1.0, 1.02) * (1 + 0.01 * s.wander(rng, n, 20))
        y = s.sine(n, pitch) + 0.4 * s.sine(n, 1.5 * pitch) + 0.4 * s.bandpass(s.noise(rng, n), 1_500, 9_000, 1)
        return y * s.curve(n, 0.2, 0.9, 1, 1)
    low, high = s.uniform(rng, 500, 900), s.uniform(rng, 1_300, 2_600)  # slide whistle
    points = ((low, high), (high, low), (low, high, low), (high, low, high))[int(rng.integers(4))]
    pitch = s.curve(n, *points) * (1 + 0.01 * s.sine(n, 6.0))
    return (s.harmonics(n, pitch, [1, 0.05, 0.12]) + 0.03 * s.noise(rng, n)) * s.hold(n, 0.03, 0.06)


@kind("notification chime", 0.3, 2.5)
def notification_chime(rng: Rng, n: int) -> Signal:
    """One to four pleasant notes like those of a phone or a computer."""
    base, count = s.log_uniform(rng, 450, 1_800), int(rng.choice([1, 2, 2, 3, 4]))
    steps = np.sort(rng.choice([0, 3, 4, 5, 7, 9, 12, 16], count, replace=False))
    if s.chance(rng, 0.35):
        steps = steps[::-1]
    gap, fall = s.log_uniform(rng, 0.06, 0.2), s.log_uniform(rng, 0.08, 0.5)
    way, index, ratio = int(rng.integers(4)), s.uniform(rng, 0.5, 2.5), float(rng.choice([2.0, 3.0, 3.5, 4.0, 7.0]))
    queue = iter(steps)

    def note() -> Signal:
        hz = base * 2 ** (float(next(queue)) / 12)
        m = s.samples(min(5 * fall, 2.0))
        envelope = s.decay(m, s.uniform(rng, 0.001, 0.01), fall)
        if way == 0:
            return s.fm(m, hz, hz * ratio, index * envelope) * envelope
        if way == 1:
            return s.modes(
                rng, m, hz * np.array([1, 2.76, 5.4, 8.9]), fall * np.array([1, 0.5, 0.25, 0.1]), [1, 0.4, 0.2, 0.1]
            )
        if way == 2:
            return s.harmonics(m, hz, [1, 0.3, 0.1, 0.05]) * envelope
        return s.pluck(rng, m, hz, brightness=0.6, damping=0.01) * s.hold(m, 0.001, 0.05)

    y = s.place(n, np.arange(count) * gap, note)
    if s.chance(rng, 0.3):  # an echo
        delay = s.samples(s.uniform(rng, 0.08, 0.2))
        if delay < n:
            y[delay:] += 0.3 * y[:-delay].copy()
    return y


@kind("interface click", 0.2, 1.2)
def interface_click(rng: Rng, n: int) -> Signal:
    """Tick, tap or blip of a button on a screen, or a mouse button going down and up."""
    way, hz = int(rng.integers(4)), s.log_uniform(rng, 700, 5_000)
    bend = s.uniform(rng, 0.5, 1.6)
    low, high = s.log_uniform(rng, 500, 3_500), s.log_uniform(rng, 5_000, 16_000)

    def click() -> Signal:
        if way == 0:  # blip
            m = s.samples(s.log_uniform(rng, 0.008, 0.05))
            return s.sine(m, hz * s.curve(m, 1, bend)) * s.decay(m, 0.0005, len(s.times(m)) / s.SAMPLE_RATE_HZ / 4)
        if way == 1:  # mouse
            down, up = (s.grain(rng, 0.02, s.uniform(rng, 0.0008, 0.002), low, high) for _ in range(2))
            return np.concatenate([down, np.zeros(s.samples(s.uniform(rng, 0.04, 0.11))), 0.6 * up])
        m = s.samples(0.04)
        if way == 2:  # tap
            return s.modes(rng, m, hz * np.array([1, 1.7, 2.9]), [0.004, 0.003, 0.002], [1, 0.6, 0.4])
        return s.grain(rng, 0.02, s.log_uniform(rng, 0.0004, 0.003), low, high) + 0.3 * s.modes(
            rng, s.samples(0.02), [hz], [0.002], [1]
        )

    return s.strikes(rng, n, click, single=0.7, period_s=(0.1, 0.5))


@kind("error buzzer", 0.3, 3)
def error_buzzer(rng: Rng, n: int) -> Signal:
    """Harsh low buzz of a wrong answer: one, two or falling."""
    hz, way = s.log_uniform(rng, 70, 320), int(rng.integers(3))
    detune, duty = s.uniform(rng, 1.005, 1.07), s.uniform(rng, 0.2, 0.5)
    cutoff_hz = s.log_uniform(rng, 1_500, 8_000)

    def buzz(m: int, f: float) -> Signal:
        y = s.pulse(m, f, duty) + s.pulse(m, f * detune, duty) if way else s.saw(m, f) + s.saw(m, f * detune)
        return s.lowpass(np.tanh(2 * y), cutoff_hz) * s.hold(m, 0.003, 0.02)

    shape = int(rng.integers(3))
    if shape == 0:
        return join_parts([buzz(s.samples(s.uniform(rng, 0.6, 1) * n / s.SAMPLE_RATE_HZ), hz)], n)
    m = s.samples(min(s.uniform(rng, 0.12, 0.35), 0.4 * n / s.SAMPLE_RATE_HZ))
    second = buzz(m, hz) if shape == 1 else buzz(2 * m, hz * s.uniform(rng, 0.6, 0.85))
    return join_parts([buzz(m, hz), np.zeros(m // 3), second], n)


MORSE = (
    ".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--",
    "-.", "---", ".--.", "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-", "-.--", "--..",
)  # fmt: skip


@kind("morse code", 1, 8)
def morse_code(rng: Rng, n: int) -> Signal:
    """Dots and dashes of random words as a tone, a buzz or the clicks of a sounder, often over radio noise."""
    dot, hz = s.log_uniform(rng, 0.04, 0.12), s.log_uniform(rng, 400, 1_100)
    keyed: list[Signal] = []
    total, m = 0, s.samples(dot)
    while total < n:
        start = len(keyed)
        for mark in MORSE[int(rng.integers(26))]:
            keyed += [np.ones(m * (1 if mark == "." else 3)), np.zeros(m)]
        keyed.append(np.zeros(m * (6 if s.chance(rng, 0.2) else 2)))
        total += sum(map(len, keyed[start:]))
    gate = np.concatenate(keyed)[:n]
    way = rng.random()
    if way < 0.15:  # sounder
        edges = np.flatnonzero(np.diff(gate, prepend=0.0)) / s.SAMPLE_RATE_HZ
        bank = [s.grain(rng, 0.03, 0.003, 800 * k, 5_000 * k) for k in (1.0, 1.3)]
        return s.sprinkle(rng, n, edges, bank, 0.1)
    tone = s.sine(n, hz) if way < 0.75 else s.lowpass(s.pulse(n, hz * 0.6, 0.3), 3_000)
    y = tone * s.lowpass(gate, s.uniform(rng, 60, 300), 1)
    if s.chance(rng, 0.5):
        y += s.log_uniform(rng, 0.02, 0.3) * s.bandpass(s.noise(rng, n), 300, 2_800)
    return y
