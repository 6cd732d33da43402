"""Where a model placed sounds and their windows, read from the rows that analyses left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.checkpoints import ModelKey
from analysis.samples import SAMPLE_RATE_HZ
from analysis.windows import starts_of_stored, window_samples
from catalog.models import Embedding

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeardVectors:
    """Where a model placed a sound and its windows."""

    clip: Vectors  # (dim,)
    windows: Vectors  # (n, dim), rows of zeros where it is silent
    starts_s: NDArray[np.float64]  # (n,)
    window_s: float


def stored_vectors(
    sound_ids: Iterable[int], model: ModelKey, *, windows: tuple[float, float] | None = None
) -> dict[int, HeardVectors]:
    """The vectors of sounds by id, in one query; a sound that the model never heard is not there.

    Of several rows of a sound the one with the wanted length and hop in seconds, else the one with the most windows.
    """
    rows = Embedding.objects.filter(
        sound_id__in=list(sound_ids), model_id=model.model_id, model_revision=model.revision
    ).order_by("sound_id", "id")
    chosen: dict[int, Embedding] = {}
    for row in rows.select_related("sound").only("window_s", "hop_s", "dim", "clip", "windows", "sound__duration_s"):
        best = chosen.get(row.sound_id)
        if best is None or _preference(row, windows) > _preference(best, windows):
            chosen[row.sound_id] = row
    return {sound_id: _read(row) for sound_id, row in chosen.items()}


def _preference(row: Embedding, wanted: tuple[float, float] | None) -> tuple[bool, int]:
    return ((row.window_s, row.hop_s) == wanted, len(row.windows))


def _read(row: Embedding) -> HeardVectors:
    clip = np.frombuffer(bytes(row.clip), "<f4")
    windows = np.frombuffer(bytes(row.windows), "<f2").astype(np.float32).reshape(-1, row.dim)
    if not len(windows):
        return HeardVectors(clip, windows, np.zeros(0), 0.0)
    n_samples = max(1, round((row.sound.duration_s or 0.0) * SAMPLE_RATE_HZ))
    starts = starts_of_stored(n_samples, row.window_s, row.hop_s, len(windows))
    window_s = window_samples(n_samples, row.window_s) / SAMPLE_RATE_HZ
    return HeardVectors(clip, windows, starts / SAMPLE_RATE_HZ, window_s)
