"""Many sounds at once: files are decoded in threads, and batches of the model are filled across them."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.clap import AudioEncoder
from analysis.hearing import Heard
from analysis.pipeline import Analyzer, Placements
from analysis.placement import Placement, Windowing
from analysis.profiles import AnalysisProfile
from analysis.results import AnalyzedFile, FailedFile
from analysis.samples import Samples

if TYPE_CHECKING:
    import torch

__all__ = ["AnalyzedFile", "Engine", "FailedFile", "StageTimes"]

DECODERS = min(8, max(1, (os.cpu_count() or 2) // 2))  # threads: a model on the CPU wants the cores too
HEARD_AHEAD = 2  # files per decoder that wait for the model: bounds memory, as none holds over 58 MB of samples
KEPT_VECTORS_BYTES = 64 << 20  # of finished sounds, in case the same audio comes again

Windowings = dict[AudioEncoder, list[Windowing]]


@dataclass(slots=True)
class StageTimes:
    """Where the time went, in seconds.

    Decoding and features are time of the processor in their own threads; log-mel, encoder and words are time that
    passed in the thread that asked.
    """

    decode_s: float = 0.0
    features_s: float = 0.0
    log_mel_s: float = 0.0
    encoder_s: float = 0.0
    words_s: float = 0.0
    windows: int = field(default=0)
    sounds: int = field(default=0)
    audio_s: float = 0.0


@dataclass(slots=True)
class _Open:
    """A sound that some vectors are still awaited of."""

    heard: Heard
    placements: Placements

    @property
    def is_done(self) -> bool:
        return all(placement.is_done for placement in self.placements.values())


class Engine:
    """Analyzes many sounds; think of it as `map(analyze, paths)` that answers in the order of completion.

    One call at a time, as for the analyzer that it uses. Memory is bounded: a few decoded sounds, one batch of
    log-mels for each model, and the vectors of sounds that are not finished.

    Parameters
    ----------
    analyzer : Analyzer
    decoders : int
        Threads that decode and measure; with 0 the caller's own does, and waits for the disk.
    """

    def __init__(self, analyzer: Analyzer, *, decoders: int = DECODERS) -> None:
        self.analyzer = analyzer
        self.times = StageTimes()
        self._decoders = decoders
        self._kept: OrderedDict[tuple[str, tuple[object, ...]], Placements] = OrderedDict()
        self._kept_bytes = 0

    def analyze(
        self, paths: Iterable[Path], profile: str | AnalysisProfile | Sequence[str | AnalysisProfile]
    ) -> Iterator[AnalyzedFile | FailedFile]:
        """Analyze files with one profile or several, which share what they can.

        Parameters
        ----------
        paths : iterable of Path
            Read as far ahead as there is room.
        profile : str, AnalysisProfile, or a sequence of them

        Yields
        ------
        AnalyzedFile or FailedFile
            One for each path, in the order they are through.

        Raises
        ------
        ModelUnavailable, UnknownProfile
            Before any file is read.

        Notes
        -----
        A record does not depend on the files beside it. Files that decode to the same samples are shown to the model
        once.
        """
        several = [profile] if isinstance(profile, str | AnalysisProfile) else list(profile)
        profiles = [self.analyzer.profile(each) for each in several]
        windowings = self.analyzer.windowings(profiles)
        return self._analyze(paths, profiles, windowings)

    def _analyze(
        self, paths: Iterable[Path], profiles: list[AnalysisProfile], windowings: Windowings
    ) -> Iterator[AnalyzedFile | FailedFile]:
        batches = {encoder: _Batch(encoder, self.times) for encoder in windowings}
        waiting: list[_Open] = []
        try:
            for result in self._heard(paths):
                if isinstance(result, FailedFile):
                    yield result
                    continue
                self._count(result)
                placements = self._place(result, windowings, batches)
                # all that the models hear of it is on its way: its samples need not wait with it
                waiting.append(_Open(replace(result, samples=Samples()), placements))
                yield from self._finished(waiting, profiles)
            for batch in batches.values():
                batch.flush()
            yield from self._finished(waiting, profiles)
        finally:
            self._forget_unfinished()

    def _heard(self, paths: Iterable[Path]) -> Iterator[Heard | FailedFile]:
        if not self._decoders:
            yield from map(self._hear, paths)
            return
        left = iter(paths)
        with ThreadPoolExecutor(self._decoders, thread_name_prefix="timbre-decoder") as pool:
            running: set[Future[Heard | FailedFile]] = set()
            try:
                running |= {pool.submit(self._hear, path) for path in islice(left, self._decoders * HEARD_AHEAD)}
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
                        running |= {pool.submit(self._hear, path) for path in islice(left, 1)}
            finally:
                pool.shutdown(cancel_futures=True)

    def _hear(self, path: Path) -> Heard | FailedFile:
        try:
            return self.analyzer.hear(path)
        except Exception as error:  # of any kind: handed to the caller with its file, and the other files go on
            return FailedFile(path, error)

    def _place(self, heard: Heard, windowings: Windowings, batches: dict[AudioEncoder, _Batch]) -> Placements:
        key = heard.content_hash, tuple((id(encoder), *each) for encoder, each in windowings.items())
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        placements = self.analyzer.begin(heard, windowings)
        self._keep(key, placements)
        for encoder, placement in placements.items():
            batches[encoder].add(placement)
        return placements

    def _keep(self, key: tuple[str, tuple[object, ...]], placements: Placements) -> None:
        self._kept[key] = placements
        self._kept_bytes += _n_bytes(placements)
        while self._kept_bytes > KEPT_VECTORS_BYTES and len(self._kept) > 1:
            _key, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= _n_bytes(oldest)

    def _forget_unfinished(self) -> None:
        """Drop what waits for vectors that will not come, because the caller went away or the model failed."""
        for key, placements in list(self._kept.items()):
            if not all(placement.is_done for placement in placements.values()):
                del self._kept[key]
                self._kept_bytes -= _n_bytes(placements)

    def _finished(self, waiting: list[_Open], profiles: list[AnalysisProfile]) -> Iterator[AnalyzedFile]:
        done = [one for one in waiting if one.is_done]
        waiting[:] = [one for one in waiting if not one.is_done]
        for one in done:
            started = time.perf_counter()
            sounds = tuple(self.analyzer.finish(one.heard, profiles, one.placements))
            self.times.words_s += time.perf_counter() - started
            yield AnalyzedFile(one.heard.path, sounds)

    def _count(self, heard: Heard) -> None:
        self.times.decode_s += heard.decode_s
        self.times.features_s += heard.features_s
        self.times.audio_s += heard.metadata.duration_s
        self.times.sounds += 1


class _Batch:
    """Log-mels of several sounds that wait until a batch of one model is full."""

    def __init__(self, encoder: AudioEncoder, times: StageTimes) -> None:
        self._encoder = encoder
        self._times = times
        self._parts: list[tuple[Placement, npt.NDArray[np.int64], torch.Tensor]] = []
        self._count = 0

    def add(self, placement: Placement) -> None:
        """Take all that the model must hear of a sound, placing full batches on the way."""
        inputs = placement.inputs()
        while True:
            started = time.perf_counter()
            part = next(inputs, None)
            self._times.log_mel_s += time.perf_counter() - started
            if part is None:
                return
            rows, features = part
            self._parts.append((placement, rows, features))
            self._count += len(rows)
            while self._count >= self._encoder.batch_size:
                self._place(self._encoder.batch_size)

    def flush(self) -> None:
        """Place what is left."""
        while self._count:
            self._place(min(self._count, self._encoder.batch_size))

    def _place(self, count: int) -> None:
        import torch

        taken = self._take(count)
        started = time.perf_counter()
        vectors = self._encoder.embed_features(torch.cat([features for _, _, features in taken]))
        elapsed_s = time.perf_counter() - started
        self._times.encoder_s += elapsed_s
        self._times.windows += count
        at = 0
        for placement, rows, _ in taken:
            placement.put(rows, vectors[at : at + len(rows)])
            placement.elapsed_s += elapsed_s * len(rows) / count
            at += len(rows)

    def _take(self, count: int) -> list[tuple[Placement, npt.NDArray[np.int64], torch.Tensor]]:
        taken = []
        self._count -= count
        while count:
            placement, rows, features = self._parts.pop(0)
            if len(rows) > count:
                self._parts.insert(0, (placement, rows[count:], features[count:]))
                rows, features = rows[:count], features[:count]
            taken.append((placement, rows, features))
            count -= len(rows)
        return taken


def _n_bytes(placements: Placements) -> int:
    return sum(placement.n_bytes for placement in placements.values())
