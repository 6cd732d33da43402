"""How the parts of a search become one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RRF_K = 60
"""Damps the lead of the first ranks, so that two parts that agree outweigh one that is sure. Source: Cormack, Clarke
and Buettcher 2009, which found 60 near the best over many collections and little depending on it."""

WORDS = "words"  # somebody, or the analysis, wrote the word down: the first by words stands beside the first by ear
ALL = "all"  # everything that the conditions let through, where nothing ranks it

CLOSENESS_POWER = 4
"""How fast a label stops counting as another word for a query while their cosine falls: 1 at 1.0, 0.41 at 0.8, 0.06 at
0.5. Over 510 words for the sounds of the demo library, by ear alone, the starter model puts a right sound first for
97.8 % by bare cosine and for 99.6 % so; with the labels that a word stands for taken away, again for 97.8 % and 99.6 %.
With a power of 2 the second falls to 98.6 %, with 8 the first to 99.0 %."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A sound's place in the merged order, and what each part gave to it."""

    id: int
    score: float
    contributions: Mapping[str, float]


def fuse(rankings: Mapping[str, Sequence[int]], *, weights: Mapping[str, float] | None = None) -> list[Fused]:
    """Merge ranked ids by reciprocal rank; equal scores stand by id, so that pages are stable. A part weighs 1 unless
    told otherwise.
    """
    weights = weights or {}
    contributions: dict[int, dict[str, float]] = {}
    for part, ids in rankings.items():
        for rank, sound_id in enumerate(ids, start=1):
            contributions.setdefault(sound_id, {}).setdefault(part, weights.get(part, 1.0) / (RRF_K + rank))
    fused = [Fused(sound_id, sum(parts.values()), parts) for sound_id, parts in contributions.items()]
    return sorted(fused, key=lambda one: (-one.score, one.id))


def rank_among_labels(
    cosines: NDArray[np.float32],
    label_cosines: NDArray[np.float32],
    query_to_labels: NDArray[np.float32],
    *,
    logit_scale: float,
) -> NDArray[np.float64]:
    """Score sounds by how much of what can be said of them means the query.

    `cosines` (n,) are of the query to n sounds, `label_cosines` (n, m) of m labels to the same sounds, and
    `query_to_labels` (m,) of the query to the labels. A score is the log of a share: the odds of the query and of the
    labels that mean nearly the same, over the odds of all texts. So a sound that lies near every text, as short ones
    do ("hubs"), has no lead; and a wide word ("rain") finds what a narrower label ("heavy rain") is sure of. Only the
    order is meant, never a number to show.
    """
    logits = logit_scale * np.column_stack([cosines, label_cosines]).astype(np.float64)  # (n, 1 + m)
    if not query_to_labels.size:
        return logits[:, 0]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: NDArray[np.float64] = np.log(odds @ closeness(query_to_labels)) - np.log(odds.sum(axis=1))
    return scores


def closeness(query_to_labels: NDArray[np.float32]) -> NDArray[np.float64]:
    """How far the query, which is first, and each label (m,) mean the query: 1 the same, 0 something else."""
    return np.concatenate([[1.0], np.clip(query_to_labels.astype(np.float64), 0, 1) ** CLOSENESS_POWER])


def chance_score(query_to_labels: NDArray[np.float32]) -> float:
    """The score of a sound that lies equally near every text: what scores less is rather something else."""
    return float(np.log(closeness(query_to_labels).mean()))


def strengths(scores: NDArray[np.float64], chance: float) -> NDArray[np.float64]:
    """Scores of `rank_among_labels` as a number to show: 1 where everything says the query, 0 at chance and below."""
    if chance >= 0:  # every label means the query, so none is a rival
        return np.zeros(len(scores))
    return np.clip(1 - scores / chance, 0, 1)
