"""Sounds as no recorder should write them: each has a record that is valid JSON, or a reason in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from analysis.engine import AnalyzedFile, Engine, FailedFile
from analysis.errors import UnreadableAudio
from analysis.pipeline import Analyzer
from analysis.profiles import Profiles
from analysis.vocabulary import Vocabulary
from tests.analysis.signals import noise, sine

Write = Callable[..., Path]
Record = dict[str, Any]

RATE = 48_000
NO_NUMBERS = "not one sample is a finite number"
ONE_IN_HUNDRED = "480 of 48000 samples were not finite numbers and were replaced by silence"


@pytest.fixture(scope="module")
def analyzer(
    profiles: Profiles, vocabulary: Vocabulary, random_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Analyzer:
    cache = tmp_path_factory.mktemp("cache")
    return Analyzer(profiles=profiles, vocabulary=vocabulary, cache_dir=cache, model_override=str(random_model))


def analyze(analyzer: Analyzer, path: Path) -> AnalyzedFile | FailedFile:
    (result,) = Engine(analyzer).analyze([path], "balanced")
    return result


def recorded(analyzer: Analyzer, path: Path) -> Record:
    """The record of a file, as it is read back from JSON; vectors and peaks must be numbers too."""
    result = analyze(analyzer, path)
    assert isinstance(result, AnalyzedFile), result
    (sound,) = result.sounds
    assert np.isfinite(sound.embeddings.clip).all()
    assert np.isfinite(sound.embeddings.windows).all()
    assert np.linalg.norm(sound.embeddings.clip) == pytest.approx(1, abs=1e-3)
    return valid_json(sound.record.model_dump_json())


def valid_json(text: str) -> Record:
    def refuse(constant: str) -> float:
        raise ValueError(f"want JSON, got {constant}")

    record: Record = json.loads(text, parse_constant=refuse)
    return record


def square() -> npt.NDArray[np.float32]:
    return np.where(sine(440, 1.0) >= 0, 1.0, -1.0).astype(np.float32)


def broken(value: float, *, share: float) -> npt.NDArray[np.float32]:
    waveform = noise(1.0)
    waveform[: round(share * len(waveform))] = value
    return waveform


SOUNDS: dict[str, npt.ArrayLike] = {
    "half a millisecond": noise(0.0005),
    "0.05 s": noise(0.05),
    "faint noise on an offset": 0.3 + noise(1.0, amplitude=0.001),
    "an offset that is switched": np.repeat([0.0, 0.5], RATE // 2),
    "an offset beside a tone": np.stack([np.full(RATE, 0.5), sine(440, 1.0)], axis=1),
    "a full-scale square": square(),
    "far over full scale": 100 * noise(1.0),
    "one click in silence": np.eye(1, RATE, RATE // 2)[0],
    "the highest frequency": np.tile([0.9, -0.9], RATE // 2),
}
SILENT: dict[str, npt.ArrayLike] = {
    "digital silence": np.zeros(RATE),
    "one sample of it": [0.0],
    "the faintest sound": np.full(RATE, 1e-38),
    "subnormal numbers": np.full(RATE, 1e-42),
    "one sample": [0.5],
    "two samples": [0.5, -0.5],
    "an offset and nothing else": np.full(RATE, 0.5),
    "full scale and nothing else": np.ones(RATE),
    "an offset with dither": 0.3 + np.random.default_rng(0).uniform(-(2**-15), 2**-15, RATE),
    "other offsets in two channels": np.tile([0.5, -0.2], (RATE, 1)),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_any_samples_have_a_record(analyzer: Analyzer, write_sound: Write, name: str) -> None:
    waveform = np.asarray(SOUNDS[name], np.float32)
    record = recorded(analyzer, write_sound(waveform, subtype="FLOAT"))
    assert record["metadata"]["n_samples"] == len(waveform)
    assert record["metadata"]["notes"] == []
    assert record["primary_label"] != "silence"
    assert record["acoustic_summary"]["peak_dbfs"] == pytest.approx(20 * np.log10(np.abs(waveform).max()), abs=0.01)


@pytest.mark.parametrize("name", SILENT)
def test_what_nobody_hears_is_silence(analyzer: Analyzer, write_sound: Write, name: str) -> None:
    record = recorded(analyzer, write_sound(np.asarray(SILENT[name], np.float32), subtype="FLOAT"))
    assert (record["primary_label"], record["events"]) == ("silence", [])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_are_left_out_with_a_note(
    analyzer: Analyzer, write_sound: Write, value: float
) -> None:
    record = recorded(analyzer, write_sound(broken(value, share=0.01), subtype="FLOAT"))
    assert record["metadata"]["notes"] == [ONE_IN_HUNDRED]
    assert record["acoustic_summary"]["peak_dbfs"] < 0


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_file_without_one_number_is_refused_in_words(analyzer: Analyzer, write_sound: Write, value: float) -> None:
    result = analyze(analyzer, write_sound(broken(value, share=1.0), subtype="FLOAT"))
    assert isinstance(result, FailedFile)
    assert isinstance(result.error, UnreadableAudio)
    assert NO_NUMBERS in str(result.error)


@pytest.mark.parametrize(
    ("subtype", "bits"),
    [("PCM_U8", 8), ("PCM_16", 16), ("PCM_24", 24), ("PCM_32", 32), ("FLOAT", 32), ("DOUBLE", 64)],
)
def test_any_sample_format_has_the_same_level(analyzer: Analyzer, write_sound: Write, subtype: str, bits: int) -> None:
    record = recorded(analyzer, write_sound(sine(1_000, 1.0, amplitude=0.5), subtype=subtype))
    assert record["metadata"]["bit_depth"] == bits
    assert record["acoustic_summary"]["rms_dbfs"] == pytest.approx(-9.03, abs=0.05)


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "IMA_ADPCM"])
def test_codecs_of_telephones_are_read(analyzer: Analyzer, write_sound: Write, subtype: str) -> None:
    record = recorded(analyzer, write_sound(sine(1_000, 1.0, amplitude=0.5), subtype=subtype))
    assert record["acoustic_summary"]["rms_dbfs"] == pytest.approx(-9.03, abs=0.3)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 96_000, 192_000, 384_000])
def test_any_rate_has_the_same_pitch_and_length(analyzer: Analyzer, write_sound: Write, rate_hz: int) -> None:
    record = recorded(analyzer, write_sound(sine(1_000, 1.0, amplitude=0.5, rate=rate_hz), rate=rate_hz))
    assert (record["metadata"]["sample_rate_hz"], record["metadata"]["duration_s"]) == (rate_hz, 1.0)
    assert record["acoustic_summary"]["zero_crossings_per_s"] == pytest.approx(2_000, rel=0.01)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6, 8, 16])
def test_any_number_of_channels_is_mixed(analyzer: Analyzer, write_sound: Write, channels: int) -> None:
    record = recorded(analyzer, write_sound(np.tile(sine(1_000, 1.0, amplitude=0.5)[:, None], channels)))
    assert record["metadata"]["channels"] == channels
    assert record["acoustic_summary"]["rms_dbfs"] == pytest.approx(-9.03, abs=0.05)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b"RIFF", "copy it again|not a sound|cannot be read"), (b"\0" * 999, "")]
)
def test_what_is_no_sound_is_refused_in_words(analyzer: Analyzer, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    result = analyze(analyzer, path)
    assert isinstance(result, FailedFile)
    assert isinstance(result.error, UnreadableAudio)
    assert re.search(reason, str(result.error))
    assert "\n" not in str(result.error)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_an_offset_is_silence_at_any_rate_and_measured_as_it_is(
    analyzer: Analyzer, write_sound: Write, rate_hz: int
) -> None:
    record = recorded(analyzer, write_sound(np.full(rate_hz, 0.5, np.float32), rate=rate_hz, subtype="FLOAT"))
    facts = record["acoustic_summary"]
    assert (record["primary_label"], record["confidence"], record["tags"][0]) == ("silence", 1.0, "silence")
    assert (facts["audible"], facts["dc_offset"], facts["peak_dbfs"]) == (False, 0.5, -6.02)
    assert record["detailed_description"] == "Silence: nothing in the 1.0 s but a constant value."


def test_a_sound_that_can_be_heard_does_not_say_so(analyzer: Analyzer, write_sound: Write) -> None:
    assert "audible" not in recorded(analyzer, write_sound(noise(0.5)))["acoustic_summary"]
