"""Runs of windows as events."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from analysis.events import Timeline, find_events
from analysis.records import SoundEvent
from analysis.vocabulary import Label

LABELS = (Label("rain", "weather"), Label("thunder", "weather"))


def timeline(count: int, *, envelope: list[float] | None = None) -> Timeline:
    """Windows of 2 s every 0.5 s, by default over a sound of even level."""
    duration_s = 2.0 + 0.5 * (count - 1)
    levels = envelope or [-20.0] * round(duration_s / 0.5)
    return Timeline(
        np.arange(count, dtype=np.float64) * 0.5, 2.0, duration_s, np.array(levels), duration_s / len(levels)
    )


def column(values: list[float]) -> np.ndarray:
    return np.array([values, [0.0] * len(values)], np.float32).T


def spans(events: list[SoundEvent]) -> list[tuple[float, float]]:
    return [(event.start_s, event.end_s) for event in events]


def test_a_label_heard_throughout_lasts_from_end_to_end() -> None:
    events = find_events(column([0.5, 0.9, 0.6, 0.7]), LABELS, timeline(4), min_confidence=0.25)
    assert spans(events) == [(0.0, 3.5)]
    last = 0.7 + 0.75 * (0.6 + 0.7) + 0.5 * (0.9 + 0.7)  # beyond its end the sound goes on as it is there
    assert events[0].confidence == pytest.approx(last / 3.5, abs=1e-4)


def test_a_dip_over_the_lower_threshold_does_not_end_an_event() -> None:
    events = find_events(column([0.5, 0.5, 0.1, 0.1, 0.1, 0.5, 0.5]), LABELS, timeline(7), min_confidence=0.25)
    assert len(events) == 1


def test_a_dip_below_the_lower_threshold_does() -> None:
    scores = [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]
    events = find_events(column(scores), LABELS, timeline(8), min_confidence=0.25)
    assert spans(events) == [(0.0, 1.75), (3.75, 5.5)]


def test_windows_that_touch_are_one_event() -> None:
    apart = timeline(9)
    near, far = [0.9, 0.9, 0, 0, 0, 0.9, 0.9, 0, 0], [0.9, 0.9, 0, 0, 0, 0, 0.9, 0.9, 0]
    assert len(find_events(column(near), LABELS, apart, min_confidence=0.25)) == 1
    assert len(find_events(column(far), LABELS, apart, min_confidence=0.25)) == 2


def test_a_label_that_wavers_counts_by_its_mean() -> None:
    wavering, whole = [0.0, 0.6] * 5, timeline(10)
    assert spans(find_events(column(wavering), LABELS, whole, min_confidence=0.25)) == [(1.25, 6.5)]
    assert find_events(column(wavering), LABELS, whole, min_confidence=0.5) == []


def test_what_never_reaches_the_upper_threshold_is_no_event() -> None:
    assert find_events(column([0.2, 0.24, 0.2]), LABELS, timeline(3), min_confidence=0.25) == []


def test_one_window_among_many_is_a_slip() -> None:
    events = find_events(column([0, 0, 0.9, 0, 0]), LABELS, timeline(5), min_confidence=0.25)
    assert events == []


def test_where_windows_lie_apart_one_is_enough_and_its_event_stays_in_it() -> None:
    sparse = Timeline(np.arange(5, dtype=np.float64) * 30, 2.0, 122.0, np.full(200, -20.0), 0.61)
    events = find_events(column([0, 0, 0.9, 0, 0.9]), LABELS, sparse, min_confidence=0.25)
    assert spans(events) == [(60.0, 62.0), (120.0, 122.0)]


def test_an_event_begins_at_the_middle_of_its_first_window_and_not_at_its_start() -> None:
    events = find_events(column([0, 0, 0.9, 0.9, 0, 0]), LABELS, timeline(6), min_confidence=0.25)
    assert spans(events) == [(1.75, 2.75)]


def test_an_event_begins_and_ends_where_the_level_steps_near_its_windows() -> None:
    envelope = [-40.0] * 25 + [-20.0] * 10 + [-40.0] * 10  # 0.1 s each
    events = find_events(column([0, 0, 0.9, 0.9, 0, 0]), LABELS, timeline(6, envelope=envelope), min_confidence=0.25)
    assert spans(events) == [(2.5, 3.5)]


def test_a_small_or_distant_step_moves_nothing() -> None:
    for envelope in ([-23.0] * 25 + [-20.0] * 20, [-40.0] * 5 + [-20.0] * 40):
        events = find_events(column([0, 0, 0.9, 0.9, 0, 0]), LABELS, timeline(6, envelope=envelope), min_confidence=0.2)
        assert spans(events) == [(1.75, 2.75)]


def test_events_of_one_label_stay_apart() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        scores = column(list(rng.choice([0.0, 0.9], 40)))
        whole = timeline(40, envelope=list(rng.choice([-40.0, -20.0], 215)))
        events = find_events(scores, LABELS, whole, min_confidence=0.3)
        assert all(one.end_s <= after.start_s for one, after in itertools.pairwise(events))


def test_two_labels_may_hold_at_once() -> None:
    scores = np.array([[0.6, 0.0], [0.5, 0.4], [0.5, 0.4]], np.float32)
    events = find_events(scores, LABELS, timeline(3), min_confidence=0.25)
    assert [(event.label, event.start_s, event.end_s) for event in events] == [("rain", 0, 3), ("thunder", 1.25, 3)]


def test_an_event_is_cut_to_where_something_sounds() -> None:
    envelope = [-80.0] * 3 + [-10.0] * 2 + [-80.0] * 2
    events = find_events(column([0.9] * 4), LABELS, timeline(4, envelope=envelope), min_confidence=0.25)
    assert spans(events) == [(1.5, 2.5)]


def test_an_event_at_the_ends_of_the_file_is_cut_to_where_it_rises_from_the_floor() -> None:
    envelope = [-45.0] * 5 + [-20.0] * 20 + [-45.0] * 10  # 0.1 s each: noise of a room before and after
    events = find_events(column([0.9] * 4), LABELS, timeline(4, envelope=envelope), min_confidence=0.25)
    assert spans(events) == [(0.5, 2.5)]


def test_an_even_texture_has_no_floor_to_be_cut_at() -> None:
    envelope = [-30.0] * 5 + [-20.0] * 20 + [-30.0] * 10
    events = find_events(column([0.9] * 4), LABELS, timeline(4, envelope=envelope), min_confidence=0.25)
    assert spans(events) == [(0.0, 3.5)]


def test_events_stay_inside_the_sound() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 7, 40):
        scores = rng.random((count, 2)).astype(np.float32)
        whole = timeline(count)
        for event in find_events(scores, LABELS, whole, min_confidence=0.3):
            assert 0 <= event.start_s < event.end_s <= whole.duration_s
