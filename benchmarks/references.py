"""What one would write without Timbre: transformers' own ways to place and to name a sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import ClapModel, ClapProcessor, pipeline

from analysis.audio import decode
from analysis.interpretation import SoundEmbeddings
from analysis.placement import UNHEARD_DBFS
from analysis.profiles import AnalysisProfile
from analysis.samples import SAMPLE_RATE_HZ
from analysis.windows import CLIP_SAMPLES, clip_bounds, window_samples, window_starts

Vectors = npt.NDArray[np.float32]
Placed = tuple[Vectors, Vectors]  # of stretches of ten seconds, and of windows; shape (n, dim) each


class WindowLoop:
    """`ClapProcessor` and `ClapModel` in float32, a window at a time: the windows that Timbre shows to the model."""

    def __init__(self, folder: Path, profile: AnalysisProfile, *, device: str) -> None:
        self._processor = ClapProcessor.from_pretrained(folder, local_files_only=True)
        model: Any = ClapModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        self._model = model.to(device)
        self._profile = profile
        self._device = device

    def place(self, path: Path) -> Placed:
        waveform = decode(path).waveform
        stretches = [self._embed(stretch) for stretch in _stretches(waveform)]
        windows = [self._embed(window) for window in _windows(waveform, self._profile)]
        return np.array(stretches), np.array(windows or stretches)  # a short sound is its only window

    def _embed(self, samples: npt.NDArray[np.float32]) -> Vectors:
        # The processor takes the number of tokens that a tokenizer may have been saved with for one of samples
        length = {"max_length": CLIP_SAMPLES}
        inputs = self._processor(audio=samples, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt", **length)
        with torch.inference_mode():
            vector: Vectors = self._model.get_audio_features(**inputs.to(self._device)).pooler_output[0].cpu().numpy()
        return vector / np.linalg.norm(vector)


class LabelPipeline:
    """The pipeline `zero-shot-audio-classification`; it hears the whole, places every label anew and has no windows."""

    def __init__(self, folder: Path, labels: Sequence[str], template: str, *, device: str) -> None:
        self._pipeline = pipeline("zero-shot-audio-classification", model=str(folder), device=device)
        self._labels = list(labels)
        self._template = template

    def name(self, path: Path) -> str:
        """Give the label that fits a file best."""
        answers = self._pipeline(
            decode(path).waveform, candidate_labels=self._labels, hypothesis_template=self._template
        )
        return str(answers[0]["label"])


def agreement(ours: SoundEmbeddings, reference: Placed) -> list[float]:
    """Cosines of our vectors with those of `WindowLoop`: of the whole, and of each window that is not silent."""
    stretches, windows = reference
    heard = ours.windows[np.abs(ours.windows).max(axis=1) > 0].astype(np.float32)
    if not len(heard):  # a silent sound is shown to no model
        return []
    if len(heard) != len(windows):
        raise ValueError(f"want as many windows as the reference, {len(windows)}, got {len(heard)}")
    pairs = list(zip(heard, windows, strict=True))
    if len(stretches) == 1:
        pairs.append((ours.clip, stretches[0]))
    return [float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))) for a, b in pairs]


def _stretches(waveform: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    stretches = [waveform[start:stop] for start, stop in clip_bounds(len(waveform))]
    return [stretch for stretch in stretches if _is_heard(stretch)] or stretches[:1]


def _windows(waveform: npt.NDArray[np.float32], profile: AnalysisProfile) -> Iterator[npt.NDArray[np.float32]]:
    length = window_samples(len(waveform), profile.window_s)
    if not profile.windowed or length == len(waveform):
        return
    for start in window_starts(len(waveform), profile.window_s, profile.hop_s, max_windows=profile.max_windows):
        window = waveform[start : start + length]
        if _is_heard(window):
            yield window


def _is_heard(samples: npt.NDArray[np.float32]) -> bool:
    return float(np.mean(samples.astype(np.float64) ** 2)) >= 10 ** (UNHEARD_DBFS / 10)
