"""The two towers of a CLAP model: texts and windows of sound become vectors of one space."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.checkpoints import (
    ModelKey,
    ModelSource,
    default_model_id,
    install_model,
    resolve_model,
)
from analysis.errors import CollapsedModel
from analysis.towers import FUSION_CHANNELS, autocast, hears_fusion, open_tower
from analysis.weights import is_trained, load_tower, loading, read_weight
from analysis.windows import CLIP_SAMPLES

if TYPE_CHECKING:
    import torch

__all__ = [
    "AudioEncoder",
    "ModelKey",
    "ModelSource",
    "TextEncoder",
    "choose_device",
    "choose_precision",
    "default_model_id",
    "install_model",
    "read_logit_scale",
    "resolve_model",
]

logger = logging.getLogger(__name__)

Embeddings = npt.NDArray[np.float32]

TEXTS_AT_ONCE = 64
MANY_TEXTS = 32  # from here a lower precision pays for turning the weights into it
FEATURES_AT_ONCE = 64  # windows whose log-mels are held: 16 MB
PROBES = (
    "a dog barking",
    "heavy rain on a roof",
    "a piano melody",
    "a car engine starting",
    "people applauding in a hall",
    "a church bell in the distance",
    "an electric drill",
    "ocean waves",
)
COLLAPSED_COSINE = 0.98  # mean over pairs of PROBES: 0.18 to 0.29 in models that work, 0.9993 in larger_clap_music
IDENTICAL_COSINE = 1 - 1e-6


def choose_device() -> str:
    """Name the best device of this machine: cuda, else mps, else cpu."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_precision(device: str) -> str:
    """Name the fastest precision that keeps a device's embeddings within cosine 0.9999 of float32."""
    import torch

    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if device == "cpu" and _has_native_bf16():
        return "bf16"
    return "fp32"


