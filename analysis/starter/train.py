"""Train the starter model on synthesized sounds: `python -m analysis.starter.train --out DIR --cache DIR`."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import torch
from torch.nn import functional
from transformers import AutoTokenizer, ClapConfig, ClapModel, PreTrainedTokenizerBase

from analysis.starter import MODEL_ID
from analysis.starter.augment import Augmenter
from analysis.starter.clips import HELD_OUT_SEED, SILENCE, TRAINING_SEEDS, Clips, make_extractor, render_clips
from analysis.starter.evaluate import (
    RealSounds,
    confusions,
    embed_audio,
    embed_texts,
    read_real_sounds,
    score_real_sounds,
    window_features,
)
from analysis.starter.phrases import TEMPLATE, PhraseBook, build_phrase_book
from analysis.starter.tokenizer import make_tokenizer
from analysis.synth import KINDS
from analysis.vocabulary import load_vocabulary

logger = logging.getLogger(__name__)

VOCABULARY = Path(__file__).parents[2] / "config" / "vocabulary.yaml"
HELD_OUT_WANTED = 0.95  # among passes this good on synthesized sounds, real recordings decide
ANCHOR_SCALE = 15.0  # of the texts' cosines to the prototypes
LARGEST_SCALE = 40.0
LABEL_SMOOTHING = 0.05
WARM_UP = 0.08  # share of the steps in which the rates rise
CALIBRATION_SCALES = np.geomspace(4.0, 40.0, 47)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a training run, beside vocabulary and synthesizer."""

    clips: int = 90  # per label
    passes: int = 10
    seed: int = 1
    batch: int = 48
    audio_rate: float = 6e-4
    text_rate: float = 3e-4  # a higher one lets the text tower collapse
    width: int = 56  # channels of a patch, a multiple of 4; two merges double it twice
    shared_texts: int = 48  # per step
    held_out: int = 4  # clips per label after each pass
    resumed: bool = False  # the prototypes begin where the texts of a trained model are


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass reached."""

    done: int  # passes
    held_out: float
    real: float

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Order of checkpoints: good enough on synthesized sounds first, then real sounds, then the former again."""
        enough = self.held_out >= HELD_OUT_WANTED
        return (enough, self.real, self.held_out) if enough else (enough, self.held_out, self.real)


def build_model(vocabulary_size: int, width: int) -> ClapModel:
    """Make an untrained ClapModel of about two million parameters.

    Parameters
    ----------
    vocabulary_size : int
        Of the tokenizer.
    width : int
        Channels of a patch, a multiple of 4.

    Returns
    -------
    ClapModel
    """
    dim = 128
    config = ClapConfig(
        projection_dim=dim,
        logit_scale_init_value=14.0,
        text_config={
            "vocab_size": vocabulary_size,
            "hidden_size": dim,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 256,
            "max_position_embeddings": 64,
        },
        audio_config={
            "patch_size": 8,
            "patch_stride": [8, 8],
            "patch_embeds_hidden_size": width,
            "depths": [2, 2, 2],
            "num_attention_heads": [4, 8, 16],
            "hidden_size": width * 4,
            "enable_fusion": False,
            "drop_path_rate": 0.05,
            "hidden_dropout_prob": 0.0,
        },
    )
    return ClapModel(config)


