"""The index against brute force in numpy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from search.errors import DimensionMismatch, NotFinite, UnknownId
from search.index import BITMAP_MAX_ID, VectorIndex
from tests.search.vectors import unit_rows

DIM = 24
COUNT = 300


def brute_force(ids: NDArray[np.int64], rows: NDArray[np.float32], query: NDArray[np.float32], k: int) -> list[int]:
    products = rows @ query
    order = np.argsort(-products)[:k]
    return [int(ids[position]) for position in order]


@pytest.fixture
def ids() -> NDArray[np.int64]:
    return np.random.default_rng(1).choice(10_000, size=COUNT, replace=False).astype(np.int64)


@pytest.fixture
def rows() -> NDArray[np.float32]:
    return unit_rows(COUNT, DIM)


@pytest.fixture
def index(ids: NDArray[np.int64], rows: NDArray[np.float32]) -> VectorIndex:
    index = VectorIndex(DIM)
    index.put(ids, rows)
    return index


@pytest.mark.parametrize("k", [1, 10, COUNT, COUNT + 5])
def test_it_finds_what_brute_force_finds(
    index: VectorIndex, ids: NDArray[np.int64], rows: NDArray[np.float32], k: int
) -> None:
    query = unit_rows(1, DIM, seed=2)[0]

    found, cosines = index.search(query, k)

    assert found.tolist() == brute_force(ids, rows, query, k)
    np.testing.assert_allclose(cosines, np.sort(rows @ query)[::-1][:k], atol=1e-6)


@pytest.mark.parametrize("kept", [0, 3, 150])
def test_a_filter_is_exact(index: VectorIndex, ids: NDArray[np.int64], rows: NDArray[np.float32], kept: int) -> None:
    query = unit_rows(1, DIM, seed=3)[0]

    found, _ = index.search(query, 20, allowed_ids=ids[:kept])

    assert found.tolist() == brute_force(ids[:kept], rows[:kept], query, 20)


def test_a_filter_is_exact_for_ids_too_large_for_a_bitmap(rows: NDArray[np.float32]) -> None:
    ids = np.arange(COUNT) + BITMAP_MAX_ID
    index = VectorIndex(DIM)
    index.put(ids, rows)
    query = unit_rows(1, DIM, seed=4)[0]

    found, _ = index.search(query, 20, allowed_ids=ids[50:120])

    assert found.tolist() == brute_force(ids[50:120], rows[50:120], query, 20)


def test_an_allowed_id_that_is_not_there_is_not_found(index: VectorIndex, ids: NDArray[np.int64]) -> None:
    absent = 20_000

    found, _ = index.search(unit_rows(1, DIM)[0], 5, allowed_ids=[int(ids[7]), absent])

    assert found.tolist() == [ids[7]]


def test_a_vector_is_replaced(index: VectorIndex, ids: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
    new = unit_rows(2, DIM, seed=5)

    index.put(ids[[4, 9]], new)

    assert len(index) == COUNT
    assert index.search(new[1], 1)[0].tolist() == [ids[9]]
    np.testing.assert_array_equal(index.vectors(ids[[9, 4, 0]]), [new[1], new[0], rows[0]])


def test_the_last_vector_of_a_repeated_id_holds(rows: NDArray[np.float32]) -> None:
    index = VectorIndex(DIM)

    index.put([3, 5, 3], rows[:3])

    assert len(index) == 2
    np.testing.assert_array_equal(index.vectors([3, 5]), rows[[2, 1]])


def test_a_removed_vector_is_not_found(index: VectorIndex, ids: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
    removed = index.remove([*ids[:100].tolist(), 20_000])

    found, _ = index.search(rows[0], COUNT)
    assert removed == 100
    assert len(index) == COUNT - 100
    assert ids[0] not in index
    assert found.tolist() == brute_force(ids[100:], rows[100:], rows[0], COUNT)


def test_an_empty_index_finds_nothing() -> None:
    found, cosines = VectorIndex(DIM).search(unit_rows(1, DIM)[0], 10)

    assert found.tolist() == []
    assert cosines.tolist() == []


def test_a_vector_of_another_length_is_refused_with_both_numbers(index: VectorIndex) -> None:
    with pytest.raises(DimensionMismatch, match="holds vectors of 24 numbers, got 512"):
        index.search(np.zeros(512), 1)
    with pytest.raises(DimensionMismatch, match="holds vectors of 24 numbers, got 25"):
        index.put([1], unit_rows(1, 25))
    with pytest.raises(DimensionMismatch, match="2 ids for 3 vectors"):
        index.put([1, 2], unit_rows(3, DIM))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused_and_changes_nothing(index: VectorIndex, value: float) -> None:
    rows = unit_rows(2, DIM)
    rows[1, 3] = value

    with pytest.raises(NotFinite, match="1 of 2 vectors"):
        index.put([20_001, 20_002], rows)
    with pytest.raises(NotFinite):
        index.search(rows[1], 1)
    assert len(index) == COUNT


def test_the_vector_of_an_unknown_id_is_an_error(index: VectorIndex) -> None:
    with pytest.raises(UnknownId, match="no vector of id 20000"):
        index.vectors([20_000])


def test_a_negative_id_is_refused(index: VectorIndex) -> None:
    with pytest.raises(ValueError, match="got -4"):
        index.put([-4], unit_rows(1, DIM))


def test_searches_and_changes_from_several_threads_do_not_disturb_each_other(
    index: VectorIndex, ids: NDArray[np.int64], rows: NDArray[np.float32]
) -> None:
    def replace_and_search(turn: int) -> bool:
        mine = slice(turn * 10, turn * 10 + 10)
        for _ in range(20):
            index.remove(ids[mine])
            index.put(ids[mine], rows[mine])
            found, cosines = index.search(rows[turn * 10], 5)
            if found[0] != ids[turn * 10] or abs(cosines[0] - 1) > 1e-5:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(replace_and_search, range(20)))
    assert index.search(rows[0], COUNT)[0].tolist() == brute_force(ids, rows, rows[0], COUNT)
