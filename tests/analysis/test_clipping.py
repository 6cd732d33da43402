"""Flat tops that were made, and tops that only look flat."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.clipping import Clipping, ClippingMeter
from tests.analysis.signals import Waveform, noise, sine

NONE = Clipping(0, 0)


def clipping_of(waveform: Waveform, *, bits: int | None = None, block: int = 30_000) -> Clipping:
    meter = ClippingMeter(bits)
    for start in range(0, len(waveform), block):
        meter.add(waveform[start : start + block])
    return meter.finish()


def overdriven(frequency_hz: float = 200, *, by: float = 1.5) -> Waveform:
    clipped: Waveform = np.clip(by * sine(frequency_hz, 1.0), -1, 1).astype(np.float32)
    return clipped


def test_every_half_wave_of_an_overdriven_sine_is_cut() -> None:
    found = clipping_of(overdriven())
    assert found.stretches == 400
    above = 1 - 2 * np.arcsin(1 / 1.5) / np.pi  # share of the time that the sine would be over full scale
    assert found.samples / 48_000 == pytest.approx(above, abs=0.02)


@pytest.mark.parametrize("gain", [0.9, 0.5, 0.15])
def test_what_was_turned_down_after_clipping_is_found(gain: float) -> None:
    assert clipping_of(gain * overdriven(), bits=24) == clipping_of(overdriven())


def test_sixteen_bits_at_full_scale_are_enough() -> None:
    stored = np.clip(np.round(1.5 * sine(200, 1.0) * 32_768), -32_768, 32_767) / 32_768
    assert clipping_of(stored.astype(np.float32), bits=16).stretches == 400


@pytest.mark.parametrize("frequency_hz", [20, 50, 440, 997, 12_000])
@pytest.mark.parametrize("bits", [8, 16, 24])
def test_a_whole_sine_is_not_clipped_however_slow_or_coarse(frequency_hz: float, bits: int) -> None:
    scale = 2 ** (bits - 1)
    stored = np.round(sine(frequency_hz, 1.0) * (scale - 1)) / scale
    assert clipping_of(stored.astype(np.float32), bits=bits) == NONE


def test_noise_and_steady_values_are_not_clipped() -> None:
    assert clipping_of(noise(2.0)) == NONE
    assert clipping_of(np.full(1000, 0.5, np.float32)) == NONE
    assert clipping_of(np.zeros(1000, np.float32)) == NONE


def test_a_square_is_clipped_at_full_scale_and_by_design_below() -> None:
    square = np.sign(np.sin(2 * np.pi * 100 * (np.arange(48_000) + 0.5) / 48_000)).astype(np.float32)
    assert clipping_of(square).stretches > 190
    assert clipping_of(0.5 * square) == NONE


@pytest.mark.parametrize("block", [1, 2, 97])
def test_a_flat_top_across_blocks_is_one(block: int) -> None:
    assert clipping_of(overdriven()[:4800], block=block) == clipping_of(overdriven()[:4800])
