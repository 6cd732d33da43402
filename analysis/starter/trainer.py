"""Teaches the starter model, pass by pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import ClapModel, PreTrainedTokenizerBase

from analysis.starter.augment import Augmenter
from analysis.starter.clips import SILENCE, Clips
from analysis.starter.network import begin, finish, freeze
from analysis.starter.phrases import PhraseBook
from analysis.starter.texts import ANCHOR_SCALE, embed, mean_embeddings

LARGEST_SCALE = 40.0
LABEL_SMOOTHING = 0.05
MEANT_CLIPS = 4  # per label, whose mean the prototype of a trained model starts at
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
