"""How much of what is listened for is in each moment of a sound, from the vectors of its windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog.heard import HeardVectors, stored_vectors
from search.hearing import Moment, Target
from search.plan import HeardPart

LEAST_WINDOWS = 2  # one window is the whole sound, and says nothing about when

Listened = tuple[HeardPart, Target]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to follow through a sound: of several parts the first, or the one that a moment of it is for."""

    parts: Sequence[Listened]
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class Heat:
    """The match of a sound over its time with one part of a query."""

    part: HeardPart
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

    def within(self, moment: Moment) -> float:
        """The strength of the strongest window whose middle lies in a moment, or else of the one nearest to it."""
        middles = self.starts_s + self.window_s / 2
        inside = (middles >= moment.start_s) & (middles <= moment.end_s)
        if not inside.any():
            inside[np.abs(middles - (moment.start_s + moment.end_s) / 2).argmin()] = True
        return float(self.strengths[inside].max())

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


def heats_of(asked: Mapping[int, Asked], model: ModelKey) -> dict[int, Heat]:
    """The match over time of each sound whose windows are stored; one query for all."""
    return {
        sound_id: _followed(asked[sound_id], heard)
        for sound_id, heard in stored_vectors(asked, model).items()
        if len(heard.windows) >= LEAST_WINDOWS
    }


def heats_of_parts(sound_id: int, parts: Sequence[Listened], model: ModelKey) -> list[Heat]:
    """The match of one sound over its time with each of several parts; none where it has no windows."""
    heard = stored_vectors([sound_id], model).get(sound_id)
    if heard is None or len(heard.windows) < LEAST_WINDOWS:
        return []
    return [_heat(heard, *part) for part in parts]


def _followed(asked: Asked, heard: HeardVectors) -> Heat:
    """Of the part that is nowhere in the sound more than in the moment; of equals, and without one, of the first."""
    moment = asked.moment
    if moment is None or len(asked.parts) == 1:
        return _heat(heard, *asked.parts[0])
    heats = [_heat(heard, *part) for part in asked.parts]
    return max(heats, key=lambda heat: heat.within(moment) / (heat.strongest or 1.0))


def _heat(heard: HeardVectors, part: HeardPart, target: Target) -> Heat:
    audible = np.any(heard.windows, axis=1)
    values = np.zeros(len(heard.windows))
    values[audible] = target.degrees(heard.windows[audible])
    return Heat(part, heard.starts_s, heard.window_s, values)
