"""The sounds that are timed: real ones where there are some, and clips of equal length cut from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from analysis.audio import AUDIO_SUFFIXES, decode, probe
from analysis.errors import UnreadableAudio
from analysis.samples import SAMPLE_RATE_HZ
from analysis.synth.demo import write_demo_library

SHARED = Path(__file__).parents[2] / "shared" / "audio"  # beside a checkout, where somebody put recordings there
DEMO_SOUNDS = 64
PAUSE_S = 0.05  # between sounds laid end to end: a cut, not a click


def find_clips(folder: Path | None, cache: Path) -> tuple[list[Path], str]:
    """Find sounds, each content once, and say what they are."""
    if folder is None and SHARED.is_dir():
        folder = SHARED
    if folder is None:
        folder = cache / "demo"
        if not folder.is_dir():
            write_demo_library(folder, count=DEMO_SOUNDS)
        return _different(folder), "synthesized demo library"
    return _different(folder), folder.name


def spread(clips: Sequence[Path], limit: int) -> list[Path]:
    """Choose up to so many, evenly."""
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(limit, len(clips))).astype(int))
    return [clips[at] for at in chosen]


def cut_clips(clips: Sequence[Path], folder: Path, *, length_s: float, count: int) -> list[Path]:
    """Lay sounds end to end, again and again if need be, and write clips of one length; none is like another."""
    folder.mkdir(parents=True, exist_ok=True)
    length = round(length_s * SAMPLE_RATE_HZ)
    stream = _endless(clips)
    rest = np.zeros(0, np.float32)
    written = []
    for number in range(count):
        while len(rest) < length:
            rest = np.concatenate([rest, next(stream)])
        path = folder / f"{number:04}.wav"
        soundfile.write(path, rest[:length], SAMPLE_RATE_HZ, subtype="PCM_16")
        written.append(path)
        rest = rest[length:]
    return written


def _endless(clips: Sequence[Path]) -> Iterator[npt.NDArray[np.float32]]:
    gain, pause = 1.0, np.zeros(round(PAUSE_S * SAMPLE_RATE_HZ), np.float32)
    while True:
        for clip in clips:
            yield decode(clip).waveform * np.float32(gain)
            yield pause
        gain *= 0.7  # another round is not the same audio, which would be analyzed once


def _different(folder: Path) -> list[Path]:
    """Readable sounds under a folder, each content once, in the order of their names."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file() and _is_readable(path):
            found.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    return list(found.values())


def _is_readable(path: Path) -> bool:
    try:
        probe(path)
    except UnreadableAudio:
        return False
    return True
