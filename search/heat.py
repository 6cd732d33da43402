"""How much of what is listened for is in each moment of a sound, from the vectors of its windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog.heard import HeardVectors, stored_vectors
from search.hearing import Moment, Target

LEAST_WINDOWS = 2  # one window is the whole sound, and says nothing about when


@dataclass(frozen=True, slots=True)
class Heat:
    """The match of a sound over its time."""

    starts_s: NDArray[np.float64]  # (n,)
    window_s: float
    strengths: NDArray[np.float64]  # (n,), 0 to 1

    @property
    def best(self) -> Moment:
        """The window that is most like it."""
        start_s = float(self.starts_s[self.strengths.argmax()])
        return Moment(start_s, start_s + self.window_s)

    @property
    def strongest(self) -> float:
        return float(self.strengths.max())

    def columns(self, count: int, duration_s: float) -> NDArray[np.float64]:
        """The strength in each of so many equal parts of the sound; what several windows cover has their most.

        Where windows are spread so far that a part has none, it takes the nearest one's.
        """
        edges = np.linspace(0, duration_s, count + 1)
        centers = (edges[:-1] + edges[1:]) / 2
        nearest = np.abs(self.starts_s[:, np.newaxis] + self.window_s / 2 - centers).argmin(axis=0)
        drawn: NDArray[np.float64] = self.strengths[nearest]
        for start_s, strength in zip(self.starts_s, self.strengths, strict=True):
            covered = (edges[:-1] < start_s + self.window_s) & (edges[1:] > start_s)
            drawn[covered] = np.maximum(drawn[covered], strength)
        return drawn


def heat_of(sound_ids: Iterable[int], target: Target, model: ModelKey) -> dict[int, Heat]:
    """The match over time of each sound whose windows are stored; one query for all."""
    return {
        sound_id: _heat(heard, target)
        for sound_id, heard in stored_vectors(sound_ids, model).items()
        if len(heard.windows) >= LEAST_WINDOWS
    }


def _heat(heard: HeardVectors, target: Target) -> Heat:
    audible = np.any(heard.windows, axis=1)
    values = np.zeros(len(heard.windows))
    values[audible] = target.degrees(heard.windows[audible])
    return Heat(heard.starts_s, heard.window_s, values)