class Trainer:
    """Pulls both towers of a model to one learned prototype per label, and to each other.

    Contrast within a batch alone lets the text tower collapse on so few distinct texts; the
    prototypes give it something to hold on to.
    """

    def __init__(
        self, model: ClapModel, tokenizer: PreTrainedTokenizerBase, book: PhraseBook, clips: Clips, plan: Plan
    ) -> None:
        self.model, self._tokenizer, self._book, self._plan = model, tokenizer, book, plan
        self._device = clips.frames.device
        self._random = np.random.default_rng(plan.seed)
        generator = torch.Generator(self._device).manual_seed(plan.seed)
        silence = book.labels.index(SILENCE) if SILENCE in book.labels else None
        self._augmenter = Augmenter(clips, n_labels=len(book.labels), silence=silence, generator=generator)
        self._n_clips = len(clips)
        model.train(mode=False)
        texts = embed_texts(model, tokenizer, book.labels).clone()
        self._prototypes = torch.nn.Parameter(texts if plan.resumed else 0.1 * torch.randn_like(texts))
        text = [parameter for name, parameter in model.named_parameters() if name.startswith("text")]
        audio = [parameter for name, parameter in model.named_parameters() if not name.startswith("text")]
        self._optimizer = torch.optim.AdamW(
            [{"params": [*audio, self._prototypes]}, {"params": text}], lr=plan.audio_rate, weight_decay=0.02
        )
        self._steps_per_pass = max(1, self._n_clips // plan.batch)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            [plan.audio_rate, plan.text_rate],
            total_steps=plan.passes * self._steps_per_pass + 1,
            pct_start=WARM_UP,
        )

    def run_pass(self) -> Iterator[float]:
        """Go once over the clips in a new order; yields the loss of each step."""
        self.model.train()
        order = torch.from_numpy(self._random.permutation(self._n_clips)).to(self._device)
        for step in range(self._steps_per_pass):
            rows = order[step * self._plan.batch : (step + 1) * self._plan.batch]
            loss = self._loss(rows)
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self._optimizer.step()
            self._schedule.step()
            yield loss.item()

    def _loss(self, rows: torch.Tensor) -> torch.Tensor:
        batch = self._augmenter.draw(rows)
        sounds = self.model.get_audio_features(input_features=batch.features).pooler_output
        sounds = functional.normalize(sounds, dim=-1)  # (n, dim)
        own = self._book.draw_own(self._random)
        shared, weights = self._book.draw_shared(self._random, self._plan.shared_texts)
        texts = self._embed([*own, *shared])
        own_texts, shared_texts = texts[: len(own)], texts[len(own) :]  # (n_labels, dim), (n_shared, dim)
        prototypes = functional.normalize(self._prototypes, dim=-1)
        scale = self.model.logit_scale_a.exp().clamp(max=LARGEST_SCALE)
        labels = torch.arange(len(own), device=self._device)
        return (
            self._soft_cross_entropy(scale * sounds @ own_texts.T, batch.targets)
            + self._soft_cross_entropy(scale * sounds @ prototypes.T, batch.targets)
            + functional.cross_entropy(ANCHOR_SCALE * own_texts @ prototypes.T, labels)
            + functional.cross_entropy(
                ANCHOR_SCALE * shared_texts @ prototypes.T, torch.from_numpy(weights).to(self._device)
            )
        )

    def _embed(self, texts: Sequence[str]) -> torch.Tensor:
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(self._device)
        rows = self.model.get_text_features(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return functional.normalize(rows, dim=-1)

    @staticmethod
    def _soft_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(logits, targets, label_smoothing=LABEL_SMOOTHING)


@dataclass(frozen=True, slots=True)
class Examiner:
    """Measures a model after a pass."""

    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]
    features: torch.Tensor  # held-out clips, (n, 1, frames, mels)
    truth: torch.Tensor  # (n,)
    real: RealSounds | None

    def examine(self, model: ClapModel, done: int) -> Outcome:
        """Name the held-out clips and the real recordings."""
        model.train(mode=False)
        texts = embed_texts(model, self.tokenizer, [TEMPLATE.format(label) for label in self.labels])
        answers = (embed_audio(model, self.features) @ texts.T).argmax(1).cpu()
        held_out = (answers == self.truth).float().mean().item()
        logger.info("confused: %s", confusions(self.truth.tolist(), answers.tolist(), self.labels)[:8])
        if self.real is None:
            return Outcome(done, held_out, 0.0)
        named = (embed_audio(model, self.real.features) @ texts.T).argmax(1).tolist()
        score = score_real_sounds(self.real, [self.labels[index] for index in named])
        logger.info("real sounds: %.3f of all; %s", score.accuracy, score.by_group)
        return Outcome(done, held_out, score.balanced_accuracy)

    def calibrate(self, model: ClapModel, held_out: Clips, seed: int) -> float:
        """Find the logit scale under which softmax over all labels is likeliest on varied held-out clips."""
        model.train(mode=False)
        texts = embed_texts(model, self.tokenizer, [TEMPLATE.format(label) for label in self.labels])
        generator = torch.Generator(held_out.frames.device).manual_seed(seed)
        silence = self.labels.index(SILENCE) if SILENCE in self.labels else None
        augmenter = Augmenter(held_out, n_labels=len(self.labels), silence=silence, generator=generator)
        rows = torch.arange(len(held_out), device=held_out.frames.device)
        batches = [augmenter.draw(rows[start : start + 256]) for start in range(0, len(rows), 256)]
        cosines = embed_audio(model, torch.cat([batch.features for batch in batches])) @ texts.T
        targets = torch.cat([batch.targets for batch in batches])
        losses = [functional.cross_entropy(scale * cosines, targets).item() for scale in CALIBRATION_SCALES.tolist()]
        return float(CALIBRATION_SCALES[int(np.argmin(losses))])


