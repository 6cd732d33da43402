"""The index of each model, kept in step with the embedding rows."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock, RLock

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog.models import Embedding, EmbeddingRemoval
from catalog.store import REMOVALS_KEPT
from search.index import VectorIndex

logger = logging.getLogger(__name__)

CHUNK = 5_000
"""Rows taken from the database at once: 10 MB of vectors of 512."""

TRUSTED_FOR = REMOVALS_KEPT / 2
"""How long after a look an index may still be brought up to date: no removal since then has been dropped, unless its
transaction alone took the other half."""

Row = tuple[int, int, bytes | memoryview]  # sound, length, vector


class Follower:
    """Keeps one index in step with the embeddings of one model, in one process.

    Each row carries the number of the transaction that wrote it. Numbers are given out when a transaction begins to
    write and become visible when it commits, so "greater than the last number seen" would miss a row that commits
    late. Postgres names the horizon below which every transaction has ended; what lies at or above the horizon of the
    last look is looked at again, and is the little that was written since.
    """

    def __init__(self, model: ModelKey) -> None:
        self.model = model
        self.index: VectorIndex | None = None  # until a first embedding says how long they are
        self._horizon: int | None = None
        self._looked_at: datetime | None = None  # by the clock of the database, as removals are
        self._applied: set[tuple[int, int]] = set()  # sound and transaction of what is taken in at or above the horizon
        self._lock = RLock()

    def follow(self) -> VectorIndex | None:
        """The index with what was committed since the last time; two small queries where nothing was."""
        with self._lock:
            horizon, own, now = _horizon()  # before the rows: what commits in between is seen now and once more
            if self._can_follow(horizon, now):
                self._take_changes(own)
            else:
                self._load()
            self._horizon, self._looked_at = horizon, now
            self._applied = {change for change in self._applied if change[1] >= horizon}
            return self.index

    def _can_follow(self, horizon: int, now: datetime) -> bool:
        if self._horizon is None or self._looked_at is None:
            return False
        return horizon >= self._horizon and now - self._looked_at < TRUSTED_FOR  # it falls only on another server

    def _load(self) -> None:
        self.index, last, count = None, 0, 0
        while rows := list(_newest(self._embeddings().filter(sound_id__gt=last))[:CHUNK]):
            self._put(rows)
            last, count = rows[-1][0], count + len(rows)
        logger.info("Loaded %s embeddings of %s", count, self.model.model_id)

    def _take_changes(self, own: int | None) -> None:
        changes = self._changes()
        # a transaction of our own that is still open may write a row again under the same number
        due = list({sound for sound, written in changes if written == own or (sound, written) not in self._applied})
        for start in range(0, len(due), CHUNK):
            self._renew(due[start : start + CHUNK])
        self._applied |= changes

    def _changes(self) -> set[tuple[int, int]]:
        """Sounds whose embeddings were written or removed at or above the horizon, with the transaction that did it."""
        of_model = {"model_id": self.model.model_id, "model_revision": self.model.revision}
        written = Embedding.objects.filter(**of_model, changed_xid__gte=self._horizon)
        removed = EmbeddingRemoval.objects.filter(**of_model, changed_xid__gte=self._horizon)
        columns = ("sound_id", "changed_xid")
        return set(written.order_by().values_list(*columns).union(removed.order_by().values_list(*columns)))

    def _renew(self, sounds: Sequence[int]) -> None:
        held = self._put(list(_newest(self._embeddings().filter(sound_id__in=sounds))))
        if self.index is not None:
            self.index.remove(np.setdiff1d(sounds, held))

    def _put(self, rows: Sequence[Row]) -> NDArray[np.int64]:
        if self.index is None:
            if not rows:
                return np.empty(0, np.int64)
            self.index = VectorIndex(rows[0][1])
        ids, vectors = clip_vectors(rows, self.index.dim)
        self.index.put(ids, vectors)
        return ids

    def _embeddings(self) -> QuerySet[Embedding]:
        return Embedding.objects.filter(model_id=self.model.model_id, model_revision=self.model.revision)


def clip_vectors(rows: Iterable[Row], dim: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What the index holds of the rows: the clip's vector of each sound.

    A silent sound, which has a vector of zeros and no direction, is left out; so is a broken row, which is logged.
    """
    ids: list[int] = []
    vectors: list[NDArray[np.float32]] = []
    for sound_id, _, clip in rows:
        whole = len(clip) == dim * np.dtype(np.float32).itemsize
        vector = np.frombuffer(clip, np.float32) if whole else np.full(dim, np.nan, np.float32)
        if not np.isfinite(vector).all():
            logger.warning("The embedding of sound %s is broken (%s bytes): it cannot be found", sound_id, len(clip))
        elif vector.any():
            ids.append(sound_id)
            vectors.append(vector)
    return np.array(ids, np.int64), np.stack(vectors) if vectors else np.empty((0, dim), np.float32)


def _newest(embeddings: QuerySet[Embedding]) -> QuerySet[Embedding, Row]:
    """One embedding a sound, the one written last: profiles cut different windows, the clip is the same sound."""
    newest = embeddings.order_by("sound_id", "-changed_xid", "-id").distinct("sound_id")
    return newest.values_list("sound_id", "dim", "clip")


def _horizon() -> tuple[int, int | None, datetime]:
    """The oldest transaction that is still open, or the next one to come; our own, if we are in one; the time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
            " pg_current_xact_id_if_assigned()::text::bigint, statement_timestamp()"
        )
        horizon, own, now = cursor.fetchone()
    return horizon, own, now


_followers: dict[ModelKey, Follower] = {}
_followers_lock = Lock()


def current_index(model: ModelKey) -> VectorIndex | None:
    """The index of a model as the rows stand now; None while nothing was analyzed with it."""
    with _followers_lock:
        follower = _followers.setdefault(model, Follower(model))
    return follower.follow()


def forget_indexes() -> None:
    """Drop every index of this process; the next search loads anew."""
    with _followers_lock:
        _followers.clear()
