"""What an index holds of the embedding rows: the clip's vector of each sound, or the moments of each long one."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import connection
from django.db.models import F, QuerySet
from numpy.typing import NDArray

from analysis.clap import ModelKey
from analysis.samples import SAMPLE_RATE_HZ
from analysis.windows import CLIP_SAMPLES, starts_of_stored, window_samples
from catalog.models import Embedding, EmbeddingRemoval
from search.index import Entries
from search.index.files import Shelf
from search.index.segments import SAME_COSINE, segment_bounds, segment_vectors

logger = logging.getLogger(__name__)

LONG_S = CLIP_SAMPLES / SAMPLE_RATE_HZ
"""Sounds up to what a model hears at once are found whole; what is longer has moments."""

STAMPS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of some sounds."""

    sounds: NDArray[np.int64]  # in rising order, also those without an entry
    changed: NDArray[np.int64]  # the transaction that wrote each
    entries: Entries

    @classmethod
    def joined(cls, parts: list[Read], dim: int) -> Read:
        empty = np.empty(0, np.int64)
        return cls(
            np.concatenate([empty, *(part.sounds for part in parts)]),
            np.concatenate([empty, *(part.changed for part in parts)]),
            Entries.joined([part.entries for part in parts], dim),
        )


class Kind(ABC):
    """A way to make entries of rows."""

    name: str
    recipe: str  # changes with whatever changes entries: an index of another recipe is built anew
    dtype: str
    chunk: int  # rows taken from the database at once
    worth_building: int  # rows from which on a built index is better than reading them

    @abstractmethod
    def embeddings(self, model: ModelKey) -> QuerySet[Embedding]:
        """The rows that entries are made of."""

    @abstractmethod
    def read(self, rows: QuerySet[Embedding], dim: int) -> Read:
        """Entries of the newest row of each sound."""

    def newest(self, rows: QuerySet[Embedding]) -> QuerySet[Embedding]:
        """One embedding a sound, the one written last: profiles cut different windows, the clip is the same sound."""
        return rows.order_by("sound_id", "-changed_xid", "-id").distinct("sound_id")

    def dim(self, model: ModelKey) -> int | None:
        """How long the vectors of a model are; None where it has no row."""
        return self.newest(self.embeddings(model)).values_list("dim", flat=True).first()

    def pages(self, model: ModelKey, dim: int, *, chunk: int | None = None) -> Iterator[Read]:
        """Everything, in the order of the sounds. Each page sees what was committed when it is read."""
        last = -1
        while True:
            rows = self.newest(self.embeddings(model).filter(sound_id__gt=last))[: chunk or self.chunk]
            page = self.read(rows, dim)
            if not len(page.sounds):
                return
            yield page
            last = int(page.sounds[-1])

    def stamps(self, model: ModelKey) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Every sound and the transaction that wrote it, without its vectors."""
        last = -1
        while True:
            rows = self.newest(self.embeddings(model).filter(sound_id__gt=last))
            page = np.array(rows.values_list("sound_id", "changed_xid")[:STAMPS_AT_ONCE], np.int64).reshape(-1, 2)
            if not len(page):
                return
            yield page[:, 0], page[:, 1]
            last = int(page[-1, 0])

    def shelf(self, root: Path, model: ModelKey) -> Shelf:
        return Shelf(root, model_id=model.model_id, model_revision=model.revision, kind=self.name)


class SoundVectors(Kind):
    """The clip's vector of each sound."""

    name = "sounds"
    recipe = "clip vectors"
    dtype = "<f4"
    chunk = 5_000  # 10 MB of vectors of 512
    worth_building = 2_000

    def embeddings(self, model: ModelKey) -> QuerySet[Embedding]:
        return Embedding.objects.filter(model_id=model.model_id, model_revision=model.revision)

    def read(self, rows: QuerySet[Embedding], dim: int) -> Read:
        """A silent sound, which has a vector of zeros and no direction, is left out; so is a broken row, which is
        logged.
        """
        sounds, changed, ids, vectors = [], [], [], []
        for sound_id, written, clip in rows.values_list("sound_id", "changed_xid", "clip"):
            sounds.append(sound_id)
            changed.append(written)
            vector = vector_of(sound_id, clip, dim)
            if vector is not None:
                ids.append(sound_id)
                vectors.append(vector)
        held = np.stack(vectors) if vectors else np.empty((0, dim), np.float32)
        entries = Entries.of_whole_sounds(np.array(ids, np.int64), held)
        return Read(np.array(sounds, np.int64), np.array(changed, np.int64), entries)


