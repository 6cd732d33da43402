"""Where a model places one sound: what the model must hear of it, and the vectors as they come back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.clap import AudioEncoder
from analysis.interpretation import SoundEmbeddings
from analysis.profiles import AnalysisProfile
from analysis.samples import SAMPLE_RATE_HZ, Samples
from analysis.windows import clip_bounds, window_samples, window_starts

if TYPE_CHECKING:
    import torch

    from analysis.logmel import LogMel

UNHEARD_DBFS = -80.0  # a stretch below it is not shown to the model: the noise of 16 bits has -98, a faint room -70
WINDOWS_AT_ONCE = 32  # 2 s each: 12 MB of samples and 8 MB of log-mels
REACH_SAMPLES = 30 * SAMPLE_RATE_HZ  # windows spread over hours are not read with all that lies between them
FRAMES_AT_ONCE = 2048  # 20 s of sound
CHUNKS_KEPT = 16  # of log-mel frames, 8 MB: windows of other lengths over the same sound need them again


@dataclass(frozen=True, slots=True)
class Windowing:
    """How a profile cuts a sound; profiles that agree share the vectors."""

    window_s: float
    hop_s: float
    max_windows: int

    @classmethod
    def of(cls, profile: AnalysisProfile) -> Windowing | None:
        """Give the windows of a profile; None where it cuts none."""
        return cls(profile.window_s, profile.hop_s, profile.max_windows) if profile.windowed else None


class SharedFrames:
    """The log-mel frames of a sound, each computed once for all windows that hold it.

    Parameters
    ----------
    samples : Samples
    log_mel : LogMel
    """

    def __init__(self, samples: Samples, log_mel: LogMel) -> None:
        self._samples = samples
        self._log_mel = log_mel
        self._chunks: OrderedDict[int, torch.Tensor] = OrderedDict()

    def read(self, first: int, stop: int) -> torch.Tensor:
        """Give frames from `first` to before `stop`, shape (n, n_mels); frame 0 is the first that lies within."""
        import torch

        numbers = range(first // FRAMES_AT_ONCE, (stop - 1) // FRAMES_AT_ONCE + 1)
        frames = torch.cat([self._chunk(number) for number in numbers])
        skipped = numbers[0] * FRAMES_AT_ONCE
        return frames[first - skipped : stop - skipped]

    def _chunk(self, number: int) -> torch.Tensor:
        if number not in self._chunks:
            start = self._log_mel.first_sample + number * FRAMES_AT_ONCE * self._log_mel.hop
            n_samples = (FRAMES_AT_ONCE - 1) * self._log_mel.hop + self._log_mel.n_fft
            self._chunks[number] = self._log_mel.frames(_tensor(self._samples.read(start, start + n_samples)))
            if len(self._chunks) > CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        return self._chunks[number]


class Placement:
    """The vectors of one sound by one model, some still to come.

    Think of it as a form: `inputs` says what the model must hear, `put` fills in what it answered, and when `is_done`
    says so, `embeddings` can be read.

    Parameters
    ----------
    samples : Samples
    encoder : AudioEncoder
    windowings : sequence of Windowing
        Each once.
    is_silent : bool
        Nothing is shown to the model then.
    """

    def __init__(
        self, samples: Samples, encoder: AudioEncoder, windowings: Sequence[Windowing], *, is_silent: bool
    ) -> None:
        self.encoder = encoder
        self.n_samples = len(samples)
        self.elapsed_s = 0.0
        self._samples: Samples | None = samples
        self._is_silent = is_silent
        self._stretches = _heard_stretches(samples)
        self._starts = {
            windowing: window_starts(
                self.n_samples, windowing.window_s, windowing.hop_s, max_windows=windowing.max_windows
            )
            for windowing in windowings
        }
        counts = [len(self._stretches), *(len(starts) for starts in self._starts.values())]
        self._rows = np.cumsum([0, *counts])  # where the vectors of the whole and of each windowing begin
        self._vectors = np.zeros((int(self._rows[-1]), encoder.dim), np.float32)
        self._awaited = 0
        self._asked_for_all = False

    @property
    def is_done(self) -> bool:
        """Whether every vector that was asked for has come."""
        return self._asked_for_all and not self._awaited

    @property
    def n_bytes(self) -> int:
        """Memory that the vectors take."""
        return int(self._vectors.nbytes)

    def inputs(self) -> Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]:
        """Give what the model must hear, a few windows at a time; silent windows are left out and keep zeros.

        Yields
        ------
        rows : int64, shape (n,)
            To be given back to `put`.
        features : torch.Tensor, float32, shape (n, 1, n_frames, n_mels)
        """
        if self._samples is not None and not self._is_silent:
            frames = SharedFrames(self._samples, self.encoder.log_mel)
            for rows, features in self._all_inputs(self._samples, frames):
                self._awaited += len(rows)
                yield rows, features
        self._asked_for_all = True
        self._samples = None  # its memory is wanted for the next sound

    def put(self, rows: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Fill in vectors, shape (n, dim), that the model answered for rows."""
        self._vectors[rows] = vectors
        self._awaited -= len(rows)

    def embeddings(self, windowing: Windowing | None) -> SoundEmbeddings:
        """Read the vectors for one of the windowings, or for none."""
        model = self.encoder.model
        clip = self._clip()
        if windowing is None:
            return SoundEmbeddings(
                model.model_id, model.revision, 0.0, 0.0, clip, np.zeros((0, self.encoder.dim), np.float16)
            )
        place = list(self._starts).index(windowing) + 1
        windows = self._vectors[self._rows[place] : self._rows[place + 1]]
        if not self._is_silent and self._is_one_window(windowing):
            windows = clip[None]  # the window is the clip
        return SoundEmbeddings(
            model.model_id, model.revision, windowing.window_s, windowing.hop_s, clip, windows.astype(np.float16)
        )

    def _clip(self) -> npt.NDArray[np.float32]:
        """Give the mean of the vectors of ten-second stretches, by their lengths; silent ones do not count.

        A recording with a long silent tail is then where its sound is, not halfway to silence.
        """
        if self._is_silent:
            return self.encoder.silence
        lengths = np.array([stop - start for start, stop in self._stretches], np.float64)
        total = (self._vectors[: len(lengths)] * lengths[:, None]).sum(axis=0)
        clip: npt.NDArray[np.float32] = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
        return clip

    def _is_one_window(self, windowing: Windowing) -> bool:
        return self.n_samples <= window_samples(self.n_samples, windowing.window_s)

    def _all_inputs(
        self, samples: Samples, frames: SharedFrames
    ) -> Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]:
        for row, (start, stop) in enumerate(self._stretches):
            stretch = _tensor(samples.read(start, stop))[None]
            yield np.array([row]), self._features(frames, stretch, np.array([start]))
        for place, (windowing, starts) in enumerate(self._starts.items(), start=1):
            if self._is_one_window(windowing):
                continue
            length = window_samples(self.n_samples, windowing.window_s)
            first_row = int(self._rows[place])
            for part in _near_each_other(starts):
                for chosen, features in self._window_features(samples, frames, starts[part], length):
                    yield first_row + part.start + chosen, features

    def _window_features(
        self, samples: Samples, frames: SharedFrames, starts: npt.NDArray[np.int64], length: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]:
        """Give the features of those windows that are not silent, with their places among `starts`."""
        stretch = samples.read(int(starts[0]), int(starts[-1]) + length)
        every_window = np.lib.stride_tricks.sliding_window_view(stretch, length)
        windows = every_window[starts - starts[0]]  # (n, length)
        audible = np.einsum("ij,ij->i", windows, windows) / length >= 10 ** (UNHEARD_DBFS / 10)
        on_grid = starts % self.encoder.log_mel.hop == 0
        for chosen in (np.flatnonzero(audible & on_grid), np.flatnonzero(audible & ~on_grid)):
            if len(chosen):
                yield chosen, self._features(frames, _tensor(windows[chosen]), starts[chosen])

    def _features(self, frames: SharedFrames, windows: torch.Tensor, starts: npt.NDArray[np.int64]) -> torch.Tensor:
        """Compute log-mels of windows: from shared frames where they lie on their grid, else each by itself."""
        import torch

        log_mel, length = self.encoder.log_mel, windows.shape[1]
        if not log_mel.shares_frames(length) or (starts % log_mel.hop).any():
            return log_mel(windows)
        firsts = starts // log_mel.hop
        shared = frames.read(int(firsts[0]), int(firsts[-1]) + log_mel.frames_within(length))
        places = torch.from_numpy(firsts - firsts[0]).to(log_mel.device)
        return log_mel.windows_of(shared, windows.to(log_mel.device), places)


def _near_each_other(starts: npt.NDArray[np.int64]) -> Iterator[slice]:
    """Divide windows into groups that are few and near enough to be read and heard at once."""
    first = 0
    while first < len(starts):
        within_reach = int(np.searchsorted(starts, starts[first] + REACH_SAMPLES, side="right"))
        stop = min(within_reach, first + WINDOWS_AT_ONCE)
        yield slice(first, stop)
        first = stop


def _heard_stretches(samples: Samples) -> list[tuple[int, int]]:
    """Stretches of ten seconds that are not silent; the first where all are."""
    bounds = clip_bounds(len(samples))
    heard = [bound for bound in bounds if _mean_square(samples.read(*bound)) >= 10 ** (UNHEARD_DBFS / 10)]
    return heard or bounds[:1]


def _mean_square(samples: npt.NDArray[np.float32]) -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


def _tensor(samples: npt.NDArray[np.float32]) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.array(samples, dtype=np.float32))  # a copy: samples may not be written to
