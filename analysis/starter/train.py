"""Train the starter model on synthesized sounds: `python -m analysis.starter.train --out DIR --cache DIR`."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import click
import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import AutoTokenizer, ClapConfig, ClapModel, PreTrainedConfig, PreTrainedTokenizerBase

from analysis.starter import MODEL_ID
from analysis.starter.augment import Augmenter
from analysis.starter.clips import (
    HELD_OUT_SEED,
    SILENCE,
    TRAINING_SEEDS,
    Clips,
    extend_clips,
    make_extractor,
    render_clips,
)
from analysis.starter.evaluate import (
    REAL_HELP,
    RealSounds,
    confusions,
    embed_audio,
    embed_texts,
    read_listed_sounds,
    read_real_sounds,
    score_real_sounds,
    window_features,
)
from analysis.starter.phrases import TEMPLATE, PhraseBook, build_phrase_book
from analysis.starter.recordings import read_recordings
from analysis.starter.texts import ANCHOR_SCALE, embed, mean_embeddings
from analysis.starter.tokenizer import make_tokenizer
from analysis.synth import KINDS
from analysis.vocabulary import load_vocabulary

logger = logging.getLogger(__name__)

VOCABULARY = Path(__file__).parents[2] / "config" / "vocabulary.yaml"
HELD_OUT_WANTED = 0.90  # among passes this good on synthesized sounds, real recordings decide
LARGEST_SCALE = 40.0
LABEL_SMOOTHING = 0.05
MEANT_CLIPS = 4  # per label, whose mean the prototype of a trained model starts at
RECORDING_COPIES = 2  # of each recording among the synthesized clips
WARM_UP = 0.08  # share of the steps in which the rates rise
AVERAGE_STEPS = 120  # over which the weights that are kept are averaged, once so many steps are done
TEXT_EVERY = 2  # steps; texts are few, and learned long before the sounds are
FRESH_EVERY = 3  # steps, where the first stage is frozen: the others go over earlier windows again, behind that stage
REPLAYED_BATCHES = 60  # that are kept for it, 57 kB a window
EVERYDAY_WEIGHT = 3.0  # how much more often a clip of these is drawn than one of any other label
# fmt: off
EVERYDAY = frozenset([
    "applause", "baby crying", "bee buzz", "bird chirp", "can opening", "car engine idle", "car horn", "cat meow",
    "chainsaw", "chicken cluck", "church bell", "clock ticking", "coughing", "cow moo", "crickets", "crow call",
    "dog bark", "door creak", "duck quack", "fire crackle", "fireworks", "flowing stream", "footsteps on concrete",
    "footsteps on gravel", "footsteps on wood", "frog croak", "glass shatter", "hand saw", "heavy rain", "helicopter",
    "horse neigh", "howling wind", "jet flyover", "keyboard typing", "knocking", "laughter", "mouse click",
    "ocean waves", "phone ringing", "pig grunt", "pouring water", "propeller plane", "rooster crow", "sheep bleat",
    "siren", "sneezing", "snoring", "speech", "thunder", "toilet flush", "toothbrushing", "train passing",
    "vacuum cleaner", "washing machine", "water dripping",
])
# fmt: on
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
    held_out: int = 3  # clips per label after each pass
    resumed: bool = False  # the prototypes begin where the texts of a trained model are
    frozen: bool = False  # patches and first stage of the audio tower stay as they were in the start
    coarse: bool = False  # compute in bfloat16 where torch deems it safe: half the time on processors that know it


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


def freeze(model: ClapModel) -> list[torch.nn.Module]:
    """Keep the patches and the first stage of the audio tower from learning; returns what was frozen."""
    encoder = model.audio_model.audio_encoder
    frozen = [encoder.batch_norm, encoder.patch_embed, encoder.layers[0]]
    for module in frozen:
        module.requires_grad_(requires_grad=False)
    return frozen


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


def begin(model: ClapModel, features: torch.Tensor) -> torch.Tensor:
    """Send windows (n, 1, frames, mels) through the patches and the first stage of the audio tower."""
    encoder = model.audio_model.audio_encoder
    image: torch.Tensor = encoder.reshape_mel2img(  # type: ignore[no-untyped-call]
        encoder.batch_norm(features.transpose(1, 3)).transpose(1, 3)
    )
    hidden: torch.Tensor = encoder.layers[0](encoder.patch_embed(image, None), encoder.input_resolutions[0])[0]
    return hidden


def finish(model: ClapModel, hidden: torch.Tensor) -> torch.Tensor:
    """Send what `begin` returned through the rest of the audio tower; embeddings (n, dim), not of unit length."""
    encoder = model.audio_model.audio_encoder
    for layer, resolution in zip(encoder.layers[1:], encoder.input_resolutions[1:], strict=True):
        hidden = layer(hidden, resolution)[0]
    embeddings: torch.Tensor = model.audio_projection(encoder.norm(hidden).mean(1))
    return embeddings


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
        self._weights = torch.tensor([EVERYDAY_WEIGHT if label in EVERYDAY else 1.0 for label in book.labels])
        model.train(mode=False)
        nowhere = 0.1 * torch.randn(len(book.labels), model.config.projection_dim, device=self._device)
        self._prototypes = torch.nn.Parameter(nowhere)
        if plan.resumed:  # the texts of a trained model may lag behind its sounds
            self._prototypes.data = mean_embeddings(
                model, clips, len(book.labels), silence, per_label=MEANT_CLIPS, seed=plan.seed
            )
        self._frozen = freeze(model) if plan.frozen else []
        learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        text = [parameter for name, parameter in learning.items() if name.startswith("text")]
        audio = [parameter for name, parameter in learning.items() if not name.startswith("text")]
        self._optimizer = torch.optim.AdamW(
            [{"params": [*audio, self._prototypes]}, {"params": text}], lr=plan.audio_rate, weight_decay=0.02
        )
        follow = get_ema_multi_avg_fn(1 - 1 / AVERAGE_STEPS)  # type: ignore[no-untyped-call]
        self._average = AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
        self._replayed: deque[tuple[torch.Tensor, torch.Tensor]] = deque(maxlen=REPLAYED_BATCHES)
        self._clip_labels = clips.labels.cpu()
        self._steps = 0
        self._steps_per_pass = max(1, self._n_clips // plan.batch)
        self._settled = plan.passes * self._steps_per_pass // 20  # new prototypes shake the first steps
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            [plan.audio_rate, plan.text_rate],
            total_steps=plan.passes * self._steps_per_pass + 1,
            pct_start=WARM_UP,
        )

    def averaged_model(self) -> ClapModel:
        """Give the model whose weights are averaged over the last steps."""
        return cast("ClapModel", self._average.module)

    def run_pass(self) -> Iterator[float]:
        """Draw as many clips as there are, everyday sounds more often than others; yields the loss of each step."""
        self.model.train()
        for module in self._frozen:
            module.eval()
        chances = self._weights[self._clip_labels].double().numpy()
        order = self._random.choice(self._n_clips, self._n_clips, p=chances / chances.sum())
        rows = torch.from_numpy(order).to(self._device)
        for step in range(self._steps_per_pass):
            loss = self._loss(rows[step * self._plan.batch : (step + 1) * self._plan.batch])
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self._optimizer.step()
            self._schedule.step()
            self._steps += 1
            if self._steps > self._settled:
                self._average.update_parameters(self.model)
            yield loss.item()

    def _draw(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Make windows of clips and begin with them, or take some that were begun with before; with their targets."""
        if self._frozen and self._steps % FRESH_EVERY:
            batches = self._random.integers(len(self._replayed), size=len(rows)).tolist()
            at = self._random.integers(len(rows), size=len(rows)).tolist()
            drawn = [
                (self._replayed[batch][0][i], self._replayed[batch][1][i]) for batch, i in zip(batches, at, strict=True)
            ]
            return torch.stack([hidden for hidden, _ in drawn]), torch.stack([target for _, target in drawn])
        batch = self._augmenter.draw(rows)
        hidden = begin(self.model, batch.features)
        if self._frozen:
            self._replayed.append((hidden.detach().bfloat16() if self._plan.coarse else hidden.detach(), batch.targets))
        return hidden, batch.targets

    def _loss(self, rows: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._plan.coarse):
            hidden, targets = self._draw(rows)
            sounds = finish(self.model, hidden)
        sounds = functional.normalize(sounds.float(), dim=-1)  # (n, dim)
        prototypes = functional.normalize(self._prototypes, dim=-1)
        scale = self.model.logit_scale_a.exp().clamp(max=LARGEST_SCALE)
        loss = self._soft_cross_entropy(scale * sounds @ prototypes.T, targets)
        if self._steps % TEXT_EVERY:
            return 2 * loss
        own = self._book.draw_own(self._random)
        shared, weights = self._book.draw_shared(self._random, self._plan.shared_texts)
        texts = embed(self.model, self._tokenizer, [*own, *shared])
        own_texts, shared_texts = texts[: len(own)], texts[len(own) :]  # (n_labels, dim), (n_shared, dim)
        return (
            loss
            + self._soft_cross_entropy(scale * sounds @ own_texts.T, targets)
            + functional.cross_entropy(
                ANCHOR_SCALE * own_texts @ prototypes.T, torch.arange(len(own), device=self._device)
            )
            + functional.cross_entropy(
                ANCHOR_SCALE * shared_texts @ prototypes.T, torch.from_numpy(weights).to(self._device)
            )
        )

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
        Checkpoint to go on from; its labels may be fewer.

    Returns
    -------
    Outcome
        Of the pass that was kept.
    """
    torch.manual_seed(plan.seed)
    tokenizer = make_tokenizer(book.everything)
    model = adopt(start, tokenizer) if start else build_model(len(tokenizer), plan.width)
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
        average = trainer.averaged_model()
        outcome = examiner.examine(average, done)
        logger.info("%s after %.0f s", outcome, time.monotonic() - started)
        if outcome.rank > best.rank:
            best, kept = outcome, {name: value.detach().cpu().clone() for name, value in average.state_dict().items()}
            save_checkpoint(average, tokenizer, book.labels, out)
    model.load_state_dict(kept)
    scale = examiner.calibrate(model, held_out, plan.seed)
    logger.info("kept %s, logit scale %.1f", best, scale)
    set_scale(model, scale)
    save_checkpoint(model, tokenizer, book.labels, out)
    return best


def set_scale(model: ClapModel, scale: float) -> None:
    """Give a model the factor that turns its cosines into logits."""
    with torch.no_grad():
        model.logit_scale_a.fill_(math.log(scale))
        model.logit_scale_t.fill_(math.log(scale))


def save_checkpoint(model: ClapModel, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], out: Path) -> None:
    """Write a checkpoint that `from_pretrained` loads, with the facts that Timbre needs in `timbre.json`."""
    model.save_pretrained(out)
    # Limits that the last batch of texts set: ClapProcessor would take them for a number of samples of sound
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    for limit in ("max_length", "stride", "truncation_strategy", "pad_to_multiple_of"):
        tokenizer.init_kwargs.pop(limit, None)
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
@click.option("--real", type=click.Path(path_type=Path, exists=True), help=REAL_HELP)
@click.option("--split", default="dev", help="Rows of that table which choose among the passes.")
@click.option("--recordings", type=click.Path(path_type=Path, exists=True), help="CC0 recordings to train on as well.")
@click.option("--vocabulary", type=click.Path(path_type=Path), default=VOCABULARY, help="The vocabulary file.")
@click.option("--start", type=click.Path(path_type=Path, exists=True), help="Checkpoint to go on from.")
@click.option("--clips", default=Plan().clips, help="Clips per label.")
@click.option("--first-clip", default=0, help="Seed of the first clip; another one than before makes new clips.")
@click.option("--passes", default=Plan().passes, help="Passes over the clips.")
@click.option("--seed", default=Plan().seed)
@click.option("--batch", default=Plan().batch, help="Clips per step.")
@click.option("--rate", default=Plan().audio_rate, help="Learning rate of the audio tower; the text tower has half.")
@click.option("--width", default=Plan().width, help="Channels of a patch.")
@click.option("--frozen", is_flag=True, help="Patches and first stage of the audio tower stay as they are.")
@click.option("--coarse", is_flag=True, help="Compute in bfloat16 where that is safe.")
@click.option("--device", default="auto", help="auto, cpu or cuda.")
@click.option("--processes", default=2, help="Renderers at a time.")
@click.option("--threads", default=2, help="Of the training itself.")
def main(
    out: Path,
    cache: Path,
    real: Path | None,
    split: str,
    recordings: Path | None,
    vocabulary: Path,
    start: Path | None,
    clips: int,
    first_clip: int,
    passes: int,
    seed: int,
    batch: int,
    rate: float,
    width: int,
    frozen: bool,
    coarse: bool,
    device: str,
    processes: int,
    threads: int,
) -> None:
    """Render the sounds, train on them and write the checkpoint that served real recordings best."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    torch.set_num_threads(threads)
    if first_clip + clips > TRAINING_SEEDS:
        raise click.BadParameter(f"want seeds under {TRAINING_SEEDS}, got {first_clip + clips}")
    plan = replace(
        Plan(), clips=clips, passes=passes, seed=seed, batch=batch, audio_rate=rate, text_rate=rate / 2, width=width
    )
    plan = replace(plan, frozen=frozen, coarse=coarse)
    book = build_phrase_book(load_vocabulary(vocabulary), KINDS)
    where = choose_device(device)
    training = render_clips(book.labels, range(first_clip, first_clip + clips), cache_dir=cache, processes=processes)
    if recordings:
        training = extend_clips(training, *read_recordings(recordings, book.labels), copies=RECORDING_COPIES)
    training = training.to(where)
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + plan.held_out)
    held_out = render_clips(book.labels, seeds, cache_dir=cache, processes=processes).to(where)
    sounds = None
    if real:
        sounds = read_listed_sounds(real, book.labels, split) if real.is_file() else read_real_sounds(real, book.labels)
    outcome = train(plan, book, training, held_out, sounds, out, start=start)
    click.echo(f"pass {outcome.done}: held-out {outcome.held_out:.1%}, real {outcome.real:.1%}")


if __name__ == "__main__":
    main()
