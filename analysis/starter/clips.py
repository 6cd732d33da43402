"""Rendered clips as log-mel spectrograms: made in parallel processes, cached on disk, held in one array."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import ClapFeatureExtractor

import analysis.synth
from analysis.logmel import LogMel

logger = logging.getLogger(__name__)

TRAINING_SEEDS = 1_000_000  # seeds under this are for training
HELD_OUT_SEED = 2_000_000  # and from here on for tests
SILENCE = "silence"
AUDIBLE_RANGE_DB = 20.0  # frames within this of a clip's loudest belong to the sound, not to its tail
CHUNK = 32  # clips rendered per message between processes


@dataclass(frozen=True, slots=True)
class Clips:
    """Spectrograms of many clips, one behind the other.

    Think of clip `i` as `frames[offsets[i] : offsets[i] + lengths[i]]`. `anchors` lists for each clip
    in the same way the frames in which its sound is audible: a crop is laid around one of them.
    """

    frames: torch.Tensor  # float16 (n_frames, n_mels), dB
    offsets: torch.Tensor  # int64 (n_clips,)
    lengths: torch.Tensor  # int64 (n_clips,)
    labels: torch.Tensor  # int64 (n_clips,)
    anchors: torch.Tensor  # int64 (n_anchors,), frame within its clip
    anchor_offsets: torch.Tensor  # int64 (n_clips,)
    anchor_counts: torch.Tensor  # int64 (n_clips,)

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Clips:
        """Move every array to a device."""
        return Clips(*(getattr(self, name).to(device) for name in self.__slots__))


def join_clips(spectrograms: Sequence[npt.NDArray[np.float16]], labels: Sequence[int]) -> Clips:
    """Lay spectrograms one behind the other and find the audible frames of each.

    Parameters
    ----------
    spectrograms : sequence of float16, shape (n_frames, n_mels)
        In dB.
    labels : sequence of int
        A label's index per spectrogram.

    Returns
    -------
    Clips
    """
    anchors = []
    for spectrogram in spectrograms:
        loudness = spectrogram.astype(np.float32).max(axis=1)
        anchors.append(np.flatnonzero(loudness >= loudness.max() - AUDIBLE_RANGE_DB))
    lengths = np.array([len(spectrogram) for spectrogram in spectrograms], dtype=np.int64)
    counts = np.array([len(anchor) for anchor in anchors], dtype=np.int64)
    return Clips(
        frames=torch.from_numpy(np.concatenate(spectrograms)),
        offsets=torch.from_numpy(np.cumsum(lengths) - lengths),
        lengths=torch.from_numpy(lengths),
        labels=torch.as_tensor(labels, dtype=torch.int64),
        anchors=torch.from_numpy(np.concatenate(anchors).astype(np.int64)),
        anchor_offsets=torch.from_numpy(np.cumsum(counts) - counts),
        anchor_counts=torch.from_numpy(counts),
    )


def extend_clips(
    clips: Clips, spectrograms: Sequence[npt.NDArray[np.float16]], labels: Sequence[int], *, copies: int
) -> Clips:
    """Lay further spectrograms behind those of `clips`, each of them `copies` times."""
    more = join_clips([*spectrograms] * copies, [*labels] * copies)
    return Clips(
        frames=torch.cat([clips.frames, more.frames]),
        offsets=torch.cat([clips.offsets, more.offsets + len(clips.frames)]),
        lengths=torch.cat([clips.lengths, more.lengths]),
        labels=torch.cat([clips.labels, more.labels]),
        anchors=torch.cat([clips.anchors, more.anchors]),
        anchor_offsets=torch.cat([clips.anchor_offsets, more.anchor_offsets + len(clips.anchors)]),
        anchor_counts=torch.cat([clips.anchor_counts, more.anchor_counts]),
    )


def render_clips(labels: Sequence[str], seeds: range, *, cache_dir: Path, processes: int = 2) -> Clips:
    """Render every label with every seed, or take the spectrograms from an earlier run.

    Parameters
    ----------
    labels : sequence of str
        Kinds of the synthesizer.
    seeds : range
        One clip per label and seed.
    cache_dir : Path
        Folder of earlier runs; a file per label of about 70 kB per clip is added.
    processes : int
        Renderers beside this process; 0 renders here.

    Returns
    -------
    Clips
        Ordered by label, then seed.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    paths = {label: cache_dir / f"clips-{_fingerprint(label, seeds)}.npz" for label in labels}
    missing = [label for label in labels if not paths[label].exists()]
    rendered = _render_all([(label, seed) for label in missing for seed in seeds], processes)
    for label in missing:
        _store(paths[label], [next(rendered) for _ in seeds])
    spectrograms: list[npt.NDArray[np.float16]] = []
    for label in labels:
        with np.load(paths[label]) as stored:
            spectrograms += np.split(stored["frames"], np.cumsum(stored["lengths"])[:-1])
    return join_clips(spectrograms, [index for index in range(len(labels)) for _ in seeds])


def _store(path: Path, spectrograms: Sequence[npt.NDArray[np.float16]]) -> None:
    partial = path.with_suffix(".partial.npz")
    lengths = np.array([len(spectrogram) for spectrogram in spectrograms])
    np.savez(partial, frames=np.concatenate(spectrograms), lengths=lengths)
    partial.rename(path)


def spectrogram_of(waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Compute a clip's log-mel spectrogram, at most ten seconds, kept in half precision.

    Parameters
    ----------
    waveform : float32, shape (n_samples,)
        Mono, 48 kHz.

    Returns
    -------
    float16, shape (n_frames, 64)
    """
    log_mel = _log_mel()
    clip = waveform[: log_mel.max_samples]
    clip = np.pad(clip, (0, max(0, 2 * 480 - len(clip))))  # the STFT reflects half a window at either end
    return log_mel.spectrogram(clip[None])[0].numpy().astype(np.float16)


def make_extractor() -> ClapFeatureExtractor:
    """Make the feature extractor that the starter ships with: the one of laion's unfused checkpoints."""
    return ClapFeatureExtractor(
        frequency_min=50,
        frequency_max=14_000,
        truncation="rand_trunc",
        padding="repeatpad",
        return_attention_mask=False,
    )


@cache
def _log_mel() -> LogMel:
    return LogMel(make_extractor())


def _render_all(jobs: Sequence[tuple[str, int]], processes: int) -> Iterator[npt.NDArray[np.float16]]:
    """Yield a spectrogram per job, in order."""
    if processes == 0:
        yield from map(_render, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for done, spectrogram in enumerate(pool.imap(_render, jobs, chunksize=CHUNK), start=1):
            if done % 1_000 == 0:
                logger.info("rendered %d of %d clips", done, len(jobs))
            yield spectrogram


def _render(job: tuple[str, int]) -> npt.NDArray[np.float16]:
    label, seed = job
    return spectrogram_of(analysis.synth.render(label, seed))


def _fingerprint(label: str, seeds: range) -> str:
    """Name what a label's clips depend on: seeds, what all makers share, and the module of its own maker.

    The rare bed under a clip comes from another module; a change there does not render all labels anew.
    """
    digest = hashlib.sha256(f"{label} {seeds}".encode())
    shared = sorted(Path(analysis.synth.__file__).parent.glob("*.py"))
    own = analysis.synth.KINDS[label].make.__code__.co_filename
    for source in (*shared, Path(own)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
