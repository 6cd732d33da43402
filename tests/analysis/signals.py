"""Signals whose measurements are known before they are measured."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.samples import SAMPLE_RATE_HZ, Samples

Waveform = npt.NDArray[np.float32]


def samples_of(waveform: npt.ArrayLike) -> Samples:
    samples = Samples()
    samples.append(np.asarray(waveform, np.float32))
    return samples


def sine(frequency_hz: float, duration_s: float, *, amplitude: float = 1.0, rate: int = SAMPLE_RATE_HZ) -> Waveform:
    times = np.arange(round(duration_s * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)


def noise(duration_s: float, *, amplitude: float = 0.1, seed: int = 0) -> Waveform:
    count = round(duration_s * SAMPLE_RATE_HZ)
    return (amplitude * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def clicks(times_s: list[float], duration_s: float) -> Waveform:
    waveform = np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.float32)
    waveform[[round(time * SAMPLE_RATE_HZ) for time in times_s]] = 1.0
    return waveform


def decaying(waveform: Waveform, *, db_per_s: float) -> Waveform:
    times = np.arange(len(waveform)) / SAMPLE_RATE_HZ
    return (waveform * 10 ** (-db_per_s * times / 20)).astype(np.float32)
