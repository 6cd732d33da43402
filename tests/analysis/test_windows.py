"""Where sounds are cut."""

from __future__ import annotations

import pytest

from analysis.windows import clip_bounds, window_starts


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
