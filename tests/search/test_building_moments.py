"""Moments of long sounds are built and followed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analysis.clap import ModelKey
from catalog.models import Embedding, Sound
from search.rows import MOMENTS
from search.standing import index_lag
from search.sync import MomentFollower
from search.verifying import verify_index
from tests.search.built import DIM, Embed, Fill, MakeSound, built
from tests.search.vectors import axis, unit_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_dir")]


def sound_with_moments(make_sound: MakeSound, embed: Embed, **columns: Any) -> Sound:
    """A minute that is even but for a bark from 30 s on: windows of 2 s every 0.5 s."""
    sound = make_sound("ambience.wav", duration_s=60.0)
    windows = np.repeat(axis(0, DIM)[np.newaxis], 117, axis=0)
    windows[60:64] = axis(1, DIM)
    embed(sound, axis(0, DIM), **columns)
    Embedding.objects.filter(sound=sound).update(windows=windows.astype("<f2").tobytes())
    return sound


@pytest.mark.parametrize("is_built", [False, True])
def test_moments_are_followed_and_built(
    model: ModelKey, make_sound: MakeSound, embed: Embed, fill: Fill, *, is_built: bool
) -> None:
    sound = sound_with_moments(make_sound, embed)
    fill(5, windows=unit_rows(17, DIM), duration_s=10.0)  # as long as a model hears at once: no moments
    if is_built:
        assert built(model, MOMENTS).manifest.entries == 3
    follower = MomentFollower(model)

    index = follower.follow()

    assert index is not None
    found = index.search(axis(1, DIM), 1)
    assert [column.tolist() for column in found] == [[sound.id], [30.0], [33.5], [1.0]]
    assert index.entries([sound.id]).spans_s.tolist() == [[0.0, 31.5], [30.0, 33.5], [32.0, 60.0]]
    verified = verify_index(model, MOMENTS)
    assert (verified.is_right, verified.sounds) == (True, 1)
    fill(1, seed=8, windows=np.repeat(axis(2, DIM)[np.newaxis], 5, axis=0), duration_s=20.0)
    assert index_lag(model) == {"sounds": 7, "moments": 1 if is_built else 2}
    sound.delete()
    later = follower.follow()
    assert later is not None
    assert len(later) == 1
    assert later.search_sounds(axis(1, DIM), 5).sound_ids.tolist() != [sound.id]


def test_windows_of_another_profile_are_taken_when_the_newest_has_none(
    model: ModelKey, make_sound: MakeSound, embed: Embed
) -> None:
    sound = sound_with_moments(make_sound, embed)
    embed(sound, axis(0, DIM), window_s=0.0, hop_s=0.0)

    index = MomentFollower(model).follow()

    assert index is not None
    assert len(index) == 3


def test_broken_windows_are_left_out_and_named(
    model: ModelKey, make_sound: MakeSound, embed: Embed, caplog: pytest.LogCaptureFixture
) -> None:
    sound = sound_with_moments(make_sound, embed)
    Embedding.objects.filter(sound=sound).update(windows=b"123")

    index = MomentFollower(model).follow()

    assert index is not None
    assert len(index) == 0
    assert f"The windows of sound {sound.id} are broken (3 bytes)" in caplog.text
