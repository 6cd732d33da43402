"""How the parts of a search become one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RRF_K = 60
"""Damps the lead of the first ranks, so that two parts that agree outweigh one that is sure. Source: Cormack, Clarke
and Buettcher 2009, which found 60 near the best over many collections and little depending on it."""

WORDS = "words"
MEANING = "meaning"

WEIGHTS: Mapping[str, float] = {
    WORDS: 1.0,  # somebody, or the analysis, wrote the word down: the first by words stands beside the first by meaning
    MEANING: 1.0,  # every sound has a similarity, so this part alone orders what no word was found for
}

LABELS_SHARE = 1.0
"""How much of what the labels explain of a sound is taken off its similarity to a query: 0 ranks by bare cosine, 1 by
the log of the probability of the query among the labels."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A sound's place in the merged order, and what each part gave to it."""

    id: int
    score: float
    contributions: Mapping[str, float]


def fuse(rankings: Mapping[str, Sequence[int]], *, weights: Mapping[str, float] = WEIGHTS) -> list[Fused]:
    """Merge ranked ids by reciprocal rank; equal scores stand by id, so that pages are stable."""
    contributions: dict[int, dict[str, float]] = {}
    for part, ids in rankings.items():
        for rank, sound_id in enumerate(ids, start=1):
            contributions.setdefault(sound_id, {}).setdefault(part, weights[part] / (RRF_K + rank))
    fused = [Fused(sound_id, sum(parts.values()), parts) for sound_id, parts in contributions.items()]
    return sorted(fused, key=lambda one: (-one.score, one.id))


def log_evidence(label_cosines: NDArray[np.float32], *, logit_scale: float) -> NDArray[np.float64]:
    """How strongly sounds (n,) lie near texts at all: log of the summed odds of all labels, of their cosines (n, m)."""
    logits = logit_scale * label_cosines.astype(np.float64)
    highest = logits.max(axis=1)
    evidence: NDArray[np.float64] = highest + np.log(np.exp(logits - highest[:, np.newaxis]).sum(axis=1))
    return evidence


def rank_against_labels(
    cosines: NDArray[np.float32],
    label_cosines: NDArray[np.float32],
    *,
    logit_scale: float,
    share: float = LABELS_SHARE,
) -> NDArray[np.float64]:
    """Score sounds by how much better a query explains them than the labels do.

    `cosines` (n,) are of the query to n sounds, `label_cosines` (n, m) of the same sounds to all m labels. Some sounds,
    short ones above all, lie near every text ("hubs") and would stand first for any query; others lie near none. What
    a sound's own labels reach is therefore taken off: at `share` 1 the score is log softmax of the query among the
    labels, an order in which a hub has no lead. Only the order is meant, never a number to show.
    """
    logits = logit_scale * cosines.astype(np.float64)
    if not label_cosines.size:
        return logits
    scores: NDArray[np.float64] = logits - share * log_evidence(label_cosines, logit_scale=logit_scale)
    return scores


def is_likely(
    cosines: NDArray[np.float32], label_cosines: NDArray[np.float32], *, logit_scale: float
) -> NDArray[np.bool_]:
    """Whether a query explains sounds (n,) better than a label taken by chance would; arguments as above."""
    if not label_cosines.size:
        return cosines > 0
    average = log_evidence(label_cosines, logit_scale=logit_scale) - np.log(label_cosines.shape[1])
    likely: NDArray[np.bool_] = logit_scale * cosines.astype(np.float64) > average
    return likely
