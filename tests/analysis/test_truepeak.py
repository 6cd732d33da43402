"""True peaks that are known, or found in another way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample_poly

from analysis.truepeak import TruePeakMeter
from tests.analysis.signals import Waveform, noise

RATE = 48_000


def true_peak(channels: Waveform, *, block: int = 1 << 15) -> float:
    meter = TruePeakMeter(len(channels))
    for start in range(0, channels.shape[1], block):
        meter.add(channels[:, start : start + block])
    return meter.finish()


def faded_sine(frequency_hz: float, phase: float, *, rate: int = RATE) -> Waveform:
    """One second of peak 0.5 that begins and ends softly: an abrupt end has a peak of its own."""
    at = np.arange(rate)
    fade = np.clip(np.minimum(at, at[::-1]) / (rate / 8), 0, 1)
    return (0.5 * fade * np.sin(2 * np.pi * frequency_hz * at / rate + phase)).astype(np.float32)


def test_a_quarter_rate_sine_at_45_degrees_peaks_3_db_over_its_samples() -> None:
    waveform = faded_sine(RATE / 4, np.pi / 4)
    assert np.abs(waveform).max() == pytest.approx(0.5 / np.sqrt(2), abs=1e-4)
    assert true_peak(waveform[None]) == pytest.approx(0.5, rel=0.005)


@pytest.mark.parametrize("share", [1 / 6, 1 / 3, 0.42])
@pytest.mark.parametrize("phase", [0.0, 0.4, 1.1])
def test_a_sine_of_any_phase_has_its_own_peak(share: float, phase: float) -> None:
    measured_db = 20 * np.log10(true_peak(faded_sine(share * RATE, phase)[None]) / 0.5)
    assert -0.4 < measured_db < 0.1  # as EBU Tech 3341 asks, which allows 0.2 over


def test_it_agrees_with_resampling_the_whole() -> None:
    waveform = noise(2.0)
    resampled = np.abs(resample_poly(waveform.astype(np.float64), 4, 1, window=("kaiser", 8.0))).max()
    assert true_peak(waveform[None]) == pytest.approx(resampled, rel=0.03)
    assert resampled > np.abs(waveform).max()


@pytest.mark.parametrize("place", range(2000, 2080))
def test_no_peak_at_the_seam_of_two_stretches_is_passed_over(place: int) -> None:
    waveform = np.zeros((1, 4096), np.float32)
    waveform[0, place : place + 2] = 0.6  # the peak is between the two
    assert true_peak(waveform) == pytest.approx(0.6 * 4 / np.pi, rel=0.01)


@pytest.mark.parametrize("block", [1, 5, 777])
def test_how_a_sound_is_cut_into_blocks_does_not_show(block: int) -> None:
    waveform = noise(0.1)[None]
    assert true_peak(waveform, block=block) == pytest.approx(true_peak(waveform), rel=1e-6)


def test_a_single_sample_is_its_own_peak() -> None:
    assert true_peak(np.full((1, 1), -0.5, np.float32)) == 0.5
