"""Where a model places the sounds of a data set, each as one whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.engine import Engine, FailedFile
from analysis.evaluation.datasets import LabeledSound
from analysis.evaluation.metrics import Floats
from analysis.pipeline import Analyzer
from analysis.profiles import AnalysisProfile


@dataclass(frozen=True, slots=True)
class PlacedSound:
    """One file: where it is placed, shape (dim,), and the hash of its samples."""

    path: Path
    clip: Floats
    content_hash: str


@dataclass(frozen=True, slots=True)
class Unplaced:
    """One file that cannot be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class PlacedSounds:
    """The readable sounds of a data set, in its order.

    Attributes
    ----------
    sounds : tuple of LabeledSound
    clips : float32, shape (n, dim)
        Rows of unit length: the mean over stretches of ten seconds.
    content_hashes : tuple of str
    failed : tuple of Unplaced
    device, precision, backend : str
        That they were computed with.
    """

    sounds: tuple[LabeledSound, ...]
    clips: Floats
    content_hashes: tuple[str, ...]
    failed: tuple[Unplaced, ...]
    device: str
    precision: str
    backend: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what was evaluated: the hashes of the samples with the labels, in whatever order."""
        lines = sorted(
            f"{content_hash} {sound.label}"
            for content_hash, sound in zip(self.content_hashes, self.sounds, strict=True)
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def part(self, chosen: npt.NDArray[np.bool_]) -> PlacedSounds:
        """Take some of the sounds, by a mask of shape (n,)."""
        kept = np.flatnonzero(chosen)
        sounds = tuple(self.sounds[index] for index in kept)
        hashes = tuple(self.content_hashes[index] for index in kept)
        return replace(self, sounds=sounds, clips=self.clips[kept], content_hashes=hashes)


def place_sounds(
    sounds: Iterable[LabeledSound],
    analyzer: Analyzer,
    profile: AnalysisProfile,
    *,
    tell: Callable[[PlacedSound | Unplaced], None] = lambda _: None,
) -> PlacedSounds:
    """Place the sounds of a data set by the model of a profile, as an analysis does with the whole clip.

    Parameters
    ----------
    sounds : iterable of LabeledSound
        A file that stands in it twice is read once.
    analyzer : Analyzer
    profile : AnalysisProfile
    tell : callable, optional
        Called after each file.

    Returns
    -------
    PlacedSounds

    Raises
    ------
    ModelUnavailable
    """
    wanted = list(sounds)
    placed: dict[Path, PlacedSound] = {}
    failed: dict[Path, Unplaced] = {}
    encoder = analyzer.encoder(profile)  # no model, no work
    for outcome in _hear(list(dict.fromkeys(sound.path for sound in wanted)), analyzer, profile):
        if isinstance(outcome, PlacedSound):
            placed[outcome.path] = outcome
        else:
            failed[outcome.path] = outcome
        tell(outcome)
    readable = tuple(sound for sound in wanted if sound.path in placed)
    clips = np.stack([placed[sound.path].clip for sound in readable]) if readable else np.zeros((0, encoder.dim))
    return PlacedSounds(
        readable,
        clips.astype(np.float32),
        tuple(placed[sound.path].content_hash for sound in readable),
        tuple(failed[path] for path in dict.fromkeys(sound.path for sound in wanted) if path in failed),
        encoder.device,
        encoder.precision,
        encoder.backend,
    )


def _hear(paths: list[Path], analyzer: Analyzer, profile: AnalysisProfile) -> Iterator[PlacedSound | Unplaced]:
    whole = profile.model_copy(update={"windowed": False})
    for outcome in Engine(analyzer).analyze(paths, whole):
        if isinstance(outcome, FailedFile):
            yield Unplaced(outcome.path, str(outcome.error) or type(outcome.error).__name__)
        else:
            yield PlacedSound(outcome.path, outcome.embeddings.clip, outcome.sounds[0].content_hash)
