"""Waveforms as SVG: what the path says, how much is drawn, where events stand."""

from __future__ import annotations

import re
from itertools import accumulate

import numpy as np

from catalog.models import Library, Sound
from catalog.templatetags.sounds import clock
from catalog.templatetags.waveforms import (
    MOST_ROWS,
    NARROWEST_EVENT,
    ROW_COLUMNS,
    draw,
    draw_events,
    event_chart,
    read_peaks,
    reduce_columns,
    rows_of,
    ticks,
)
from tests.catalog.rows import SLOPE


def outline(path: str) -> list[int]:
    """Heights of the upper edge, read back from a path."""
    start, steps = int(re.findall(r"^M0 (\d+)", path)[0]), re.findall(r"l1([+-]\d+)", path)
    return list(accumulate(map(int, steps), initial=start))


def sound_of(duration_s: float = 10.0) -> Sound:
    return Sound(pk=1, library=Library(), duration_s=duration_s, peaks=SLOPE.tobytes(), state=Sound.State.ANALYZED)


def event(label: str, start_s: float, end_s: float) -> dict[str, object]:
    return {"label": label, "category": "weather", "start_s": start_s, "end_s": end_s, "confidence": 0.5}


def test_the_path_follows_the_peaks() -> None:
    path, columns = draw(np.array([[-127, 127], [-10, 40], [0, 0]], dtype=np.int16))
    assert (outline(path), columns) == ([0, 87, 126], 3)


def test_a_quiet_sound_fills_the_height_and_silence_is_a_line() -> None:
    quiet, _ = draw(np.array([[-2, 2], [0, 1]], dtype=np.int16))
    silent, _ = draw(np.zeros((2, 2), dtype=np.int16))
    assert outline(quiet)[0] == 0
    assert outline(silent) == [126, 126]


def test_fewer_columns_keep_every_extreme() -> None:
    peaks = read_peaks(SLOPE.tobytes())
    reduced = reduce_columns(peaks, ROW_COLUMNS)
    assert len(reduced) == ROW_COLUMNS
    assert (reduced[:, 1].max(), reduced[:, 0].min()) == (127, -127)
    assert reduce_columns(peaks, 1000) is peaks


def test_events_stand_where_they_sound_the_longest_label_first() -> None:
    events = [event("hail", 8, 9), event("heavy rain", 2, 7), event("hail", 1, 2)]
    rows = rows_of(draw_events(events, 10.0))
    assert [(row.label, [drawn.x for drawn in row.events]) for row in rows] == [
        ("heavy rain", ["20"]),
        ("hail", ["10", "80"]),
    ]
    assert rows[0].events[0].width == "50"
    assert [row.summary for row in rows] == ["50 %", "2 times, up to 50 %"]


def test_a_bar_is_the_higher_the_surer_and_stands_on_the_bottom() -> None:
    faint, sure = draw_events([event("hail", 1, 2) | {"confidence": level} for level in (0.2, 1.0)], 10.0)
    assert float(faint.height) < float(sure.height) == 100
    assert float(faint.y) + float(faint.height) == 100


def test_the_shortest_event_can_be_hit_also_at_the_end() -> None:
    [drawn] = draw_events([event("hail", 9.999, 10)], 10.0)
    assert float(drawn.width) == NARROWEST_EVENT
    assert float(drawn.x) + float(drawn.width) == 100


def test_labels_beyond_the_most_are_named_as_left_out() -> None:
    crowd = [event(f"label {place}", 0, place + 1) for place in range(MOST_ROWS + 2)]
    chart = event_chart(sound_of(60.0), crowd)
    assert isinstance(chart["rows"], list)
    assert isinstance(chart["left_out"], list)
    assert len(chart["rows"]) == MOST_ROWS
    assert [row.label for row in chart["left_out"]] == ["label 1", "label 0"]


def test_an_event_that_reaches_beyond_the_sound_is_cut() -> None:
    [drawn] = draw_events([event("hail", 3, 9)], 4.0)
    assert (drawn.x, drawn.width) == ("75", "25")


def test_ticks_are_few_and_round() -> None:
    for duration_s in (0.08, 1.65, 10.0, 77.1, 5400.0):
        assert 1 <= len(ticks(duration_s)) <= 13
    assert [tick.label for tick in ticks(0.3)][:2] == ["0 s", "0.05 s"]
    assert [tick.label for tick in ticks(30.0)][:3] == ["0:00", "0:05", "0:10"]


def test_times_are_written_as_people_read_them() -> None:
    assert [clock(value) for value in (0.5, 59.999, 187, 3765, None)] == ["0:00.50", "1:00", "3:07", "1:02:45", ""]
