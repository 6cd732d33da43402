"""How many of the ten nearest each way finds, and how long one query takes it: Timbre's index, numpy, flat FAISS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from analysis.vocabulary import Vocabulary
from benchmarks.search_vectors import Vectors
from search.index import SoundIndex
from search.index.exact import bitmap

K = 10
PAGE = 1_000  # what a search of words asks of the index, to look at it again (search.hearing.CANDIDATES)
SCORES_AT_ONCE = 64 * 2**20
WARM_UP = 5
SHARES = (0.5, 0.1, 0.01)

Ids = NDArray[np.int64]
Way = Callable[[Vectors, int, "Filter"], Ids]
"""Finds the ids of the nearest of one query (dim,), the nearest first."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The sounds that may be found."""

    name: str
    keep: NDArray[np.bool_] | None = None  # (count,)
    ids: Ids | None = None  # the same, rising


@dataclass(frozen=True, slots=True)
class Measured:
    """One way with one filter."""

    way: str
    queries: str
    filter: str
    recall: float
    p50_ms: float
    p95_ms: float
    count: int  # queries


def filters(labels: Ids, vocabulary: Vocabulary) -> list[Filter]:
    """None; some at random; and some by what they are, which lie near each other: the hard case."""
    random = np.random.default_rng(11)
    found = [Filter("none"), *(_filter(f"random {share:.0%}", random.random(len(labels)) < share) for share in SHARES)]
    names = [label.category for label in vocabulary.labels]
    categories = np.unique(names, return_inverse=True)[1]
    of_category = np.bincount(categories[labels]) / len(labels)
    of_label = np.bincount(labels, minlength=len(names)) / len(labels)
    order = random.permutation(len(of_category))
    half = order[: 1 + int(np.searchsorted(np.cumsum(of_category[order]), SHARES[0]))]
    one = np.abs(of_category - SHARES[1]).argmin()
    label = np.abs(of_label - SHARES[2]).argmin()
    for keep, what in (
        (np.isin(categories[labels], half), f"{len(half)} categories"),
        (categories[labels] == one, "a category"),
        (labels == label, "a label"),
    ):
        found.append(_filter(f"{what}, {keep.mean():.1%}", keep))
    return found


def _filter(name: str, keep: NDArray[np.bool_]) -> Filter:
    return Filter(name, keep, np.flatnonzero(keep).astype(np.int64) + 1)


def exact(vectors: Vectors, queries: Vectors, one: Filter, k: int = K) -> Ids:
    """The ids of the nearest of each query, shape (n, k), by comparing all."""
    rows = vectors if one.keep is None else vectors[one.keep]
    ids = np.arange(1, len(vectors) + 1) if one.ids is None else one.ids
    k = min(k, len(ids))
    found = np.empty((len(queries), k), np.int64)
    step = max(1, SCORES_AT_ONCE // max(1, len(rows)))
    for start in range(0, len(queries), step):
        scores = queries[start : start + step] @ rows.T
        near = np.argpartition(scores, -k, axis=1)[:, -k:]
        found[start : start + step] = ids[near]
    return found


def compare(way: str, find: Way, queries: tuple[str, Vectors], one: Filter, truth: Ids, *, k: int = K) -> Measured:
    """Ask one by one, with a clock."""
    name, rows = queries
    for row in rows[:WARM_UP]:
        find(row, k, one)
    took_ms, hits = [], 0
    for row, wanted in zip(rows, truth, strict=True):
        started = time.perf_counter()
        ids = find(row, k, one)
        took_ms.append(1e3 * (time.perf_counter() - started))
        hits += len(np.intersect1d(ids[: truth.shape[1]], wanted))
    p50, p95 = np.percentile(took_ms, [50, 95])
    return Measured(way, name, one.name, hits / truth.size, float(p50), float(p95), len(rows))


def of_timbre(index: SoundIndex) -> Way:
    return lambda row, k, one: index.search(row, k, allowed_ids=one.ids)[0]


def of_numpy(vectors: Vectors) -> Way:
    """By all cores; a filter is a mask over all products, which is faster than to gather what it keeps."""

    def find(row: Vectors, k: int, one: Filter) -> Ids:
        products = vectors @ row
        if one.keep is not None:
            products[~one.keep] = -np.inf
        near = np.argpartition(products, -k)[-k:]
        ids: Ids = near[np.argsort(-products[near])] + 1
        return ids

    return find


def of_flat(vectors: Vectors) -> Way:
    """FAISS, floats, one thread; it holds a copy."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    def find(row: Vectors, k: int, one: Filter) -> Ids:
        faiss.omp_set_num_threads(1)
        how = None
        if one.keep is not None:
            how = faiss.SearchParameters(sel=bitmap(one.keep))  # type: ignore[call-arg]  # faiss's stubs miss its wrapper
        found: Ids = index.search(row[np.newaxis], k, params=how)[1][0] + 1
        return found

    return find


def timbre_alone(
    index: SoundIndex, vectors: Vectors, queries: Sequence[tuple[str, Vectors]], chosen: Sequence[Filter], few: int
) -> Iterator[Measured]:
    """Timbre's index with every filter, and as deep as a page of results asks; `few` queries where it is filtered."""
    find = of_timbre(index)
    for name, rows in queries:
        for one in chosen:
            part = (name, rows if one.keep is None else rows[:few])
            truth = exact(vectors, part[1], one)
            yield compare("Timbre", find, part, one, truth)
        none, some = chosen[0], (name, rows[:few])
        yield compare(f"Timbre, the {PAGE:,} nearest", find, some, none, exact(vectors, some[1], none, PAGE), k=PAGE)
