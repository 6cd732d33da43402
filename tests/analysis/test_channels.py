"""Facts of a file's own channels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from analysis.audio import decode
from analysis.channels import ChannelFacts, measure_channels
from analysis.features import measure_features
from tests.analysis.signals import noise, sine

Write = Callable[..., Path]
LEFT, OTHER = noise(1.0), noise(1.0, seed=1)


def channels_of(*channels: npt.ArrayLike) -> ChannelFacts:
    frames = np.stack([np.asarray(channel, np.float32) for channel in channels], axis=1)
    return measure_channels(np.array_split(frames, 7), 48_000, len(channels))


@pytest.mark.parametrize(
    ("right", "relation"),
    [
        (LEFT, "identical"),
        (LEFT + 1e-4 * OTHER, "nearly identical"),
        (0.5 * LEFT, "panned mono"),
        (-LEFT, "inverted"),
        (0 * LEFT, "silent channel"),
        (OTHER, "different"),
        (0.7 * LEFT + 0.3 * OTHER, "different"),
    ],
)
def test_mono_in_stereo_is_told_by_its_kind(right: npt.ArrayLike, relation: str) -> None:
    assert channels_of(LEFT, right).relation == relation
    assert channels_of(right, LEFT).relation == relation


def test_one_channel_is_like_no_other() -> None:
    assert channels_of(LEFT).relation is None


def test_six_equal_channels_are_identical_until_one_falls_silent() -> None:
    assert channels_of(*[LEFT] * 6).relation == "identical"
    assert channels_of(*[LEFT] * 5, 0 * LEFT).relation == "silent channel"


def test_silence_in_all_channels_is_identical() -> None:
    assert channels_of(0 * LEFT, 0 * LEFT).relation == "identical"


def test_the_offset_is_that_of_the_worst_channel() -> None:
    tone = sine(100, 1.0, amplitude=0.1)
    assert channels_of(tone + 0.01, tone - 0.03).dc_offset == pytest.approx(-0.03, abs=1e-6)


def test_a_step_of_half_the_length_is_half_its_height_of_offset() -> None:
    assert channels_of(np.repeat([0.0, 0.4], 24_000)).dc_offset == pytest.approx(0.2, abs=1e-6)


def test_the_share_of_clipped_samples_is_of_all_channels() -> None:
    clipped = np.clip(2 * sine(200, 1.0), -1, 1)
    alone, among_four = channels_of(clipped), channels_of(clipped, LEFT, LEFT, LEFT)
    assert alone.clipping == among_four.clipping
    assert alone.clipped_share == pytest.approx(4 * among_four.clipped_share)


def test_a_file_is_measured_at_its_own_rate_and_channels(write_sound: Write) -> None:
    tone = sine(1000, 5.0, amplitude=10 ** (-23 / 20), rate=44_100)
    path = write_sound(np.stack([tone, tone], axis=1), rate=44_100, subtype="PCM_24")
    facts = decode(path).channels
    assert facts.loudness_lufs == pytest.approx(-23.0, abs=0.1)
    assert 20 * np.log10(facts.true_peak) == pytest.approx(-23.0, abs=0.05)
    assert facts.relation == "identical"


def test_clipping_survives_that_the_mix_is_resampled(write_sound: Write) -> None:
    loud = np.clip(1.5 * sine(200, 1.0, rate=44_100), -1, 1)
    audio = decode(write_sound(np.stack([loud, 0 * loud], axis=1), rate=44_100, subtype="PCM_16"))
    summary = measure_features(audio.samples, channels=audio.channels)
    assert (summary.clipped_stretches, summary.channel_relation) == (400, "silent channel")


def test_the_same_file_gives_the_same_numbers_to_the_bit(write_sound: Write) -> None:
    path = write_sound(np.stack([LEFT, OTHER], axis=1), rate=44_100)
    assert decode(path).channels == decode(path).channels
