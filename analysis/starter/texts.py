"""Bring the text tower to where the sounds of its labels lie, once the audio tower is done."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from analysis.starter.augment import Augmenter
from analysis.starter.clips import SILENCE, Clips
from analysis.starter.evaluate import embed_audio, embed_texts
from analysis.starter.phrases import TEMPLATE, PhraseBook

if TYPE_CHECKING:
    from transformers import ClapModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

ANCHOR_SCALE = 15.0  # of the texts' cosines to the prototypes
NEARNESS = 3.0  # weight of a text's own distance beside its order among the labels
NAMES_NEARNESS = 40.0  # of a label's own name, which is what sounds are named by
MEANT_WINDOWS = 16  # per label, whose mean the texts are drawn to
STEADY_FLOOR_DB = 50.0  # under a window's loudest cell: what lies deeper differs from one recording to the next
SHARED_TEXTS = 48  # per step
BATCH = 48


def mean_embeddings(
    model: ClapModel,
    clips: Clips,
    n_labels: int,
    silence: int | None,
    *,
    per_label: int,
    seed: int,
    floor_db: float = math.inf,
) -> torch.Tensor:
    """Find where a model's sounds of each label lie.

    Parameters
    ----------
    clips : Clips
        With at least one clip of every label.
    silence : int or None
        The label that is never mixed.
    per_label : int
        Varied windows per label.
    floor_db : float
        Under a window's loudest cell; what is fainter is raised to there.

    Returns
    -------
    float32, shape (n_labels, dim)
        Unit rows.
    """
    generator = torch.Generator(clips.frames.device).manual_seed(seed)
    augmenter = Augmenter(clips, n_labels=n_labels, silence=silence, generator=generator)
    rows = torch.cat([torch.nonzero(clips.labels == label)[:per_label, 0] for label in range(n_labels)])
    mean = torch.zeros(n_labels, model.config.projection_dim, device=clips.frames.device)
    for part in torch.split(rows, BATCH):
        batch = augmenter.draw(part)
        mean = mean + batch.targets.T @ embed_audio(model, raise_floor(batch.features, floor_db)).clone()
    return functional.normalize(mean, dim=-1)


def raise_floor(windows: torch.Tensor, floor_db: float = STEADY_FLOOR_DB) -> torch.Tensor:
    """Raise what is fainter than a floor under the loudest cell of windows (n, 1, frames, mels) to that floor."""
    return torch.maximum(windows, windows.amax((2, 3), keepdim=True) - floor_db)


def fit_texts(
    model: ClapModel, tokenizer: PreTrainedTokenizerBase, book: PhraseBook, clips: Clips, *, steps: int, seed: int
) -> None:
    """Train the text tower alone, in place, to lie half way from where it is to the labels' clips.

    Parameters
    ----------
    steps : int
        Each takes one varied text per label and some that several labels share.
    """
    silence = book.labels.index(SILENCE) if SILENCE in book.labels else None
    sounds = mean_embeddings(
        model, clips, len(book.labels), silence, per_label=MEANT_WINDOWS, seed=seed, floor_db=STEADY_FLOOR_DB
    )
    learning = [parameter for name, parameter in model.named_parameters() if name.startswith("text")]
    optimizer = torch.optim.AdamW(learning, lr=6e-4, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    random = np.random.default_rng(seed)
    names = [TEMPLATE.format(label) for label in book.labels]
    prototypes = functional.normalize(sounds + embed_texts(model, tokenizer, names), dim=-1)
    for step in range(steps):
        shared, weights = book.draw_shared(random, SHARED_TEXTS)
        texts = embed(model, tokenizer, [*book.draw_own(random), *names, *shared])
        own, named, several = torch.split(texts, [len(names), len(names), len(shared)])
        order = torch.arange(len(names), device=texts.device)
        loss = functional.cross_entropy(ANCHOR_SCALE * several @ prototypes.T, torch.from_numpy(weights))
        for rows, nearness in ((own, NEARNESS), (named, NAMES_NEARNESS)):
            loss = loss + functional.cross_entropy(ANCHOR_SCALE * rows @ prototypes.T, order)
            loss = loss + nearness * (1 - (rows * prototypes).sum(1)).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            logger.info("texts, step %d: loss %.3f", step, loss.item())


def embed(model: ClapModel, tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> torch.Tensor:
    """Embed texts as unit rows, in a way that can be learned through."""
    tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(model.device)
    rows = model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).pooler_output
    return functional.normalize(rows, dim=-1)
