"""Where sounds are cut."""

from __future__ import annotations

import pytest

from analysis.windows import GRID, clip_bounds, starts_of_stored, window_count, window_spacing_s, window_starts


def test_windows_begin_at_every_hop() -> None:
    assert window_starts(4 * 48_000, 2.0, 0.5).tolist() == [0, 24_000, 48_000, 72_000, 96_000]


def test_a_rest_gets_a_window_that_ends_with_the_sound() -> None:
    assert window_starts(110_000, 2.0, 0.5).tolist() == [0, 14_000]


@pytest.mark.parametrize("n_samples", [1, 95_999, 96_000])
def test_a_sound_not_longer_than_a_window_has_one(n_samples: int) -> None:
    assert window_starts(n_samples, 2.0, 0.5).tolist() == [0]


def test_a_clip_is_divided_every_ten_seconds() -> None:
    assert clip_bounds(1_000_000) == [(0, 480_000), (480_000, 960_000), (960_000, 1_000_000)]
    assert clip_bounds(1) == [(0, 1)]


@pytest.mark.parametrize("n_samples", [1, 96_000, 96_001, 110_000, 120_000, 192_000, 1_000_000])
def test_windows_are_counted_without_making_them(n_samples: int) -> None:
    assert window_count(n_samples, 2.0, 0.5) == len(window_starts(n_samples, 2.0, 0.5))


def test_too_many_windows_are_spread_from_end_to_end() -> None:
    two_hours = 2 * 3600 * 48_000
    starts = window_starts(two_hours, 2.0, 0.5, max_windows=3_600)
    assert (len(starts), starts[0], two_hours - starts[-1]) == (3_600, 0, 96_000)
    steps = {round(step / 48_000, 2) for step in (starts[1:] - starts[:-1]).tolist()}
    assert steps <= {1.99, 2.0, 2.01}  # no gap between windows of two seconds
    assert not (starts % GRID).any()
    assert window_spacing_s(two_hours, 2.0, 0.5, max_windows=3_600) == pytest.approx(2.0, abs=0.001)
    assert window_spacing_s(48_000, 2.0, 0.5, max_windows=3_600) is None


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_stored_windows_are_found_again_though_the_duration_is_a_sample_off(off: int) -> None:
    starts = window_starts(240_000, 2.0, 0.5)
    again = starts_of_stored(240_000 + off, 2.0, 0.5, len(starts))
    assert abs(again - starts).max() <= 1
    spread = window_starts(2_400_000, 2.0, 0.5, max_windows=20)
    assert abs(starts_of_stored(2_400_000 + off, 2.0, 0.5, 20) - spread).max() <= GRID
