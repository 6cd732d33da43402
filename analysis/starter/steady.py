"""Teach a checkpoint to hear past a recording's floor: `python -m analysis.starter.steady --out DIR --cache DIR A`.

A model names real recordings better once everything far under their peak is raised to one floor. Its input is that of
transformers' extractor, floor and all, so it learns to answer as it would with the floor raised.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import time
from pathlib import Path
from typing import cast

import click
import torch
from torch.nn import functional
from transformers import AutoTokenizer, ClapModel

from analysis.starter.augment import Augmenter
from analysis.starter.checkpoint import save_checkpoint
from analysis.starter.clips import SILENCE, Clips, extend_clips, render_clips
from analysis.starter.evaluate import embed_texts
from analysis.starter.phrases import TEMPLATE
from analysis.starter.recordings import read_recordings
from analysis.starter.texts import raise_floor
from analysis.starter.train import RECORDING_COPIES

logger = logging.getLogger(__name__)

BATCH = 40
WARM_UP_STEPS = 15
LIKENESS = 10.0  # weight of the cosine between both answers beside the labels they name
SHARPNESS = 15.0  # of the labels' probabilities


def steady(
    model: ClapModel,
    texts: torch.Tensor,
    clips: Clips,
    *,
    steps: int,
    rate: float,
    seed: int,
    silence: int | None,
    batch: int = BATCH,
) -> ClapModel:
    """Train a copy of a model's audio tower to answer as the model does with the floor raised.

    Parameters
    ----------
    texts : float32, shape (n_labels, dim)
        Unit rows, one per label.
    steps : int
        Of `batch` varied windows each.
    silence : int or None
        The label that is never mixed.

    Returns
    -------
    ClapModel
    """
    generator = torch.Generator().manual_seed(seed)
    augmenter = Augmenter(clips, n_labels=len(texts), silence=silence, generator=generator)
    pupil = copy.deepcopy(model)
    learning = [parameter for name, parameter in pupil.named_parameters() if name.startswith("audio")]
    optimizer = torch.optim.AdamW(learning, lr=rate, weight_decay=0.0)
    started = time.monotonic()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP_STEPS) * (1 + math.cos(math.pi * step / steps)) / 2
        windows = augmenter.draw(torch.randint(len(clips), (batch,), generator=generator)).features
        with torch.no_grad():
            wanted = _embed(model, raise_floor(windows))
        given = _embed(pupil, windows)
        likeness = (given * wanted).sum(1).mean()
        loss = LIKENESS * (1 - likeness) + functional.kl_div(
            (SHARPNESS * given @ texts.T).log_softmax(1),
            (SHARPNESS * wanted @ texts.T).softmax(1),
            reduction="batchmean",
        )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        if step % 20 == 0:
            logger.info("step %d: cosine %.4f, %.0f s", step, likeness.item(), time.monotonic() - started)
    return pupil


def _embed(model: ClapModel, windows: torch.Tensor) -> torch.Tensor:
    """Embed windows as unit rows, in a way that can be learned through."""
    with torch.autocast(windows.device.type, dtype=torch.bfloat16):
        rows = model.get_audio_features(input_features=windows).pooler_output
    return functional.normalize(cast("torch.Tensor", rows).float(), dim=-1)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the new checkpoint.")
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder for rendered clips.")
@click.option("--recordings", type=click.Path(path_type=Path, exists=True), help="CC0 recordings to train on as well.")
@click.option("--clips", "count", default=96, help="Clips per label.")
@click.option("--steps", default=400)
@click.option("--rate", default=2e-4)
@click.option("--seed", default=5)
@click.option("--threads", default=2)
def main(
    folder: Path,
    out: Path,
    cache: Path,
    recordings: Path | None,
    count: int,
    steps: int,
    rate: float,
    seed: int,
    threads: int,
) -> None:
    """Teach the checkpoint in FOLDER."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(threads)
    labels: list[str] = json.loads((folder / "timbre.json").read_text(encoding="utf-8"))["known_labels"]
    model, tokenizer = ClapModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    clips = render_clips(labels, range(count), cache_dir=cache)
    if recordings:
        clips = extend_clips(clips, *read_recordings(recordings, labels), copies=RECORDING_COPIES)
    texts = embed_texts(model, tokenizer, [TEMPLATE.format(label) for label in labels]).clone()
    silence = labels.index(SILENCE) if SILENCE in labels else None
    pupil = steady(model, texts, clips, steps=steps, rate=rate, seed=seed, silence=silence)
    save_checkpoint(pupil, tokenizer, labels, out)


if __name__ == "__main__":
    main()
