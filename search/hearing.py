"""What is listened for, and how much of it is in sounds and in moments of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.confidence import Chance, Verdict
from search.index import Entries, MomentIndex, SoundIndex
from search.ranking import chance_score, rank_among_labels, strengths
from search.text import Meaning

CANDIDATES = 1_000
"""Nearest sounds that are looked at again with the labels in view: wide enough that hubs cannot crowd out the right
ones, and small enough to take a millisecond or two."""

MOMENT_SOUNDS = 60
"""Long sounds whose moments are looked at again: all segments of each are read, some hundreds for an hour."""

LIKE_DEVIATIONS = 1.0
"""From here on a sound counts as like an example: nearer to it than five in six of the library."""

MOMENT_COST = 0.5
"""Of the logarithm of how many moments a sound has, taken from the score of its best one: the best of many looks good
by chance. Of 37 labels asked for by ear in a demo library with long sounds among the short ones, 31 found a right one
first without it, 35 with any cost from a quarter to the whole, and 35 where moments were not looked for at all."""

Vectors = NDArray[np.float32]
Values = NDArray[np.float64]


class Moment(NamedTuple):
    """Where in a sound something is heard."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much of what is listened for is in a sound."""

    similarity: float  # cosine, as the model gives it
    score: float  # what the order is made of
    strength: float | None  # 0 at chance, 1 where no other text comes near; None where no other text was compared
    is_likely: bool  # more than chance
    moment: Moment | None = None  # where, if it is a part of a long sound that is like it

    @property
    def degree(self) -> float:
        """How much of it there is, 0 to 1."""
        return max(0.0, self.similarity) if self.strength is None else self.strength


class Scored(NamedTuple):
    """Vectors seen by a target, each array of shape (n,)."""

    cosines: NDArray[np.float32]
    scores: Values
    strengths: Values  # not a number where no other text was compared
    likely: NDArray[np.bool_]


class Target(ABC):
    """Something to listen for: think of it as a function from vectors to how much of it is in them."""

    @property
    @abstractmethod
    def vectors(self) -> Vectors:
        """Where to look for it: one or more directions, shape (k, dim)."""

    @abstractmethod
    def score(self, vectors: Vectors) -> Scored:
        """Look at vectors (n, dim)."""

    def degrees(self, vectors: Vectors) -> Values:
        """How much of it is in vectors (n, dim), 0 to 1."""
        return degrees_of(self.score(vectors))


def degrees_of(seen: Scored) -> Values:
    """How much there is, 0 to 1: the strength, or the cosine where no other text was compared."""
    return np.where(np.isnan(seen.strengths), np.clip(seen.cosines, 0, 1), seen.strengths)


@dataclass(frozen=True, slots=True)
class TextTarget(Target):
    """What words mean, against everything else that the vocabulary can say."""

    meaning: Meaning

    @property
    def vectors(self) -> Vectors:
        return self.meaning.vector[np.newaxis]

    def score(self, vectors: Vectors) -> Scored:
        meaning = self.meaning
        cosines = vectors @ meaning.vector
        query_to_labels = meaning.label_vectors @ meaning.vector
        scores = rank_among_labels(
            cosines, vectors @ meaning.label_vectors.T, query_to_labels, logit_scale=meaning.logit_scale
        )
        chance = chance_score(query_to_labels)
        if not query_to_labels.size:  # a vocabulary of which the model knows nothing: no rivals, only nearness
            return Scored(cosines, scores, np.full(len(cosines), np.nan), cosines > 0)
        return Scored(cosines, scores, strengths(scores, chance), scores > chance)


@dataclass(frozen=True, slots=True)
class SoundTarget(Target):
    """A sound, or a part of one, given as an example; what is like it is nearer than most sounds are."""

    vector: Vectors  # (dim,)
    chance: Chance | None = None

    @property
    def vectors(self) -> Vectors:
        return self.vector[np.newaxis]

    def score(self, vectors: Vectors) -> Scored:
        cosines = vectors @ self.vector
        least = 0.0 if self.chance is None else self.chance.center + LIKE_DEVIATIONS * self.chance.spread
        return Scored(cosines, cosines.astype(np.float64), np.full(len(cosines), np.nan), cosines > least)


