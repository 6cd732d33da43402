"""Beginnings of sounds and the tempo they repeat at, from the rise of the spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.signal import correlate, find_peaks

from analysis.samples import SAMPLE_RATE_HZ
from analysis.spectral import HOP

FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP  # 93.75
RISE_DB = 3.5  # over the usual flux nearby; steady noise stays below 2
NEARBY_FRAMES = 47  # half a second
LEAST_GAP_FRAMES = 6  # 64 ms: two beginnings closer than that are heard as one
TEMPO_S = 60.0  # of the busiest stretch: longer ones only blur the pulse
TEMPO_RANGE_BPM = (40.0, 240.0)
USUAL_BPM = 110.0  # with lags that fit equally well, the pulse people would tap to (Ellis 2007)
OCTAVES_AROUND = 1.0
EQUAL_SHARE = 0.95  # of what returns after a lag: where half of it does as well, no beat is weaker than the next
BLUR_FRAMES = 2.0  # 21 ms: a beat that falls between two frames counts like one that does not
LEAST_ONSETS = 4
LEAST_REGULARITY = 0.25  # share of the flux's energy that returns after one beat


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When something begins, and whether it keeps time.

    Attributes
    ----------
    onset_times_s : float64, shape (n,)
    strongest_rise_db : float
        Mean rise of the spectrum at the strongest onset.
    tempo_bpm : float or None
        None where nothing repeats regularly.
    regularity : float
        0 to 1.
    """

    onset_times_s: npt.NDArray[np.float64]
    strongest_rise_db: float
    tempo_bpm: float | None
    regularity: float


def measure_rhythm(flux_db: npt.NDArray[np.float32]) -> Rhythm:
    """Find onsets and tempo.

    Parameters
    ----------
    flux_db : float32, shape (n_frames,)
        Mean rise of the mel bands in each frame, from `measure_spectra`.

    Returns
    -------
    Rhythm

    Notes
    -----
    Peaks of spectral flux over its running median (Dixon 2006); tempo by autocorrelation of the flux under a
    log-normal preference (Ellis 2007).
    """
    usual = median_filter(flux_db, size=min(NEARBY_FRAMES, 2 * len(flux_db) - 1), mode="constant")
    rise = np.maximum(flux_db - usual, 0)
    padded = np.concatenate([[0], rise, [0]])  # a sound may begin in the first frame
    peaks, _ = find_peaks(padded, height=RISE_DB, distance=LEAST_GAP_FRAMES, prominence=RISE_DB)
    frames = peaks - 1
    times = frames * HOP / SAMPLE_RATE_HZ
    strongest = float(rise[frames].max()) if len(frames) else 0.0
    tempo, regularity = _tempo(rise) if len(frames) >= LEAST_ONSETS else (None, 0.0)
    return Rhythm(times, strongest, tempo, regularity)


def _tempo(rise: npt.NDArray[np.float32]) -> tuple[float | None, float]:
    stretch = _busiest(rise, round(TEMPO_S * FRAME_RATE_HZ))
    centered = (stretch - stretch.mean()).astype(np.float64)
    energy = float(centered @ centered)
    lags = np.arange(int(60 * FRAME_RATE_HZ / TEMPO_RANGE_BPM[1]), int(60 * FRAME_RATE_HZ / TEMPO_RANGE_BPM[0]) + 1)
    lags = lags[lags < len(stretch) // 2]
    if energy == 0 or not len(lags):
        return None, 0.0
    smooth = gaussian_filter1d(centered, BLUR_FRAMES)
    returning = correlate(smooth, smooth, mode="full", method="fft")[len(stretch) - 1 :]
    share = returning[lags] / returning[0] * len(stretch) / (len(stretch) - lags)
    preference = np.exp(-0.5 * (np.log2(60 * FRAME_RATE_HZ / lags / USUAL_BPM) / OCTAVES_AROUND) ** 2)
    best = _fastest_equal(share, lags, int(np.argmax(share * preference)))
    regularity = float(np.clip(share[best], 0, 1))
    if regularity < LEAST_REGULARITY:
        return None, regularity
    return float(60 * FRAME_RATE_HZ / _refined(share, lags, best)), regularity


def _fastest_equal(share: npt.NDArray[np.float64], lags: npt.NDArray[np.int64], best: int) -> int:
    """Halve the lag while the pulse returns as well after half of it: clicks at 180 are not beats at 90."""
    while lags[best] >= 2 * lags[0]:
        half = int(lags[best]) // 2 - int(lags[0])
        around = np.arange(max(0, half - 1), half + 3)  # its top may lie between two frames
        faster = int(around[np.argmax(share[around])])
        is_top = share[faster] >= share[max(0, faster - 1) : faster + 2].max()  # and not the slope of another
        if not is_top or share[faster] < EQUAL_SHARE * share[best]:
            break
        best = faster
    return best


def _refined(share: npt.NDArray[np.float64], lags: npt.NDArray[np.int64], best: int) -> float:
    """Find the top of the parabola through a peak and its neighbors, in frames."""
    if not 0 < best < len(lags) - 1:
        return float(lags[best])
    left, middle, right = share[best - 1 : best + 2]
    curve = left - 2 * middle + right
    offset = 0.5 * (left - right) / curve if curve < 0 else 0.0
    return float(lags[best]) + float(np.clip(offset, -1, 1))  # farther off it is no top of this peak


def _busiest(rise: npt.NDArray[np.float32], length: int) -> npt.NDArray[np.float32]:
    if len(rise) <= length:
        return rise
    sums = np.cumsum(rise, dtype=np.float64)
    start = int(np.argmax(sums[length:] - sums[:-length])) + 1
    return rise[start : start + length]
