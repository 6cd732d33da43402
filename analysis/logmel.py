"""Log-mel spectrograms in batches with torch, equal to what ClapFeatureExtractor computes one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import ClapFeatureExtractor

POWER_FLOOR = 1e-10  # what `transformers.audio_utils.power_to_db` clips at: -100 dB
BATCH = 16  # windows whose spectra are held at once: bounds the memory to about 70 MB a batch


class LogMel:
    """Turn windows of sound into the input of a CLAP audio tower.

    Think of it as ClapFeatureExtractor with `truncation="rand_trunc"` and `padding="repeatpad"`, on
    batches and on the model's device. A window shorter than ten seconds is repeated as often as it
    fits whole, then filled with zeros.

    Parameters
    ----------
    extractor : ClapFeatureExtractor or mapping
        The checkpoint's own extractor, or the parameters of its `preprocessor_config.json`.
    device : str or torch.device
        Where the spectra are computed and returned.

    Raises
    ------
    ValueError
        The extractor asks for the four-channel "fusion" input or for another padding.
    """

    def __init__(self, extractor: ClapFeatureExtractor | Mapping[str, Any], device: str | torch.device = "cpu") -> None:
        if isinstance(extractor, Mapping):
            extractor = ClapFeatureExtractor(**extractor)
        wanted = ("rand_trunc", "repeatpad")
        if (extractor.truncation, extractor.padding) != wanted:
            raise ValueError(f"want truncation and padding {wanted}, got {(extractor.truncation, extractor.padding)}")
        self.device = torch.device(device)
        self.sample_rate_hz = int(extractor.sampling_rate)
        self.max_samples = int(extractor.nb_max_samples)
        self.n_fft = int(extractor.fft_window_size)
        self.hop = int(extractor.hop_length)
        self._filters = torch.as_tensor(np.asarray(extractor.mel_filters_slaney), dtype=torch.float32).to(self.device)
        self._hann = torch.hann_window(self.n_fft, periodic=True, device=self.device)

    @property
    def n_mels(self) -> int:
        """Number of mel bands."""
        return int(self._filters.shape[1])

    @property
    def n_frames(self) -> int:
        """Frames of a window of full length."""
        return self.max_samples // self.hop + 1

    def spectrogram(self, waveforms: npt.NDArray[np.float32] | torch.Tensor) -> torch.Tensor:
        """Compute the log-mel spectrogram of waveforms as long as they are.

        Parameters
        ----------
        waveforms : float32, shape (n, n_samples)
            Mono, at the extractor's rate, more than half an FFT window long.

        Returns
        -------
        torch.Tensor, float32, shape (n, n_samples // hop + 1, n_mels)
            Decibels over full scale 1.0, not below -100.

        Notes
        -----
        Power spectrum, periodic Hann window, reflected edges, slaney filters. Source:
        `transformers.audio_utils.spectrogram`.
        """
        batch = torch.as_tensor(waveforms, dtype=torch.float32).to(self.device)
        half = self.n_fft // 2
        return self.frames(torch.nn.functional.pad(batch, (half, half), mode="reflect"))

    def repeat_and_pad(self, windows: npt.NDArray[np.float32] | torch.Tensor) -> torch.Tensor:
        """Repeat windows as often as they fit whole into the full length and fill up with zeros.

        Parameters
        ----------
        windows : float32, shape (n, n_samples)
            At least one sample and at most ten seconds each.

        Returns
        -------
        torch.Tensor, float32, shape (n, max_samples)

        Raises
        ------
        ValueError
            Windows of another shape, empty or too long.
        """
        batch = torch.as_tensor(windows, dtype=torch.float32).to(self.device)
        if batch.ndim != 2 or not 1 <= batch.shape[1] <= self.max_samples:
            raise ValueError(f"want windows of shape (n, 1 to {self.max_samples}), got {tuple(batch.shape)}")
        repeated = batch.repeat(1, self.max_samples // batch.shape[1])
        return torch.nn.functional.pad(repeated, (0, self.max_samples - repeated.shape[1]))

    def __call__(self, windows: npt.NDArray[np.float32] | torch.Tensor) -> torch.Tensor:
        """Compute the input features of windows.

        Parameters
        ----------
        windows : float32, shape (n, n_samples)
            Mono, at the extractor's rate, full scale 1.0, one sample to ten seconds each.

        Returns
        -------
        torch.Tensor, float32, shape (n, 1, n_frames, n_mels)
            On this object's device; `input_features` of ClapModel.

        Raises
        ------
        ValueError
            Windows of another shape, empty or too long.
        """
        starts = range(0, max(1, len(windows)), BATCH)
        parts = [self._repeated_spectrogram(windows[start : start + BATCH]) for start in starts]
        return torch.cat(parts)[:, None]

    def shares_frames(self, n_samples: int) -> bool:
        """Whether windows of a length are made of frames of the sound they are cut from, but for a few at their edges.

        So it is where they fill the full length without a rest and are a whole number of hops long.
        """
        fills_whole = self.max_samples % n_samples == 0 and n_samples % self.hop == 0
        return fills_whole and n_samples // self.hop > 2 * self._reach

    def frames_within(self, n_samples: int) -> int:
        """Count the frames that lie within a window for which `shares_frames` holds."""
        return n_samples // self.hop - 2 * self._reach + 1

    def frames(self, samples: npt.NDArray[np.float32] | torch.Tensor) -> torch.Tensor:
        """Compute the log-mel frames that lie within a stretch of sound, nothing added at its ends.

        Parameters
        ----------
        samples : float32, shape (..., n_samples)
            At least one FFT window long.

        Returns
        -------
        torch.Tensor, float32, shape (..., (n_samples - n_fft) // hop + 1, n_mels)
            Frame k begins at sample k * hop.
        """
        batch = torch.as_tensor(samples, dtype=torch.float32).to(self.device)
        spectra = torch.fft.rfft(batch.unfold(-1, self.n_fft, self.hop) * self._hann)
        power = spectra.real.square() + spectra.imag.square()  # (..., frames, bins)
        return 10.0 * torch.log10((power @ self._filters).clamp(min=POWER_FLOOR))

    def windows_of(self, shared: torch.Tensor, windows: torch.Tensor, first_frames: torch.Tensor) -> torch.Tensor:
        """Put the input features of windows together from frames of the sound they were cut from.

        Parameters
        ----------
        shared : float32, shape (n_shared, n_mels)
            From `frames`, of the sound from half an FFT window less than a whole number of hops on.
        windows : float32, shape (n, n_samples)
            Of a length for which `shares_frames` holds.
        first_frames : int64, shape (n,)
            Which of the shared frames is the first that lies within each window.

        Returns
        -------
        torch.Tensor, float32, shape (n, 1, n_frames, n_mels)
            As calling this object with the windows gives.

        Notes
        -----
        The repeats of a window differ from the sound only where one ends and the next begins, and at both ends of
        the ten seconds, where the signal is mirrored: seven frames of 1001 for FFT windows of 1024 every 480.
        """
        n_samples = windows.shape[1]
        half, reach, period = self.n_fft // 2, self._reach, n_samples // self.hop
        side = (reach - 1) * self.hop + half
        head, tail = windows[:, :side], windows[:, n_samples - side :]
        mirrored_head = windows[:, 1 : half + 1].flip(-1)
        mirrored_tail = windows[:, n_samples - 1 - half : n_samples - 1].flip(-1)
        edges = torch.cat(
            [
                self.frames(torch.cat([mirrored_head, head], dim=1)),  # reach of them
                self.frames(torch.cat([tail, head], dim=1)),  # 2 * reach - 1
                self.frames(torch.cat([tail, mirrored_tail], dim=1)),  # reach
            ],
            dim=1,
        )  # (n, 4 * reach - 1, n_mels)
        frames = torch.arange(self.n_frames, device=self.device)
        inside = frames % period
        within = inside - reach  # of the frames that lie within a window
        joint = torch.where(inside < reach, inside, inside - period) + 2 * reach - 1
        from_end = frames - self.n_frames  # -1 is the last one
        edge = torch.where(frames < reach, frames, torch.where(from_end >= -reach, from_end + 4 * reach - 1, joint))
        is_edge = (inside < reach) | (inside > period - reach) | (frames < reach) | (from_end >= -reach)
        source = (first_frames[:, None] + within).clamp(0, len(shared) - 1)  # (n, n_frames)
        features = shared[source]
        features[:, is_edge] = edges[:, edge[is_edge]]
        return features[:, None]

    @property
    def first_sample(self) -> int:
        """Sample at which the first frame begins that needs nothing from before the sound."""
        return self._reach * self.hop - self.n_fft // 2

    @property
    def _reach(self) -> int:
        """Frames, counted from an edge, whose FFT window reaches over it."""
        return -(-self.n_fft // 2 // self.hop)

    def _repeated_spectrogram(self, windows: npt.NDArray[np.float32] | torch.Tensor) -> torch.Tensor:
        """Compute the spectrogram of repeated windows, each different frame once.

        Repeats of a whole number of hops that fill the full length give the same frames again and again but for
        the few at both ends that reach over the edge. Two repeats hold every one of them.
        """
        repeated = self.repeat_and_pad(windows)
        length = windows.shape[1]
        period, reach = length // self.hop, self._reach
        if self.max_samples // length <= 2 or not self.shares_frames(length):
            return self.spectrogram(repeated)
        frames = torch.arange(self.n_frames, device=self.device)
        from_end = self.n_frames - 1 - frames
        source = reach + (frames - reach) % period
        source = torch.where(frames < reach, frames, source)
        source = torch.where(from_end < reach, 2 * period - from_end, source)
        return self.spectrogram(repeated[:, : 2 * length])[:, source]