def vector_of(sound_id: int, clip: bytes | memoryview, dim: int) -> NDArray[np.float32] | None:
    whole = len(clip) == dim * np.dtype(np.float32).itemsize
    vector = np.frombuffer(clip, np.float32) if whole else np.full(dim, np.nan, np.float32)
    if not np.isfinite(vector).all():
        logger.warning("The embedding of sound %s is broken (%s bytes): it cannot be found", sound_id, len(clip))
        return None
    return vector if vector.any() else None


@dataclass(frozen=True, slots=True)
class StoredWindows:
    """The windows of one sound, as the row has them."""

    sound_id: int
    written: int
    window_s: float
    hop_s: float
    duration_s: float
    stored: bytes | memoryview

    def segments(self, dim: int) -> Entries:
        size = dim * np.dtype(np.float16).itemsize
        if not len(self.stored) or len(self.stored) % size:
            if len(self.stored):
                logger.warning(
                    "The windows of sound %s are broken (%s bytes): its moments cannot be found",
                    self.sound_id,
                    len(self.stored),
                )
            return Entries.none(dim)
        windows = np.frombuffer(self.stored, "<f2").reshape(-1, dim).astype(np.float32)
        n_samples = max(1, round(self.duration_s * SAMPLE_RATE_HZ))
        starts_s = starts_of_stored(n_samples, self.window_s, self.hop_s, len(windows)) / SAMPLE_RATE_HZ
        length_s = window_samples(n_samples, self.window_s) / SAMPLE_RATE_HZ
        bounds = segment_bounds(windows)
        spans_s = np.column_stack([starts_s[bounds[:, 0]], starts_s[bounds[:, 1] - 1] + length_s]).astype(np.float32)
        owners = np.full(len(bounds), self.sound_id, np.int64)
        return Entries(owners, segment_vectors(windows, bounds), spans_s)


class SoundMoments(Kind):
    """The segments of each sound that is longer than a model hears at once."""

    name = "moments"
    recipe = f"windows of sounds over {LONG_S:g} s, merged at cosine {SAME_COSINE}"
    dtype = "<f2"  # windows are stored so
    chunk = 50  # 3,600 windows of 512 are 3.7 MB a row
    worth_building = 200

    def embeddings(self, model: ModelKey) -> QuerySet[Embedding]:
        return Embedding.objects.filter(
            model_id=model.model_id, model_revision=model.revision, window_s__gt=0, sound__duration_s__gt=LONG_S
        )

    def read(self, rows: QuerySet[Embedding], dim: int) -> Read:
        columns = rows.values_list("sound_id", "changed_xid", "window_s", "hop_s", F("sound__duration_s"), "windows")
        found = [StoredWindows(*row) for row in columns]
        sounds, changed = ([one.sound_id for one in found], [one.written for one in found])
        entries = Entries.joined([one.segments(dim) for one in found], dim)
        return Read(np.array(sounds, np.int64), np.array(changed, np.int64), entries)


SOUNDS = SoundVectors()
MOMENTS = SoundMoments()
KINDS: tuple[Kind, ...] = (SOUNDS, MOMENTS)


def changes_since(model: ModelKey, horizon: int) -> set[tuple[int, int]]:
    """Sounds whose embeddings were written or removed at or above a horizon, with the transaction that did it."""
    of_model = {"model_id": model.model_id, "model_revision": model.revision}
    written = Embedding.objects.filter(**of_model, changed_xid__gte=horizon)
    removed = EmbeddingRemoval.objects.filter(**of_model, changed_xid__gte=horizon, sound_id__gt=0)
    columns = ("sound_id", "changed_xid")
    return set(written.order_by().values_list(*columns).union(removed.order_by().values_list(*columns)))


def analyzed_models() -> list[ModelKey]:
    """Every model and revision that sounds were analyzed with, by a step in an index for each of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE model AS ("
            " (SELECT model_id, model_revision FROM catalog_embedding ORDER BY 1, 2 LIMIT 1)"
            " UNION ALL SELECT another.* FROM model CROSS JOIN LATERAL ("
            " SELECT model_id, model_revision FROM catalog_embedding AS embedding"
            " WHERE (embedding.model_id, embedding.model_revision) > (model.model_id, model.model_revision)"
            " ORDER BY 1, 2 LIMIT 1) AS another"
            ") SELECT model_id, model_revision FROM model"
        )
        return [ModelKey(model_id, revision) for model_id, revision in cursor.fetchall()]