class TextEncoder:
    """The text tower of a model, alone; think of it as a function from texts to unit vectors.

    Parameters
    ----------
    source : ModelSource
    device : str, optional
        CPU where left out: a query is one short text.

    Raises
    ------
    ModelUnavailable
        The checkpoint cannot be loaded or lacks weights.
    CollapsedModel
        A trained model that gives every text the same place.
    """

    def __init__(self, source: ModelSource, *, device: str = "cpu") -> None:
        from transformers import AutoTokenizer, ClapTextModelWithProjection

        self.model = source.key
        self.device = device
        self._precision = choose_precision(device)
        with loading(source):
            self._tokenizer = AutoTokenizer.from_pretrained(source.folder, local_files_only=True)
        self._tower = load_tower(ClapTextModelWithProjection, source, device)
        self.dim = int(self._tower.config.projection_dim)
        self._max_tokens = int(self._tower.config.max_position_embeddings) - 2  # RoBERTa counts positions from 2
        self._refuse_collapsed(source)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Place texts in the space they share with sound.

        Parameters
        ----------
        texts : sequence of str
            Longer ones are cut after the tokens that the model can read.

        Returns
        -------
        float32, shape (n, dim)
            Rows of unit length, so that an inner product is a cosine.
        """
        import torch

        if not texts:
            return np.zeros((0, self.dim), np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # like lengths together: less padding
        vectors = np.empty((len(texts), self.dim), np.float32)
        precision = self._precision if len(texts) >= MANY_TEXTS else "fp32"
        with torch.inference_mode(), autocast(self.device, precision):
            for start in range(0, len(texts), TEXTS_AT_ONCE):
                part = order[start : start + TEXTS_AT_ONCE]
                vectors[part] = self._embed([texts[index] for index in part])
        return vectors

    def _embed(self, texts: list[str]) -> Embeddings:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt")
        inputs = {name: tokens[name].to(self.device) for name in ("input_ids", "attention_mask")}
        return _unit_rows(self._tower(**inputs).text_embeds.float().cpu().numpy())

    def _refuse_collapsed(self, source: ModelSource) -> None:
        vectors = self.encode(PROBES)
        pairs = np.triu_indices(len(PROBES), k=1)
        cosine = float((vectors @ vectors.T)[pairs].mean())
        if cosine > IDENTICAL_COSINE or (cosine > COLLAPSED_COSINE and is_trained(source)):
            raise CollapsedModel(
                f"model {self.model.model_id}: its texts all look alike (mean cosine {cosine:.4f}), so it cannot name a"
                " sound; choose another model"
            )
        if cosine > COLLAPSED_COSINE:
            logger.warning("model %s was never trained: what it says means nothing", self.model.model_id)


class AudioEncoder:
    """The audio tower of a model; think of it as a function from windows of sound to unit vectors.

    Parameters
    ----------
    source : ModelSource
    device : str, optional
        The best one of this machine where left out.
    precision : str, optional
        fp32, bf16 or fp16; what suits the device where left out.
    backend : str, optional
        torch or openvino; what is fastest where left out.
    cache_dir : Path, optional
        Where a backend keeps its translation of the model.

    Raises
    ------
    ModelUnavailable
        The checkpoint cannot be loaded or lacks weights.
    """

    def __init__(
        self,
        source: ModelSource,
        *,
        device: str | None = None,
        precision: str | None = None,
        backend: str | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        from transformers import ClapFeatureExtractor

        from analysis.logmel import LogMel

        device = device or choose_device()
        precision = precision or choose_precision(device)
        self.model = source.key
        self._tower = open_tower(source, device=device, precision=precision, backend=backend, cache_dir=cache_dir)
        self.device, self.precision, self.backend = self._tower.device, self._tower.precision, self._tower.backend
        self.dim = self._tower.dim
        with loading(source):
            extractor = ClapFeatureExtractor.from_pretrained(source.folder, local_files_only=True)
        self._fused = hears_fusion(source)
        if self._fused:  # windows never exceed ten seconds, so fusion has nothing to fuse
            extractor.truncation, extractor.padding = "rand_trunc", "repeatpad"
            extractor.mel_filters_slaney = extractor.mel_filters  # the bands that its "fusion" path hears
        self.log_mel = LogMel(extractor, self.device)

    @property
    def batch_size(self) -> int:
        """Rows of features that are best placed at once."""
        return self._tower.batch_size

    @cached_property
    def silence(self) -> Embeddings:
        """Where the model places digital silence, shape (dim,): every silent sound lies there."""
        vector: Embeddings = self.embed_windows(np.zeros((1, CLIP_SAMPLES), np.float32))[0]
        return vector

    def embed_windows(self, windows: npt.NDArray[np.float32]) -> Embeddings:
        """Place windows of sound in the space that CLAP shares with text.

        Parameters
        ----------
        windows : float32, shape (n, n_samples)
            Mono, 48 kHz, full scale 1.0, at most ten seconds each.

        Returns
        -------
        float32, shape (n, dim)
            Rows of unit length, so that an inner product is a cosine.

        Raises
        ------
        ValueError
            Another shape or a value that is not finite: a mistake of the caller, not of the file.

        Notes
        -----
        Deterministic: the windows are cut by us, because the feature extractor of transformers crops
        whatever is longer than ten seconds at random. Source: Wu et al. 2023, arXiv:2211.06687.
        """
        if windows.ndim != 2 or not 1 <= windows.shape[1] <= CLIP_SAMPLES:
            raise ValueError(f"want windows of shape (n, 1 to {CLIP_SAMPLES}), got {windows.shape}")
        if not np.isfinite(windows).all():
            raise ValueError("want finite samples, got NaN or infinity")
        if not len(windows):
            return np.zeros((0, self.dim), np.float32)
        starts = range(0, len(windows), FEATURES_AT_ONCE)
        return np.concatenate([self.embed_features(self.log_mel(windows[at : at + FEATURES_AT_ONCE])) for at in starts])

    def embed_features(self, features: torch.Tensor) -> Embeddings:
        """Place what `log_mel` makes of windows.

        Parameters
        ----------
        features : torch.Tensor, float32, shape (n, 1, n_frames, n_mels)
            On this encoder's device.

        Returns
        -------
        float32, shape (n, dim)
            Rows of unit length; a row does not depend on the others.
        """
        if self._fused:
            features = features.repeat(1, FUSION_CHANNELS, 1, 1)
        vectors, at = np.zeros((len(features), self.dim), np.float32), 0
        while at < len(features):
            part = features[at : at + self.batch_size]
            vectors[at : at + len(part)] = self._tower.place(part)
            at += len(part)
        return _unit_rows(vectors)


def read_logit_scale(source: ModelSource) -> float:
    """Read what a model multiplies a cosine by before the softmax, without loading its towers.

    Parameters
    ----------
    source : ModelSource

    Returns
    -------
    float
        The exponential of the checkpoint's `logit_scale_a`.

    Raises
    ------
    ModelUnavailable
        The checkpoint cannot be read or has none.
    """
    return float(np.exp(read_weight(source, "logit_scale_a").item()))


def _has_native_bf16() -> bool:
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _unit_rows(vectors: Embeddings) -> Embeddings:
    rows: Embeddings = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
    return rows
