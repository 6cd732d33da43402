"""The starter model as a folder: what training goes on from, and what it writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from transformers import AutoTokenizer, ClapModel, PreTrainedConfig, PreTrainedTokenizerBase

from analysis.starter import MODEL_ID
from analysis.starter.clips import make_extractor
from analysis.starter.phrases import TEMPLATE


def adopt(start: Path, tokenizer: PreTrainedTokenizerBase) -> ClapModel:
    """Load a checkpoint whose texts may have had fewer words; the words that it knew keep their vectors."""
    model = ClapModel.from_pretrained(start)
    old = AutoTokenizer.from_pretrained(start).get_vocab()
    table: torch.nn.Embedding = model.text_model.embeddings.word_embeddings
    words = torch.nn.Embedding(len(tokenizer), table.embedding_dim, padding_idx=table.padding_idx)
    torch.nn.init.normal_(words.weight, std=0.02, generator=torch.Generator().manual_seed(0))  # the same for all runs
    with torch.no_grad():
        for word, index in tokenizer.get_vocab().items():
            if word in old:
                words.weight[index] = table.weight[old[word]]
    model.text_model.embeddings.word_embeddings = words
    cast("PreTrainedConfig", model.config.text_config).vocab_size = len(tokenizer)
    return model


def save_checkpoint(model: ClapModel, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], out: Path) -> None:
    """Write a checkpoint that `from_pretrained` loads, with the facts that Timbre needs in `timbre.json`."""
    model.save_pretrained(out)
    # Limits that the last batch of texts set (ClapProcessor would take them for a number of samples of sound),
    # and how this one was loaded
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    for passing in (
        "max_length",
        "stride",
        "truncation_strategy",
        "pad_to_multiple_of",
        "is_local",
        "local_files_only",
    ):
        tokenizer.init_kwargs.pop(passing, None)
    tokenizer.save_pretrained(out)
    make_extractor().save_pretrained(out)
    revision = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()[:12]
    facts = {"model_id": MODEL_ID, "revision": revision, "template": TEMPLATE, "known_labels": list(labels)}
    (out / "timbre.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
