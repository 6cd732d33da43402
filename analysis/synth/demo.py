"""Writes a demo library: sounds of many kinds in several formats, under names as bad as in life."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from analysis.synth import KINDS, SAMPLE_RATE_HZ, render, render_dry, render_mixture
from analysis.synth.rooms import capture
from analysis.synth.signals import Rng, Signal, normalize_rms, samples, uniform

FIRST_SEED = 10_000_000  # training stays below a million: the model never heard these
LONG_AMBIENCES = 5
SHARE_OF_MIXTURES = 0.1
BEDS = ("light rain", "city traffic", "soft wind", "crowd murmur", "ocean waves", "crickets", "room tone")
GUESTS = ("dog bark", "thunder", "car horn", "bird chirp", "church bell", "siren", "knocking", "laughter", "crow call")
FOLDERS = ("old drive", "Field 2019", "Field 2021/card B", "to sort", "MIXDOWNS", "from Anna", "")
KEPT_SINGLE = ("drum loop", "silence")  # too much like their own parts to stand in a mixture


@dataclass(frozen=True, slots=True)
class DemoSound:
    """One file of the demo library and what is really in it.

    Attributes
    ----------
    path : Path
        Relative to the library's folder.
    labels : tuple of str
        What sounds, the main sound first.
    placed : tuple of (label, start_s, end_s)
        When each of them sounds.
    """

    path: Path
    labels: tuple[str, ...]
    placed: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class _Format:
    suffix: str
    container: str
    subtype: str
    rate_hz: int
    channels: int


FORMATS = (
    _Format(".wav", "WAV", "PCM_16", 48_000, 1),
    _Format(".wav", "WAV", "PCM_24", 48_000, 2),
    _Format(".WAV", "WAV", "PCM_24", 96_000, 1),
    _Format(".wav", "WAV", "PCM_16", 44_100, 2),
    _Format(".wav", "WAV", "FLOAT", 48_000, 1),
    _Format(".aif", "AIFF", "PCM_16", 44_100, 1),
    _Format(".aif", "AIFF", "PCM_24", 48_000, 2),
    _Format(".flac", "FLAC", "PCM_16", 44_100, 1),
    _Format(".flac", "FLAC", "PCM_24", 48_000, 2),
    _Format(".ogg", "OGG", "VORBIS", 48_000, 1),
    _Format(".mp3", "MP3", "MPEG_LAYER_III", 44_100, 1),
    _Format(".mp3", "MP3", "MPEG_LAYER_III", 48_000, 2),
)


def _bad_names(rng: Rng) -> Iterator[str]:
    """Names that say nothing, no two alike."""
    number = 0
    while True:
        number += 1
        take = int(rng.integers(1, 30))
        patterns = (
            f"Track {number:02d}",
            f"Audio {number:02d}_{take:02d}",
            f"SFX_final_{number}",
            f"ZOOM{number:04d}",
            f"untitled {number}",
            f"New Recording {number}",
            f"bounce_v{take} ({number})",
            f"STE-{number:03d}",
            f"{200_000 + number * 37}",
            f"asdf{number}",
            f"R09_{number:04d}",
            f"Copy of Track {number:02d}",
        )
        yield patterns[int(rng.integers(len(patterns)))]


def _to_stereo(rng: Rng, mono: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    delay = int(rng.integers(0, 20))
    right = np.concatenate([np.zeros(delay, np.float32), mono])[: len(mono)] * np.float32(uniform(rng, 0.7, 1.0))
    return np.stack([mono, right], axis=1)


def _write(target: Path, mono: npt.NDArray[np.float32], form: _Format, rng: Rng) -> None:
    if form.rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, SAMPLE_RATE_HZ, form.rate_hz)
    mono = np.clip(mono, -1.0, 1.0)
    sound = _to_stereo(rng, mono) if form.channels == 2 else mono
    target.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(
        target, "w", form.rate_hz, form.channels, format=form.container, subtype=form.subtype
    ) as file:
        for start in range(0, len(sound), form.rate_hz):  # libsndfile overflows its stack on a long Vorbis block
            file.write(sound[start : start + form.rate_hz])


def _long_ambience(rng: Rng, seed: int) -> tuple[npt.NDArray[np.float32], list[tuple[str, float, float]]]:
    """Make a bed of 45 to 120 s with other sounds over it at known times."""
    bed_label = BEDS[seed % len(BEDS)]
    seconds = uniform(rng, 45, 120)
    n = samples(seconds)
    bed: Signal = np.zeros(n)
    overlap = samples(1.0)
    start = 0
    part = 0
    while start < n:
        piece = normalize_rms(render_dry(bed_label, seed * 100 + part, duration_s=10.0).astype(float))
        fade = np.minimum(1.0, np.minimum(np.arange(len(piece)), np.arange(len(piece))[::-1]) / overlap)
        end = min(start + len(piece), n)
        bed[start:end] += (piece * np.sqrt(fade))[: end - start]
        start += len(piece) - overlap
        part += 1
    placed = [(bed_label, 0.0, seconds)]
    moment = uniform(rng, 5, 12)
    while moment < seconds - 6:
        guest = GUESTS[int(rng.integers(len(GUESTS)))]
        sound = render_dry(guest, seed * 100 + 50 + len(placed)).astype(float)
        at = samples(moment)
        end = min(at + len(sound), n)
        bed[at:end] += (5.0 * uniform(rng, 0.7, 1.5) * sound / (np.abs(sound).max() + 1e-9))[: end - at]
        placed.append((guest, moment, end / SAMPLE_RATE_HZ))
        moment += len(sound) / SAMPLE_RATE_HZ + uniform(rng, 6, 15)
    return np.clip(capture(rng, bed), -1, 1).astype(np.float32), placed


def _single_labels(rng: Rng, count: int) -> list[str]:
    """Every kind once before any comes twice."""
    labels: list[str] = []
    while len(labels) < count:
        labels += [str(label) for label in rng.permutation(sorted(KINDS))]
    return labels[:count]


def _sounds(rng: Rng, count: int) -> Iterator[tuple[npt.NDArray[np.float32], list[tuple[str, float, float]]]]:
    long = min(LONG_AMBIENCES, count // 10)
    mixtures = int(count * SHARE_OF_MIXTURES)
    for i, label in enumerate(_single_labels(rng, count - long - mixtures)):
        mono = render(label, FIRST_SEED + i)
        yield mono, [(label, 0.0, len(mono) / SAMPLE_RATE_HZ)]
    candidates = sorted(set(KINDS) - set(KEPT_SINGLE))
    for i in range(mixtures):
        pair = [str(label) for label in rng.choice(candidates, 2, replace=False)]
        yield render_mixture(pair, FIRST_SEED + i)
    for i in range(long):
        yield _long_ambience(rng, FIRST_SEED + i)


def write_demo_library(folder: Path, *, count: int = 150, seed: int = 20261120) -> list[DemoSound]:
    """Fill a folder with synthesized sounds whose names tell nothing.

    Parameters
    ----------
    folder : Path
        Made where it is not there. Files of the same names are written again.
    count : int
        Sounds, a tenth of them mixtures of two, at most five of them long ambiences.
    seed : int
        The same seed writes the same sounds.

    Returns
    -------
    list of DemoSound
        The truth about every file; nothing of it is written into the folder.
    """
    rng = np.random.default_rng(seed)
    names = _bad_names(rng)
    written = []
    for mono, placed in _sounds(rng, count):
        form = FORMATS[int(rng.integers(len(FORMATS)))]
        relative = Path(FOLDERS[int(rng.integers(len(FOLDERS)))]) / f"{next(names)}{form.suffix}"
        _write(folder / relative, mono, form, rng)
        written.append(DemoSound(relative, tuple(dict.fromkeys(label for label, _, _ in placed)), tuple(placed)))
    return written