def train(
    plan: Plan,
    book: PhraseBook,
    clips: Clips,
    held_out: Clips,
    real: RealSounds | None,
    out: Path,
    *,
    start: Path | None = None,
) -> Outcome:
    """Train a model and write its best checkpoint.

    Parameters
    ----------
    plan : Plan
        Sizes, rates and seed.
    book : PhraseBook
        Texts of the covered labels, in the order of the clips' labels.
    clips, held_out : Clips
        On the device to train on.
    real : RealSounds or None
        Recordings that choose among the passes.
    out : Path
        Folder of the checkpoint.
    start : Path, optional
        Checkpoint of the same labels to go on from.

    Returns
    -------
    Outcome
        Of the pass that was kept.
    """
    torch.manual_seed(plan.seed)
    tokenizer = AutoTokenizer.from_pretrained(start) if start else make_tokenizer(book.everything)
    model = ClapModel.from_pretrained(start) if start else build_model(len(tokenizer), plan.width)
    torch.nn.Module.to(model, clips.frames.device)
    logger.info("%.2f million parameters, %d clips", sum(p.numel() for p in model.parameters()) / 1e6, len(clips))
    trainer = Trainer(model, tokenizer, book, clips, replace(plan, resumed=start is not None))
    examiner = Examiner(tokenizer, book.labels, window_features(held_out), held_out.labels.cpu(), real)
    best, kept = Outcome(0, -1.0, -1.0), {}
    started = time.monotonic()
    for done in range(1, plan.passes + 1):
        for step, loss in enumerate(trainer.run_pass()):
            if step % 50 == 0:
                logger.info("pass %d step %d loss %.3f, %.0f s", done, step, loss, time.monotonic() - started)
        outcome = examiner.examine(model, done)
        logger.info("%s after %.0f s", outcome, time.monotonic() - started)
        if outcome.rank > best.rank:
            best, kept = outcome, {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
            model.load_state_dict(kept)
            save_checkpoint(model, tokenizer, book.labels, out)
    model.load_state_dict(kept)
    scale = examiner.calibrate(model, held_out, plan.seed)
    logger.info("kept %s, logit scale %.1f", best, scale)
    with torch.no_grad():
        model.logit_scale_a.fill_(math.log(scale))
        model.logit_scale_t.fill_(math.log(scale))
    save_checkpoint(model, tokenizer, book.labels, out)
    return best


def save_checkpoint(model: ClapModel, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], out: Path) -> None:
    """Write a checkpoint that `from_pretrained` loads, with the facts that Timbre needs in `timbre.json`."""
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    make_extractor().save_pretrained(out)
    revision = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()[:12]
    facts = {"model_id": MODEL_ID, "revision": revision, "template": TEMPLATE, "known_labels": list(labels)}
    (out / "timbre.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def choose_device(name: str) -> torch.device:
    """Take CUDA where there is one, unless told otherwise."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the checkpoint.")
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder for rendered clips.")
@click.option("--real", type=click.Path(path_type=Path, exists=True), help="Recordings that choose among the passes.")
@click.option("--vocabulary", type=click.Path(path_type=Path), default=VOCABULARY, help="The vocabulary file.")
@click.option("--start", type=click.Path(path_type=Path, exists=True), help="Checkpoint to go on from.")
@click.option("--clips", default=Plan().clips, help="Clips per label.")
@click.option("--first-clip", default=0, help="Seed of the first clip; another one than before makes new clips.")
@click.option("--passes", default=Plan().passes, help="Passes over the clips.")
@click.option("--seed", default=Plan().seed)
@click.option("--batch", default=Plan().batch, help="Clips per step.")
@click.option("--rate", default=Plan().audio_rate, help="Learning rate of the audio tower; the text tower has half.")
@click.option("--width", default=Plan().width, help="Channels of a patch.")
@click.option("--device", default="auto", help="auto, cpu or cuda.")
@click.option("--processes", default=2, help="Renderers at a time.")
def main(
    out: Path,
    cache: Path,
    real: Path | None,
    vocabulary: Path,
    start: Path | None,
    clips: int,
    first_clip: int,
    passes: int,
    seed: int,
    batch: int,
    rate: float,
    width: int,
    device: str,
    processes: int,
) -> None:
    """Render the sounds, train on them and write the checkpoint that served real recordings best."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    torch.set_num_threads(2)
    if first_clip + clips > TRAINING_SEEDS:
        raise click.BadParameter(f"want seeds under {TRAINING_SEEDS}, got {first_clip + clips}")
    plan = replace(
        Plan(), clips=clips, passes=passes, seed=seed, batch=batch, audio_rate=rate, text_rate=rate / 2, width=width
    )
    book = build_phrase_book(load_vocabulary(vocabulary), KINDS)
    where = choose_device(device)
    training = render_clips(
        book.labels, range(first_clip, first_clip + clips), cache_dir=cache, processes=processes
    ).to(where)
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + plan.held_out)
    held_out = render_clips(book.labels, seeds, cache_dir=cache, processes=processes).to(where)
    sounds = read_real_sounds(real, book.labels) if real else None
    outcome = train(plan, book, training, held_out, sounds, out, start=start)
    click.echo(f"pass {outcome.done}: held-out {outcome.held_out:.1%}, real {outcome.real:.1%}")


if __name__ == "__main__":
    main()
