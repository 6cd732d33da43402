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
        self._n_fft = int(extractor.fft_window_size)
        self._hop = int(extractor.hop_length)
        self._filters = torch.as_tensor(np.asarray(extractor.mel_filters_slaney), dtype=torch.float32).to(self.device)
        self._hann = torch.hann_window(self._n_fft, periodic=True, device=self.device)

    @property
    def n_mels(self) -> int:
        """Number of mel bands."""
        return int(self._filters.shape[1])

    @property
    def n_frames(self) -> int:
        """Frames of a window of full length."""
        return self.max_samples // self._hop + 1

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
        spectra = torch.stft(
            batch, self._n_fft, self._hop, window=self._hann, center=True, pad_mode="reflect", return_complex=True
        )
        power = spectra.real.square() + spectra.imag.square()  # (n, bins, frames)
        mel = power.transpose(1, 2) @ self._filters  # (n, frames, n_mels)
        return 10.0 * torch.log10(mel.clamp(min=POWER_FLOOR))

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

    def _repeated_spectrogram(self, windows: npt.NDArray[np.float32] | torch.Tensor) -> torch.Tensor:
        """Compute the spectrogram of repeated windows, each different frame once.

        Repeats of a whole number of hops that fill the full length give the same frames again and again but for
        the few at both ends that reach over the edge. Two repeats hold every one of them.
        """
        repeated = self.repeat_and_pad(windows)
        length = windows.shape[1]
        period, reach = length // self._hop, -(-self._n_fft // 2 // self._hop)  # frames
        fills_whole = self.max_samples % length == 0 and length % self._hop == 0
        if not fills_whole or self.max_samples // length <= 2 or period < 2 * reach:
            return self.spectrogram(repeated)
        frames = torch.arange(self.n_frames, device=self.device)
        from_end = self.n_frames - 1 - frames
        source = reach + (frames - reach) % period
        source = torch.where(frames < reach, frames, source)
        source = torch.where(from_end < reach, 2 * period - from_end, source)
        return self.spectrogram(repeated[:, : 2 * length])[:, source]
