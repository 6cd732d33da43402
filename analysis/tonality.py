"""The key of tonal material, from the pitch classes of its partials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import uniform_filter1d

from analysis.samples import SAMPLE_RATE_HZ, Samples

Array = npt.NDArray[np.float32]
Histogram = npt.NDArray[np.float64]

WINDOW = 16_384  # 341 ms, 2.9 Hz a bin: tells semitones apart from 130 Hz up
HOP = WINDOW // 2
FRAMES_AT_ONCE = 64  # 4 MB of spectra
BIN_HZ = SAMPLE_RATE_HZ / WINDOW
LOWEST_HZ, HIGHEST_HZ = 80.0, 2_100.0  # E2 to C7: where melodies, chords and their first overtones are
FIRST_BIN, END_BIN = round(LOWEST_HZ / BIN_HZ), round(HIGHEST_HZ / BIN_HZ)
HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
POWER_SCALE = np.float32((2 / HANN.sum()) ** 2)  # a sine of full scale reads 1.0 in its bin
POWER_FLOOR = np.float32(1e-9)  # -90 dB
NEIGHBORS = 41  # bins, 120 Hz
RISE_DB = 12.0  # over the neighbors' mean level: noise reaches it in one bin of some thousand
BELOW_LOUDEST_DB = 40.0  # partials so far below the frame's loudest say nothing of its harmony
OVERTONES = (2, 3, 4, 5, 6)
OVERTONE_DB = 12.0  # a partial is an overtone where one at a fraction of it is at least so loud, less this
DIVISIONS = 20  # of a semitone: 5 cents

# Probe-tone ratings of Krumhansl and Kessler 1982 (Krumhansl 1990, Cognitive Foundations of Musical Pitch, p. 30)
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
A4_HZ, A4_SEMITONES = 440.0, 69

LEAST_TONAL_SHARE = 0.2  # of the power from 80 to 2100 Hz that is in partials
LEAST_IN_TUNE = 0.5  # partials of noise, speech and bells lie anywhere between the semitones (0), music on them (1)
LEAST_CLASSES = 3  # one pitch or two make no key
CLASS_SHARE = 0.1  # of the strongest pitch class: fainter ones are leaks
LEAST_STRENGTH = 0.7  # partials at random correlate with the best of 24 profiles by 0.6 to 0.7
LEAST_S = 1.0  # a drum of less has a few partials that fit some key by chance


@dataclass(frozen=True, slots=True)
class Key:
    """The key that was found.

    Attributes
    ----------
    name : str
        Tonic and mode, as `A# minor`.
    strength : float
        Correlation of the pitch classes with the key's profile, up to 1.
    """

    name: str
    strength: float


def measure_key(samples: Samples) -> Key | None:
    """Find the key of a sound.

    Parameters
    ----------
    samples : Samples

    Returns
    -------
    Key or None
        None for what has no key: noise, speech, single pitches, partials off any scale, less than a second.

    Notes
    -----
    Partials are peaks of the spectrum from 80 Hz to 2.1 kHz, placed between bins by a parabola and weighed by
    magnitude; overtones of a partial that is there count for nothing, so that a single note is not taken for its major
    chord. The tuning is what most partials agree on (Gómez 2006, Tonal description of music audio signals, ch. 3), the
    key the best correlation of the twelve pitch classes with the profiles of Krumhansl and Kessler.
    """
    if samples.duration_s < LEAST_S:
        return None
    fine = np.zeros(12 * DIVISIONS)
    tonal = total = 0.0
    count = max(1, 1 + -(-(len(samples) - WINDOW) // HOP))
    for first in range(0, count, FRAMES_AT_ONCE):
        power = _power(samples, first, min(FRAMES_AT_ONCE, count - first))
        pitches, weights, peak_power = _partials(power)
        cells = np.rint(pitches * DIVISIONS).astype(np.int64) % len(fine)
        fine += np.bincount(cells, weights, minlength=len(fine))
        tonal, total = tonal + peak_power, total + float(power[:, FIRST_BIN:].sum(dtype=np.float64))
    if tonal <= LEAST_TONAL_SHARE * total:
        return None
    chroma, in_tune = fold_to_classes(fine)
    if in_tune < LEAST_IN_TUNE or np.count_nonzero(chroma >= CLASS_SHARE * chroma.max()) < LEAST_CLASSES:
        return None
    key = best_key(chroma)
    return key if key.strength >= LEAST_STRENGTH else None


def fold_to_classes(fine: Histogram) -> tuple[Histogram, float]:
    """Find the tuning of a histogram of pitches and fold it into twelve classes.

    Parameters
    ----------
    fine : float64, shape (12 n,)
        Weight of each n-th of a semitone, from C at a pitch of A = 440 Hz.

    Returns
    -------
    float64, shape (12,)
        Weight of each pitch class.
    float
        How well the pitches agree on semitones, 0 to 1 (length of their mean on the circle).
    """
    divisions = len(fine) // 12
    turns = np.exp(2j * np.pi * np.arange(len(fine)) / divisions)
    mean = complex(fine @ turns) / max(float(fine.sum()), 1e-30)
    offset = round(float(np.angle(mean)) / (2 * np.pi) * divisions)
    centered = np.roll(fine, divisions // 2 - offset)  # so that a class begins half a semitone below its middle
    return centered.reshape(12, divisions).sum(axis=1), abs(mean)


def best_key(chroma: Histogram) -> Key:
    """Give the key whose profile the pitch classes follow most closely.

    Parameters
    ----------
    chroma : float64, shape (12,)
        From C; not all equal.

    Returns
    -------
    Key
    """
    keys = [Key(f"{PITCH_CLASSES[tonic]} {mode}", float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]))
            for mode, profile in (("major", MAJOR), ("minor", MINOR)) for tonic in range(12)]  # fmt: skip
    return max(keys, key=lambda key: key.strength)


def _power(samples: Samples, first: int, count: int) -> Array:
    """Power of each frame in the bins that count, shape (count, n_bins)."""
    wanted = (count - 1) * HOP + WINDOW
    part = samples.read(first * HOP, first * HOP + wanted)
    padded = np.pad(part, (0, wanted - len(part)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * HANN
    spectrum = scipy.fft.rfft(frames, axis=1)[:, :END_BIN]
    power: Array = (spectrum.real**2 + spectrum.imag**2) * POWER_SCALE
    return power


def _partials(power: Array) -> tuple[Histogram, Histogram, float]:
    """Pitches in semitones and magnitudes of partials that are no overtones, and the power of all partials."""
    level_db = 10 * np.log10(np.maximum(power, POWER_FLOOR))
    rise_db = level_db - uniform_filter1d(level_db, NEIGHBORS, axis=1, mode="nearest")
    peak = np.zeros(level_db.shape, bool)
    middle = level_db[:, 1:-1]
    peak[:, 1:-1] = (middle > level_db[:, :-2]) & (middle >= level_db[:, 2:]) & (rise_db[:, 1:-1] > RISE_DB)
    peak[:, :FIRST_BIN] = False
    peak &= level_db > np.where(peak, level_db, -np.inf).max(axis=1, keepdims=True) - BELOW_LOUDEST_DB
    rows, bins = np.nonzero(peak)
    if not len(rows):
        return np.zeros(0), np.zeros(0), 0.0
    left, top, right = (level_db[rows, bins + step].astype(np.float64) for step in (-1, 0, 1))
    place = bins + 0.5 * (left - right) / (left - 2 * top + right)
    own = ~_is_overtone(level_db, peak, rows, place)
    pitches = A4_SEMITONES + 12 * np.log2(place * BIN_HZ / A4_HZ)
    line_power = sum(float(power[rows, bins + step].sum(dtype=np.float64)) for step in (-1, 0, 1))
    return pitches[own], 10 ** (top[own] / 20), line_power


def _is_overtone(
    level_db: Array, peak: npt.NDArray[np.bool_], rows: npt.NDArray[np.int64], place: Histogram
) -> npt.NDArray[np.bool_]:
    """Say which partials have another at an integer fraction of their frequency, not much fainter."""
    peak_db = np.where(peak, level_db, -np.inf)
    level = level_db[rows, np.rint(place).astype(np.int64)]
    found = np.zeros(len(rows), bool)
    for number in OVERTONES:
        below = np.rint(place / number).astype(np.int64)
        for step in (-1, 0, 1):
            found |= peak_db[rows, below + step] >= level - OVERTONE_DB
    return found
