"""How near a target lies to sounds at large: its cosines to a sample of the library."""

from __future__ import annotations

from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from search.confidence import SAMPLE, Chance, chance_of
from search.hearing import Target
from search.index import SoundIndex

GROWN = 1.05
"""A library that has grown or shrunk by more than this is sampled anew."""

_samples: WeakKeyDictionary[SoundIndex, tuple[int, NDArray[np.float32]]] = WeakKeyDictionary()
_lock = Lock()


def chance_among(index: SoundIndex, target: Target, *, sounds: int | None = None) -> Chance | None:
    """The null distribution of a target over the library; `sounds` is how many it could have been found among."""
    sample = _sample(index)
    cosines = (sample @ target.vectors.T).max(axis=1) if len(sample) else np.empty(0, np.float32)
    return chance_of(cosines, sounds=len(index) if sounds is None else sounds)


def _sample(index: SoundIndex) -> NDArray[np.float32]:
    """Vectors of sounds at equal steps through the ids: the same ones every time while the library is the same."""
    count = len(index)
    with index.steady(), _lock:  # the index first, as whoever searches holds it already
        known = _samples.get(index)
        if known is not None and count / GROWN <= known[0] <= count * GROWN:
            return known[1]
        ids = index.ids()
        chosen = ids if len(ids) <= SAMPLE else ids[np.linspace(0, len(ids) - 1, SAMPLE).astype(np.int64)]
        vectors = index.entries(chosen).vectors
        _samples[index] = (count, vectors)
        return vectors
