"""What runs the audio tower of a model: torch on any device, OpenVINO on a CPU; each gives the same vectors."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import tempfile
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from analysis.checkpoints import ModelSource
from analysis.weights import load_tower, loading

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

Embeddings = npt.NDArray[np.float32]

CPU_BATCHES = (4, 16)  # a full-size model is as fast per window from 2 to 16, and a single sound waits for a batch
CPU_ELEMENTS = 1 << 21  # of the first stage in a batch: a small model needs more windows to keep several cores busy
MPS_BATCH = 16
CUDA_BATCHES = (4, 64)  # every batch is filled up to one size, so a large one would make a single sound wait
CUDA_SHARE = 0.5  # of the free memory: the driver, log-mels and other programs need some too
TENSORS_PER_WINDOW = 24  # of the first stage, the widest, that are alive at once: measured 20 in bf16, with a margin
OPENVINO_BATCH = 4  # as fast per window as 8 and more
OPENVINO_LEAST_BYTES = 100_000_000  # of weights: a small model is read and run by torch before OpenVINO has compiled it
OPENVINO_PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
FUSION_CHANNELS = 4
BACKENDS = ("torch", "openvino")


class AudioTower(Protocol):
    """Runs an audio tower; think of it as a function from log-mel features to vectors.

    Attributes
    ----------
    backend, device, precision : str
        What really runs.
    dim : int
    batch_size : int
        Rows at once; a caller with more cuts them up.
    """

    backend: str
    device: str
    precision: str
    dim: int
    batch_size: int

    def place(self, features: torch.Tensor) -> Embeddings:
        """Give the vectors, of any length, of up to `batch_size` rows of features (n, 1, n_frames, n_mels)."""
        ...


def choose_backend(source: ModelSource, device: str) -> str:
    """Name what runs a model fastest here: OpenVINO where it is installed, for large models on a CPU, else torch."""
    is_large = source.weights.stat().st_size >= OPENVINO_LEAST_BYTES
    has_openvino = importlib.util.find_spec("openvino") is not None
    return "openvino" if device == "cpu" and is_large and has_openvino else "torch"


class TorchTower:
    """An audio tower in torch.

    Parameters
    ----------
    source : ModelSource
    device, precision : str

    Raises
    ------
    ModelUnavailable
        The checkpoint cannot be loaded or lacks weights.
    """

    backend = "torch"

    def __init__(self, source: ModelSource, *, device: str, precision: str) -> None:
        from transformers import ClapAudioModelWithProjection

        self.device, self.precision = device, precision
        self.model = load_tower(ClapAudioModelWithProjection, source, device)
        self.dim = int(self.model.config.projection_dim)
        self.batch_size = _batch_size(device, self.model.config)
        # Libraries choose their kernels by the shape, so every batch has the same one; in bf16 on a CPU each row is
        # computed alike whatever stands beside it, in fp32 not (tests/analysis/test_determinism.py)
        self._pads = device != "cpu" or precision == "fp32"

    def place(self, features: torch.Tensor) -> Embeddings:
        """Give the vectors of rows of features; out of memory, it goes on with half the batch."""
        import torch

        with torch.inference_mode(), autocast(self.device, self.precision):
            try:
                return self._placed(features)
            except torch.OutOfMemoryError:
                if self.batch_size == 1:
                    raise
                self.batch_size = max(1, self.batch_size // 2)
                logger.warning("out of memory on %s; going on with batches of %d", self.device, self.batch_size)
        torch.cuda.empty_cache()
        parts = [features[at : at + self.batch_size] for at in range(0, len(features), self.batch_size)]
        return np.concatenate([self.place(part) for part in parts])

    def _placed(self, features: torch.Tensor) -> Embeddings:
        import torch

        rows = padded(features, self.batch_size)  # libraries choose their kernels, and so their sums, by the shape
        is_longer = torch.zeros(len(rows), 1, dtype=torch.bool, device=self.device)
        vectors = self.model(input_features=rows, is_longer=is_longer).audio_embeds[: len(features)]
        return cast("Embeddings", vectors.float().cpu().numpy())


class OpenVinoTower:
    """An audio tower in OpenVINO, on a CPU; translated once and kept where a folder is given.

    Parameters
    ----------
    source : ModelSource
    precision : str
    cache_dir : Path, optional
        Where the translated model is kept: it takes ten seconds for a full-size one.

    Raises
    ------
    ModelUnavailable
        The checkpoint cannot be loaded or lacks weights.
    """

    backend = "openvino"
    device = "cpu"
    batch_size = OPENVINO_BATCH

    def __init__(self, source: ModelSource, *, precision: str, cache_dir: Path | None) -> None:
        import openvino

        self.precision = precision
        self.dim = int(_audio_config(source)["projection_dim"])
        core = openvino.Core()
        name = f"openvino-{_fingerprint(source, openvino.__version__)}.xml"
        with tempfile.TemporaryDirectory(prefix="timbre-") as scratch:
            kept = (cache_dir or Path(scratch)) / name
            if not (kept.exists() and kept.with_suffix(".bin").exists()):
                _keep(_translated(source), kept)
            model = core.read_model(kept)  # also what was just written: its sums differ by a bit from the translation's
            model.reshape([self.batch_size, *_features_shape(source)])
            hints = {"INFERENCE_PRECISION_HINT": OPENVINO_PRECISIONS[precision], "PERFORMANCE_HINT": "LATENCY"}
            self._compiled = core.compile_model(model, "CPU", hints)

    def place(self, features: torch.Tensor) -> Embeddings:
        """Give the vectors of rows of features."""
        rows = padded(features, self.batch_size).numpy()
        return cast("Embeddings", np.array(self._compiled(rows)[0][: len(features)], dtype=np.float32))


def open_tower(
    source: ModelSource, *, device: str, precision: str, backend: str | None = None, cache_dir: Path | None = None
) -> AudioTower:
    """Load an audio tower with what runs it fastest, or with the backend that is asked for.

    Parameters
    ----------
    source : ModelSource
    device, precision : str
    backend : str, optional
        `torch` or `openvino`.
    cache_dir : Path, optional

    Returns
    -------
    AudioTower

    Raises
    ------
    ModelUnavailable
        The checkpoint cannot be loaded or lacks weights.
    ValueError
        A backend that there is not, or OpenVINO on another device than a CPU.
    """
    chosen = backend or choose_backend(source, device)
    if chosen not in BACKENDS or (chosen == "openvino" and device != "cpu"):
        raise ValueError(f"want backend torch, or openvino on cpu, got {chosen} on {device}")
    if chosen == "torch":
        return TorchTower(source, device=device, precision=precision)
    try:
        return OpenVinoTower(source, precision=precision, cache_dir=cache_dir)
    except RuntimeError as error:  # an operation that it cannot translate; what runs instead stands in the record
        if backend == "openvino":
            raise
        logger.warning("OpenVINO cannot run model %s (%s); torch does", source.key.model_id, error)
        return TorchTower(source, device=device, precision=precision)


def hears_fusion(source: ModelSource) -> bool:
    """Whether a model wants four views of a sound, all alike for what is not longer than ten seconds."""
    return bool(_audio_config(source).get("enable_fusion"))


def padded(features: torch.Tensor, n_rows: int) -> torch.Tensor:
    """Add rows of zeros up to a number."""
    import torch

    missing = n_rows - len(features)
    return torch.cat([features, features.new_zeros(missing, *features.shape[1:])]) if missing > 0 else features


def autocast(device: str, precision: str) -> AbstractContextManager[object]:
    """Make torch compute in a precision on a device for the block."""
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    return torch.autocast(device.split(":")[0], dtype=dtype, enabled=dtype is not None)


def _batch_size(device: str, config: Any) -> int:
    import torch

    if device == "mps":
        return MPS_BATCH
    tokens = (config.spec_size // config.patch_stride[0]) * (config.spec_size // config.patch_stride[1])
    elements = tokens * config.patch_embeds_hidden_size  # of one window in the first stage
    if not device.startswith("cuda"):
        return _power_of_two(CPU_ELEMENTS // elements, *CPU_BATCHES)
    free, _total = torch.cuda.mem_get_info(torch.device(device))
    return _power_of_two(int(free * CUDA_SHARE / (TENSORS_PER_WINDOW * elements * 4)), *CUDA_BATCHES)


def _power_of_two(number: int, least: int, most: int) -> int:
    """Round down, within bounds."""
    return max(least, min(most, 1 << max(0, number.bit_length() - 1)))


def _translated(source: ModelSource) -> Any:
    import openvino
    import torch
    from transformers import ClapAudioModelWithProjection

    class _Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = load_tower(ClapAudioModelWithProjection, source, "cpu")

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            is_longer = torch.zeros(features.shape[0], 1, dtype=torch.bool)
            return cast("torch.Tensor", self.tower(input_features=features, is_longer=is_longer).audio_embeds)

    example = torch.zeros(2, *_features_shape(source))
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shapes that become constants: they are, as every input is ten seconds
        return openvino.convert_model(_Features().eval(), example_input=example)


def _audio_config(source: ModelSource) -> dict[str, Any]:
    from transformers import ClapAudioConfig

    with loading(source):
        return ClapAudioConfig.from_pretrained(source.folder, local_files_only=True).to_dict()


def _features_shape(source: ModelSource) -> tuple[int, int, int]:
    """Channels, frames and mel bands of what the model hears at once."""
    extractor = json.loads((source.folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    frames = int(extractor["nb_max_samples"]) // int(extractor["hop_length"]) + 1
    return (FUSION_CHANNELS if hears_fusion(source) else 1, frames, int(extractor["feature_size"]))


def _keep(model: Any, path: Path) -> None:
    """Write a translated model; another process sees all of it or nothing, as the weights take their name first."""
    import openvino

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
    openvino.save_model(model, unfinished, compress_to_fp16=False)
    unfinished.with_suffix(".bin").replace(path.with_suffix(".bin"))
    unfinished.replace(path)


def _fingerprint(source: ModelSource, version: str) -> str:
    facts = source.weights.stat()
    parts = [source.key.model_id, source.key.revision, facts.st_size, facts.st_mtime_ns, version]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
