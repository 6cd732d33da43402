"""Instruments and drums, single notes as well as phrases."""

from __future__ import annotations

import numpy as np

from analysis.synth import signals as s
from analysis.synth.registry import kind
from analysis.synth.signals import Rng, Signal

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11, 12])
MINOR = np.array([0, 2, 3, 5, 7, 8, 10, 12])


def _note_hz(rng: Rng, low: int, high: int) -> float:
    return float(440 * 2 ** ((int(rng.integers(low, high)) - 69 + s.uniform(rng, -0.2, 0.2)) / 12))


def _phrase(rng: Rng, n: int, low: int, high: int, period_s: tuple[float, float]) -> list[tuple[float, float]]:
    """Moments and pitches: one note, or a line of a scale."""
    seconds = n / s.SAMPLE_RATE_HZ
    if seconds < 1.0 or s.chance(rng, 0.3):
        return [(0.005, _note_hz(rng, low, high))]
    tonic, scale = int(rng.integers(low, max(high - 12, low + 1))), MAJOR if s.chance(rng, 0.5) else MINOR
    moments = s.steady(rng, n, s.log_uniform(rng, *period_s), float(rng.choice([0.0, 0.02, 0.1])))
    return [(float(moment), float(440 * 2 ** ((tonic + scale[int(rng.integers(8))] - 69) / 12))) for moment in moments]


