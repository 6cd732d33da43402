"""A CLAP model of 512 numbers with random weights, whose text tower is small or as large as the real ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, ClapConfig, ClapFeatureExtractor, ClapModel

from analysis.starter import MODEL_DIR as STARTER_DIR
from benchmarks.checkpoint import SEED, TEXT, TEXT_SPREAD

STARTER_DIM = 128
# Searches run the text tower alone, so the other one is as small as it can be
AUDIO: dict[str, Any] = {
    "patch_embeds_hidden_size": 16,
    "depths": [1, 1, 1, 1],
    "num_attention_heads": [1, 2, 4, 8],
    "hidden_size": 128,
    "enable_fusion": False,
}
SMALL_TEXT: dict[str, Any] = {
    "vocab_size": 2_000,
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 1_024,
}
TOWERS: dict[str, dict[str, Any]] = {"small": SMALL_TEXT, "full": {"vocab_size": TEXT["vocab_size"]}}


def model_of(dim: int, tower: str, folder: Path) -> str:
    """Name a model whose vectors have so many numbers: the starter, or one that is written to the folder."""
    if dim == STARTER_DIM:
        from analysis.starter import MODEL_ID

        return MODEL_ID
    written = folder / f"random-{tower}-{dim}"
    if not (written / "config.json").exists():
        unfinished = written.with_name(f"{written.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        _write(unfinished, dim, TOWERS[tower])
        unfinished.rename(written)
    return str(written)


def _write(folder: Path, dim: int, text: dict[str, Any]) -> None:
    torch.manual_seed(SEED)
    tokenizer = AutoTokenizer.from_pretrained(STARTER_DIR, local_files_only=True)
    vocabulary = max(text["vocab_size"], len(tokenizer))
    wide = {**text, "vocab_size": vocabulary, "projection_dim": dim, "initializer_factor": TEXT_SPREAD}
    config = ClapConfig(projection_dim=dim, text_config=wide, audio_config={**AUDIO, "projection_dim": dim})
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    tokenizer.save_pretrained(folder)
