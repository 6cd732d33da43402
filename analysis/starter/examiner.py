"""How good the starter model is after a pass: on clips that it did not learn from, and on real recordings."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional
from transformers import ClapModel, PreTrainedTokenizerBase

from analysis.starter.augment import Augmenter
from analysis.starter.clips import SILENCE, Clips
from analysis.starter.evaluate import RealSounds, confusions, embed_audio, embed_texts, score_real_sounds
from analysis.starter.phrases import TEMPLATE

logger = logging.getLogger(__name__)

HELD_OUT_WANTED = 0.90  # among passes this good on synthesized sounds, real recordings decide
CALIBRATION_SCALES = np.geomspace(4.0, 40.0, 47)


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
