"""Waveforms as SVG: what the path says, how much is drawn, which labels have room."""

from __future__ import annotations

import re
from itertools import accumulate

import numpy as np

from catalog.models import Library, Sound
from catalog.templatetags.sounds import clock
from catalog.templatetags.waveforms import ROW_COLUMNS, draw, large_waveform, read_peaks, reduce_columns, ticks
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
    drawing = large_waveform(sound_of(), [event("hail", 1, 2), event("heavy rain", 2, 7), event("hail", 8, 9)])
    lanes = drawing["lanes"]
    assert isinstance(lanes, list)
    assert [[bar.event.label for bar in lane.bars] for lane in lanes] == [["heavy rain"], ["hail", "hail"]]
    first = lanes[0].bars[0].event
    assert (first.x, first.width) == ("20", "50")


def test_a_label_without_room_is_not_written() -> None:
    crowd = [event("footsteps on gravel", start / 10, start / 10 + 0.05) for start in range(50)]
    lanes = large_waveform(sound_of(), crowd)["lanes"]
    assert isinstance(lanes, list)
    written = [bool(bar.label_class) for bar in lanes[0].bars]
    assert written == [False] * 49 + [True]


def test_an_event_that_reaches_beyond_the_sound_is_cut() -> None:
    drawn = large_waveform(sound_of(4.0), [event("hail", 3, 9)])["events"]
    assert isinstance(drawn, list)
    assert (drawn[0].x, drawn[0].width) == ("75", "25")


def test_ticks_are_few_and_round() -> None:
    for duration_s in (0.08, 1.65, 10.0, 77.1, 5400.0):
        assert 1 <= len(ticks(duration_s)) <= 13
    assert [tick.label for tick in ticks(0.3)][:2] == ["0 s", "0.05 s"]
    assert [tick.label for tick in ticks(30.0)][:3] == ["0:00", "0:05", "0:10"]


def test_times_are_written_as_people_read_them() -> None:
    assert [clock(value) for value in (0.5, 59.999, 187, 3765, None)] == ["0:00.50", "1:00", "3:07", "1:02:45", ""]
