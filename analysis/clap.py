"""The two towers of a CLAP model: texts and windows of sound become vectors of one space."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from analysis.checkpoints import (
    ModelKey,
    ModelSource,
    default_model_id,
    install_model,
    resolve_model,
)
from analysis.errors import CollapsedModel, ModelUnavailable
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

# What a damaged or foreign checkpoint makes transformers, torch and safetensors raise
UNLOADABLE = (OSError, ValueError, LookupError, TypeError, RuntimeError, SafetensorError, pickle.UnpicklingError)

TEXTS_AT_ONCE = 64
MANY_TEXTS = 32  # from here a lower precision pays for turning the weights into it
WINDOWS_AT_ONCE = {"cpu": 16, "mps": 16, "cuda": 64}
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
        with _loading(source):
            self._tokenizer = AutoTokenizer.from_pretrained(source.folder, local_files_only=True)
        self._tower = _load_tower(ClapTextModelWithProjection, source, device)
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
        with torch.inference_mode(), _autocast(self.device, precision):
            for start in range(0, len(texts), TEXTS_AT_ONCE):
                part = order[start : start + TEXTS_AT_ONCE]
                vectors[part] = self._embed([texts[index] for index in part])
        return vectors

    def _embed(self, texts: list[str]) -> Embeddings:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt")
        inputs = {name: tokens[name].to(self.device) for name in ("input_ids", "attention_mask")}
        return _unit_rows(self._tower(**inputs).text_embeds)

    def _refuse_collapsed(self, source: ModelSource) -> None:
        vectors = self.encode(PROBES)
        pairs = np.triu_indices(len(PROBES), k=1)
        cosine = float((vectors @ vectors.T)[pairs].mean())
        if cosine > IDENTICAL_COSINE or (cosine > COLLAPSED_COSINE and _is_trained(source)):
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

    Raises
    ------
    ModelUnavailable
        The checkpoint cannot be loaded or lacks weights.
    """

    def __init__(self, source: ModelSource, *, device: str | None = None, precision: str | None = None) -> None:
        from transformers import ClapAudioModelWithProjection, ClapFeatureExtractor

        from analysis.logmel import LogMel

        self.model = source.key
        self.device = device or choose_device()
        self.precision = precision or choose_precision(self.device)
        with _loading(source):
            extractor = ClapFeatureExtractor.from_pretrained(source.folder, local_files_only=True)
        self._tower = _load_tower(ClapAudioModelWithProjection, source, self.device)
        self._fused = bool(self._tower.config.enable_fusion)
        if self._fused:  # windows never exceed ten seconds, so fusion has nothing to fuse
            extractor.truncation, extractor.padding = "rand_trunc", "repeatpad"
        self._log_mel = LogMel(extractor, self.device)
        self.dim = int(self._tower.config.projection_dim)

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
        import torch

        if windows.ndim != 2 or not 1 <= windows.shape[1] <= CLIP_SAMPLES:
            raise ValueError(f"want windows of shape (n, 1 to {CLIP_SAMPLES}), got {windows.shape}")
        if not np.isfinite(windows).all():
            raise ValueError("want finite samples, got NaN or infinity")
        if not len(windows):
            return np.zeros((0, self.dim), np.float32)
        size = WINDOWS_AT_ONCE[self.device.split(":")[0]]
        with torch.inference_mode(), _autocast(self.device, self.precision):
            return np.concatenate([self._embed(windows[at : at + size]) for at in range(0, len(windows), size)])

    def _embed(self, windows: npt.NDArray[np.float32]) -> Embeddings:
        import torch

        with _autocast(self.device, "fp32"):  # decibels of quiet bands need all their digits
            features = self._log_mel(windows)
        if self._fused:
            features = features.repeat(1, 4, 1, 1)
        is_longer = torch.zeros(len(windows), 1, dtype=torch.bool, device=self.device)
        return _unit_rows(self._tower(input_features=features, is_longer=is_longer).audio_embeds)


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
    return float(np.exp(_read_weight(source, "logit_scale_a").item()))


def _load_tower(tower: Any, source: ModelSource, device: str) -> Any:
    """Load one tower of a ClapModel checkpoint; transformers would invent missing weights without a word."""
    import torch

    weights = source.weights  # before transformers looks for it in its own way
    with _loading(source):
        model, report = tower.from_pretrained(
            source.folder,
            local_files_only=True,
            dtype=torch.float32,
            output_loading_info=True,
            use_safetensors=weights.suffix == ".safetensors",
            weights_only=True,
        )
    missing = sorted(report["missing_keys"])
    if missing or report["mismatched_keys"]:
        odd = missing or sorted(map(str, report["mismatched_keys"]))
        raise ModelUnavailable(f"model {source.key.model_id}: {len(odd)} weights missing or misshapen, first {odd[0]}")
    return model.eval().requires_grad_(requires_grad=False).to(device)


@contextmanager
def _loading(source: ModelSource) -> Iterator[None]:
    """Say nothing but what went wrong, in one line."""
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings(), _told_in_one_line(source):
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def _told_in_one_line(source: ModelSource) -> Iterator[None]:
    try:
        yield
    except UNLOADABLE as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelUnavailable(f"model {source.key.model_id} in {source.folder} cannot be loaded: {reason}") from error


def _read_weight(source: ModelSource, name: str) -> npt.NDArray[np.float32]:
    """Read one tensor of a checkpoint without the others; safetensors without torch too."""
    weights = source.weights
    with _told_in_one_line(source):
        if weights.suffix == ".safetensors":
            with safe_open(weights, framework="numpy") as tensors:
                return cast("npt.NDArray[np.float32]", tensors.get_tensor(name))
        import torch

        tensor = torch.load(weights, map_location="cpu", mmap=True, weights_only=True)[name]
        return cast("npt.NDArray[np.float32]", tensor.float().numpy())


def _is_trained(source: ModelSource) -> bool:
    """Whether the audio tower ever saw data: a batch norm that never did still has means of zero.

    A collapsed text tower looks like an untrained one; beside a trained audio tower it is a defect, in a model
    of random weights (as tests and dry runs use) it is what one expects.
    """
    means = _read_weight(source, "audio_model.audio_encoder.batch_norm.running_mean")
    return bool(np.abs(means).max() > 0)


def _autocast(device: str, precision: str) -> AbstractContextManager[object]:
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device.split(":")[0], dtype=dtype, enabled=dtype is not None)


def _has_native_bf16() -> bool:
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _unit_rows(vectors: torch.Tensor) -> Embeddings:
    import torch

    rows: Embeddings = torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()
    return rows
