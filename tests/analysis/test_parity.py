"""Our vectors and those of transformers' ClapProcessor and ClapModel on the same samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import ClapConfig, ClapModel, ClapProcessor

from analysis.audio import decode
from analysis.checkpoints import ModelSource, resolve_model
from analysis.clap import AudioEncoder, choose_precision
from analysis.engine import AnalyzedFile, Engine
from analysis.pipeline import Analyzer
from analysis.placement import Placement, Windowing
from analysis.profiles import Profiles
from analysis.samples import SAMPLE_RATE_HZ
from analysis.vocabulary import Vocabulary
from analysis.windows import CLIP_SAMPLES, window_samples, window_starts
from tests.analysis.conftest import write_random_model
from tests.analysis.signals import noise, samples_of, sine

Write = Callable[..., Path]
Vectors = npt.NDArray[np.float32]

EXACT, CLOSE = 0.99999, 0.999  # cosine in fp32, and at the precision that suits the device
# A window of one sample, windows about the hop and the FFT length, the profiles' lengths, and ten seconds
LENGTHS = (1, 2, 100, 479, 480, 481, 513, 1_024, 4_800, 24_000, 48_000, 60_000, 96_000, 288_000, 479_999, 480_000)
LAYOUTS = ((8_000, 1), (22_050, 2), (44_100, 1), (44_100, 2), (48_000, 6), (96_000, 2), (192_000, 1))  # rate, channels


class Reference:
    """transformers' own way: a window at a time, in float32."""

    def __init__(self, source: ModelSource) -> None:
        self._processor = ClapProcessor.from_pretrained(source.folder)
        self._model = ClapModel.from_pretrained(source.folder, dtype=torch.float32)

    def place(self, samples: npt.NDArray[np.float32]) -> Vectors:
        # The processor takes the number of tokens that a tokenizer may have been saved with for one of samples
        length = {"max_length": CLIP_SAMPLES}
        inputs = self._processor(audio=samples, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt", **length)
        # The fusion extractor says of one short sound at random that it is longer than ten seconds; it is not
        inputs["is_longer"] = torch.zeros_like(inputs["is_longer"])
        with torch.inference_mode():
            vector: Vectors = self._model.get_audio_features(**inputs).pooler_output[0].numpy()
        return vector / np.linalg.norm(vector)


def write_fusion_model(folder: Path) -> Path:
    """A random model that takes four views of a sound, hears other mel bands and is deeper than the other."""
    folder = write_random_model(folder)
    config: Any = ClapConfig.from_pretrained(folder)
    config.audio_config.enable_fusion = True
    config.audio_config.depths = [2, 1]
    torch.manual_seed(1)
    ClapModel(config).save_pretrained(folder)
    extractor = ClapProcessor.from_pretrained(folder).feature_extractor
    extractor.truncation = "fusion"
    extractor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["starter", "random", "fusion"])
def source(request: pytest.FixtureRequest, random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelSource:
    if request.param == "starter":
        return resolve_model("timbre-starter")
    fusion = request.param == "fusion"
    return resolve_model(str(write_fusion_model(tmp_path_factory.mktemp("fusion")) if fusion else random_model))


@pytest.fixture(scope="module")
def reference(source: ModelSource) -> Reference:
    return Reference(source)


@pytest.fixture(scope="module")
def encoders(source: ModelSource) -> list[AudioEncoder]:
    """In float32, and at the precision that suits a CPU where that is another one."""
    precisions = sorted({"fp32", choose_precision("cpu")})
    return [AudioEncoder(source, device="cpu", precision=each, backend="torch") for each in precisions]


@pytest.fixture(scope="module")
def analyzer(profiles: Profiles, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    cache = tmp_path_factory.mktemp("cache")
    return Analyzer(
        profiles=profiles, vocabulary=vocabulary, cache_dir=cache, model_override="timbre-starter", device="cpu"
    )


def wanted(encoder: AudioEncoder) -> float:
    return EXACT if encoder.precision == "fp32" else CLOSE


def sound(n_samples: int) -> npt.NDArray[np.float32]:
    """Noise under a tone, of a length in samples."""
    seconds = max(n_samples, 2) / SAMPLE_RATE_HZ
    return (noise(seconds) + sine(523, seconds, amplitude=0.3))[-n_samples:]


def test_windows_of_any_length_are_where_transformers_places_them(
    encoders: list[AudioEncoder], reference: Reference
) -> None:
    theirs = [reference.place(sound(n_samples)) for n_samples in LENGTHS]
    for encoder in encoders:
        features = torch.cat([encoder.log_mel(sound(n_samples)[None]) for n_samples in LENGTHS])
        cosines = dict(zip(LENGTHS, map(cosine, encoder.embed_features(features), theirs), strict=True))
        assert min(cosines.values()) >= wanted(encoder), cosines


@pytest.mark.parametrize(("window_s", "hop_s"), [(2.0, 0.5), (1.25, 0.25), (1.0, 0.2)])
def test_windows_that_share_frames_are_where_transformers_places_each(
    encoders: list[AudioEncoder], reference: Reference, window_s: float, hop_s: float
) -> None:
    waveform = sound(110_007)  # no multiple of a hop: the last window lies on no grid
    theirs = [reference.place(window) for window in cut(waveform, window_s, hop_s)]
    for encoder in encoders:
        ours = placed_windows(waveform, encoder, Windowing(window_s, hop_s, max_windows=1000))
        assert len(ours) == len(theirs) > 1
        assert min(map(cosine, ours, theirs)) >= wanted(encoder)


@pytest.mark.parametrize("source", ["starter"], indirect=True)
@pytest.mark.parametrize(("rate_hz", "channels"), LAYOUTS)
def test_files_of_any_rate_and_layout_are_where_transformers_places_their_samples(
    analyzer: Analyzer, reference: Reference, write_sound: Write, rate_hz: int, channels: int
) -> None:
    rng = np.random.default_rng(channels)
    path = write_sound(0.1 * rng.standard_normal((round(2.7 * rate_hz), channels)), rate=rate_hz)
    waveform = decode(path).waveform
    (result,) = Engine(analyzer).analyze([path], "balanced")
    assert isinstance(result, AnalyzedFile)
    assert cosine(result.embeddings.clip, reference.place(waveform)) >= CLOSE
    for ours, window in zip(result.embeddings.windows, cut(waveform, 2.0, 0.5), strict=True):
        assert cosine(ours, reference.place(window)) >= CLOSE


@pytest.mark.parametrize("source", ["starter"], indirect=True)
def test_parity_would_notice_another_window(encoders: list[AudioEncoder], reference: Reference) -> None:
    waveform = sound(110_007)
    ours = encoders[0].embed_windows(waveform[None, 480 : 480 + 96_000])[0]  # ten milliseconds late
    assert cosine(ours, reference.place(waveform[:96_000])) < CLOSE


def placed_windows(waveform: npt.NDArray[np.float32], encoder: AudioEncoder, windowing: Windowing) -> Vectors:
    placement = Placement(samples_of(waveform), encoder, [windowing], is_silent=False)
    for rows, features in placement.inputs():
        placement.put(rows, encoder.embed_features(features))
    return placement.embeddings(windowing).windows.astype(np.float32)


def cut(waveform: npt.NDArray[np.float32], window_s: float, hop_s: float) -> Iterator[npt.NDArray[np.float32]]:
    length = window_samples(len(waveform), window_s)
    for start in window_starts(len(waveform), window_s, hop_s):
        yield waveform[start : start + length]


def cosine(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    first, second = first.astype(np.float64), second.astype(np.float64)
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
