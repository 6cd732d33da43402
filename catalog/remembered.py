"""The ids that a filter lets through, kept while the sounds stay as they are: people search many times under one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

import numpy as np
from cachetools import LRUCache
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from catalog.identifiers import ids_of
from catalog.models import Sound, SoundChange
from catalog.postings import CHANGES_KEPT, Standing

WORTH_S = 0.01
"""Ids that were read faster are read again: to ask what changed takes a part of that."""

MOST_BYTES = 64 * 2**20
LEAST_BYTES = 4_096  # of what is kept of a filter that finds nothing: the query itself
MOST_CHANGED = 5_000
"""Sounds that changed since, up to which each is asked whether the filter lets it through now."""

Question = tuple[str, tuple[object, ...]]
"""A query of Postgres and what stands in it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    ids: NDArray[np.int64]  # in rising order
    standing: Standing  # when they were read


_kept: LRUCache[Question, _Kept] = LRUCache(MOST_BYTES, getsizeof=lambda kept: kept.ids.nbytes + LEAST_BYTES)
_lock = Lock()


def remembered_ids(sounds: QuerySet[Sound]) -> NDArray[np.int64]:
    """The ids of all sounds of a query, in rising order, as they are now."""
    if connection.in_atomic_block:  # what we wrote may be taken back
        return np.sort(ids_of(sounds))
    try:
        sql, parameters = sounds.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return np.empty(0, np.int64)
    question = sql, tuple(map(repr, parameters))
    standing = Standing.now()
    with _lock:
        kept = _kept.get(question)
    if kept is not None and (ids := _brought_up_to_date(kept, sounds, standing)) is not None:
        _keep(question, _Kept(ids, standing))
        return ids
    began = time.monotonic()
    ids = np.sort(ids_of(sounds))
    if time.monotonic() - began >= WORTH_S:
        _keep(question, _Kept(ids, standing))
    return ids


def forget_ids() -> None:
    """Keep nothing; for tests, and for a process that goes over to another database."""
    with _lock:
        _kept.clear()


def _brought_up_to_date(kept: _Kept, sounds: QuerySet[Sound], now: Standing) -> NDArray[np.int64] | None:
    """None where they have to be read anew."""
    then = kept.standing
    if (then.database, then.checkpoint) != (now.database, now.checkpoint):
        return None
    if now.horizon < then.horizon or now.at - then.at > CHANGES_KEPT / 2:
        return None
    changes = SoundChange.objects.filter(changed_xid__gte=then.horizon).order_by()
    ids = changes.values_list("sound_id", flat=True).distinct()[: MOST_CHANGED + 1]
    changed = np.unique(np.fromiter(ids, np.int64))
    if not len(changed):
        return kept.ids
    if len(changed) > MOST_CHANGED:
        return None
    still = np.setdiff1d(kept.ids, changed, assume_unique=True)
    return np.union1d(still, ids_of(sounds.filter(pk__in=changed.tolist())))


def _keep(question: Question, fresh: _Kept) -> None:
    if fresh.ids.nbytes <= MOST_BYTES:
        with _lock:
            _kept[question] = fresh
