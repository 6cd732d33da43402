"""The sample of a library that tells how near a query lies by chance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from search import chances
from search.chances import chance_among
from search.hearing import SoundTarget
from search.index import Entries, SoundIndex
from tests.search.vectors import axis, unit_rows

DIM = 8


@pytest.fixture
def index() -> SoundIndex:
    found = SoundIndex(DIM)
    ids = np.arange(1, 41)
    found.renew(ids, Entries.of_whole_sounds(ids, unit_rows(40, DIM)))
    return found


def test_center_and_spread_are_those_of_the_library(index: SoundIndex) -> None:
    chance = chance_among(index, SoundTarget(axis(0, DIM)))

    assert chance is not None
    assert chance.center == pytest.approx(float(np.median(unit_rows(40, DIM)[:, 0])), abs=1e-6)
    assert chance.sounds == 40


def test_the_index_is_held_before_the_sample(index: SoundIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever searches holds the index and then asks for the sample: the other order would wait forever."""
    order: list[str] = []

    @contextmanager
    def noting(name: str) -> Iterator[None]:
        order.append(name)
        yield

    steady = SoundIndex.steady

    @contextmanager
    def noted(self: SoundIndex) -> Iterator[None]:
        order.append("index")
        with steady(self):
            yield

    monkeypatch.setattr(SoundIndex, "steady", noted)
    monkeypatch.setattr(chances, "_lock", noting("sample"))
    chance_among(index, SoundTarget(axis(0, DIM)))

    assert order[:2] == ["index", "sample"]
