"""Different ones first, on a few vectors."""

from __future__ import annotations

import numpy as np
import pytest

from search.diversity import diverse_order
from tests.search.vectors import axis, unit_rows

DIM = 8


def test_second_takes_stand_behind_what_is_different() -> None:
    rain, takes = axis(0, DIM), [axis(0, DIM), axis(0, DIM), axis(1, DIM)]

    order = diverse_order(np.array([1.0, 0.99, 0.98, 0.7]), np.stack([rain, *takes]))

    assert order == [0, 3, 1, 2]


def test_without_a_cost_the_order_is_that_of_relevance() -> None:
    relevance = np.array([0.2, 0.9, 0.5])

    assert diverse_order(relevance, unit_rows(3, DIM), cost=0.0) == [1, 2, 0]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_every_sound_stands_once(count: int) -> None:
    order = diverse_order(np.linspace(1, 0, count), unit_rows(count, DIM) if count else np.empty((0, DIM), np.float32))

    assert sorted(order) == list(range(count))


def test_the_most_relevant_leads() -> None:
    relevance = np.random.default_rng(4).normal(size=30)

    assert diverse_order(relevance, unit_rows(30, DIM))[0] == relevance.argmax()
