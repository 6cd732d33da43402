"""Built indexes and what changed since, against brute force and against an index built anew."""

from __future__ import annotations

import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from search.errors import DimensionMismatch, NotFinite, UnknownId, UnusableIndex
from search.index import Base, Entries, SoundIndex, base, files, writing
from search.index.exact import BITMAP_MAX_ID
from tests.search.generations import ORIGIN, build_base, build_generation, shelf_in
from tests.search.vectors import clustered_rows, unit_rows

DIM = 32
COUNT = 6_000


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return clustered_rows(COUNT, DIM)


@pytest.fixture(scope="module")
def ids() -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(1).choice(50_000, COUNT, replace=False)).astype(np.int64)


@pytest.fixture(params=["flat", "lists", "exact"])
def index(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ids: NDArray[np.int64],
    rows: NDArray[np.float32],
) -> SoundIndex:
    """Searched by each way that a large index has."""
    if request.param != "exact":
        monkeypatch.setattr(base, "EXACT_BELOW", 0)
    if request.param == "lists":
        monkeypatch.setattr(writing, "LISTS_ABOVE", 1_000)
        monkeypatch.setattr(writing, "list_count", lambda entries: 16)
    built = build_base(tmp_path, Entries.of_whole_sounds(ids, rows))
    assert built.manifest.lists == (16 if request.param == "lists" else 0)
    index = SoundIndex(DIM)
    index.adopt(built)
    return index


def brute_force(
    ids: NDArray[np.int64], rows: NDArray[np.float32], query: NDArray[np.float32], k: int
) -> tuple[list[int], NDArray[np.float32]]:
    products = rows @ query
    order = np.argsort(-products, kind="stable")[:k]
    return ids[order].tolist(), products[order]


@pytest.mark.parametrize("k", [1, 10, 100])
def test_it_finds_what_brute_force_finds(
    index: SoundIndex, ids: NDArray[np.int64], rows: NDArray[np.float32], k: int
) -> None:
    for query in clustered_rows(20, DIM, seed=2):
        found, cosines = index.search(query, k)
        wanted, exact = brute_force(ids, rows, query, k)
        assert found.tolist() == wanted
        np.testing.assert_allclose(cosines, exact, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.3, 0.7])
def test_a_filter_is_exact(index: SoundIndex, ids: NDArray[np.int64], rows: NDArray[np.float32], share: float) -> None:
    kept = np.sort(np.random.default_rng(3).choice(COUNT, int(share * COUNT), replace=False))
    for query in clustered_rows(10, DIM, seed=4):
        found, _ = index.search(query, 10, allowed_ids=ids[kept])
        assert found.tolist() == brute_force(ids[kept], rows[kept], query, 10)[0]


