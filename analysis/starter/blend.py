"""Average checkpoints that began alike and learned apart: `python -m analysis.starter.blend --out DIR --cache DIR A B`.

The mean of such weights answers better on sounds that none of them heard than each of them does
(Wortsman et al. 2022, "Model soups", arXiv:2203.05482).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import click
import torch
from transformers import AutoTokenizer, ClapModel

from analysis.starter.checkpoint import save_checkpoint
from analysis.starter.clips import HELD_OUT_SEED, render_clips
from analysis.starter.evaluate import REAL_HELP, read_listed_sounds, window_features
from analysis.starter.examiner import Examiner
from analysis.starter.network import set_scale
from analysis.starter.phrases import build_phrase_book
from analysis.starter.texts import fit_texts
from analysis.starter.train import VOCABULARY
from analysis.starter.trainer import Plan
from analysis.vocabulary import load_vocabulary

CLIPS = 16  # per label, whose means the texts are fitted to


def average_weights(folders: Sequence[Path], shares: Sequence[float]) -> ClapModel:
    """Load checkpoints and return their weighted mean.

    Parameters
    ----------
    folders : sequence of Path
        Checkpoints of the same labels and tokenizer.
    shares : sequence of float
        Weight of each; they need not sum to one.

    Returns
    -------
    ClapModel
    """
    states = [ClapModel.from_pretrained(folder).state_dict() for folder in folders]
    mean = {}
    for name, value in states[0].items():
        if value.is_floating_point():
            value = sum(state[name] * share for state, share in zip(states, shares, strict=True)) / sum(shares)
        mean[name] = value
    model = ClapModel.from_pretrained(folders[0])
    model.load_state_dict(mean)
    return model


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--share", "shares", type=float, multiple=True, help="Weight of each checkpoint; equal without it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the mean.")
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder for rendered clips.")
@click.option("--real", type=click.Path(path_type=Path, exists=True, dir_okay=False), help=REAL_HELP)
@click.option("--split", default="dev", help="Rows of that table to score.")
@click.option("--text-steps", default=0, help="Steps of fitting the texts to the sounds' means.")
@click.option("--first-clip", default=0, help=f"Seed of the first of the {CLIPS} clips per label for that.")
@click.option("--threads", default=2)
def main(
    folders: tuple[Path, ...],
    shares: tuple[float, ...],
    out: Path,
    cache: Path,
    real: Path | None,
    split: str,
    text_steps: int,
    first_clip: int,
    threads: int,
) -> None:
    """Average the checkpoints in FOLDERS, score the mean and fit its logit scale."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(threads)
    labels: list[str] = json.loads((folders[0] / "timbre.json").read_text(encoding="utf-8"))["known_labels"]
    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    model = average_weights(folders, shares or [1.0] * len(folders))
    plan = Plan()
    held_out = render_clips(labels, range(HELD_OUT_SEED, HELD_OUT_SEED + plan.held_out), cache_dir=cache, processes=2)
    sounds = read_listed_sounds(real, labels, split) if real else None
    if text_steps:
        clips = render_clips(labels, range(first_clip, first_clip + CLIPS), cache_dir=cache, processes=2)
        book = build_phrase_book(load_vocabulary(VOCABULARY), labels)
        fit_texts(model, tokenizer, book, clips, steps=text_steps, seed=plan.seed)
    examiner = Examiner(tokenizer, tuple(labels), window_features(held_out), held_out.labels, sounds)
    outcome = examiner.examine(model, 0)
    set_scale(model, examiner.calibrate(model, held_out, plan.seed))
    save_checkpoint(model, tokenizer, labels, out)
    click.echo(f"held-out {outcome.held_out:.1%}, real {outcome.real:.1%}")


if __name__ == "__main__":
    main()
