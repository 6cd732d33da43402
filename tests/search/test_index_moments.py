"""Windows merged into segments, and the index of moments against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from search.errors import NotFinite
from search.index import Entries, MomentIndex, base
from search.index.segments import FIRST_LOOK, SAME_COSINE, segment_bounds, segment_vectors
from tests.search.generations import build_base
from tests.search.vectors import axis, clustered_rows, unit_rows

DIM = 16


def one_by_one(windows: NDArray[np.float32]) -> list[list[int]]:
    """The rule as it is said, window after window."""
    bounds: list[list[int]] = []
    for at, window in enumerate(windows):
        if bounds and bounds[-1][1] == at:
            mean = windows[bounds[-1][0] : at].sum(axis=0)
            if window @ mean / np.linalg.norm(mean) >= SAME_COSINE:
                bounds[-1][1] = at + 1
                continue
        if window.any():
            bounds.append([at, at + 1])
    return bounds


def test_an_even_sound_is_one_segment_and_an_event_in_it_another() -> None:
    windows = np.repeat(axis(0, DIM)[np.newaxis], 200, axis=0)
    windows[120:123] = axis(1, DIM)

    assert segment_bounds(windows).tolist() == [[0, 120], [120, 123], [123, 200]]


def test_silent_and_broken_windows_belong_to_no_segment() -> None:
    windows = np.repeat(axis(0, DIM)[np.newaxis], 9, axis=0)
    windows[[0, 4, 8]] = 0
    windows[6] = np.nan

    assert segment_bounds(windows).tolist() == [[1, 4], [5, 6], [7, 8]]
    assert segment_bounds(windows[:0]).tolist() == []
    assert segment_vectors(windows[:0], segment_bounds(windows[:0])).shape == (0, DIM)


@pytest.mark.parametrize("seed", range(5))
def test_windows_are_merged_as_if_looked_at_one_by_one(seed: int) -> None:
    randoms = np.random.default_rng(seed)
    places = unit_rows(6, DIM, seed=seed)[
        np.repeat(randoms.integers(0, 6, 40), randoms.integers(1, 3 * FIRST_LOOK, 40))
    ]
    windows = places + 0.12 * randoms.random((len(places), 1)) * unit_rows(len(places), DIM, seed=seed + 50)
    windows = (windows / np.linalg.norm(windows, axis=1, keepdims=True)).astype(np.float32)
    windows[randoms.integers(0, len(windows), 5)] = 0

    bounds = segment_bounds(windows)

    assert bounds.tolist() == one_by_one(windows)
    assert len(bounds) < len(windows) / 2
    np.testing.assert_allclose(np.linalg.norm(segment_vectors(windows, bounds), axis=1), 1, atol=1e-3)


def moments_of(sounds: NDArray[np.int64], *, seed: int) -> Entries:
    """Some moments a sound, whose spans tell them apart."""
    randoms = np.random.default_rng(seed)
    owners = np.repeat(sounds, randoms.integers(1, 7, len(sounds)))
    starts = np.arange(len(owners), dtype=np.float32)
    vectors = clustered_rows(len(owners), DIM, seed=seed).astype(np.float16).astype(np.float32)
    return Entries(owners, vectors, np.column_stack([starts, starts + 2]))


def without(entries: Entries, sounds: NDArray[np.int64]) -> Entries:
    keep = ~np.isin(entries.owners, sounds)
    return Entries(entries.owners[keep], entries.vectors[keep], entries.spans_s[keep])


@pytest.mark.parametrize("seed", range(3))
def test_moments_after_any_changes_are_those_of_brute_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(base, "EXACT_BELOW", 0)
    now = moments_of(np.arange(0, 1_000, 2), seed=seed)
    index = MomentIndex(DIM)
    index.adopt(build_base(tmp_path, now))
    randoms = np.random.default_rng(seed)
    for turn in range(25):
        touched = np.unique(randoms.integers(0, 1_010, 30))
        fresh = moments_of(touched[randoms.random(len(touched)) < 0.6], seed=100 * seed + turn + 7)
        index.renew(touched, fresh)
        now = Entries.joined([without(now, touched), fresh], DIM)

    allowed = np.unique(now.owners)[::4]
    assert len(index) == len(now)
    assert index.ids().tolist() == np.unique(now.owners).tolist()
    for query in clustered_rows(8, DIM, seed=seed + 90):
        check_like_brute_force(index, now, query, None)
        check_like_brute_force(index, now, query, allowed)


def check_like_brute_force(
    index: MomentIndex, now: Entries, query: NDArray[np.float32], allowed: NDArray[np.int64] | None
) -> None:
    there = now if allowed is None else without(now, np.setdiff1d(now.owners, allowed))
    products = there.vectors @ query
    order = np.argsort(-products)[:12]

    found = index.search(query, 12, allowed_ids=allowed)
    assert found.sound_ids.tolist() == there.owners[order].tolist()
    assert found.starts_s.tolist() == there.spans_s[order, 0].tolist()
    np.testing.assert_allclose(found.cosines, products[order], atol=1e-6)

    pooled = {int(owner): float(products[there.owners == owner].max()) for owner in np.unique(there.owners)}
    best = sorted(pooled, key=lambda owner: -pooled[owner])[:12]
    of_sounds = index.search_sounds(query, 12, allowed_ids=allowed)
    assert of_sounds.sound_ids.tolist() == best
    np.testing.assert_allclose(of_sounds.cosines, [pooled[owner] for owner in best], atol=1e-6)


def test_moments_say_where_they_are_and_answer_as_a_tuple() -> None:
    index = MomentIndex(2)
    spans_s = np.array([[0, 5], [5, 7]], np.float32)
    index.renew([4], Entries(np.array([4, 4]), np.eye(2, dtype=np.float32), spans_s))

    sound_ids, starts_s, ends_s, cosines = index.search([0, 1], 1)

    assert (sound_ids.tolist(), starts_s.tolist(), ends_s.tolist(), cosines.tolist()) == ([4], [5], [7], [1])
    assert (4 in index, 5 in index) == (True, False)
    assert index.entries([4, 9]).spans_s.tolist() == spans_s.tolist()
    assert index.search_sounds([0, 1], 0).sound_ids.tolist() == []


def test_moments_that_are_not_finite_are_refused_and_change_nothing() -> None:
    index = MomentIndex(2)
    whole = Entries(np.array([4]), np.eye(2, dtype=np.float32)[:1], np.zeros((1, 2), np.float32))
    index.renew([4], whole)

    with pytest.raises(NotFinite):
        index.renew([4], Entries(whole.owners, np.full((1, 2), np.nan, np.float32), whole.spans_s))
    assert index.entries([4]).vectors.tolist() == whole.vectors.tolist()