def test_a_filter_that_keeps_one_percent_by_content_loses_nothing(
    index: SoundIndex, ids: NDArray[np.int64], rows: NDArray[np.float32]
) -> None:
    query = clustered_rows(1, DIM, seed=5)[0]
    kept = np.sort(np.argsort(rows @ query)[: COUNT // 100])  # the farthest ones, where lists would not look

    found, _ = index.search(query, 10, allowed_ids=ids[kept])

    assert found.tolist() == brute_force(ids[kept], rows[kept], query, 10)[0]


def test_everything_may_be_asked_for(index: SoundIndex, ids: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
    query = clustered_rows(1, DIM, seed=6)[0]

    assert len(index.search(query, COUNT + 5)[0]) == COUNT
    assert index.search(query, 0)[0].tolist() == []
    np.testing.assert_array_equal(index.vectors(ids[[9, 4, 4]]), rows[[9, 4, 4]])


def test_ids_too_large_for_a_bitmap_are_filtered_too(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    ids = np.arange(COUNT) + BITMAP_MAX_ID
    index = SoundIndex(DIM)
    index.adopt(build_base(tmp_path, Entries.of_whole_sounds(ids, rows)))

    found, _ = index.search(rows[7], 20, allowed_ids=ids[:2_000])

    assert found.tolist() == brute_force(ids[:2_000], rows[:2_000], rows[7], 20)[0]


@pytest.mark.parametrize("seed", range(3))
def test_an_index_after_any_changes_is_the_index_built_anew(
    index: SoundIndex, ids: NDArray[np.int64], rows: NDArray[np.float32], seed: int
) -> None:
    randoms = np.random.default_rng(seed)
    now = dict(zip(ids.tolist(), rows, strict=True))
    for turn in range(30):
        touched = np.unique(randoms.integers(0, 50_500, randoms.integers(1, 60)))
        written = touched[randoms.random(len(touched)) < 0.6]
        vectors = clustered_rows(len(written), DIM, seed=1_000 * seed + turn)
        index.renew(touched, Entries.of_whole_sounds(written, vectors))
        for sound in touched.tolist():
            now.pop(sound, None)
        now |= dict(zip(written.tolist(), vectors, strict=True))
    there = np.array(sorted(now), np.int64)
    vectors = np.stack([now[sound] for sound in there.tolist()])

    assert len(index) == len(now)
    assert index.ids().tolist() == there.tolist()
    assert all((sound in index) == (sound in now) for sound in range(50_500))
    np.testing.assert_array_equal(index.vectors(there), vectors)
    allowed = there[::3]
    for query in clustered_rows(10, DIM, seed=seed):
        assert index.search(query, 15)[0].tolist() == brute_force(there, vectors, query, 15)[0]
        found = index.search(query, 15, allowed_ids=allowed)[0].tolist()
        assert found == brute_force(allowed, vectors[::3], query, 15)[0]


def test_a_newer_base_takes_the_place_of_all_that_was(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    index = SoundIndex(DIM)
    index.renew([1, 2, 3], Entries.of_whole_sounds(np.array([1, 2, 3]), rows[:3]))
    index.adopt(build_base(tmp_path, Entries.of_whole_sounds(np.array([2, 5]), rows[3:5])))

    assert index.ids().tolist() == [2, 5]
    np.testing.assert_array_equal(index.vectors([2]), rows[3:4])


def test_what_is_asked_wrongly_is_refused_with_both_numbers(index: SoundIndex, ids: NDArray[np.int64]) -> None:
    with pytest.raises(DimensionMismatch, match="holds vectors of 32 numbers, got 512"):
        index.search(np.zeros(512), 1)
    with pytest.raises(NotFinite, match="1 of 1 vectors"):
        index.search(np.full(DIM, np.nan), 1)
    with pytest.raises(UnknownId, match="no vector of id 60000"):
        index.vectors([int(ids[0]), 60_000])
    with pytest.raises(NotFinite):
        index.renew(ids[:1], Entries.of_whole_sounds(ids[:1], np.full((1, DIM), np.inf, np.float32)))
    assert len(index) == COUNT


def test_searches_go_on_while_the_base_is_changed_for_a_newer_one(
    tmp_path: Path, ids: NDArray[np.int64], rows: NDArray[np.float32]
) -> None:
    shelf = shelf_in(tmp_path)
    index = SoundIndex(DIM)
    index.adopt(build_base(tmp_path, Entries.of_whole_sounds(ids, rows)))
    queries = clustered_rows(8, DIM, seed=7)
    wanted = [brute_force(ids, rows, query, 10)[0] for query in queries]

    def search(turn: int) -> bool:
        with index.steady():
            found, cosines = index.search(queries[turn % 8], 10)
            same = np.allclose(index.vectors(found) @ queries[turn % 8], cosines, atol=1e-5)
        return same and found.tolist() == wanted[turn % 8]

    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(search, turn) for turn in range(400)]
        for _ in range(4):
            newer = build_base(tmp_path, Entries.of_whole_sounds(ids, rows))
            shelf.clean()  # the files of the one that still answers are gone
            index.adopt(newer)
        assert all(answer.result() for answer in answers)
    assert len([path for path in shelf.folder.iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize("name", [files.VECTORS, files.OWNERS, files.CHANGED, files.FLAT, files.LISTS, files.SCALE])
@pytest.mark.parametrize("damage", ["truncated", "one bit", "gone", "longer"])
def test_damaged_files_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: NDArray[np.float32], name: str, damage: str
) -> None:
    monkeypatch.setattr(writing, "LISTS_ABOVE", 100)
    monkeypatch.setattr(writing, "list_count", lambda entries: 4)
    generation = build_generation(tmp_path, Entries.of_whole_sounds(np.arange(300), rows[:300]))
    path = generation.folder / name
    content = bytearray(path.read_bytes())
    if damage == "one bit":
        content[len(content) // 2] ^= 4
    path.write_bytes({"truncated": content[:-9], "longer": content + b"x"}.get(damage, content))
    if damage == "gone":
        path.unlink()

    with pytest.raises(UnusableIndex, match=name):
        Base.open_checked(generation)


def test_a_damaged_manifest_is_refused(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    generation = build_generation(tmp_path, Entries.of_whole_sounds(np.arange(9), rows[:9]))
    path = generation.folder / files.MANIFEST
    path.write_text(path.read_text().replace('"horizon": 1', '"horizon": 7'))

    with pytest.raises(UnusableIndex, match="manifest holds other bytes"):
        shelf_in(tmp_path).current()


@pytest.mark.parametrize(
    ("fact", "value", "reads"),
    [
        ("format", 99, "of format 99, and this Timbre reads format 2"),
        ("model_revision", "r0", "of tests/small r0 sounds, not of tests/small r1 sounds"),
        ("dim", 16, "holds 9 vectors of 32 instead of 9 vectors of 16"),
        ("dim", "many", "manifest is damaged"),
    ],
)
def test_files_of_something_else_are_refused(
    tmp_path: Path, rows: NDArray[np.float32], fact: str, value: object, reads: str
) -> None:
    generation = build_generation(tmp_path, Entries.of_whole_sounds(np.arange(9), rows[:9]))
    written = json.dumps(json.loads((generation.folder / files.MANIFEST).read_text()) | {fact: value}).encode()
    (generation.folder / files.MANIFEST).write_bytes(written)
    current = {"generation": generation.name, "manifest_crc32": zlib.crc32(written)}
    (shelf_in(tmp_path).folder / files.CURRENT).write_text(json.dumps(current))

    with pytest.raises(UnusableIndex, match=reads):
        Base.open_checked(shelf_in(tmp_path).current())  # type: ignore[arg-type]  # there is one


def test_vectors_that_must_not_be_in_an_index_stop_its_building(tmp_path: Path) -> None:
    broken = unit_rows(2, DIM)
    broken[1, 3] = np.nan

    with pytest.raises(NotFinite):
        build_generation(tmp_path, Entries.of_whole_sounds(np.arange(2), broken))
    assert shelf_in(tmp_path).current() is None
    shelf_in(tmp_path).clean()
    assert list(shelf_in(tmp_path).folder.iterdir()) == []


def test_an_index_of_nothing_is_built_and_finds_nothing(tmp_path: Path) -> None:
    index = SoundIndex(DIM)
    index.adopt(build_base(tmp_path, Entries.none(DIM), ORIGIN))

    assert index.search(unit_rows(1, DIM)[0], 5)[0].tolist() == []
    assert (len(index), 3 in index, index.ids().tolist()) == (0, False, [])
    assert index.search(unit_rows(1, DIM)[0], 5, allowed_ids=[3])[0].tolist() == []


def test_some_of_many_ids_are_there(index: SoundIndex, ids: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
    index.renew([*ids[:2].tolist(), 50_001], Entries.of_whole_sounds(np.array([50_001]), rows[:1]))

    assert index.ids_among([60_000, 50_001, int(ids[5]), int(ids[1])]).tolist() == [50_001, ids[5]]
    assert index.ids_among([]).tolist() == []


def test_lists_grow_with_the_entries() -> None:
    assert [writing.list_count(count) for count in (300, 200_001, 1_000_000, 10_000_000)] == [64, 2_048, 4_096, 4_096]
