"""Where a sound is cut into pieces short enough for the model, and the pieces themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.samples import SAMPLE_RATE_HZ

CLIP_SAMPLES = 10 * SAMPLE_RATE_HZ  # longer input is cropped at random by transformers' extractor


def window_starts(n_samples: int, window_s: float, hop_s: float) -> npt.NDArray[np.int64]:
    """Find where sliding windows begin.

    Parameters
    ----------
    n_samples : int
        At least one.
    window_s, hop_s : float

    Returns
    -------
    int64, shape (n,)
        Multiples of the hop, and once more a window that ends with the sound where they leave a rest. A sound
        not longer than a window has one, which is the whole of it.
    """
    window, hop = round(window_s * SAMPLE_RATE_HZ), round(hop_s * SAMPLE_RATE_HZ)
    if n_samples <= window:
        return np.zeros(1, np.int64)
    last = n_samples - window
    starts = np.arange(0, last + 1, hop, dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


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
