"""Log-mel features agree with the extractor that transformers ships."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import ClapFeatureExtractor

from analysis.logmel import LogMel

EXTRACTOR = ClapFeatureExtractor(frequency_min=50, frequency_max=14_000, truncation="rand_trunc", padding="repeatpad")
LENGTHS = [1, 7, 511, 4_801, 48_000, 120_000, 143_999, 240_001, 479_999, 480_000]


def assert_equal_to_the_extractor(ours: np.ndarray, windows: np.ndarray) -> None:
    expected = EXTRACTOR(list(windows), sampling_rate=48_000, return_tensors="np")["input_features"]
    audible = expected > -70.0  # under it single precision shows next to a loud tone
    np.testing.assert_allclose(ours[audible], expected[audible], atol=0.01)
    np.testing.assert_allclose(ours, expected, atol=0.5)


@pytest.mark.parametrize("n_samples", LENGTHS)
def test_it_equals_the_extractor_of_transformers(n_samples: int) -> None:
    noise = np.random.default_rng(n_samples).normal(0, 0.1, (1, n_samples)).astype(np.float32)
    ours = LogMel(EXTRACTOR)(noise).numpy()
    assert ours.shape == (1, 1, 1001, 64)
    assert_equal_to_the_extractor(ours, noise)


def test_a_tone_and_silence_agree_too() -> None:
    tone = 0.9 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000)
    windows = np.stack([tone, np.zeros_like(tone)]).astype(np.float32)
    ours = LogMel(EXTRACTOR)(windows).numpy()
    assert_equal_to_the_extractor(ours, windows)
    assert np.all(ours[1] == -100.0)


def test_rows_do_not_depend_on_the_batch_they_come_in() -> None:
    windows = np.random.default_rng(0).normal(0, 0.1, (19, 24_000)).astype(np.float32)
    log_mel = LogMel(EXTRACTOR)
    torch.testing.assert_close(log_mel(windows)[18:], log_mel(windows[18:]), atol=1e-3, rtol=0)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.0, 2.5, 5.0])
def test_frames_that_come_again_are_computed_once_and_stay_equal(seconds: float) -> None:
    windows = np.random.default_rng(2).normal(0, 0.1, (3, round(seconds * 48_000))).astype(np.float32)
    log_mel = LogMel(EXTRACTOR)
    every_frame = log_mel.spectrogram(log_mel.repeat_and_pad(windows))
    torch.testing.assert_close(log_mel(windows)[:, 0], every_frame, atol=1e-4, rtol=0)
    assert_equal_to_the_extractor(log_mel(windows).numpy(), windows)


def test_it_takes_the_parameters_of_another_checkpoint() -> None:
    other = ClapFeatureExtractor(frequency_max=8_000, hop_length=960, truncation="rand_trunc", padding="repeatpad")
    noise = np.random.default_rng(1).normal(0, 0.1, (1, 60_000)).astype(np.float32)
    expected = other(noise[0], sampling_rate=48_000, return_tensors="np")["input_features"]
    np.testing.assert_allclose(LogMel(other)(noise).numpy(), expected, atol=1e-3)
    np.testing.assert_allclose(LogMel(other.to_dict())(noise).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 0), (1, 480_001), (480,)])
def test_windows_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="480000"):
        LogMel(EXTRACTOR)(np.zeros(shape, dtype=np.float32))


def test_fusion_checkpoints_are_refused() -> None:
    with pytest.raises(ValueError, match="fusion"):
        LogMel(ClapFeatureExtractor(truncation="fusion"))


@pytest.mark.parametrize("seconds", [0.1, 1.0, 1.25, 2.0, 2.5, 5.0, 10.0])
def test_windows_of_one_sound_share_its_frames(seconds: float) -> None:
    log_mel = LogMel(EXTRACTOR)
    length, hop = round(seconds * 48_000), log_mel.hop
    sound = torch.from_numpy(np.random.default_rng(3).normal(0, 0.1, 2 * length + 9_600).astype(np.float32))
    first_frames = torch.tensor([0, 3, length // hop])
    windows = torch.stack([sound[start : start + length] for start in (first_frames * hop).tolist()])
    assert log_mel.shares_frames(length)
    shared = log_mel.windows_of(log_mel.frames(sound[log_mel.first_sample :]), windows, first_frames)
    torch.testing.assert_close(shared, log_mel(windows), atol=1e-3, rtol=0)
    assert_equal_to_the_extractor(shared.numpy(), windows.numpy())


@pytest.mark.parametrize("n_samples", [1, 480, 1_920, 96_001, 144_000, 288_000])
def test_windows_that_leave_a_rest_share_no_frames(n_samples: int) -> None:
    assert not LogMel(EXTRACTOR).shares_frames(n_samples)
