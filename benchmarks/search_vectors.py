"""Vectors that lie as those of real sounds do: in clusters, each in few directions of its own.

Nothing can be judged on vectors without clusters: every index of lists or graphs loses nearly all of their neighbors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CLUSTERS = 2_000
SOUNDS_PER_CLUSTER = 500
DIRECTIONS = 24  # of a cluster
SPREAD = 0.57  # squared length, in those directions, of what is added to a center of length one
NOISE = 0.05  # squared length in all directions
TEXT_PULL = 0.45  # cosine of a center and the text of its label, by about which sounds and their texts lie apart
LABEL_SLOPE = 0.6  # of Zipf's law: the commonest of 199 labels has 4 %, the rarest 0.2 %

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Sounds that were made up."""

    vectors: Vectors  # (n, dim), unit length
    labels: NDArray[np.int64]  # (n,)


class Clusters:
    """Gaussians in subspaces of their own; each stands for one label and lies somewhat towards the label's text.

    Parameters
    ----------
    label_vectors : float32, shape (labels, dim)
        Texts of the labels by the model.
    count : int
        Sounds that will be drawn: fewer have fewer clusters.
    """

    def __init__(self, label_vectors: Vectors, count: int) -> None:
        random = np.random.default_rng(4)
        n_labels, self.dim = label_vectors.shape
        n = int(np.clip(count // SOUNDS_PER_CLUSTER, n_labels, MOST_CLUSTERS))
        weights = random.permutation(np.arange(1, n_labels + 1)) ** -LABEL_SLOPE
        # each label once, then by weight; a cluster's share of its label is its own
        self.labels = np.concatenate(
            [np.arange(n_labels), random.choice(n_labels, n - n_labels, p=weights / weights.sum())]
        )
        of_label = random.lognormal(0, 0.5, n)
        shares = weights[self.labels] * of_label / np.bincount(self.labels, of_label)[self.labels]
        self._shares = shares / shares.sum()
        texts = _unit(label_vectors - label_vectors.mean(axis=0))
        apart = _unit(random.standard_normal((n, self.dim), np.float32))
        self._centers = _unit(TEXT_PULL * texts[self.labels] + np.sqrt(1 - TEXT_PULL**2, dtype=np.float32) * apart)
        scale = np.float32(np.sqrt(SPREAD / DIRECTIONS / self.dim))
        self._bases = scale * random.standard_normal((n, DIRECTIONS, self.dim), np.float32)

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, count: int, *, seed: int) -> Drawn:
        """Make up sounds; the same ones for the same seed."""
        random = np.random.default_rng([5, seed])
        chosen = random.choice(len(self), count, p=self._shares)
        vectors = random.standard_normal((count, self.dim), np.float32) * np.float32(np.sqrt(NOISE / self.dim))
        inner = random.standard_normal((count, DIRECTIONS), np.float32)
        order = np.argsort(chosen, kind="stable")
        starts = np.flatnonzero(np.diff(chosen[order], prepend=-1))
        for members in np.split(order, starts[1:]):
            cluster = chosen[members[0]]
            vectors[members] += self._centers[cluster] + inner[members] @ self._bases[cluster]
        return Drawn(_unit(vectors), self.labels[chosen])


def _unit(rows: Vectors) -> Vectors:
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float32))[:, np.newaxis]
    unit: Vectors = (rows / lengths).astype(np.float32, copy=False)
    return unit


def turned(vectors: Vectors, *, seed: int, length: float = 0.05) -> Vectors:
    """Unit vectors (n, dim) near others."""
    random = np.random.default_rng([6, seed])
    scale = np.float32(length / np.sqrt(vectors.shape[1]))
    return _unit(vectors + scale * random.standard_normal(vectors.shape, np.float32))
