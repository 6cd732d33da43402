"""How often the starter names sounds right: synthesized ones it never heard, and real recordings."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import soundfile
import soxr
import torch
from transformers import AutoTokenizer, ClapModel, PreTrainedTokenizerBase

from analysis.logmel import LogMel
from analysis.starter import MODEL_DIR
from analysis.starter.augment import repeat_to_window
from analysis.starter.clips import HELD_OUT_SEED, Clips, make_extractor, render_clips

SAMPLE_RATE_HZ = 48_000
LONGEST_S = 10
BATCH = 64
REAL_HELP = "Recordings: a table of path, label and split (CSV), or a folder of files named as Sonic Pi's."
SONIC_PI_TRUTH: tuple[
    tuple[str, tuple[str, ...]], ...
] = (  # file name pattern -> labels that are right; the first wins
    ("bd_*", ("kick drum",)),
    ("drum_bass_*", ("kick drum",)),
    ("drum_heavy_kick*", ("kick drum",)),
    ("sn_*", ("snare drum",)),
    ("drum_snare_*", ("snare drum",)),
    ("elec_*snare*", ("snare drum",)),
    ("hat_*", ("hi-hat",)),
    ("drum_cymbal_closed*", ("hi-hat",)),
    ("drum_cymbal_pedal*", ("hi-hat",)),
    ("drum_cymbal_*", ("cymbal crash",)),
    ("drum_splash_*", ("cymbal crash",)),
    ("drum_tom*", ("tom drum",)),
    ("guit_*", ("electric guitar", "acoustic guitar")),
    ("vinyl_*", ("vinyl crackle",)),
    ("loop_amen*", ("drum loop",)),
    ("loop_breakbeat*", ("drum loop",)),
    ("*woosh*", ("whoosh",)),
    ("ambi_choir*", ("choir",)),
    ("ambi_piano*", ("piano",)),
    ("*_drone*", ("drone", "synth pad")),
    ("misc_crow*", ("crow call",)),
)


@dataclass(frozen=True, slots=True)
class RealSounds:
    """Recordings with the labels that are right for each."""

    names: tuple[str, ...]
    accepted: tuple[tuple[str, ...], ...]
    features: torch.Tensor  # (n, 1, frames, mels)


@dataclass(frozen=True, slots=True)
class RealScore:
    """Outcome on real recordings; a group is what the recordings have as their first right label."""

    by_group: dict[str, tuple[int, int]]  # right, all
    answers: dict[str, str]  # name of the recording -> label given

    @property
    def accuracy(self) -> float:
        """Share of the recordings named right."""
        return sum(right for right, _ in self.by_group.values()) / max(1, sum(n for _, n in self.by_group.values()))

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the groups' shares, so that the many kick drums do not decide alone."""
        return float(np.mean([right / n for right, n in self.by_group.values()])) if self.by_group else 0.0


def embed_audio(model: ClapModel, features: torch.Tensor) -> torch.Tensor:
    """Embed input features (n, 1, frames, mels) as unit rows (n, dim)."""
    device = next(model.parameters()).device
    with torch.inference_mode():
        batches = [features[start : start + BATCH].to(device) for start in range(0, len(features), BATCH)]
        parts = [model.get_audio_features(input_features=batch).pooler_output for batch in batches]
    return torch.nn.functional.normalize(torch.cat(parts), dim=-1)


