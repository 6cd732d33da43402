"""What is heard when: runs of windows become events with a beginning, an end and a confidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analysis.records import SoundEvent
from analysis.vocabulary import Label

Floats = npt.NDArray[np.float32]

KEEP_RATIO = (
    0.4  # an event begins at the profile's confidence and goes on down to this share of it; 0.3 to 0.6 is alike
)
LEAST_OVERLAP = 0.5  # windows that share so much tell of the same sound, so each is heard with those around it
LEAST_WINDOWS = 2  # where windows overlap so much, whatever sounds is in two of them, except at the ends of the file
HOP_TOLERANCE = 1e-6  # of a window: half a second is a sum of samples
EDGE_RATIO = 0.35  # of the score of its surest window: where a label has less, it fills less than half of the window
TRIM_DB = 30.0  # below the loudest moment of an event; a cut by ear would not be longer
FLOOR_RANGE_DB = 18.0  # an event so far above the quiet moments of its sound stands alone, not in an even texture
FLOOR_MARGIN_DB = 6.0  # and has ended where the level is as near to theirs
FLOOR_SHARE = 0.1  # the quiet moments: a tenth of the sound, L90, as acousticians take the background of a place
STEP_DB = 6.0  # twice the level: something began or ended
STEP_SIDE_S = 0.1  # the levels before and after a step are means over so long
STEPS_OF_REACH = 4  # a coarser envelope, as long sounds have it, says nothing about where in a window
LEAST_EVENT_S = 0.05  # a click with its room; ears tell no shorter sounds apart


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


@dataclass(frozen=True, slots=True)
class _Grid:
    """How windows lie to one another."""

    overlaps: tuple[float, ...]  # of a window and the next ones, as far as that is at least a half
    touching: int  # how many windows on the last one begins that a window touches; one where they lie apart
    least_windows: int

    @classmethod
    def of(cls, timeline: Timeline) -> _Grid:
        starts = timeline.starts_s
        if len(starts) < 2 or starts[1] <= starts[0]:
            return cls((), 1, 1)
        hop = float(starts[1] - starts[0]) / timeline.window_s
        most = min(len(starts) - 1, int((1 - LEAST_OVERLAP) / hop + HOP_TOLERANCE))
        overlaps = tuple(1 - step * hop for step in range(1, most + 1))
        return cls(overlaps, max(1, int(1 / hop + HOP_TOLERANCE)), LEAST_WINDOWS if overlaps else 1)


@dataclass(frozen=True, slots=True)
class _Run:
    """Windows in which a label is heard, the first to the last, and how surely."""

    first: int
    last: int
    confidence: float


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
        Score that begins an event; 0.4 of it keeps it going. What counts is the mean of a window and of those that it
        shares at least half with, weighted by what they share.

    Returns
    -------
    list of SoundEvent
        By start, then by confidence; the confidence is that of the surest moment.

    Notes
    -----
    A window's score wavers between labels that sound alike, what is really there stays over several windows: hence the
    means, and ends by the windows' own scores, since means are wider than what they are of.

    Measured on 760 synthesized sounds of unheard seeds with `score_presence` (first starter, windows of 2 s every
    0.5 s, confidence 0.25; an event is right where label and time meet one that sounds), in parentheses what the
    softmax over labels with thresholds for each window gave. Errors are means over right events.

    ===========================  ===========  ===========  ===========  ===========  ===========  ============
    sounds                       precision    recall       F1           begin, s     end, s       wrong a min
    ===========================  ===========  ===========  ===========  ===========  ===========  ============
    one                          0.90 (0.77)  0.96 (0.98)  0.93 (0.86)  0.10 (0.01)  0.15 (0.14)  2.3 (5.1)
    two over one another         0.78 (0.65)  0.58 (0.64)  0.67 (0.65)  0.54 (0.57)  0.34 (0.41)  4.7 (9.5)
    three over one another       0.75 (0.54)  0.39 (0.46)  0.51 (0.50)  0.54 (0.70)  0.74 (0.87)  5.1 (13.7)
    two in a row                 0.81 (0.65)  0.77 (0.79)  0.79 (0.72)  0.22 (0.22)  0.21 (0.23)  3.8 (8.6)
    four in a row                0.86 (0.69)  0.77 (0.84)  0.81 (0.76)  0.13 (0.17)  0.21 (0.23)  3.3 (9.4)
    an ambience of 20 s          0.62 (0.38)  0.97 (0.97)  0.76 (0.54)  0.98 (0.69)  2.11 (1.83)  1.7 (4.4)
    ===========================  ===========  ===========  ===========  ===========  ===========  ============
    """
    if len(scores) == 0:
        return []
    columns = np.flatnonzero(scores.max(axis=0) >= min_confidence)
    own = scores[:, columns]
    grid, floor_dbfs = _Grid.of(timeline), _floor_dbfs(timeline)
    means = _with_neighbors(own, grid.overlaps)
    events: list[SoundEvent] = []
    for place in np.flatnonzero(means.max(axis=0, initial=0.0) >= min_confidence):
        label = labels[columns[place]]
        runs = list(_runs(own[:, place], means[:, place], grid, min_confidence))
        for run, extent in zip(runs, _extents(timeline, runs), strict=True):
            start_s, end_s = _trimmed(timeline, *extent, floor_dbfs)
            events.append(
                SoundEvent(
                    label=label.name,
                    category=label.category,
                    start_s=round(start_s, 3),
                    end_s=round(end_s, 3),
                    confidence=round(run.confidence, 4),
                )
            )
    return sorted(events, key=lambda event: (event.start_s, -event.confidence, event.label))


