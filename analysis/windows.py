"""Where a sound is cut into pieces short enough for the model, and the pieces themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.samples import SAMPLE_RATE_HZ

GRID = 480  # samples, 10 ms: the frames of a CLAP model, which windows on this grid share
CLIP_SAMPLES = 10 * SAMPLE_RATE_HZ  # longer input is cropped at random by transformers' extractor


def window_starts(
    n_samples: int, window_s: float, hop_s: float, *, max_windows: int | None = None
) -> npt.NDArray[np.int64]:
    """Find where sliding windows begin.

    Parameters
    ----------
    n_samples : int
        At least one.
    window_s, hop_s : float
    max_windows : int, optional
        Where there were more, so many are spread over the sound instead.

    Returns
    -------
    int64, shape (n,)
        Multiples of the hop, and once more a window that ends with the sound where they leave a rest. Spread ones lie
        evenly, each moved back to a multiple of `GRID` samples. A sound not longer than a window has one, which is the
        whole of it.
    """
    window, hop = round(window_s * SAMPLE_RATE_HZ), round(hop_s * SAMPLE_RATE_HZ)
    if n_samples <= window:
        return np.zeros(1, np.int64)
    last = n_samples - window
    count = window_count(n_samples, window_s, hop_s)
    if max_windows is not None and count > max_windows:
        starts = np.linspace(0, last, max(2, max_windows)).astype(np.int64) // GRID * GRID
        return starts[:max_windows]
    starts = np.arange(0, last + 1, hop, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def starts_of_stored(n_samples: int, window_s: float, hop_s: float, n_windows: int) -> npt.NDArray[np.int64]:
    """Find where the windows of stored vectors begin.

    Parameters
    ----------
    n_samples : int
        By the duration in the record, which may be a sample off, and with it the last window.
    window_s, hop_s : float
    n_windows : int
        How many vectors there are: far fewer than the hop gives where they were spread.

    Returns
    -------
    int64, shape (n_windows,)
    """
    if window_count(n_samples, window_s, hop_s) > n_windows + 1:
        return window_starts(n_samples, window_s, hop_s, max_windows=n_windows)
    starts = window_starts(n_samples, window_s, hop_s)[:n_windows]
    return starts if len(starts) == n_windows else np.pad(starts, (0, n_windows - len(starts)), mode="edge")


def window_count(n_samples: int, window_s: float, hop_s: float) -> int:
    """Count the windows of a sound when none is left out."""
    window, hop = round(window_s * SAMPLE_RATE_HZ), round(hop_s * SAMPLE_RATE_HZ)
    return 1 if n_samples <= window else 1 + -(-(n_samples - window) // hop)


def window_spacing_s(n_samples: int, window_s: float, hop_s: float, *, max_windows: int) -> float | None:
    """Give how far apart windows are spread; None where they lie as the profile wants them."""
    if window_count(n_samples, window_s, hop_s) <= max_windows:
        return None
    return round((n_samples / SAMPLE_RATE_HZ - window_s) / max(1, max_windows - 1), 3)


def window_samples(n_samples: int, window_s: float) -> int:
    """Length of each window: the profile's, or the whole sound where it is shorter."""
    return min(n_samples, round(window_s * SAMPLE_RATE_HZ))


def clip_bounds(n_samples: int) -> list[tuple[int, int]]:
    """Divide a sound into stretches of ten seconds, the last one shorter.

    Parameters
    ----------
    n_samples : int
        At least one.

    Returns
    -------
    list of (int, int)
        First sample and the one after the last.
    """
    return [(start, min(start + CLIP_SAMPLES, n_samples)) for start in range(0, n_samples, CLIP_SAMPLES)]
