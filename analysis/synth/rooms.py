"""What happens to a sound between its source and the file: room, distance, microphone, codec, background and level."""

from __future__ import annotations

import numpy as np
from scipy import signal as sps

from analysis.synth import signals as s
from analysis.synth.signals import Rng, Signal

SPEED_OF_SOUND_M_S = 343.0


def impulse_response(rng: Rng, reverb_time_s: float) -> Signal:
    """Early reflections and a tail of noise in which treble dies first; unit energy, no direct sound."""
    n = s.samples(min(reverb_time_s * 1.1, 2.5))
    t = s.times(n)
    tail = np.zeros(n)
    split_hz = s.log_uniform(rng, 700, 4000)
    tail_noise = rng.standard_normal(n)
    low = s.lowpass(tail_noise, split_hz, 1)
    tail = low * np.exp(-6.9 * t / reverb_time_s)
    tail += (tail_noise - low) * np.exp(-6.9 * t / (reverb_time_s * s.uniform(rng, 0.25, 0.8)))
    size_m = s.log_uniform(rng, 2, 25)
    tail *= np.minimum(t / (size_m / SPEED_OF_SOUND_M_S), 1.0)
    reflections = np.minimum((rng.random(6) * size_m * 3 / SPEED_OF_SOUND_M_S * s.SAMPLE_RATE_HZ).astype(int), n - 1)
    tail[reflections] += rng.choice([-1.0, 1.0], 6) * s.uniform(rng, 0.5, 3.0)
    tail[0] = 0.0
    return np.asarray(tail / (np.sqrt(np.sum(tail * tail)) + 1e-12))


def put_in_room(rng: Rng, x: Signal) -> Signal:
    """Add the reverberation of a room of random size, more of it the further away the source is."""
    reverb_time_s = s.log_uniform(rng, 0.12, 3.0)
    distance = s.log_uniform(rng, 0.05, 2.0)  # in critical distances: where the room is as loud as the source
    wet = sps.oaconvolve(x, impulse_response(rng, reverb_time_s))[: len(x)]
    wet *= (np.sqrt(np.mean(x * x)) + 1e-12) / (np.sqrt(np.mean(wet * wet)) + 1e-12)
    return np.asarray(x + min(distance, 1.5) * wet)


def move_away(rng: Rng, x: Signal) -> Signal:
    """Let air and obstacles take the treble of a far source."""
    return s.lowpass(x, s.log_uniform(rng, 1_200, 12_000), 1)


def _peaking(rng: Rng, x: Signal) -> Signal:
    angle = 2 * np.pi * s.log_uniform(rng, 80, 12_000) / s.SAMPLE_RATE_HZ
    amplitude = 10 ** (s.uniform(rng, -9, 9) / 40)
    alpha = np.sin(angle) / (2 * s.log_uniform(rng, 0.5, 4))
    b = [1 + alpha * amplitude, -2 * np.cos(angle), 1 - alpha * amplitude]
    a = [1 + alpha / amplitude, -2 * np.cos(angle), 1 - alpha / amplitude]
    return np.asarray(sps.lfilter(b, a, x))


def record(rng: Rng, x: Signal) -> Signal:
    """Color a sound as microphones, equalizers and recorders do."""
    if s.chance(rng, 0.6):
        x = _peaking(rng, x)
    if s.chance(rng, 0.35):
        tilt = s.uniform(rng, -0.6, 1.5)
        low = s.lowpass(x, s.log_uniform(rng, 300, 3000), 1)
        x = x + tilt * low if s.chance(rng, 0.5) else x - 0.6 * s.uniform(rng, 0, 1) * low
    if s.chance(rng, 0.3):
        x = s.highpass(x, s.log_uniform(rng, 30, 300), 1)
    if s.chance(rng, 0.12):
        x = np.tanh(s.log_uniform(rng, 1, 5) * s.normalize_peak(x))
    return x


def encode(rng: Rng, x: Signal) -> Signal:
    """Cut the band as codecs, phones and old samplers do."""
    way = rng.random()
    if way < 0.22:
        return s.lowpass(x, s.log_uniform(rng, 7_000, 17_000), 8)
    if way < 0.26:
        return s.bandpass(x, s.uniform(rng, 150, 350), s.uniform(rng, 2_800, 4_500), 2)
    if way < 0.30:
        keep = int(rng.integers(2, 6))  # a sampler of 8 to 24 kHz without a reconstruction filter
        return np.repeat(x[::keep], keep)[: len(x)]
    if way < 0.33:
        steps = 2.0 ** s.uniform(rng, 5, 8)
        return np.asarray(np.round(s.normalize_peak(x) * steps) / steps)
    return x


def background(rng: Rng, n: int) -> Signal:
    """Make a bed of noise in one of several colors, sometimes with mains hum; unit deviation."""
    color = int(rng.integers(5))
    if color == 0:
        bed = s.noise(rng, n)
    elif color == 1:
        bed = s.pink(rng, n)
    elif color == 2:
        bed = s.brown(rng, n)
    else:
        low = s.log_uniform(rng, 40, 3_000)
        bed = s.bandpass(s.noise(rng, n), low, low * s.log_uniform(rng, 3, 20), 1)
    bed = s.normalize_rms(bed)
    if s.chance(rng, 0.15):
        bed = bed + s.harmonics(n, float(rng.choice([50.0, 60.0])), [1.0, 0.5, 0.6, 0.2, 0.3])
    return bed


def add_background(rng: Rng, x: Signal, bed: Signal) -> Signal:
    """Mix a bed under a sound, 12 to 50 dB below its louder parts."""
    loud = np.sqrt(np.mean(np.sort(x * x)[-max(len(x) // 5, 1) :]))
    level = loud * 10 ** (-s.uniform(rng, 12, 50) / 20)
    return np.asarray(x + level * s.normalize_rms(bed))


def set_level(rng: Rng, x: Signal) -> Signal:
    """Give the clip a level: sometimes squashed to the ceiling, otherwise a peak of -30 to 0 dBFS."""
    x = s.normalize_peak(x)
    if s.chance(rng, 0.08):
        x = np.clip(x * s.log_uniform(rng, 1.2, 4), -1, 1)
    peak = s.uniform(rng, 0.5, 1.0) if s.chance(rng, 0.5) else s.log_uniform(rng, 0.03, 1.0)
    return x * peak


def capture(rng: Rng, x: Signal, bed: Signal | None = None) -> Signal:
    """Send a dry sound the whole way into a file.

    Parameters
    ----------
    x : float64, shape (n,)
        The dry sound at any level.
    bed : float64, shape (n,), optional
        Another sound to lie softly underneath; without one, noise half of the time.

    Returns
    -------
    float64, shape (n,)
        Peak at most 1.
    """
    x = s.normalize_peak(x)
    if s.chance(rng, 0.5):
        x = put_in_room(rng, x)
    if s.chance(rng, 0.3):
        x = move_away(rng, x)
    x = record(rng, x)
    if bed is not None:
        x = add_background(rng, x, bed)
    elif s.chance(rng, 0.5):
        x = add_background(rng, x, background(rng, len(x)))
    return set_level(rng, encode(rng, x))
