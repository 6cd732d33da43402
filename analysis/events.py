"""What is heard when: runs of windows become events with a beginning, an end and a confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.records import SoundEvent
from analysis.vocabulary import Label

Floats = npt.NDArray[np.float32]

KEEP_RATIO = 0.6  # an event begins at the profile's confidence and goes on down to this share of it
LEAST_WINDOWS = 2  # windows overlap, so whatever sounds is in two of them, except at the ends of the file
TRIM_DB = 30.0  # below the loudest moment of an event; a cut by ear would not be longer


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where windows lie and how loud the sound is over time.

    Attributes
    ----------
    starts_s : float64, shape (n_windows,)
    window_s, duration_s : float
    envelope_dbfs : float64, shape (n_steps,)
    envelope_step_s : float
    """

    starts_s: npt.NDArray[np.float64]
    window_s: float
    duration_s: float
    envelope_dbfs: npt.NDArray[np.float64]
    envelope_step_s: float


def find_events(
    scores: Floats, labels: tuple[Label, ...], timeline: Timeline, *, min_confidence: float
) -> list[SoundEvent]:
    """Merge windows in which a label is heard into events; several labels may hold at once.

    Parameters
    ----------
    scores : float32, shape (n_windows, n_labels)
    labels : tuple of Label
    timeline : Timeline
    min_confidence : float
        Score that begins an event; 0.6 of it keeps it going.

    Returns
    -------
    list of SoundEvent
        By start, then by confidence.
    """
    events: list[SoundEvent] = []
    for column in np.flatnonzero(scores.max(axis=0) >= min_confidence):
        label = labels[column]
        for first, last in _runs(scores[:, column], min_confidence):
            start_s, end_s = _trimmed(timeline, *_extent(timeline, first, last))
            confidence = round(float(scores[first : last + 1, column].max()), 4)
            events.append(
                SoundEvent(
                    label=label.name,
                    category=label.category,
                    start_s=round(start_s, 3),
                    end_s=round(end_s, 3),
                    confidence=confidence,
                )
            )
    return sorted(events, key=lambda event: (event.start_s, -event.confidence, event.label))


def _runs(scores: Floats, min_confidence: float) -> list[tuple[int, int]]:
    """First and last window of each stretch that stays over the lower threshold and reaches the upper one."""
    going = np.concatenate([[False], scores >= KEEP_RATIO * min_confidence, [False]])
    edges = np.flatnonzero(going[1:] != going[:-1]).reshape(-1, 2)
    runs = [(int(first), int(last) - 1) for first, last in edges]
    end = len(scores) - 1
    return [
        (first, last)
        for first, last in runs
        if scores[first : last + 1].max() >= min_confidence
        and (last - first + 1 >= LEAST_WINDOWS or first == 0 or last == end)
    ]


def _extent(timeline: Timeline, first: int, last: int) -> tuple[float, float]:
    """Guess where a run of windows begins and ends.

    A label wins a window when it fills about half of it. So an event begins at the center of its first window,
    not at the window's start, which lies up to a window too early; at the ends of the file it reaches the end.
    """
    centers = timeline.starts_s + timeline.window_s / 2
    at_start, at_end = first == 0, last == len(centers) - 1
    start_s = 0.0 if at_start else (centers[first - 1] + centers[first]) / 2
    end_s = timeline.duration_s if at_end else (centers[last] + centers[last + 1]) / 2
    return float(start_s), float(end_s)


def _trimmed(timeline: Timeline, start_s: float, end_s: float) -> tuple[float, float]:
    """Shorten an event at both ends to where something sounds."""
    step_s = timeline.envelope_step_s
    first, stop = int(start_s / step_s), max(int(start_s / step_s) + 1, int(np.ceil(end_s / step_s)))
    levels = timeline.envelope_dbfs[first:stop]
    if not len(levels):
        return start_s, end_s
    heard = np.flatnonzero(levels >= levels.max() - TRIM_DB)
    return max(start_s, (first + int(heard[0])) * step_s), min(end_s, (first + int(heard[-1]) + 1) * step_s)
