"""The outline of a sound."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.waveform import Peaks, measure_peaks
from tests.analysis.signals import samples_of, sine


def test_peaks_of_a_sine_reach_its_amplitude_on_both_sides() -> None:
    values = measure_peaks(samples_of(sine(440, 4.0, amplitude=0.5))).values
    assert values.shape == (800, 2)
    assert (np.abs(values[:, 0] + 64) <= 1).all()
    assert (np.abs(values[:, 1] - 64) <= 1).all()


@pytest.mark.parametrize("count", [1, 2, 799, 801])
def test_there_are_never_more_stretches_than_samples(count: int) -> None:
    assert len(measure_peaks(samples_of(np.ones(count))).values) == min(count, 800)


def test_what_is_over_full_scale_is_drawn_at_full_scale() -> None:
    assert measure_peaks(samples_of([3.0, -3.0])).values.tolist() == [[127, 127], [-127, -127]]


def test_bytes_come_back_as_peaks() -> None:
    peaks = measure_peaks(samples_of(sine(100, 0.1)))
    np.testing.assert_array_equal(Peaks.from_bytes(peaks.to_bytes()).values, peaks.values)
