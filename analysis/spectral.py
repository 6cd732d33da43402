"""Spectra of a sound of any length: one pass of a short-time Fourier transform, a few numbers kept of each frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import uniform_filter1d

from analysis.samples import SAMPLE_RATE_HZ, Samples

Array = npt.NDArray[np.float32]

N_FFT = 2048  # 43 ms, 23 Hz a bin: tells 50 Hz from 80 Hz and a click from the next
HOP = 512  # 10.7 ms: the grid of onsets
FRAMES_AT_ONCE = 128  # 1.4 s of sound; their spectra are 1 MB, which a processor's cache holds
BINS_HZ = np.fft.rfftfreq(N_FFT, 1 / SAMPLE_RATE_HZ).astype(np.float32)
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)
POWER_SCALE = np.float32((2 / HANN.sum()) ** 2)  # a sine of full scale reads 1.0 in its bin
HANN_POWER = float(np.sum(HANN.astype(np.float64) ** 2))

BANDS_HZ = {
    "sub_bass": (20, 80),
    "bass": (80, 250),
    "low_mid": (250, 1_000),
    "mid": (1_000, 4_000),
    "high": (4_000, 12_000),
    "air": (12_000, 20_000),
}
ROLLOFF_SHARE = 0.85
ROLLOFF_GROUP = 32  # bins summed before the cumulative sum, which is the slowest of sums
POWER_FLOOR = np.float32(1e-10)  # -100 dB: below the noise of 16 bits

FLUX_BANDS = 40
FLUX_FLOOR = np.float32(1e-8)  # -80 dB: changes below it are not heard as beginnings

# A partial is a bin that stands out from its neighbors and keeps its level: noise does the one by chance, never both.
TONAL_BINS = slice(4, 342)  # 94 Hz to 8 kHz: below, every steep slope of noise looks like a peak
TONAL_FRAMES = 16  # 170 ms, shorter than most notes
TONAL_NEIGHBORS = 41  # bins, 960 Hz
TONAL_RISE_DB = 10.0
TONAL_STEADINESS = 0.8  # geometric over arithmetic mean of a bin's power: 1 for a tone, 0.56 for noise


@dataclass(frozen=True, slots=True)
class Spectra:
    """What is kept of the frames, and of all of them together.

    Attributes
    ----------
    mean_square : float32, shape (n_frames,)
        Under the Hann window, so that a frame of noise of level x reads x.
    centroid_hz, rolloff_hz, flatness, flux_db : float32, shape (n_frames,)
    band_power : float64, shape (6,)
        In the order of BANDS_HZ, summed over frames.
    tonal_power, total_power : float
        Power of partials and of all bins between 94 Hz and 8 kHz.
    """

    mean_square: Array
    centroid_hz: Array
    rolloff_hz: Array
    flatness: Array
    flux_db: Array
    band_power: npt.NDArray[np.float64]
    tonal_power: float
    total_power: float


def measure_spectra(samples: Samples) -> Spectra:
    """Measure the spectra of a sound.

    Parameters
    ----------
    samples : Samples
        At least one.

    Returns
    -------
    Spectra
        One value for each 512 samples; frame k is centered on sample 512 k, with zeros beyond both ends.

    Notes
    -----
    Centroid and rolloff weigh bins by magnitude, flatness is the geometric over the arithmetic mean of
    power, flux the mean rise of 40 mel bands in dB, as in librosa 0.11 (McFee et al. 2015).
    """
    n_frames = 1 + len(samples) // HOP
    parts: list[tuple[Array, Array, Array, Array, Array]] = []
    band_power = np.zeros(len(BANDS_HZ))
    tonal = total = 0.0
    before = np.full((1, FLUX_BANDS), 10 * np.log10(FLUX_FLOOR), np.float32)  # silence before the file begins
    for first in range(0, n_frames, FRAMES_AT_ONCE):
        frames = _cut_frames(samples, first, min(FRAMES_AT_ONCE, n_frames - first)) * HANN
        spectrum = scipy.fft.rfft(frames, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2) * POWER_SCALE  # (n_frames, n_bins)
        mel_db = 10 * np.log10(np.maximum(power @ MEL, FLUX_FLOOR))
        flux = np.maximum(np.diff(mel_db, axis=0, prepend=before), 0).mean(axis=1)
        before = mel_db[-1:]
        mean_square = np.einsum("ij,ij->i", frames, frames) / HANN_POWER
        parts.append((mean_square, *_shape_of(power), flux))
        band_power += (power @ BAND_MASKS).sum(axis=0, dtype=np.float64)
        part_tonal, part_total = _tonal_power(power)
        tonal, total = tonal + part_tonal, total + part_total
    mean_squares, centroids, rolloffs, flatnesses, fluxes = map(np.concatenate, zip(*parts, strict=True))
    rising = np.diff(mean_squares, prepend=0) > 0  # where the level falls (a cut widens the spectrum) nothing begins
    return Spectra(mean_squares, centroids, rolloffs, flatnesses, fluxes * rising, band_power, tonal, total)


def _cut_frames(samples: Samples, first: int, count: int) -> Array:
    start = first * HOP - N_FFT // 2
    wanted = (count - 1) * HOP + N_FFT
    part = samples.read(max(0, start), start + wanted)
    zeros_before = max(0, -start)
    padded = np.pad(part, (zeros_before, wanted - zeros_before - len(part)))
    return np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]


def _shape_of(power: Array) -> tuple[Array, Array, Array]:
    """Centroid, rolloff and flatness of each frame; zero where a frame is digital silence."""
    magnitude = np.sqrt(power)
    total = magnitude.sum(axis=1, dtype=np.float64)
    centroid = (magnitude @ BINS_HZ) / np.maximum(total, 1e-20)
    rolloff = BINS_HZ[_rolloff_bins(magnitude)]
    floored = np.maximum(power, POWER_FLOOR)
    flatness = np.exp(np.log(floored).mean(axis=1)) / floored.mean(axis=1)
    sounding = total > 0
    return tuple(np.where(sounding, values, 0).astype(np.float32) for values in (centroid, rolloff, flatness))  # type: ignore[return-value]


def _rolloff_bins(magnitude: Array) -> npt.NDArray[np.int64]:
    """Find in each frame the first bin up to which the magnitudes add up to the share: by groups, then inside one."""
    groups = np.add.reduceat(magnitude, np.arange(0, magnitude.shape[1], ROLLOFF_GROUP), axis=1)
    reached = np.cumsum(groups, axis=1, dtype=np.float64)
    wanted = ROLLOFF_SHARE * reached[:, -1:]
    group = np.argmax(reached >= wanted, axis=1)[:, None]
    bins = np.minimum(group * ROLLOFF_GROUP + np.arange(ROLLOFF_GROUP), magnitude.shape[1] - 1)
    before = np.take_along_axis(reached - groups, group, axis=1)
    inside = before + np.cumsum(np.take_along_axis(magnitude, bins, axis=1), axis=1)
    short = np.minimum(np.count_nonzero(inside < wanted, axis=1, keepdims=True), ROLLOFF_GROUP - 1)
    return np.take_along_axis(bins, short, axis=1)[:, 0]


def _tonal_power(power: Array) -> tuple[float, float]:
    part = np.maximum(power[:, TONAL_BINS], 1e-14)
    groups = part[: len(part) // TONAL_FRAMES * TONAL_FRAMES].reshape(-1, TONAL_FRAMES, part.shape[1])
    if not len(groups):  # a short sound, or the rest of a long one, is a group of its own
        groups = part[None]
    mean = groups.mean(axis=1)  # (n_groups, n_bins)
    steadiness = np.exp(np.log(groups).mean(axis=1)) / mean
    level_db = 10 * np.log10(mean)
    rise_db = level_db - uniform_filter1d(level_db, TONAL_NEIGHBORS, axis=1, mode="reflect")
    partial = (rise_db > TONAL_RISE_DB) & (steadiness > TONAL_STEADINESS)
    return float(mean[partial].sum()), float(mean.sum())


def _mel_filters() -> Array:
    """Triangles of equal width on the mel scale from 0 to 20 kHz, each summing to one (O'Shaughnessy 1987)."""
    mel_edges = np.linspace(0, 2595 * np.log10(1 + 20_000 / 700), FLUX_BANDS + 2)
    edges_hz = 700 * (10 ** (mel_edges / 2595) - 1)
    low, center, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    bins = BINS_HZ[:, None]
    triangles = np.minimum((bins - low) / (center - low), (high - bins) / (high - center)).clip(min=0)
    nearest = np.abs(bins - center).argmin(axis=0)  # the lowest triangles fall between two bins
    triangles[nearest, np.arange(FLUX_BANDS)] = np.maximum(triangles[nearest, np.arange(FLUX_BANDS)], 0.1)
    return np.ascontiguousarray(triangles / triangles.sum(axis=0), dtype=np.float32)


MEL = _mel_filters()  # (n_bins, FLUX_BANDS)
BAND_MASKS = np.stack([(low <= BINS_HZ) & (high > BINS_HZ) for low, high in BANDS_HZ.values()], axis=1).astype(
    np.float32
)  # (n_bins, 6)