def _sustain(rng: Rng, n: int, low: int, high: int) -> tuple[Signal, Signal]:
    """Pitch and level of a legato line: (frequency per sample, envelope)."""
    notes = _phrase(rng, n, low, high, (0.25, 1.4))
    pitch, level = np.empty(n), np.ones(n)
    starts = [0, *(s.samples(moment) for moment, _ in notes[1:]), n]
    for (_, frequency), start, end in zip(notes, starts[:-1], starts[1:], strict=True):
        pitch[start:end] = frequency
        gap = min((end - start) // 4, s.samples(0.03))
        level[max(end - gap, start) : end] *= np.linspace(1, 0.2, min(gap, end - start))
    window = s.samples(0.02)
    smooth = np.convolve(np.pad(pitch, (window, window), "edge"), np.ones(window) / window, "same")[window:-window]
    return smooth, level


def _vibrato(rng: Rng, n: int, depth: float) -> Signal:
    return 1 + depth * s.sine(n, s.uniform(rng, 4.5, 6.5)) * s.hold(n, s.uniform(rng, 0.1, 0.5), 0.01)


def _chord(rng: Rng, low: int, high: int) -> list[float]:
    root = _note_hz(rng, low, high)
    third = 2 ** ((4 if s.chance(rng, 0.5) else 3) / 12)
    return [root, root * third, root * 1.5, root * 2]


@kind("piano", 0.6, 8)
def piano(rng: Rng, n: int) -> Signal:
    """Struck strings: stretched harmonics that die at different rates, two stages of decay, a hammer knock."""

    def strike(frequency: float) -> Signal:
        m = s.samples(min(1.6, n / s.SAMPLE_RATE_HZ))
        k = np.arange(1, int(rng.integers(7, 14)))
        stretch = frequency * k * np.sqrt(1 + s.uniform(rng, 1e-4, 8e-4) * k * k)
        falls = s.uniform(rng, 0.5, 1.6) * (220 / frequency) ** 0.4 / k**0.6
        gains = 1 / k ** s.uniform(rng, 0.9, 1.8)
        y = s.modes(rng, m, stretch, falls, gains) + 0.5 * s.modes(
            rng, m, stretch[:3] * 1.0008, falls[:3] * 0.3, gains[:3]
        )
        y *= np.minimum(s.times(m) / 0.003, 1)
        knock = s.bandpass(s.noise(rng, m), 100, 1_200, 1) * s.decay(m, 0.001, 0.02) * 0.15
        return s.uniform(rng, 0.6, 1) * (y + knock)

    y = np.zeros(n)
    for moment, frequency in _phrase(rng, n, 36, 88, (0.15, 0.8)):
        tones = [frequency, frequency * 2 ** (4 / 12), frequency * 1.5] if s.chance(rng, 0.2) else [frequency]
        for tone in tones:
            s.add_at(y, moment, strike(tone))
    return y


def _plucked(rng: Rng, n: int, low: int, high: int, brightness: float, damping: float) -> Signal:
    y = np.zeros(n)
    strum = s.chance(rng, 0.45)
    for moment, frequency in _phrase(rng, n, low, high, (0.18, 0.9)):
        tones = [frequency, frequency * 1.5, frequency * 2, frequency * 2.52, frequency * 3] if strum else [frequency]
        gap = s.uniform(rng, 0.006, 0.03)
        for i, tone in enumerate(tones):
            m = min(s.samples(2.0), n)
            s.add_at(y, moment + i * gap, s.pluck(rng, m, tone, brightness=brightness, damping=damping))
    return y


@kind("acoustic guitar", 0.6, 8)
def acoustic_guitar(rng: Rng, n: int) -> Signal:
    """Plucked and strummed strings over a hollow wooden body."""
    y = _plucked(rng, n, 40, 70, s.uniform(rng, 0.4, 0.95), s.log_uniform(rng, 0.002, 0.012))
    body = s.resonate(y, s.uniform(rng, 95, 120), 25) + s.resonate(y, s.uniform(rng, 190, 240), 40)
    return y + s.uniform(rng, 0.3, 1.5) * body


@kind("electric guitar", 0.6, 8)
def electric_guitar(rng: Rng, n: int) -> Signal:
    """Strings through an amplifier: distorted power chords and leads, or clean with chorus."""
    y = s.normalize_peak(_plucked(rng, n, 40, 74, s.uniform(rng, 0.3, 0.9), s.log_uniform(rng, 0.0008, 0.006)))
    if s.chance(rng, 0.7):
        gain = s.log_uniform(rng, 6, 80)
        y = np.tanh(gain * (y + 0.3 * y * y))
        y = y * s.decay(n, 0.002, s.uniform(rng, 0.8, 6))
    else:
        delay = s.samples(s.uniform(rng, 0.005, 0.02))
        y = y + 0.7 * np.roll(y, delay) * (0.6 + 0.4 * s.sine(n, s.uniform(rng, 0.5, 3)))
    return s.bandpass(y, 80, s.uniform(rng, 3_000, 5_500), 2)


@kind("bass guitar", 0.5, 6)
def bass_guitar(rng: Rng, n: int) -> Signal:
    """Low plucked notes, one at a time, round or slapped."""
    y = np.zeros(n)
    bright, damping = s.uniform(rng, 0.1, 0.6), s.log_uniform(rng, 0.004, 0.03)
    for moment, frequency in _phrase(rng, n, 26, 45, (0.18, 0.7)):
        string = s.pluck(rng, min(s.samples(1.5), n), frequency, brightness=bright, damping=damping)
        s.add_at(y, moment, string)
    y = s.normalize_peak(y)
    if s.chance(rng, 0.3):
        y = np.tanh(3 * y)
    return s.lowpass(y, s.log_uniform(rng, 500, 3_000))


@kind("violin", 0.8, 8)
def violin(rng: Rng, n: int) -> Signal:
    """Bowed string: a sawtooth with vibrato through body resonances, bow noise."""
    pitch, level = _sustain(rng, n, 55, 92)
    tone = s.saw(n, pitch * _vibrato(rng, n, s.uniform(rng, 0.002, 0.012)))
    body = [
        (hz * s.uniform(rng, 0.9, 1.1), hz * 0.15, gain)
        for hz, gain in ((290, 1.0), (480, 0.9), (1_100, 0.7), (2_600, 1.0), (4_200, 0.4))
    ]
    bow = s.bandpass(s.noise(rng, n), 2_000, 8_000, 1) * s.uniform(rng, 0.005, 0.05)
    swell = level * s.hold(n, s.uniform(rng, 0.03, 0.3), 0.15) * (0.7 + 0.3 * s.wander(rng, n, 2))
    return (s.formants(tone, body, 0.15) + bow) * swell


@kind("flute", 0.8, 8)
def flute(rng: Rng, n: int) -> Signal:
    """Nearly a sine, with breath and vibrato of loudness."""
    pitch, level = _sustain(rng, n, 60, 94)
    vibrato = _vibrato(rng, n, s.uniform(rng, 0.001, 0.006))
    gains = [1.0, s.uniform(rng, 0.1, 0.5), s.uniform(rng, 0.03, 0.2), 0.05, 0.02]
    tone = s.harmonics(n, pitch * vibrato, gains)
    breath = s.formants(s.noise(rng, n), [(pitch[:: s.HOP][0], 250, 1.0), (2 * pitch[:: s.HOP][0], 400, 0.5)], 0.05)
    return (
        (tone * (1 + 15 * (vibrato - 1)) + s.uniform(rng, 0.05, 0.35) * s.normalize_rms(breath))
        * level
        * s.hold(n, s.uniform(rng, 0.02, 0.12), 0.08)
    )


@kind("trumpet", 0.6, 7)
def trumpet(rng: Rng, n: int) -> Signal:
    """Brass: harmonics that brighten as the level rises."""
    pitch, level = _sustain(rng, n, 52, 84)
    swell = level * s.hold(n, s.uniform(rng, 0.02, 0.1), 0.1) * (0.75 + 0.25 * s.wander(rng, n, 2))
    wobble = _vibrato(rng, n, s.uniform(rng, 0, 0.006))
    phase = 2 * np.pi * s.phase(n, pitch * wobble)
    bright = s.uniform(rng, 1.5, 4.5) * swell
    tone = np.sin(phase + bright * np.sin(phase)) + 0.4 * np.sin(2 * phase + bright * np.sin(phase))
    bell = [(1_200, 500, 1.0), (2_400, 900, 0.8), (600, 300, 0.6)]
    return s.formants(tone * swell, bell, 0.25)


@kind("pipe organ", 1, 9)
def pipe_organ(rng: Rng, n: int) -> Signal:
    """Chords of ranks an octave apart, no decay, a little wind."""
    ranks = [1.0, 2.0, 4.0, 0.5, 3.0][: int(rng.integers(3, 6))]
    seconds = n / s.SAMPLE_RATE_HZ
    count = max(int(seconds / s.uniform(rng, 0.8, 3.0)), 1)
    y = np.zeros(n)
    for i in range(count):
        m = n // count
        part = np.zeros(m)
        for frequency in _chord(rng, 43, 65)[: int(rng.integers(1, 5))]:
            for rank in ranks:
                part += (
                    s.harmonics(m, frequency * rank * s.uniform(rng, 0.998, 1.002), [1.0, 0.3, 0.25, 0.1, 0.1])
                    / rank**0.4
                )
        y[i * m : i * m + m] += part * s.hold(m, 0.04, 0.06)
    return s.normalize_rms(y) + 0.01 * s.noise(rng, n)


@kind("synth pad", 2, 10)
def synth_pad(rng: Rng, n: int) -> Signal:
    """Detuned saws of a chord behind a slowly moving low pass, slow attack."""
    y = np.zeros(n)
    for frequency in _chord(rng, 40, 62):
        for _ in range(2):
            y += s.saw(n, frequency * (1 + 0.004 * rng.standard_normal()), rng.random())
    edge = s.log_uniform(rng, 400, 2_500) * (0.5 + s.wander(rng, n // s.HOP + 2, 0.4 * s.HOP))
    bins = np.fft.rfftfreq(s.FRAME, 1 / s.SAMPLE_RATE_HZ)[None, :]
    y = s.shape_spectrum(y, 1 / (1 + (bins / edge[:, None]) ** 4))
    return y * s.hold(n, s.uniform(rng, 0.4, 1.5), s.uniform(rng, 0.3, 1.0)) * (0.8 + 0.2 * s.wander(rng, n, 0.7))


@kind("synth lead", 0.6, 7)
def synth_lead(rng: Rng, n: int) -> Signal:
    """A bright pulse or saw line with glide, an arpeggio at times."""
    pitch, level = _sustain(rng, n, 52, 90)
    if s.chance(rng, 0.4):
        steps = np.array([1, 2 ** (3 / 12), 1.5, 2.0])
        index = (s.times(n) * s.uniform(rng, 6, 14)).astype(int) % 4
        pitch = pitch * steps[index]
    pitch = pitch * _vibrato(rng, n, s.uniform(rng, 0, 0.01))
    y = s.saw(n, pitch) if s.chance(rng, 0.5) else s.pulse(n, pitch, s.uniform(rng, 0.1, 0.5))
    y = y + 0.6 * s.saw(n, pitch * s.uniform(rng, 1.003, 1.012))
    return s.lowpass(y, s.log_uniform(rng, 2_000, 14_000)) * level * s.hold(n, 0.005, 0.05)


@kind("music box", 1, 8)
def music_box(rng: Rng, n: int) -> Signal:
    """Tiny tuned tines, high and clear, with a mechanical tick."""
    y = np.zeros(n)
    for moment, frequency in _phrase(rng, n, 76, 100, (0.16, 0.5)):
        partials = frequency * np.array([1, 2.0, 5.9])
        s.add_at(y, moment, s.modes(rng, s.samples(1.0), partials, [0.5, 0.18, 0.03], [1, 0.12, 0.3]))
    ticks = s.place(n, s.steady(rng, n, 0.12, 0.02), lambda: s.grain(rng, 0.01, 0.001, 3_000, 9_000))
    return y + s.uniform(rng, 0, 0.08) * ticks


def _kick(rng: Rng) -> Signal:
    m = s.samples(s.uniform(rng, 0.25, 0.9))
    t = s.times(m)
    bottom, sweep = s.log_uniform(rng, 38, 85), s.log_uniform(rng, 40, 400)
    way = rng.random()
    fall = s.uniform(rng, 0.15, 0.45) if way < 0.35 else s.log_uniform(rng, 0.04, 0.16)
    y = s.sine(m, bottom + sweep * np.exp(-t / s.log_uniform(rng, 0.008, 0.05))) * s.decay(m, 0.0008, fall)
    if way > 0.7:
        y = np.tanh(s.uniform(rng, 2, 8) * y)
    click = s.bandpass(s.noise(rng, m), 1_200, s.uniform(rng, 3_000, 9_000), 1) * s.decay(
        m, 0.0002, s.uniform(rng, 0.001, 0.006)
    )
    skin = s.bandpass(s.noise(rng, m), 80, 600, 1) * s.decay(m, 0.001, 0.03)
    return y + s.uniform(rng, 0, 0.5) * click + s.uniform(rng, 0, 0.25) * skin


def _snare(rng: Rng) -> Signal:
    m = s.samples(s.uniform(rng, 0.15, 0.5))
    shell_hz = s.log_uniform(rng, 140, 330)
    wires = s.highpass(s.noise(rng, m), s.log_uniform(rng, 600, 3_000), 1) * s.decay(
        m, 0.0005, s.log_uniform(rng, 0.03, 0.16)
    )
    wires = s.lowpass(wires, s.uniform(rng, 6_000, 16_000), 1)
    shell = s.modes(
        rng, m, shell_hz * np.array([1, 1.59, 2.14, 2.65]), s.log_uniform(rng, 0.02, 0.09), [1, 0.7, 0.3, 0.2]
    )
    crack = s.bandpass(s.noise(rng, m), 1_500, 8_000, 1) * s.decay(m, 0.0002, 0.004)
    return s.uniform(rng, 0.5, 1.3) * wires + s.uniform(rng, 0.2, 1.1) * shell + s.uniform(rng, 0, 1.2) * crack


def _hat(rng: Rng, open_: bool) -> Signal:
    m = s.samples(0.7 if open_ else 0.2)
    if s.chance(rng, 0.4):  # six square oscillators, as in drum machines
        base = s.uniform(rng, 30, 55)
        y = np.sum([np.sign(s.sine(m, base * r)) for r in (8.2, 12.1, 14.8, 18.5, 21.1, 27.2)], axis=0)
        y = y + s.uniform(rng, 0, 4) * s.noise(rng, m)
    else:
        y = s.noise(rng, m)
    y = s.highpass(y, s.uniform(rng, 4_500, 9_000), 4)
    return y * s.decay(m, 0.0004, s.log_uniform(rng, 0.1, 0.35) if open_ else s.log_uniform(rng, 0.008, 0.05))


def _tom(rng: Rng, base: float) -> Signal:
    m = s.samples(s.uniform(rng, 0.35, 0.9))
    t = s.times(m)
    bend = 1 + s.uniform(rng, 0.05, 0.6) * np.exp(-t / s.uniform(rng, 0.02, 0.08))
    fall = s.log_uniform(rng, 0.08, 0.35)
    y = s.sine(m, base * bend) * s.decay(m, 0.001, fall)
    y += s.uniform(rng, 0.1, 0.5) * s.sine(m, base * 1.59 * bend) * s.decay(m, 0.001, fall * 0.5)
    y += s.uniform(rng, 0.05, 0.3) * s.sine(m, base * 2.3 * bend) * s.decay(m, 0.001, fall * 0.3)
    stick = s.bandpass(s.noise(rng, m), 300, 5_000, 1) * s.decay(m, 0.0003, 0.006)
    return y + s.uniform(rng, 0.05, 0.7) * stick


@kind("kick drum", 0.2, 3)
def kick_drum(rng: Rng, n: int) -> Signal:
    """A low tone that drops in pitch: 808, acoustic with a beater, distorted, lo-fi."""
    return s.strikes(rng, n, lambda: _kick(rng), single=0.65, period_s=(0.35, 0.8))


@kind("snare drum", 0.2, 3)
def snare_drum(rng: Rng, n: int) -> Signal:
    """A shell's tone and rattling wires."""
    return s.strikes(rng, n, lambda: _snare(rng), single=0.65, period_s=(0.12, 0.8))


@kind("hi-hat", 0.2, 3)
def hi_hat(rng: Rng, n: int) -> Signal:
    """Short metallic hiss above 5 kHz, closed or open."""
    open_ = s.chance(rng, 0.25)
    return s.strikes(rng, n, lambda: _hat(rng, open_), single=0.55, period_s=(0.12, 0.4))


@kind("tom drum", 0.2, 3)
def tom_drum(rng: Rng, n: int) -> Signal:
    """A tuned skin between 75 and 300 Hz whose tone sings; fills go downwards."""
    base = s.log_uniform(rng, 75, 300)
    if n > s.samples(0.9) and s.chance(rng, 0.5):
        fill = iter(base * np.geomspace(1.5, 0.7, 64))
        return s.place(n, s.steady(rng, n, s.uniform(rng, 0.11, 0.3), 0.03)[:60], lambda: _tom(rng, float(next(fill))))
    return s.strikes(rng, n, lambda: _tom(rng, base), single=0.7, period_s=(0.2, 0.8))


@kind("cymbal crash", 0.8, 5)
def cymbal_crash(rng: Rng, n: int) -> Signal:
    """A splash of dense metal modes that fades over a second or more."""

    def crash() -> Signal:
        m = s.samples(4.0)
        fall = s.log_uniform(rng, 0.35, 1.4)
        hiss = s.highpass(s.noise(rng, m), s.log_uniform(rng, 1_200, 4_500)) * s.decay(
            m, s.uniform(rng, 0.0005, 0.01), fall
        )
        freqs = s.log_uniform(rng, 250, 500) * np.sort(1 + 22 * rng.random(30))
        metal = s.modes(rng, m, freqs, fall * (0.4 + rng.random(30)), rng.random(30))
        stroke = s.highpass(s.noise(rng, m), 5_000, 1) * s.decay(m, 0.0005, 0.03)
        return s.normalize_rms(hiss) + s.uniform(rng, 0.2, 0.9) * s.normalize_rms(metal) + s.uniform(rng, 0, 1) * stroke

    return s.strikes(rng, n, crash, single=0.85, period_s=(0.8, 2))


@kind("hand clap", 0.2, 3)
def hand_clap(rng: Rng, n: int) -> Signal:
    """Three or four bursts within 40 ms around 1 kHz, and a short tail."""
    center = s.log_uniform(rng, 700, 1_900)

    def clap() -> Signal:
        m = s.samples(0.35)
        envelope = np.zeros(m)
        start = 0
        for _ in range(int(rng.integers(1, 5))):
            envelope[start:] = np.maximum(envelope[start:], s.decay(m - start, 0.0003, s.uniform(rng, 0.003, 0.008)))
            start += s.samples(s.uniform(rng, 0.007, 0.014))
        envelope[start:] = np.maximum(
            envelope[start:], s.uniform(rng, 0.4, 1) * s.decay(m - start, 0.0003, s.uniform(rng, 0.02, 0.09))
        )
        return s.bandpass(s.noise(rng, m), center * 0.7, center * s.uniform(rng, 1.5, 4), 1) * envelope

    return s.strikes(rng, n, clap, single=0.6, period_s=(0.2, 0.8))


@kind("drum loop", 1.5, 8)
def drum_loop(rng: Rng, n: int) -> Signal:
    """A kit in a groove: kick, snare and hats on a grid of sixteenths."""
    tick = 60 / s.uniform(rng, 75, 175) / 4
    hats = int(rng.choice([1, 2, 4]))
    kick_hits, snare_hits = [0, 6, 8, 10][: int(rng.integers(2, 5))], [4, 12]
    if s.chance(rng, 0.3):
        kick_hits, snare_hits = [0, 4, 8, 12], [4, 12]
    kick, snare, hat = _kick(rng), _snare(rng), _hat(rng, open_=False)
    steps = np.arange(int(n / s.SAMPLE_RATE_HZ / tick) + 1)
    at = steps * tick
    y = 1.0 * s.place(n, at[np.isin(steps % 16, kick_hits)], lambda: s.normalize_peak(kick))
    y += s.uniform(rng, 0.5, 1) * s.place(n, at[np.isin(steps % 16, snare_hits)], lambda: s.normalize_peak(snare))
    y += s.uniform(rng, 0.1, 0.5) * s.place(
        n, at[steps % hats == 0], lambda: s.uniform(rng, 0.4, 1) * s.normalize_peak(hat)
    )
    return y
