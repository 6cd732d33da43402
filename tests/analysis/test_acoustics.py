"""Traits on signals that were made with them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from analysis.acoustics import find_traits, is_silent
from analysis.features import measure_features
from tests.analysis.signals import Waveform, clicks, decaying, noise, samples_of, sine


def lowpassed(waveform: Waveform, hertz: float) -> Waveform:
    sections = butter(4, hertz, fs=48_000, output="sos")
    return np.array(sosfilt(sections, waveform), dtype=np.float32)


def partials(frequency_hz: float, duration_s: float) -> Waveform:
    waves = [sine(frequency_hz * k, duration_s, amplitude=0.2 / k) for k in range(1, 8)]
    mixed: Waveform = np.stack(waves).sum(axis=0)
    return mixed


SIGNALS = {
    "white noise": noise(4.0),
    "rumble": 3 * lowpassed(noise(4.0), 60),
    "plucked string": decaying(partials(220, 3.0), db_per_s=25),
    "click": np.concatenate([clicks([0.05], 0.1) + noise(0.1, amplitude=1e-4), np.zeros(20_000, np.float32)]),
    "ticking": clicks(list(np.arange(0.2, 8, 0.5)), 8.0) + noise(8.0, amplitude=1e-4),
    "hit in a room": decaying(noise(2.0, amplitude=0.3), db_per_s=40),
    "organ": partials(220, 4.0),
    "fading noise": noise(5.0) * np.minimum(1, 10 ** (-np.linspace(-40, 60, 240_000) / 20)).astype(np.float32),
    "faint noise": noise(3.0, amplitude=0.003),
}
EXPECTED = {
    "white noise": ({"continuous", "steady", "broadband noise", "high frequency"}, {"percussive", "tonal", "reverb"}),
    "rumble": ({"continuous", "sub-bass"}, {"tonal", "broadband noise", "percussive", "high frequency"}),
    "plucked string": ({"percussive", "sharp transient", "tonal", "long decay"}, {"broadband noise", "steady"}),
    "click": ({"short", "percussive", "sharp transient"}, {"tonal", "continuous", "steady", "rhythmic"}),
    "ticking": ({"percussive", "rhythmic", "intermittent"}, {"tonal", "continuous", "reverb"}),
    "hit in a room": ({"percussive", "broadband noise", "reverb"}, {"tonal", "steady", "rhythmic", "intermittent"}),
    "organ": ({"continuous", "steady", "tonal"}, {"percussive", "broadband noise", "reverb"}),
    "fading noise": ({"fades out", "broadband noise"}, {"fades in", "steady", "percussive", "reverb"}),
    "faint noise": ({"quiet", "continuous", "steady"}, {"percussive"}),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_traits_are_those_the_signal_was_made_with(name: str) -> None:
    samples = samples_of(SIGNALS[name])
    tags = {trait.tag for trait in find_traits(measure_features(samples), samples.duration_s)}
    present, absent = EXPECTED[name]
    assert present <= tags
    assert not absent & tags


def test_silence_has_no_traits() -> None:
    facts = measure_features(samples_of(noise(2.0, amplitude=1e-5)))
    assert is_silent(facts)
    assert find_traits(facts, 2.0) == []


def test_a_faint_room_is_not_silence() -> None:
    assert not is_silent(measure_features(samples_of(noise(2.0, amplitude=0.0005))))
