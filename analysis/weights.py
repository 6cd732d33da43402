"""Weights of checkpoints: one tower, or one tensor, read with nothing but what is wrong said of it."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from analysis.checkpoints import ModelSource
from analysis.errors import ModelUnavailable

# What a damaged or foreign checkpoint makes transformers, torch and safetensors raise
UNLOADABLE = (OSError, ValueError, LookupError, TypeError, RuntimeError, SafetensorError, pickle.UnpicklingError)


def load_tower(tower: Any, source: ModelSource, device: str) -> Any:
    """Load one tower of a ClapModel checkpoint; transformers would invent missing weights without a word."""
    import torch

    weights = source.weights  # before transformers looks for it in its own way
    with loading(source):
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
def loading(source: ModelSource) -> Iterator[None]:
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


def read_weight(source: ModelSource, name: str) -> npt.NDArray[np.float32]:
    """Read one tensor of a checkpoint without the others; safetensors without torch too."""
    weights = source.weights
    with _told_in_one_line(source):
        if weights.suffix == ".safetensors":
            with safe_open(weights, framework="numpy") as tensors:
                return cast("npt.NDArray[np.float32]", tensors.get_tensor(name))
        import torch

        tensor = torch.load(weights, map_location="cpu", mmap=True, weights_only=True)[name]
        return cast("npt.NDArray[np.float32]", tensor.float().numpy())


def is_trained(source: ModelSource) -> bool:
    """Whether the audio tower ever saw data: a batch norm that never did still has means of zero.

    A collapsed text tower looks like an untrained one; beside a trained audio tower it is a defect, in a model
    of random weights (as tests and dry runs use) it is what one expects.
    """
    means = read_weight(source, "audio_model.audio_encoder.batch_norm.running_mean")
    return bool(np.abs(means).max() > 0)
