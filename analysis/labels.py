"""From vectors to labels: prompts, the vectors of all labels kept on disk, and scores in two stages."""

from __future__ import annotations

import hashlib
import json
import os
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
SOUNDS_AT_ONCE = 3  # labels that a window is searched for one after the other; two seconds seldom hold more
REST_WEIGHT = 0.4
"""Of a share of what is left beside surer labels: at a confidence of 0.25 the rest has to be sure by 0.63. Measured
on 352 synthesized sounds (as in `analysis.events`): a weight of 0.35 to 0.5 gives the same, 0.7 costs precision."""
LEAST_LABELS_FOR_RESTS = 20  # the rest of fewer has too little to stand out from: one of two labels would take all
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
    overlaps : float32, shape (n_labels, n_labels)
        In a row how much of a label each label shares, both from the mean of all: one of itself, none where they
        have nothing in common.
    """

    labels: tuple[Label, ...]
    vectors: Floats
    membership: Floats
    logit_scale: float
    overlaps: Floats


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
    unfinished = path.with_name(f".{path.stem}-{os.getpid()}-{id(vectors):x}.npy")
    np.save(unfinished, vectors)
    unfinished.replace(path)


def make_label_space(labels: Sequence[Label], vectors: Floats, logit_scale: float) -> LabelSpace:
    """Put labels, their vectors and their categories together."""
    names = list(dict.fromkeys(label.category for label in labels))
    membership = np.zeros((len(labels), len(names)), np.float32)
    membership[np.arange(len(labels)), [names.index(label.category) for label in labels]] = 1
    return LabelSpace(tuple(labels), vectors, membership, logit_scale, _overlaps(vectors))


def _overlaps(vectors: Floats) -> Floats:
    own = vectors - vectors.mean(axis=0)
    products = own @ own.T
    lengths = np.maximum(np.diag(products), np.float32(1e-12))  # a label alone has nothing of its own
    overlaps: Floats = products / lengths[:, None]
    return overlaps


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
        shares *= _kept_categories(shares, space, top_k)
    shares *= np.any(embeddings, axis=1, keepdims=True)
    scores: Floats = shares / np.maximum(shares.sum(axis=1, keepdims=True), np.float32(1e-12))
    return scores


def score_presence(embeddings: Floats, space: LabelSpace, *, top_k: int | None) -> Floats:
    """Score each label for being heard, whatever else is heard with it: the scores of a window may add up to more.

    Parameters
    ----------
    embeddings : float32, shape (n, dim)
        Rows of unit length; a row of zeros (a silent window) scores nothing.
    space : LabelSpace
    top_k : int or None
        Categories that may be heard in one window; None is all.

    Returns
    -------
    float32, shape (n, n_labels)
        From 0 to 1; labels of other categories have zero. Of a space of a few labels, as somebody types them, these
        are the shares of `score_labels`.

    Notes
    -----
    Matching pursuit (Mallat and Zhang 1993) among labels: the surest label has its share of the softmax over all. What
    it explains is taken out of every other label's logit, in proportion to how alike their vectors are, so that near
    synonyms go with it while what else sounds stays; the rest is a softmax of its own, and so on. A share of a rest
    counts `REST_WEIGHT`. Logits are taken from the mean of all labels: what they have in common (in a CLAP model
    the sentence around them) says nothing.

    What two sounds do to a vector differs from model to model. The first starter (revision c1429dedaf36) hardly adds
    them: of 439 windows of two or three synthesized sounds whose surest label is right, the softmax names the next
    one right in 12 %, the rest in 17 %. So what is gained with it is mostly precision (see `analysis.events`). Of
    vectors that do add up, 2 to 1, the weaker label has next to nothing in the softmax and most of the rest.
    """
    if len(space.labels) < LEAST_LABELS_FOR_RESTS:
        return score_labels(embeddings, space, top_k=top_k)
    presence = _presence(embeddings, space)
    if top_k is not None and top_k < space.membership.shape[1]:
        presence *= _kept_categories(presence, space, top_k)
    heard: Floats = presence * np.any(embeddings, axis=1, keepdims=True)
    return heard


def _presence(embeddings: Floats, space: LabelSpace) -> Floats:
    logits: Floats = space.logit_scale * (embeddings @ space.vectors.T)
    logits -= logits.mean(axis=1, keepdims=True)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.arange(len(logits))
    surest = shares.argmax(axis=1)
    presence: Floats = np.zeros_like(shares)
    presence[rows, surest] = shares[rows, surest]
    for _ in range(SOUNDS_AT_ONCE - 1):
        logits -= logits[rows, surest, None] * space.overlaps[surest]
        logits[rows, surest] = -np.inf  # it has its score
        rests = np.exp(logits - logits.max(axis=1, keepdims=True))
        rests *= REST_WEIGHT / rests.sum(axis=1, keepdims=True)
        np.maximum(presence, rests, out=presence)
        surest = rests.argmax(axis=1)
    return presence


def _kept_categories(scores: Floats, space: LabelSpace, top_k: int) -> Floats:
    """One for labels of the `top_k` categories of each row, shape (n, n_labels), else zero."""
    categories = scores @ space.membership  # (n, n_categories)
    least = np.partition(categories, -top_k, axis=1)[:, -top_k, None]
    kept: Floats = (categories >= least).astype(np.float32) @ space.membership.T
    return kept
