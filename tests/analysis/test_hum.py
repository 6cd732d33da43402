"""Mains hum in noise, and steady tones that are none."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.hum import Hum, measure_hum
from tests.analysis.signals import Waveform, decaying, noise, samples_of, sine


def hum_of(waveform: Waveform) -> Hum | None:
    return measure_hum(samples_of(waveform))


def hum(mains_hz: float, duration_s: float) -> Waveform:
    lines = [sine(mains_hz * k, duration_s, amplitude=0.01 / k) for k in (1, 2, 3)]
    together: Waveform = np.sum(lines, axis=0).astype(np.float32)
    return together


@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize("off_hz", [-0.2, 0.0, 0.2])
def test_hum_under_noise_is_found_at_the_frequency_of_its_grid(mains_hz: int, off_hz: float) -> None:
    found = hum_of(hum(mains_hz + off_hz, 5.0) + noise(5.0, amplitude=0.01))
    assert found is not None
    assert found.frequency_hz == mains_hz


def test_it_stands_out_by_what_was_put_in() -> None:
    found = hum_of(sine(50, 20.0, amplitude=0.01) + noise(20.0, amplitude=0.01))
    noise_in_a_bin = 0.01**2 * 1.5 / 24_000 * np.log(2)  # Hann's noise bandwidth; the median of an exponential
    assert found is not None
    assert found.prominence_db == pytest.approx(10 * np.log10(0.01**2 / 2 / noise_in_a_bin), abs=1.5)


def test_a_rectifier_hums_at_twice_the_frequency() -> None:
    lines = sum(sine(frequency, 4.0, amplitude=0.01) for frequency in (120, 240, 360))
    found = hum_of(lines + noise(4.0, amplitude=0.01))
    assert found is not None
    assert found.frequency_hz == 60


def test_hum_behind_speech_like_bursts_is_found_in_the_pauses() -> None:
    bursts = noise(6.0, amplitude=0.2) * np.repeat([1, 0, 0, 1, 0, 0], 48_000)
    found = hum_of(hum(50, 6.0) + bursts + noise(6.0, amplitude=1e-3, seed=1))
    assert found is not None
    assert found.frequency_hz == 50


@pytest.mark.parametrize(
    "waveform",
    [
        pytest.param(noise(5.0), id="white noise"),
        pytest.param(0.01 * np.cumsum(noise(5.0)), id="rumble"),
        pytest.param(sine(49, 5.0), id="the note G"),
        pytest.param(sine(61.7, 5.0), id="the note B"),
        pytest.param(sine(997, 5.0), id="a tone elsewhere"),
        pytest.param(decaying(sine(50, 4.0), db_per_s=15), id="a drum that dies away"),
        pytest.param(hum(50, 1.9), id="too short to tell"),
        pytest.param(np.zeros(240_000, np.float32), id="silence"),
    ],
)
def test_what_is_no_hum(waveform: Waveform) -> None:
    assert hum_of(waveform) is None


def test_digital_silence_around_it_does_not_hide_it() -> None:
    silence = np.zeros(5 * 48_000, np.float32)
    found = hum_of(np.concatenate([silence, hum(60, 4.0) + noise(4.0, amplitude=0.003), silence]))
    assert found is not None
    assert found.frequency_hz == 60