@dataclass(frozen=True, slots=True)
class AnyTarget(Target):
    """One of several: a sound is as much like it as it is like the nearest."""

    targets: Sequence[Target]

    @property
    def vectors(self) -> Vectors:
        return np.concatenate([target.vectors for target in self.targets])

    def score(self, vectors: Vectors) -> Scored:
        seen = [target.score(vectors) for target in self.targets]
        if len({type(target) for target in self.targets}) > 1:  # words and a sound score on scales of their own
            seen = [one._replace(scores=one.likely + degrees_of(one)) for one in seen]
        best = np.stack([one.scores for one in seen]).argmax(axis=0)  # (n,)
        rows = np.arange(len(vectors))
        cosines, scores, how_strong, likely = (np.stack(column)[best, rows] for column in zip(*seen, strict=True))
        return Scored(cosines, scores, how_strong, likely)


def candidates(
    target: Target, sounds: SoundIndex, moments: MomentIndex | None, *, allowed: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Sounds that come into question, in rising order: near as a whole, or in a moment."""
    found = [np.empty(0, np.int64)]
    for vector in target.vectors:
        found.append(sounds.search(vector, CANDIDATES, allowed_ids=allowed)[0])
        if moments is not None:
            found.append(moments.search_sounds(vector, MOMENT_SOUNDS, allowed_ids=allowed).sound_ids)
    return np.unique(np.concatenate(found))


def likenesses(
    target: Target, ids: NDArray[np.int64], sounds: SoundIndex, moments: MomentIndex | None
) -> dict[int, Likeness]:
    """How much of a target is in some sounds, each as a whole or in its best moment, whichever is more."""
    found = _best_of_each(target, sounds.entries(ids), cost=0.0)
    if moments is not None and len(ids):
        near = [moments.search_sounds(vector, MOMENT_SOUNDS, allowed_ids=ids).sound_ids for vector in target.vectors]
        entries = moments.entries(np.unique(np.concatenate(near)))
        for sound_id, part in _best_of_each(target, entries, cost=MOMENT_COST).items():
            whole = found.get(sound_id)
            if whole is None or part.score > whole.score:
                found[sound_id] = part
    return found


def _best_of_each(target: Target, entries: Entries, *, cost: float) -> dict[int, Likeness]:
    """The best entry of each sound, less a cost for having many: the best of many looks good by chance."""
    if not len(entries):
        return {}
    seen = target.score(entries.vectors)
    order = np.argsort(-seen.scores, kind="stable")
    owners, first, counts = np.unique(entries.owners[order], return_index=True, return_counts=True)
    best = order[first]
    spans_s = np.round(entries.spans_s[best].astype(np.float64), 3)
    columns = (owners, seen.cosines[best], seen.scores[best] - cost * np.log(counts), seen.strengths[best])
    rows = zip(*(column.tolist() for column in (*columns, seen.likely[best], *spans_s.T)), strict=True)
    return {
        owner: Likeness(
            similarity=cosine,
            score=score,
            strength=None if math.isnan(strength) else strength,
            is_likely=likely,
            moment=Moment(start_s, end_s) if end_s > start_s else None,
        )
        for owner, cosine, score, strength, likely, start_s, end_s in rows
    }


def verdict_of(found: Mapping[int, Likeness], chance: Chance | None) -> Verdict | None:
    """Whether the best of an answer is a match: more than chance by its cosine, and nearer than other texts."""
    best = max(found.values(), key=lambda one: one.score, default=None)
    if chance is None or best is None:
        return None
    return chance.verdict(best.similarity) if best.is_likely else Verdict.NONE
