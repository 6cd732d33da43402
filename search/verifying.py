"""Comparing what searches see with every row of the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from search.errors import UnusableIndex
from search.index import Base, Entries, MomentIndex, SoundIndex
from search.rows import MOMENTS, Kind, Read
from search.sync import Follower, MomentFollower
from search.trust import Look

SAMPLE = 100
NEAREST = 10
LEAST_RECALL = 0.95
FAULTS_TOLD = 100
EQUAL = 1e-5  # what the order of a sum changes in a cosine

AnyFollower = Follower | MomentFollower
AnyIndex = SoundIndex | MomentIndex


@dataclass(frozen=True, slots=True)
class Verified:
    """What a comparison with all rows found."""

    model_id: str
    revision: str
    kind: str
    sounds: int  # that can be found
    recall: float | None  # of the ten nearest of sampled vectors; None where nothing was sampled
    faults: list[str]  # the first of them

    @property
    def is_right(self) -> bool:
        return not self.faults


def verify_index(model: ModelKey, kind: Kind, *, sample: int = SAMPLE) -> Verified:
    """Compare the files with their checksums, and what a new process would search in with every row.

    What is written while it compares is compared again before it counts as wrong.
    """
    follower = MomentFollower(model) if kind is MOMENTS else Follower(model)
    faults = [f"the built index: {problem}" for problem in file_problems(model, kind)]
    index = follower.follow()
    if index is None:
        return Verified(model.model_id, model.revision, kind.name, 0, None, faults)
    wrong, seen = compare_rows(kind.pages(model, index.dim), index)
    wrong |= set(np.setdiff1d(index.ids(), seen).tolist())
    faults += compare_again(follower, kind, sorted(wrong))
    recall = sampled_recall(model, kind, index, sample) if sample else None
    if recall is not None and recall < LEAST_RECALL:
        faults.append(f"recall@{NEAREST} of {sample} searches is {recall:.3f}, less than {LEAST_RECALL}")
    told = faults[:FAULTS_TOLD] + [f"… and {len(faults) - FAULTS_TOLD} more"] * (len(faults) > FAULTS_TOLD)
    return Verified(model.model_id, model.revision, kind.name, len(index.ids()), recall, told)


def file_problems(model: ModelKey, kind: Kind) -> Iterator[str]:
    try:
        generation = kind.shelf(Look.now().database.folder, model).current()
        if generation is not None:
            Base.open_checked(generation)
    except UnusableIndex as error:
        yield str(error)


def compare_rows(pages: Iterator[Read], index: AnyIndex) -> tuple[set[int], NDArray[np.int64]]:
    """Sounds whose entries differ from their rows, and all sounds that have an entry by the rows."""
    wrong: set[int] = set()
    seen = [np.empty(0, np.int64)]
    for page in pages:
        wrong |= set(differing(page.entries, index.entries(page.sounds)).tolist())
        seen.append(np.unique(page.entries.owners))
    return wrong, np.concatenate(seen)


def differing(wanted: Entries, got: Entries) -> NDArray[np.int64]:
    """Sounds whose entries are not the same in both."""
    first, second = in_order(wanted), in_order(got)
    if np.array_equal(first.owners, second.owners):
        same = (first.vectors == second.vectors).all(axis=1) & (first.spans_s == second.spans_s).all(axis=1)
        return np.unique(first.owners[~same])
    owners = np.union1d(first.owners, second.owners)
    return np.array([owner for owner in owners.tolist() if not is_same(first, second, owner)], np.int64)


def in_order(entries: Entries) -> Entries:
    order = np.argsort(entries.owners, kind="stable")
    return Entries(entries.owners[order], entries.vectors[order], entries.spans_s[order])


def is_same(first: Entries, second: Entries, owner: int) -> bool:
    mine, other = first.owners == owner, second.owners == owner
    return np.array_equal(first.vectors[mine], second.vectors[other]) and np.array_equal(
        first.spans_s[mine], second.spans_s[other]
    )


def compare_again(follower: AnyFollower, kind: Kind, sounds: list[int]) -> Iterator[str]:
    for start in range(0, len(sounds), kind.chunk):
        part = sounds[start : start + kind.chunk]
        index = follower.follow()
        assert index is not None
        read = kind.read(kind.newest(kind.embeddings(follower.model).filter(sound_id__in=part)), index.dim)
        there = index.entries(part)
        for sound in differing(read.entries, there).tolist():
            yield told(sound, in_rows=sound in read.entries.owners, in_index=sound in there.owners)


def told(sound: int, *, in_rows: bool, in_index: bool) -> str:
    if not in_index:
        return f"sound {sound} is missing from the index"
    if not in_rows:
        return f"sound {sound} is in the index and should not be"
    return f"sound {sound} has other vectors in the index than in the database"


def sampled_recall(model: ModelKey, kind: Kind, index: AnyIndex, sample: int) -> float | None:
    """How many of the ten nearest entries a search finds, by comparing with every row."""
    ids = index.ids()
    chosen = np.random.default_rng(len(ids)).choice(ids, min(sample, len(ids)), replace=False)
    queries = index.entries(np.sort(chosen)).vectors[:sample]
    if not len(queries):
        return None
    best = np.full((len(queries), NEAREST), -np.inf, np.float32)
    for page in kind.pages(model, index.dim):
        products = queries @ page.entries.vectors.T
        best = -np.sort(-np.concatenate([best, products], axis=1), axis=1)[:, :NEAREST]
    wanted = np.isfinite(best).sum(axis=1)
    least = np.where(np.isfinite(best), best, np.inf).min(axis=1)
    found = [
        int((index.search(query, NEAREST)[-1] >= low - EQUAL).sum()) for query, low in zip(queries, least, strict=True)
    ]
    return float(np.sum(np.minimum(found, wanted)) / wanted.sum())
