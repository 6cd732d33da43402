"""Waveforms as SVG, drawn on the server from stored peaks, so that a list shows them without a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django import template
from numpy.typing import NDArray

from analysis.waveform import FULL_SCALE, Peaks
from catalog.models import Sound
from catalog.templatetags.sounds import clock, percent

register = template.Library()

ROW_COLUMNS = 200
"""Enough for a row's waveform on a screen of twice the density; a path of about 1.5 kB."""
HALF_LINE = 1
"""Silence is drawn as a line of two units, not as nothing."""
TICKS_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
MOST_TICKS = 12
MOST_ROWS = 12
"""Labels that the chart of events shows; the table names all of them."""
MOST_TINTED = 2
"""Labels whose events tint the waveform itself; more would hide it."""
LEAST_HEIGHT = 0.25
"""Of its row, so that the bar of an unsure event is seen; a sure one fills the row."""
NARROWEST_EVENT = 0.4
"""Percent of the width that even the shortest event takes, so that it can be seen and hit."""


@dataclass(frozen=True, slots=True)
class Tick:
    x: str
    label: str


@dataclass(frozen=True, slots=True)
class DrawnEvent:
    """An event as a bar: as wide as it lasts, as high as it is sure."""

    label: str
    category: str
    start_s: float
    end_s: float
    confidence: float
    x: str
    width: str
    y: str
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A label of the chart with its events."""

    label: str
    category: str
    events: Sequence[DrawnEvent]

    @property
    def summary(self) -> str:
        surest = percent(max(event.confidence for event in self.events))
        return surest if len(self.events) == 1 else f"{len(self.events)} times, up to {surest}"


@register.inclusion_tag("components/waveform.html")
def waveform(sound: Sound) -> dict[str, object]:
    missing = {Sound.State.FAILED: "no waveform", Sound.State.MISSING: "file is missing"}.get(
        Sound.State(sound.state), "not heard yet"
    )
    shape, columns = row_shape(bytes(sound.peaks)) if sound.peaks else ("", 0)
    return {"sound": sound, "shape": shape, "columns": columns, "missing": missing}


@register.inclusion_tag("components/large_waveform.html")
def large_waveform(sound: Sound, events: Iterable[dict[str, Any]]) -> dict[str, object]:
    duration_s = sound.duration_s or 0.0
    drawn = draw_events(events, duration_s)
    shape, columns = draw(read_peaks(bytes(sound.peaks or b"")))
    return {
        "shape": shape,
        "columns": columns,
        "duration": clock(duration_s),
        "ticks": ticks(duration_s),
        "events": drawn,
        "tinted": [event for row in rows_of(drawn)[:MOST_TINTED] for event in row.events],
    }


@register.inclusion_tag("components/event_chart.html")
def event_chart(sound: Sound, events: Iterable[dict[str, Any]]) -> dict[str, object]:
    """Rows of labels under the waveform, on its axis of time; nothing where nobody knows how long the sound is."""
    duration_s = sound.duration_s or 0.0
    rows = rows_of(draw_events(events, duration_s))
    return {"sound": sound, "rows": rows[:MOST_ROWS], "left_out": rows[MOST_ROWS:], "ticks": ticks(duration_s)}


@lru_cache(maxsize=2048)
def row_shape(stored: bytes) -> tuple[str, int]:
    return draw(reduce_columns(read_peaks(stored), ROW_COLUMNS))


def read_peaks(stored: bytes) -> NDArray[np.int16]:
    """Pairs of lowest and highest value, (n, 2); int16, so that 127 - value cannot overflow."""
    return Peaks.from_bytes(stored).values.astype(np.int16)


def reduce_columns(peaks: NDArray[np.int16], columns: int) -> NDArray[np.int16]:
    if len(peaks) <= columns:
        return peaks
    starts = np.linspace(0, len(peaks), columns, endpoint=False).astype(int)
    lowest = np.minimum.reduceat(peaks[:, 0], starts)
    highest = np.maximum.reduceat(peaks[:, 1], starts)
    return np.stack([lowest, highest], axis=1)


def draw(peaks: NDArray[np.int16]) -> tuple[str, int]:
    """An outline, scaled to its loudest point: along the highest values to the right, along the lowest ones back.

    254 units high with silence in the middle, a unit wide for each column, which the template's viewBox says too.
    """
    if not len(peaks):
        return "", 0
    scale = FULL_SCALE / max(int(np.abs(peaks).max()), 1)
    heights = np.rint(peaks * scale).astype(int)
    tops = FULL_SCALE - np.maximum(heights[:, 1], HALF_LINE)
    bottoms = FULL_SCALE - np.minimum(heights[:, 0], -HALF_LINE)
    there = "".join(f"l1{step:+d}" for step in np.diff(tops).tolist())
    back = "".join(f"l-1{step:+d}" for step in np.diff(bottoms[::-1]).tolist())
    return f"M0 {tops[0]}{there}h1V{bottoms[-1]}h-1{back}z", len(peaks)


def ticks(duration_s: float) -> list[Tick]:
    if duration_s <= 0:
        return []
    step = next((step for step in TICKS_S if duration_s / step <= MOST_TICKS), TICKS_S[-1])
    count = int(duration_s / step - 0.4)  # none so near the end that its label would be cut
    return [Tick(across(i * step / duration_s), tick_label(i * step, step)) for i in range(count + 1)]


def tick_label(at_s: float, step_s: float) -> str:
    return f"{at_s:g} s" if step_s < 1 else clock(round(at_s)).removesuffix(".00")


def draw_events(events: Iterable[dict[str, Any]], duration_s: float) -> list[DrawnEvent]:
    return [draw_event(event, duration_s) for event in events] if duration_s else []


def draw_event(event: dict[str, Any], duration_s: float) -> DrawnEvent:
    start_s = min(max(float(event["start_s"]), 0.0), duration_s)
    end_s = min(max(float(event["end_s"]), start_s), duration_s)
    label, confidence = str(event["label"]), float(event["confidence"])
    height = LEAST_HEIGHT + (1 - LEAST_HEIGHT) * min(max(confidence, 0.0), 1.0)
    width = max((end_s - start_s) / duration_s, NARROWEST_EVENT / 100)
    return DrawnEvent(
        label=label,
        category=str(event["category"]),
        start_s=start_s,
        end_s=end_s,
        confidence=confidence,
        x=across(min(start_s / duration_s, 1 - width)),
        width=across(width),
        y=across(1 - height),
        height=across(height),
        title=f"{label}, {clock(start_s)} to {clock(end_s)}, confidence {percent(confidence)}",
    )


def rows_of(events: Iterable[DrawnEvent]) -> list[Row]:
    """Events of each label in the order of time, the label that is heard longest first."""
    groups: dict[str, list[DrawnEvent]] = {}
    for event in sorted(events, key=lambda event: event.start_s):
        groups.setdefault(event.label, []).append(event)
    longest_first = sorted(groups.values(), key=lambda group: sum(event.start_s - event.end_s for event in group))
    return [Row(group[0].label, group[0].category, group) for group in longest_first]


def across(fraction: float) -> str:
    """A place or a width in percent of the drawing."""
    return f"{100 * fraction:.3f}".rstrip("0").rstrip(".")
