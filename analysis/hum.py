"""Mains hum: lines at 50 or 60 Hz and their multiples that stay where they are all through a sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from analysis.samples import SAMPLE_RATE_HZ, Samples

Array = npt.NDArray[np.float64]

MAINS_HZ = (50, 60)
WINDOW = SAMPLE_RATE_HZ  # 1 s: bins of 1 Hz, lines 4 Hz wide, so that 50 Hz and the note G at 49 are told apart
HOP = WINDOW // 2
WINDOWS_AT_ONCE = 16  # 3 MB
LEAST_WINDOWS = 3  # 2 s: in less, the decay of a drum at 50 Hz looks as steady as hum
HARMONICS = 6
LINES_HZ = tuple(mains * number for mains in MAINS_HZ for number in range(1, HARMONICS + 1))
TOLERANCE_HZ = 0.5  # grids keep within 0.2
LINE_BINS = 2  # to each side, where the line is looked for
NEAR_HZ, FAR_HZ = 4, 15  # what it must stand out of: off the line itself, short of the next
STANDS_OUT_DB = 15.0  # noise does so by chance once in billions of windows
LEAST_DBFS = -90.0  # of a line: what stands out in the last bits of a tail is not heard
STEADY_DB = 4.0  # between the quartiles of its level: hum keeps it where notes and engines do not
LEAST_SHARE = 0.5  # of the windows that are not digital silence; loud sound may cover hum in the rest
SILENT_POWER = 1e-11  # -110 dBFS: nothing was recorded there
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
POWER_FLOOR = 1e-15  # -150 dB: under the noise of 16 bits in a bin of 1 Hz


@dataclass(frozen=True, slots=True)
class Hum:
    """The hum that was found.

    Attributes
    ----------
    frequency_hz : int
        50 or 60.
    prominence_db : float
        How far its strongest line stands over the median of the spectrum nearby, in bins of 1 Hz.
    """

    frequency_hz: int
    prominence_db: float


def measure_hum(samples: Samples) -> Hum | None:
    """Look for mains hum.

    Parameters
    ----------
    samples : Samples

    Returns
    -------
    Hum or None
        None where there is none, and where the sound is shorter than two seconds.

    Notes
    -----
    Hum is asserted where a line within 0.5 Hz of the mains frequency, or lines at its double and at another multiple,
    stand out by 15 dB in half of the windows of one second, at one level (4 dB between its quartiles). A note or a
    synthesized tone that is held at just that pitch cannot be told from it.
    """
    starts = range(0, len(samples) - WINDOW + 1, HOP)
    if len(starts) < LEAST_WINDOWS:
        return None
    parts = [_lines(samples, starts[at : at + WINDOWS_AT_ONCE]) for at in range(0, len(starts), WINDOWS_AT_ONCE)]
    levels, prominences = np.concatenate(parts, axis=1)  # each (n_windows, n_mains * HARMONICS)
    if not len(levels):
        return None
    columns = [slice(at * HARMONICS, (at + 1) * HARMONICS) for at in range(len(MAINS_HZ))]
    found = [_judged(mains, levels[:, of], prominences[:, of]) for mains, of in zip(MAINS_HZ, columns, strict=True)]
    return max((hum for hum in found if hum), key=lambda hum: hum.prominence_db, default=None)


def _lines(samples: Samples, starts: range) -> Array:
    """Level and prominence of each line in the windows that are not silent, shape (2, n_windows, n_lines)."""
    stretch = samples.read(starts[0], starts[-1] + WINDOW)
    windows = np.lib.stride_tricks.sliding_window_view(stretch, WINDOW)[::HOP]
    recorded = windows[np.einsum("ij,ij->i", windows, windows) >= SILENT_POWER * WINDOW]
    spectra = scipy.fft.rfft(recorded * HANN, axis=1)[:, : LINES_HZ[-1] + FAR_HZ + 1].astype(np.complex128)
    level_db = 10 * np.log10(np.maximum(np.abs(spectra * 4 / WINDOW) ** 2, POWER_FLOOR))  # a sine of full scale: 0 dB
    lines = [_line(level_db, frequency_hz) for frequency_hz in LINES_HZ]
    return np.stack([np.stack(values, axis=1) for values in zip(*lines, strict=True)])


def _line(level_db: Array, frequency_hz: int) -> tuple[Array, Array]:
    """Level and prominence of a line in each window; no prominence where the largest bin is another line's."""
    rows = np.arange(len(level_db))
    tops = frequency_hz + np.argmax(level_db[:, frequency_hz - LINE_BINS : frequency_hz + LINE_BINS + 1], axis=1)
    tops -= LINE_BINS
    left, middle, right = (level_db[rows, tops + step] for step in (-1, 0, 1))
    curve = np.minimum(left - 2 * middle + right, -1e-9)  # never zero
    places_hz = tops + 0.5 * (left - right) / curve  # tops of the parabolas
    below = level_db[:, frequency_hz - FAR_HZ : frequency_hz - NEAR_HZ + 1]
    above = level_db[:, frequency_hz + NEAR_HZ : frequency_hz + FAR_HZ + 1]
    prominence = middle - np.median(np.concatenate([below, above], axis=1), axis=1)
    return middle, np.where(np.abs(places_hz - frequency_hz) <= TOLERANCE_HZ, prominence, 0)


def _judged(frequency_hz: int, levels: Array, prominences: Array) -> Hum | None:
    """Keep the lines that are seen often and always at one level; hum has the first, or the second with others."""
    steady: dict[int, float] = {}
    for number in range(HARMONICS):
        seen = (prominences[:, number] >= STANDS_OUT_DB) & (levels[:, number] >= LEAST_DBFS)
        if seen.mean() < LEAST_SHARE:
            continue
        low, high = np.percentile(levels[seen, number], [25, 75])
        if high - low <= STEADY_DB:
            steady[number] = float(np.median(prominences[seen, number]))
    is_hum = 0 in steady or (1 in steady and len(steady) > 1)
    return Hum(frequency_hz, max(steady.values())) if is_hum else None
