"""Batches of training input: crops of clips, repeated as the extractor does, in other rooms, company and loudness.

Everything happens on log-mel spectrograms, because rendering a sound anew costs ten times more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from analysis.starter.clips import Clips

N_FRAMES = 1_001  # of a ten-second window: its thousand periods of 10 ms and the last one's end
N_PERIODS = 1_000
FLOOR_DB = -100.0
CROP_FRAMES = (1_000, 500, 250, 200, 100)  # 10, 5, 2.5, 2 and 1 s: the windows that profiles ask for
CROP_WEIGHTS = (0.45, 0.10, 0.15, 0.20, 0.10)
SHORT_SHARE = 0.15  # of the crops are shorter still: single hits, clicks and chirps
SHORT_FRAMES = (12, 100)
TRIM_SHARE = 0.35  # of the clips lose the silence around them, as one-shots in libraries do
LONGEST_TAIL_FRAMES = 60
MIX_SHARE = 0.45  # of the clips in another's company
MIX_DB = (-25.0, 0.0)
HEARD_AS_TWO_DB = 9.0  # company weaker than this below the clip does not count as a label
LEVEL_DB = (-25.0, 8.0)
QUIETEST_PEAK_DB = -45.0  # of a band, so that only silence looks like silence
REVERB_FRAMES = 96
REVERB_SHARE = 0.3
CONTRAST = (0.6, 1.2)  # recordings are squeezed by rooms, limiters and codecs more often than stretched
NOISE_DB = (10.0, 70.0)  # of the floor under the peak
FLAT_FLOOR_SHARE = 0.7
FLAT_FLOOR_DB = (30.0, 90.0)  # under the loudest cell: tapes and old samplers end at the one, studios at the other
HOLES_SHARE = 0.25
HOLES_DB = (28.0, 65.0)  # under a frame's loudest band, where codecs save what ears would not miss
BREATH_SHARE = 0.55  # recordings are dense where synthesized lines and clicks stand alone
BREATH_DB = (4.0, 36.0)  # of the noise that follows the sound, under its frame
WHITENING = (-0.3, 0.7)  # share of a clip's mean spectrum that is taken away; negative exaggerates it


@dataclass(frozen=True, slots=True)
class Batch:
    """Input of the audio tower and what is to be heard in it."""

    features: torch.Tensor  # float32 (n, 1, N_FRAMES, n_mels)
    targets: torch.Tensor  # float32 (n, n_labels), rows sum to one


class Augmenter:
    """Draws varied windows of clips, whole batches at a time.

    Parameters
    ----------
    clips : Clips
        On the device of the generator.
    n_labels : int
        Number of labels.
    silence : int or None
        The label that is never mixed, raised or given a noise floor.
    generator : torch.Generator
        Source of all chance.
    """

    def __init__(self, clips: Clips, *, n_labels: int, silence: int | None, generator: torch.Generator) -> None:
        self._clips = clips
        self._n_labels = n_labels
        self._silence = -1 if silence is None else silence
        self._generator = generator
        self._device = clips.frames.device
        self._n_mels = clips.frames.shape[1]

    def draw(self, rows: torch.Tensor) -> Batch:
        """Draw a window of each clip in `rows`, shape (n,), with its soft targets."""
        partners = torch.randint(len(self._clips), rows.shape, generator=self._generator, device=self._device)
        labels, others = self._clips.labels[rows], self._clips.labels[partners]
        audible = labels != self._silence
        windows = self._shape_sound(self._crop(rows), audible)
        mixed = audible & (others != self._silence) & (self._uniform(len(rows)) < MIX_SHARE)
        share = torch.zeros(len(rows), device=self._device)
        if mixed.any():
            company = self._shape_sound(self._crop(partners[mixed]), audible[mixed])
            windows[mixed], share[mixed] = self._mix(windows[mixed], company)
        targets = functional.one_hot(labels, self._n_labels) * (1 - share[:, None])
        targets = targets + functional.one_hot(others, self._n_labels) * share[:, None]
        windows = self._shape_recording(windows, audible)
        return Batch(self._mask(windows)[:, None], targets)

    def _uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=self._generator, device=self._device)

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self._generator, device=self._device)

    def _chance(self, count: int, probability: float) -> torch.Tensor:
        """Draw 1.0 with a probability, else 0.0, of shape (count, 1, 1)."""
        return (self._uniform(count, 1, 1) < probability).float()

    def _crop(self, rows: torch.Tensor) -> torch.Tensor:
        """Cut a window around an audible frame, somewhat faster or slower, and repeat it as `repeatpad` does."""
        clips, n = self._clips, len(rows)
        starts, crops = self._choose_crops(rows)
        speed = torch.where(self._uniform(n) < 0.4, self._uniform(n, low=0.85, high=1.18), 1.0)
        played = (crops / speed).long().clamp(1, N_PERIODS)  # frames of one repetition
        ticks = torch.arange(N_FRAMES, device=self._device)
        inside = ((ticks % played[:, None]) * speed[:, None]).long().clamp(max=crops[:, None] - 1)
        windows = clips.frames[(clips.offsets[rows] + starts)[:, None] + inside].float()
        padded = ticks >= _repeated_frames(played)[:, None]
        return windows.masked_fill(padded[..., None], FLOOR_DB)

    def _choose_crops(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Choose the first frame and the number of frames of each crop: around a moment that is audible, or trimmed."""
        clips, n = self._clips, len(rows)
        lengths = clips.lengths[rows]
        weights = torch.tensor(CROP_WEIGHTS, device=self._device)
        choice = torch.multinomial(weights.expand(n, -1), 1, generator=self._generator)[:, 0]
        shortest, longest = (math.log(frames) for frames in SHORT_FRAMES)
        short = self._uniform(n, low=shortest, high=longest).exp().long()
        crops = torch.tensor(CROP_FRAMES, device=self._device)[choice]
        crops = torch.minimum(torch.where(self._uniform(n) < SHORT_SHARE, short, crops), lengths - 1)
        nth = (self._uniform(n) * clips.anchor_counts[rows]).long()
        anchors = clips.anchors[clips.anchor_offsets[rows] + nth]
        starts = torch.minimum((anchors - (self._uniform(n) * crops).long()).clamp(min=0), lengths - crops)
        first = (clips.anchors[clips.anchor_offsets[rows]] - (self._uniform(n) * 3).long()).clamp(min=0)
        last = clips.anchors[clips.anchor_offsets[rows] + clips.anchor_counts[rows] - 1]
        tail = (self._uniform(n).square() * LONGEST_TAIL_FRAMES).long()
        trimmed = torch.minimum(last + 1 + tail, lengths) - first
        trim = self._uniform(n) < TRIM_SHARE
        return torch.where(trim, first, starts), torch.where(trim, trimmed, crops)

    def _shape_sound(self, windows: torch.Tensor, audible: torch.Tensor) -> torch.Tensor:
        """Vary the source itself: pitch, contrast and tone color."""
        n = len(windows)
        steps = (self._uniform(n, low=-2.5, high=2.5) * (self._uniform(n) < 0.4)).round().long()
        bands = torch.arange(self._n_mels, device=self._device) - steps[:, None]
        bands = bands.clamp(0, self._n_mels - 1)[:, None, :].expand(-1, N_FRAMES, -1)
        windows = windows.gather(2, bands)
        contrast = torch.where(self._chance(n, 0.5) > 0, self._uniform(n, 1, 1, low=CONTRAST[0], high=CONTRAST[1]), 1.0)
        peak = windows.amax((1, 2), keepdim=True)
        shaped = self._whiten(peak + (windows - peak) * contrast)
        shaped = self._add_breath(shaped)
        return self._equalize(torch.where(audible[:, None, None], shaped, windows), 0.5, 7.0)

    def _whiten(self, windows: torch.Tensor) -> torch.Tensor:
        """Take a part of the mean spectrum away, so that a kind is known by more than its tone color."""
        chosen = torch.nonzero(self._uniform(len(windows)) < 0.35)[:, 0]
        if len(chosen) == 0:
            return windows
        spectrum = _decibels(_power(windows[chosen]).mean(1, keepdim=True))  # (k, 1, mels)
        smooth = functional.avg_pool1d(spectrum, 9, 1, 4, count_include_pad=False)
        smooth = (smooth - smooth.amax(2, keepdim=True)).clamp(min=-40.0)  # empty bands stay empty
        part = self._uniform(len(chosen), 1, 1, low=WHITENING[0], high=WHITENING[1])
        whiter = windows.clone()
        whiter[chosen] = windows[chosen] - part * smooth
        return whiter

    def _add_breath(self, windows: torch.Tensor) -> torch.Tensor:
        """Add noise that follows the sound's own loudness, as breath, friction and coarse codecs do."""
        chosen = torch.nonzero(self._uniform(len(windows)) < BREATH_SHARE)[:, 0]
        if len(chosen) == 0:
            return windows
        k = len(chosen)
        level = windows[chosen].amax(2, keepdim=True) - self._uniform(k, 1, 1, low=BREATH_DB[0], high=BREATH_DB[1])
        noise = level + self._curve(k, 12.0) + 3.0 * self._normal(k, N_FRAMES, self._n_mels)
        breathing = windows.clone()
        breathing[chosen] = _add_power(windows[chosen], noise)
        return breathing

    def _curve(self, count: int, spread_db: float) -> torch.Tensor:
        """Draw a smooth curve over the bands with a tilt, of shape (count, 1, n_mels)."""
        knots = self._normal(count, 1, 7) * spread_db / 2
        curve = functional.interpolate(knots, self._n_mels, mode="linear", align_corners=True)
        tilt = self._uniform(count, 1, 1, low=-spread_db, high=spread_db)
        return curve + tilt * torch.linspace(-1, 1, self._n_mels, device=self._device)

    def _equalize(self, windows: torch.Tensor, probability: float, spread_db: float) -> torch.Tensor:
        """Raise and lower bands along a smooth random curve with a tilt."""
        n = len(windows)
        return windows + self._chance(n, probability) * self._curve(n, spread_db)

    def _mix(self, windows: torch.Tensor, company: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the power of other clips under these and say how much of the target is theirs."""
        level_db = self._uniform(len(windows), low=MIX_DB[0], high=MIX_DB[1])
        gain = _peak_db(windows) - _peak_db(company) + level_db[:, None, None]
        share = ((level_db + HEARD_AS_TWO_DB) / HEARD_AS_TWO_DB * 0.5).clamp(min=0.0)
        return _add_power(windows, company + gain), share

    def _shape_recording(self, windows: torch.Tensor, audible: torch.Tensor) -> torch.Tensor:
        """Vary room, microphone, noise, band width and level of a recording."""
        n = len(windows)
        recorded = self._equalize(self._reverberate(windows), 0.6, 9.0)
        recorded = self._add_noise_floor(recorded)
        recorded = self._lift_floor(self._punch_holes(self._limit_band(recorded)))
        level = self._uniform(n, 1, 1, low=LEVEL_DB[0], high=LEVEL_DB[1])
        recorded = recorded + level.clamp(min=QUIETEST_PEAK_DB - recorded.amax((1, 2), keepdim=True))
        quieter = windows + self._uniform(n, 1, 1, low=-30.0, high=0.0)
        return torch.where(audible[:, None, None], recorded, quieter).clamp(min=FLOOR_DB)

    def _reverberate(self, windows: torch.Tensor) -> torch.Tensor:
        """Add a decaying tail behind every frame, as a room does, to some of the windows."""
        chosen = torch.nonzero(self._uniform(len(windows)) < REVERB_SHARE)[:, 0]
        if len(chosen) == 0:
            return windows
        dry = _power(windows[chosen])  # (k, frames, mels)
        decay_frames = torch.exp(self._uniform(len(chosen), 1, low=1.5, high=4.2))  # about 45 to 670 ms to -60 dB / 3
        tail = torch.exp(-torch.arange(REVERB_FRAMES, device=self._device) / decay_frames)
        tail[:, 0] = 0.0
        strength = 10 ** self._uniform(len(chosen), 1, low=-1.8, high=-0.2)
        kernel = tail / tail.sum(1, keepdim=True) * strength
        size = N_FRAMES + REVERB_FRAMES
        wet = torch.fft.irfft(torch.fft.rfft(dry, size, dim=1) * torch.fft.rfft(kernel, size)[..., None], size, dim=1)
        reverberant = windows.clone()
        reverberant[chosen] = _decibels(dry + wet[:, :N_FRAMES].clamp(min=0.0))
        return reverberant

    def _add_noise_floor(self, windows: torch.Tensor) -> torch.Tensor:
        """Add steady noise of a random color, mostly falling with frequency, to most of the windows."""
        chosen = torch.nonzero(self._uniform(len(windows)) < 0.6)[:, 0]
        if len(chosen) == 0:
            return windows
        k = len(chosen)
        level = _peak_db(windows[chosen]) - self._uniform(k, 1, 1, low=NOISE_DB[0], high=NOISE_DB[1])
        slope = self._uniform(k, 1, 1, low=-30.0, high=8.0) * torch.linspace(0, 1, self._n_mels, device=self._device)
        flutter = torch.linspace(4.0, 1.5, self._n_mels, device=self._device)  # wide bands average more bins
        noise = level + slope + self._curve(k, 6.0) + flutter * self._normal(k, N_FRAMES, self._n_mels)
        noisy = windows.clone()
        noisy[chosen] = _add_power(windows[chosen], noise)
        return noisy

    def _limit_band(self, windows: torch.Tensor) -> torch.Tensor:
        """Cut the highest bands as codecs do and the lowest as small microphones do."""
        n = len(windows)
        bands = torch.arange(self._n_mels, device=self._device)
        top = self._uniform(n, 1, 1, low=0.5, high=1.0) * self._n_mels  # band 38 is about 4 kHz, 60 about 12 kHz
        bottom = self._uniform(n, 1, 1, low=0.0, high=0.16) * self._n_mels
        loss = (bands - top).clamp(min=0) * self._uniform(n, 1, 1, low=2.0, high=25.0) * self._chance(n, 0.35)
        loss = loss + (bottom - bands).clamp(min=0) * self._uniform(n, 1, 1, low=1.0, high=8.0) * self._chance(n, 0.25)
        return windows - loss

    def _punch_holes(self, windows: torch.Tensor) -> torch.Tensor:
        """Leave out what is far fainter than the loudest band of the same moment, as lossy codecs do."""
        n = len(windows)
        audible = windows.amax(2, keepdim=True) - self._uniform(n, 1, 1, low=HOLES_DB[0], high=HOLES_DB[1])
        lossy = self._chance(n, HOLES_SHARE) > 0
        return windows.masked_fill(lossy & (windows < audible), FLOOR_DB)

    def _lift_floor(self, windows: torch.Tensor) -> torch.Tensor:
        """Let most of the windows end at a flat floor, because how deep a pause is says nothing about a sound."""
        n = len(windows)
        floor = windows.amax((1, 2), keepdim=True)
        floor = floor - self._uniform(n, 1, 1, low=FLAT_FLOOR_DB[0], high=FLAT_FLOOR_DB[1])
        return torch.where(self._chance(n, FLAT_FLOOR_SHARE) > 0, torch.maximum(windows, floor), windows)

    def _mask(self, windows: torch.Tensor) -> torch.Tensor:
        """Blank random bands and stretches of time (SpecAugment, Park et al. 2019, arXiv:1904.08779)."""
        n, mean = len(windows), windows.mean((1, 2), keepdim=True)
        bands = torch.arange(self._n_mels, device=self._device)
        ticks = torch.arange(N_FRAMES, device=self._device)[:, None]
        blank = torch.zeros_like(windows, dtype=torch.bool)
        for _ in range(2):
            height, width = self._uniform(n, 1, 1, high=9.0), self._uniform(n, 1, 1, high=100.0)
            low = self._uniform(n, 1, 1) * (self._n_mels - height)
            start = self._uniform(n, 1, 1) * (N_FRAMES - width)
            blank |= ((bands >= low) & (bands < low + height)) | ((ticks >= start) & (ticks < start + width))
        keep = self._chance(n, 0.3) > 0
        return torch.where(blank & ~keep, mean, windows)


def repeat_to_window(spectrogram: torch.Tensor) -> torch.Tensor:
    """Repeat a clip's spectrogram (n_frames, n_mels) to (N_FRAMES, n_mels) as `repeatpad` does its samples."""
    periods = torch.tensor([max(1, min(len(spectrogram) - 1, N_PERIODS))])  # the last frame is only the end of one
    ticks = torch.arange(N_FRAMES)
    window = spectrogram[(ticks % periods).to(spectrogram.device)].float()
    return window.masked_fill((ticks >= _repeated_frames(periods)).to(spectrogram.device)[:, None], FLOOR_DB)


def _repeated_frames(periods: torch.Tensor) -> torch.Tensor:
    """Count the frames that whole repetitions fill; an exact fit takes the last frame too."""
    filled = N_PERIODS // periods * periods
    return torch.where(filled == N_PERIODS, N_FRAMES, filled)


def _power(decibels: torch.Tensor) -> torch.Tensor:
    return torch.exp(decibels * (math.log(10.0) / 10.0))


def _decibels(power: torch.Tensor) -> torch.Tensor:
    return torch.log(power.clamp(min=1e-10)) * (10.0 / math.log(10.0))


def _add_power(a_db: torch.Tensor, b_db: torch.Tensor) -> torch.Tensor:
    """Sum two spectrograms in power; both in dB."""
    return _decibels(_power(a_db) + _power(b_db))


def _peak_db(windows: torch.Tensor) -> torch.Tensor:
    """Level of the loudest frame, of shape (n, 1, 1)."""
    return _decibels(_power(windows).mean(2, keepdim=True)).amax(1, keepdim=True)
