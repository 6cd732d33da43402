"""Synthesized sounds that the starter never heard, as a data set of files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import soundfile

from analysis.checkpoints import ModelSource
from analysis.evaluation.datasets import Dataset, LabeledSound
from analysis.labels import SILENCE_LABEL
from analysis.samples import SAMPLE_RATE_HZ
from analysis.synth import KINDS, render

UNHEARD_SEED = 3_000_000  # training uses seeds under 1,000,000, its own checks those from 2,000,000


def labels_to_synthesize(source: ModelSource) -> list[str]:
    """List the labels that can be synthesized and that a model knows, in order; silence is measured, not named."""
    known = source.known_labels
    return sorted(label for label in KINDS if label != SILENCE_LABEL and (known is None or label in known))


def synthesize_dataset(folder: Path, labels: Iterable[str], per_label: int) -> Dataset:
    """Write sounds with seeds that no training uses.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    labels : iterable of str
        Keys of `analysis.synth.KINDS`.
    per_label : int

    Returns
    -------
    Dataset
    """
    folder.mkdir(parents=True, exist_ok=True)
    sounds = []
    for label in labels:
        for seed in range(UNHEARD_SEED, UNHEARD_SEED + per_label):
            path = folder / f"{label.replace(' ', '-')}-{seed}.wav"
            soundfile.write(path, render(label, seed), SAMPLE_RATE_HZ, subtype="FLOAT")
            sounds.append(LabeledSound(path, label))
    last = UNHEARD_SEED + per_label - 1
    return Dataset("synthesized", f"analysis.synth, seeds {UNHEARD_SEED} to {last}", tuple(sounds))
