"""A CLAP model as large as the real ones, with random weights: it takes as long and says nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, ClapConfig, ClapFeatureExtractor, ClapModel

from analysis.starter import MODEL_DIR as STARTER_DIR

SEED = 0
# The shapes of laion/larger_clap_general
PROJECTION_DIM = 512
AUDIO = {
    "patch_embeds_hidden_size": 128,
    "depths": [2, 2, 12, 2],
    "num_attention_heads": [4, 8, 16, 32],
    "hidden_size": 1024,
    "enable_fusion": False,
    "projection_dim": PROJECTION_DIM,
}
TEXT = {"vocab_size": 50_265, "projection_dim": PROJECTION_DIM}
TEXT_SPREAD = 3.0  # times the usual spread of the weights: with less of it all texts are alike and the model is refused
MEAN_DB, VARIANCE_DB = -40.0, 400.0  # about those of log-mels of real sounds


def full_size_model(folder: Path) -> Path:
    """Give the folder of the model; it is written where it is not there yet, which takes 730 MB."""
    if not (folder / "config.json").exists():
        unfinished = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        _write(unfinished)
        unfinished.rename(folder)
    return folder


def _write(folder: Path) -> None:
    torch.manual_seed(SEED)
    config = ClapConfig(
        projection_dim=PROJECTION_DIM,
        text_config={**TEXT, "initializer_factor": TEXT_SPREAD},
        audio_config=AUDIO,
    )
    model = ClapModel(config)
    norm: Any = model.audio_model.audio_encoder.batch_norm
    norm.running_mean.fill_(MEAN_DB)
    norm.running_var.fill_(VARIANCE_DB)
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    AutoTokenizer.from_pretrained(STARTER_DIR, local_files_only=True).save_pretrained(folder)
