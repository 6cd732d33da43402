"""Loudness of signals whose loudness is written down: ITU-R BS.1770-4 and EBU Tech 3341."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.loudness import LoudnessMeter, k_weighting
from tests.analysis.signals import Waveform, noise, sine

RATE = 48_000


def lufs_of(channels: Waveform, rate_hz: int = RATE, *, block: int = 30_011) -> float | None:
    meter = LoudnessMeter(rate_hz, len(channels))
    for start in range(0, channels.shape[1], block):
        meter.add(channels[:, start : start + block].astype(np.float64))
    return meter.integrated_lufs()


def tone(*levels_and_lengths: tuple[float, float], rate: int = RATE) -> Waveform:
    """A sine of 1 kHz whose peak level in dBFS and length in seconds are given part by part."""
    return np.concatenate(
        [sine(1000, length, amplitude=10 ** (db / 20), rate=rate) for db, length in levels_and_lengths]
    )


def test_at_48_khz_the_filters_are_those_that_bs_1770_prints() -> None:
    printed = [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
    np.testing.assert_allclose(k_weighting(RATE), printed, atol=1e-8)


def test_a_full_scale_sine_of_997_hz_in_one_channel_reads_minus_3_01() -> None:
    assert lufs_of(sine(997, 5.0)[None]) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(-23, 20)], id="case 1"),
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], id="case 3: the relative gate"),
        pytest.param([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], id="case 4: both gates"),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], id="case 5"),
    ],
)
def test_the_stereo_signals_of_ebu_tech_3341_read_minus_23(parts: list[tuple[float, float]]) -> None:
    channel = tone(*parts)
    assert lufs_of(np.stack([channel, channel])) == pytest.approx(-23.0, abs=0.1)


def test_ten_decibels_less_read_ten_less() -> None:
    channel = tone((-33, 20))
    assert lufs_of(np.stack([channel, channel])) == pytest.approx(-33.0, abs=0.1)


def test_five_channels_are_weighed_as_in_case_6_of_ebu_tech_3341() -> None:
    channels = [tone((db, 20)) for db in (-28, -28, -24, -30, -30)]
    assert lufs_of(np.stack(channels)) == pytest.approx(-23.0, abs=0.1)


def test_the_low_frequency_channel_of_six_does_not_count() -> None:
    loud, silent = tone((-20, 2)), np.zeros(2 * RATE, np.float32)
    assert lufs_of(np.stack([silent, silent, silent, loud, silent, silent])) is None
    assert lufs_of(np.stack([loud, silent, silent, loud, silent, silent])) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(("rate", "within"), [(8_000, 0.25), (11_025, 0.15), (44_100, 0.02), (96_000, 0.02)])
def test_a_tone_reads_the_same_at_every_rate(rate: int, within: float) -> None:  # low rates bend the shelf a little
    assert lufs_of(tone((-20, 3), rate=rate)[None], rate) == pytest.approx(-23.0, abs=within)


def test_rates_under_the_shelf_keep_what_is_below_it() -> None:
    low = [lufs_of(sine(150, 4.0, amplitude=0.1, rate=rate)[None], rate) for rate in (500, 2_000, RATE)]
    assert low[:2] == pytest.approx([low[2]] * 2, abs=0.3)


def test_how_a_sound_is_cut_into_blocks_does_not_show() -> None:
    waveform = noise(3.0)[None]
    assert lufs_of(waveform, block=7) == pytest.approx(lufs_of(waveform, block=1 << 17), abs=1e-9)


@pytest.mark.parametrize("waveform", [np.zeros(RATE), noise(0.399), noise(2.0, amplitude=1e-5)])
def test_what_is_silent_too_faint_or_too_short_has_no_loudness(waveform: Waveform) -> None:
    assert lufs_of(np.asarray(waveform, np.float32)[None]) is None