def embed_texts(model: ClapModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> torch.Tensor:
    """Embed texts as unit rows (n, dim)."""
    tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(
        next(model.parameters()).device
    )
    with torch.inference_mode():
        rows = model.get_text_features(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
    return torch.nn.functional.normalize(rows, dim=-1)


def window_features(clips: Clips) -> torch.Tensor:
    """Repeat whole clips to the tower's input, shape (n, 1, frames, mels)."""
    ends = (clips.offsets + clips.lengths).tolist()
    spectrograms = [clips.frames[start:end] for start, end in zip(clips.offsets.tolist(), ends, strict=True)]
    return torch.stack([repeat_to_window(spectrogram) for spectrogram in spectrograms])[:, None]


def confusions(truth: Sequence[int], answers: Sequence[int], labels: Sequence[str]) -> list[tuple[str, str, int]]:
    """List (label, answer instead, count), the most frequent first."""
    wrong = Counter((labels[t], labels[a]) for t, a in zip(truth, answers, strict=True) if t != a)
    return [(label, answer, count) for (label, answer), count in wrong.most_common()]


def read_real_sounds(folder: Path, known_labels: Sequence[str]) -> RealSounds:
    """Read the recordings of a folder whose names tell what they are.

    Parameters
    ----------
    folder : Path
        With files named as the samples of Sonic Pi are.
    known_labels : sequence of str
        Recordings of other labels are left out.

    Returns
    -------
    RealSounds
        The first ten seconds of each, mono.

    Raises
    ------
    ValueError
        The folder holds none of them.
    """
    names, accepted, features = [], [], []
    log_mel = LogMel(make_extractor())
    for path in sorted(folder.iterdir()):
        right = next((labels for pattern, labels in SONIC_PI_TRUTH if fnmatch(path.stem, pattern)), ())
        if right and set(right) <= set(known_labels):
            names.append(path.stem)
            accepted.append(right)
            features.append(log_mel(read_mono(path)[None, : log_mel.max_samples]))
    if not features:
        raise ValueError(f"no recording in {folder} has a name that tells a covered label")
    return RealSounds(tuple(names), tuple(accepted), torch.cat(features))


def read_listed_sounds(table: Path, known_labels: Sequence[str], split: str = "") -> RealSounds:
    """Read the recordings that a table lists.

    Parameters
    ----------
    table : Path
        CSV with the columns `path` (seen from the table's folder) and `label`, and `split` where one is asked for.
    known_labels : sequence of str
        Recordings of other labels are left out.
    split : str
        Rows of other splits are left out; empty for all.

    Returns
    -------
    RealSounds
        The first ten seconds of each, mono.

    Raises
    ------
    ValueError
        The table lists none of them.
    """
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in known_labels]
    rows = [row for row in rows if not split or row["split"] == split]
    if not rows:
        raise ValueError(f"no recording in {table} has a covered label")
    log_mel = LogMel(make_extractor())
    features = [log_mel(read_mono(table.parent / row["path"])[None, : log_mel.max_samples]) for row in rows]
    return RealSounds(tuple(row["path"] for row in rows), tuple((row["label"],) for row in rows), torch.cat(features))


def score_real_sounds(sounds: RealSounds, answers: Sequence[str]) -> RealScore:
    """Compare a label per recording with the right ones."""
    by_group: dict[str, tuple[int, int]] = {}
    for right, answer in zip(sounds.accepted, answers, strict=True):
        hits, count = by_group.get(right[0], (0, 0))
        by_group[right[0]] = (hits + (answer in right), count + 1)
    return RealScore(by_group, dict(zip(sounds.names, answers, strict=True)))


def read_mono(path: Path) -> npt.NDArray[np.float32]:
    """Read the first ten seconds of a recording, mixed to mono, at 48 kHz."""
    with soundfile.SoundFile(path) as file:
        samples = file.read(LONGEST_S * file.samplerate, dtype="float32", always_2d=True).mean(axis=1)
        return np.asarray(soxr.resample(samples, file.samplerate, SAMPLE_RATE_HZ), dtype=np.float32)


@click.command()
@click.option("--model", "folder", type=click.Path(path_type=Path), default=MODEL_DIR, help="Checkpoint folder.")
@click.option("--clips", default=10, help="Held-out clips per label.")
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder for rendered clips.")
@click.option("--real", type=click.Path(path_type=Path, exists=True), help=REAL_HELP)
@click.option("--split", default="", help="Rows of the table to take.")
@click.option("--processes", default=2, help="Renderers at a time.")
def main(folder: Path, clips: int, cache: Path, real: Path | None, split: str, processes: int) -> None:
    """Print how often the starter is right on held-out synthesized sounds and on real ones."""
    facts = json.loads((folder / "timbre.json").read_text(encoding="utf-8"))
    labels: list[str] = facts["known_labels"]
    model = ClapModel.from_pretrained(folder)
    texts = [facts["template"].format(label) for label in labels]
    matrix = embed_texts(model, AutoTokenizer.from_pretrained(folder), texts)
    held_out = render_clips(
        labels, range(HELD_OUT_SEED + 500, HELD_OUT_SEED + 500 + clips), cache_dir=cache, processes=processes
    )
    cosines = embed_audio(model, window_features(held_out)) @ matrix.T
    answers, truth = cosines.argmax(1).tolist(), held_out.labels.tolist()
    right = float(np.mean(np.equal(answers, truth)))
    confidence = (model.logit_scale_a.exp() * cosines).softmax(1).max(1).values.median()
    click.echo(f"held-out: {right:.1%} of {len(truth)} clips, median confidence {confidence:.2f}")
    for label, answer, count in confusions(truth, answers, labels)[:25]:
        click.echo(f"  {label} -> {answer}: {count} of {clips}")
    if real:
        sounds = read_listed_sounds(real, labels, split) if real.is_file() else read_real_sounds(real, labels)
        named = [labels[index] for index in (embed_audio(model, sounds.features) @ matrix.T).argmax(1).tolist()]
        report_real(score_real_sounds(sounds, named), sounds)


def report_real(score: RealScore, sounds: RealSounds) -> None:
    """Print the outcome on real recordings, group by group, and every wrong answer."""
    click.echo(f"real: {score.accuracy:.1%} of {len(sounds.names)}, balanced {score.balanced_accuracy:.1%}")
    for group, (right, count) in score.by_group.items():
        click.echo(f"  {group}: {right} of {count}")
    for name, accepted in zip(sounds.names, sounds.accepted, strict=True):
        if score.answers[name] not in accepted:
            click.echo(f"    {name}: {score.answers[name]}")


if __name__ == "__main__":
    main()
