"""From vectors to labels: prompts, the vectors of all labels kept on disk, and scores in two stages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from analysis.checkpoints import ModelSource
from analysis.vocabulary import Label, Vocabulary

Floats = npt.NDArray[np.float32]

SILENCE_LABEL = "silence"  # told by measurement: a model hears something in everything
CACHE_VERSION = 1  # changes with the way that prompts become a vector


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """The labels that a model is asked about, and where it places them.

    Attributes
    ----------
    labels : tuple of Label
    vectors : float32, shape (n_labels, dim)
        Rows of unit length.
    membership : float32, shape (n_labels, n_categories)
        One where a label belongs to a category.
    logit_scale : float
    """

    labels: tuple[Label, ...]
    vectors: Floats
    membership: Floats
    logit_scale: float


def scored_labels(vocabulary: Vocabulary, source: ModelSource) -> tuple[Label, ...]:
    """Choose the labels that a model is asked about.

    Parameters
    ----------
    vocabulary : Vocabulary
    source : ModelSource
        Where it knows only some labels, the others stay out; labels given by hand all stay in.

    Returns
    -------
    tuple of Label
        Without silence, which is measured.
    """
    labels = tuple(label for label in vocabulary.labels if vocabulary.is_custom or label.name != SILENCE_LABEL)
    if vocabulary.is_custom or source.known_labels is None:
        return labels
    return tuple(label for label in labels if label.name in source.known_labels)


def prompts_of(label: Label, template: str) -> list[str]:
    """Write the sentences that a label's vector is the mean of.

    Parameters
    ----------
    label : Label
    template : str
        `{}` is the place of the label and of each of its extra prompts.

    Returns
    -------
    list of str
    """
    return [template.format(phrase) for phrase in (label.name, *label.prompts)]


def label_vectors(labels: Sequence[Label], template: str, encode: Callable[[Sequence[str]], Floats]) -> Floats:
    """Place labels among sounds: the mean of the vectors of each label's prompts, of unit length.

    Parameters
    ----------
    labels : sequence of Label
    template : str
    encode : callable
        Texts to float32, shape (n, dim), rows of unit length.

    Returns
    -------
    float32, shape (n_labels, dim)
    """
    prompts = [prompts_of(label, template) for label in labels]
    vectors = encode([prompt for group in prompts for prompt in group])
    starts = np.cumsum([0, *(len(group) for group in prompts[:-1])])
    sums = np.add.reduceat(vectors, starts, axis=0)  # the direction of a sum is that of the mean
    vectors_of_labels: Floats = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
    return vectors_of_labels


def cache_file(cache_dir: Path, source: ModelSource, template: str, vocabulary: Vocabulary) -> Path:
    """Name the file of a model's label vectors: by the fingerprint of all that changes them."""
    known = sorted(source.known_labels) if source.known_labels is not None else None
    parts = [CACHE_VERSION, source.key.model_id, source.key.revision, template, vocabulary.sha256, known]
    fingerprint = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return cache_dir / f"labels-{fingerprint}.npy"


def read_cached_vectors(path: Path, n_labels: int) -> Floats | None:
    """Read label vectors that were kept.

    Returns
    -------
    float32, shape (n_labels, dim), or None
        None where there are none, or where the file is of another shape or damaged: they can always be made again.
    """
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile):
        return None
    fits = isinstance(vectors, np.ndarray) and vectors.ndim == 2 and len(vectors) == n_labels
    return vectors.astype(np.float32) if fits else None


def write_cached_vectors(path: Path, vectors: Floats) -> None:
    """Keep label vectors; another process sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}-{id(vectors):x}.npy")
    np.save(unfinished, vectors)
    unfinished.replace(path)


def make_label_space(labels: Sequence[Label], vectors: Floats, logit_scale: float) -> LabelSpace:
    """Put labels, their vectors and their categories together."""
    names = list(dict.fromkeys(label.category for label in labels))
    membership = np.zeros((len(labels), len(names)), np.float32)
    membership[np.arange(len(labels)), [names.index(label.category) for label in labels]] = 1
    return LabelSpace(tuple(labels), vectors, membership, logit_scale)


def score_labels(embeddings: Floats, space: LabelSpace, *, top_k: int | None) -> Floats:
    """Score all labels in two stages.

    Parameters
    ----------
    embeddings : float32, shape (n, dim)
        Rows of unit length; a row of zeros (a silent window) scores nothing.
    space : LabelSpace
    top_k : int or None
        Categories that the first stage keeps; None is all.

    Returns
    -------
    float32, shape (n, n_labels)
        Rows add up to one over the labels of the kept categories; other labels have zero.

    Notes
    -----
    First stage: categories by the sum of the softmax over all their labels, so that near synonyms help their
    category and do not share its chance. Second stage: softmax(logit_scale * cosine) over what is kept.
    """
    logits = space.logit_scale * (embeddings @ space.vectors.T)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    if top_k is not None and top_k < space.membership.shape[1]:
        categories = shares @ space.membership  # (n, n_categories)
        least = np.partition(categories, -top_k, axis=1)[:, -top_k, None]
        shares *= (categories >= least).astype(np.float32) @ space.membership.T
    shares *= np.any(embeddings, axis=1, keepdims=True)
    scores: Floats = shares / np.maximum(shares.sum(axis=1, keepdims=True), np.float32(1e-12))
    return scores
