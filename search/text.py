"""What words mean to the active model: its text tower, loaded once a process, and the vectors of queries."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from analysis.clap import ModelKey, ModelSource, read_logit_scale
from analysis.labels import cache_file, label_vectors, read_cached_vectors, scored_labels, write_cached_vectors
from catalog import engine
from catalog.wording import KnownWords, Reading, by_stem, read_query
from search.errors import UnknownWords

logger = logging.getLogger(__name__)

QUERIES_KEPT = 2_000
"""Vectors of the latest queries: 4 MB at 512 numbers each."""

LONGEST_QUERY = 500
"""Letters of a query that are read; a text tower takes some 500 tokens and a person fewer."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Where a model places a query, and the labels that its rivals are taken from."""

    vector: Vectors  # (dim,), unit length
    label_vectors: Vectors  # (n_labels, dim), unit length
    logit_scale: float
    reading: Reading


class TextSpace:
    """The text side of one model: think of it as a function from queries to vectors, beside those of all labels."""

    def __init__(self, source: ModelSource) -> None:
        self._template = source.template
        self._encoder = engine.text_encoder(source)
        self._known_words = KnownWords(source)
        self._stems = by_stem(text for label in engine.vocabulary().labels for text in (label.name, *label.synonyms))
        self._label_vectors = self._place_labels(source)
        self._logit_scale = read_logit_scale(source)
        self._threads = ThreadpoolController()  # of the libraries that are loaded by now
        self.meaning_of = lru_cache(QUERIES_KEPT)(self._meaning_of)

    def _meaning_of(self, query: str) -> Meaning:
        reading = read_query(query[:LONGEST_QUERY], self._known_words.knows, self._stems)
        if not reading.text:
            raise UnknownWords("the model knows none of these words")
        # in this thread alone: several wait for each other in a loop, and searches run beside each other
        with self._threads.limit(limits=1, user_api="openmp"):
            rows = self._encoder.encode(query_texts(reading.text, self._template))
        return Meaning(mean_direction(rows), self._label_vectors, self._logit_scale, reading)

    def _place_labels(self, source: ModelSource) -> Vectors:
        vocabulary = engine.vocabulary()
        labels = scored_labels(vocabulary, source)
        if not labels:  # a vocabulary of somebody's own, of which this model knows nothing
            return np.empty((0, self._encoder.dim), np.float32)
        path = cache_file(settings.CACHE_DIR, source, source.template, vocabulary)
        vectors = read_cached_vectors(path, len(labels))
        if vectors is None:
            vectors = label_vectors(labels, source.template, self._encoder.encode)
            write_cached_vectors(path, vectors)
        return vectors


def query_texts(query: str, template: str) -> list[str]:
    """The query in the sentence that labels stand in, and bare; in small letters, as labels are written."""
    text = query[:LONGEST_QUERY].lower()
    return [template.replace("{}", text), text]


def mean_direction(rows: Vectors) -> Vectors:
    """The direction (dim,) of the mean of unit rows (n, dim); rows that cancel out leave that of the first."""
    total = rows.sum(axis=0)
    length = float(np.linalg.norm(total))
    direction: Vectors = total / length if length > np.finfo(np.float32).eps else rows[0]
    return direction


_spaces: dict[ModelKey, TextSpace] = {}
_spaces_lock = Lock()


def meaning_of(query: str) -> Meaning:
    """What a query means to the active model. Raises ModelUnavailable where that cannot be loaded, and UnknownWords
    where it knows none of the query's words.
    """
    return _space(engine.active_source()).meaning_of(query)


def _space(source: ModelSource) -> TextSpace:
    with _spaces_lock:  # whoever comes while the tower is being loaded waits for it
        if source.key not in _spaces:
            _spaces[source.key] = TextSpace(source)
            logger.info("Loaded the text tower of %s", source.key.model_id)
        return _spaces[source.key]


def forget_texts() -> None:
    """Drop the text tower of this process; the next search loads it anew."""
    with _spaces_lock:
        _spaces.clear()
    engine.forget_text_encoders()