def _with_neighbors(scores: Floats, overlaps: Sequence[float]) -> Floats:
    """Average windows with those they overlap; beyond its ends a sound is taken to go on as it is there."""
    total, weight = scores.copy(), 1.0
    for step, overlap in enumerate(overlaps, start=1):
        total[step:] += overlap * scores[:-step]
        total[:step] += overlap * scores[0]
        total[:-step] += overlap * scores[step:]
        total[-step:] += overlap * scores[-1]
        weight += 2 * overlap
    return total / np.float32(weight)


def _runs(own: Floats, means: Floats, grid: _Grid, min_confidence: float) -> Iterator[_Run]:
    """Find stretches of means over the lower threshold that reach the upper one, as far as the label is heard in them.

    Windows that touch belong together: none lies between them in which the label alone could be missed.
    """
    lower = KEEP_RATIO * min_confidence
    going = np.zeros(len(means) + 2, np.bool_)
    going[1:-1] = means >= lower
    edges = np.flatnonzero(going[1:] != going[:-1]).tolist()
    heard = [
        begin + np.flatnonzero(own[begin:stop] >= lower)
        for begin, stop in zip(edges[::2], edges[1::2], strict=True)
        if means[begin:stop].max() >= min_confidence
    ]
    windows = np.concatenate(heard)
    if not len(windows):  # a mean of the sounding around it alone
        return
    bounds = [0, *(np.flatnonzero(np.diff(windows) > grid.touching) + 1).tolist(), len(windows)]
    for begin, stop in pairwise(bounds):
        group = windows[begin:stop]
        sure = group[own[group] >= EDGE_RATIO * own[group].max()]
        first, last = int(sure[0]), int(sure[-1])
        confidence = float(means[first : last + 1].max())
        is_long = last - first + 1 >= grid.least_windows or first == 0 or last == len(means) - 1
        if is_long and confidence >= min_confidence:
            yield _Run(first, last, confidence)


def _extents(timeline: Timeline, runs: list[_Run]) -> Iterator[tuple[float, float]]:
    """Guess where runs begin and end by their windows, then move each end to where the level steps near it."""
    guesses = [_extent(timeline, run) for run in runs]
    limits = [0.0, *((one[1] + next_one[0]) / 2 for one, next_one in pairwise(guesses)), timeline.duration_s]
    for (start_s, end_s), low_s, high_s in zip(guesses, limits, limits[1:], strict=False):
        moved_start_s = start_s if start_s == 0 else _nearest_step(timeline, start_s, low_s, high_s, sign=1)
        moved_end_s = end_s if end_s == timeline.duration_s else _nearest_step(timeline, end_s, low_s, high_s, sign=-1)
        is_sound = moved_end_s - moved_start_s >= LEAST_EVENT_S
        yield (moved_start_s, moved_end_s) if is_sound else (start_s, end_s)


def _nearest_step(timeline: Timeline, time_s: float, low_s: float, high_s: float, *, sign: int) -> float:
    """Find the steepest rise (sign 1) or fall (-1) of the level within half a window; the time itself without one."""
    reach_s, step_s = timeline.window_s / 2, timeline.envelope_step_s
    if step_s * STEPS_OF_REACH > reach_s:
        return time_s
    side = max(1, round(STEP_SIDE_S / step_s))
    levels = timeline.envelope_dbfs
    first = max(side, int(np.ceil(max(low_s, time_s - reach_s) / step_s)))
    last = min(len(levels) - side, int(min(high_s, time_s + reach_s) / step_s))
    if last < first:
        return time_s
    means = np.convolve(levels[first - side : last + side], np.full(side, 1 / side), "valid")  # of `side` levels each
    steps = sign * (means[side:] - means[:-side])
    return float(first + int(steps.argmax())) * step_s if steps.max() >= STEP_DB else time_s


def _extent(timeline: Timeline, run: _Run) -> tuple[float, float]:
    """Guess where a run of windows begins and ends, not beyond the windows themselves.

    A label wins a window when it fills about half of it. So an event begins at the center of its first window,
    not at the window's start, which lies up to a window too early; at the ends of the file it reaches the end.
    """
    starts, half = timeline.starts_s, timeline.window_s / 2
    start_s, end_s = 0.0, timeline.duration_s
    if run.first > 0:
        start_s = max(float(starts[run.first - 1] + starts[run.first]) / 2 + half, float(starts[run.first]))
    if run.last < len(starts) - 1:
        end_s = min(float(starts[run.last] + starts[run.last + 1]) / 2 + half, float(starts[run.last]) + 2 * half)
    return start_s, end_s


def _floor_dbfs(timeline: Timeline) -> float:
    levels = timeline.envelope_dbfs
    place = int(FLOOR_SHARE * len(levels))
    return float(np.partition(levels, place)[place]) if len(levels) else -np.inf


def _trimmed(timeline: Timeline, start_s: float, end_s: float, floor_dbfs: float) -> tuple[float, float]:
    """Shorten an event at both ends to where something sounds; also at the ends of the file."""
    step_s = timeline.envelope_step_s
    first = int(start_s / step_s)
    levels = timeline.envelope_dbfs[first : max(first + 1, int(np.ceil(end_s / step_s)))]
    if not len(levels):
        return start_s, end_s
    top = float(levels.max())
    stands_alone = top - floor_dbfs > FLOOR_RANGE_DB
    least = max(top - TRIM_DB, floor_dbfs + FLOOR_MARGIN_DB) if stands_alone else top - TRIM_DB
    heard = np.flatnonzero(levels >= least)
    return max(start_s, (first + int(heard[0])) * step_s), min(end_s, (first + int(heard[-1]) + 1) * step_s)
