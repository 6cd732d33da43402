"""Keys of chords and scales, and sounds that have none."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.tonality import Key, best_key, fold_to_classes, measure_key
from tests.analysis.signals import Waveform, decaying, noise, samples_of, sine

MAJOR_STEPS, MINOR_STEPS = (0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10, 12)


def note(pitch: float, duration_s: float, *, overtones: int = 6, a4_hz: float = 440.0) -> Waveform:
    frequency_hz = a4_hz * 2 ** ((pitch - 69) / 12)
    parts = [sine(frequency_hz * k, duration_s, amplitude=0.1 / k) for k in range(1, overtones + 1)]
    return decaying(np.sum(parts, axis=0), db_per_s=20)


def chord(*pitches: float, duration_s: float = 2.0, overtones: int = 6, a4_hz: float = 440.0) -> Waveform:
    notes = [note(pitch, duration_s, overtones=overtones, a4_hz=a4_hz) for pitch in pitches]
    together: Waveform = np.sum(notes, axis=0).astype(np.float32)
    return together


def scale(tonic: int, steps: tuple[int, ...]) -> Waveform:
    there_and_back = steps + steps[-2::-1]
    return np.concatenate([note(tonic + step, 0.4) for step in there_and_back])


def key_of(waveform: Waveform) -> Key | None:
    return measure_key(samples_of(waveform))


@pytest.mark.parametrize("overtones", [1, 6])
def test_a_c_major_triad_is_in_c_major(overtones: int) -> None:
    key = key_of(chord(60, 64, 67, overtones=overtones))
    assert key is not None
    assert key.name == "C major"
    assert key.strength > 0.8


def test_an_a_minor_arpeggio_is_in_a_minor() -> None:
    key = key_of(np.concatenate([note(pitch, 0.5) for pitch in (57, 60, 64, 69, 64, 60, 57)]))
    assert key is not None
    assert key.name == "A minor"
    assert key.strength > 0.8


@pytest.mark.parametrize(
    ("tonic", "steps", "name"),
    [(55, MAJOR_STEPS, "G major"), (54, MAJOR_STEPS, "F# major"), (52, MINOR_STEPS, "E minor")],
)
def test_a_scale_is_in_its_key(tonic: int, steps: tuple[int, ...], name: str) -> None:
    key = key_of(scale(tonic, steps))
    assert key is not None
    assert key.name == name


@pytest.mark.parametrize("a4_hz", [430.0, 446.0])
def test_an_instrument_out_of_tune_is_in_the_key_it_is_played_in(a4_hz: float) -> None:
    key = key_of(chord(62, 66, 69, a4_hz=a4_hz))
    assert key is not None
    assert key.name == "D major"


@pytest.mark.parametrize(
    "waveform",
    [
        pytest.param(noise(4.0), id="white noise"),
        pytest.param(np.zeros(96_000, np.float32), id="silence"),
        pytest.param(note(60, 3.0), id="one note"),
        pytest.param(chord(60, 67), id="a fifth"),
        pytest.param(chord(60, 64, 67, duration_s=0.5), id="too short"),
        pytest.param(chord(60, 64, 67) + noise(2.0, amplitude=1.0), id="drowned in noise"),
        pytest.param(chord(60, 64.3, 66.7, overtones=1), id="partials between the semitones"),
    ],
)
def test_what_has_no_key(waveform: Waveform) -> None:
    assert key_of(waveform) is None


def test_a_profile_is_its_own_key() -> None:
    major = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
    for shift, name in ((0, "C major"), (2, "D major"), (11, "B major")):
        key = best_key(np.roll(major, shift))
        assert (key.name, round(key.strength, 6)) == (name, 1.0)


def test_pitches_off_by_a_fixed_amount_fold_into_the_classes_they_are_near() -> None:
    fine = np.zeros(240)
    fine[[0 * 20 + 6, 4 * 20 + 6, 7 * 20 + 6]] = 1.0, 2.0, 3.0  # 30 cents sharp
    chroma, in_tune = fold_to_classes(fine)
    assert chroma[[0, 4, 7]].tolist() == [1.0, 2.0, 3.0]
    assert in_tune == pytest.approx(1.0)
