"""Whether a built index may be believed for the rows of this database, and how far it is behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog.models import EmbeddingRemoval
from catalog.store import REMOVALS_KEPT
from search.errors import UnusableIndex
from search.index import files
from search.index.files import Generation, Manifest
from search.rows import Kind, database_identity

TRUSTED_FOR = REMOVALS_KEPT / 2
"""How long after a look an index may still be brought up to date: no removal since then has been dropped, unless its
transaction alone took the other half."""


@dataclass(frozen=True, slots=True)
class Look:
    """The moment of a look at the rows.

    Postgres names the horizon below which every transaction has ended; what lies at or above it may still commit.
    """

    horizon: int
    own: int | None  # our own transaction, if we are in one that writes
    at: datetime  # by the clock of the database, as removals are

    @classmethod
    def now(cls) -> Look:
        """To be taken before the rows are read: what commits in between is seen then and once more."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
                " pg_current_xact_id_if_assigned()::text::bigint, statement_timestamp()"
            )
            horizon, own, at = cursor.fetchone()
        return cls(horizon, own, at)


def check_origin(manifest: Manifest, kind: Kind, model: ModelKey, look: Look) -> None:
    """Raises UnusableIndex where a built index is not of these rows."""
    if manifest.recipe != kind.recipe:
        raise UnusableIndex(f'it holds "{manifest.recipe}", and this Timbre wants "{kind.recipe}"')
    if manifest.database != database_identity():
        raise UnusableIndex("it was built from another database")
    if manifest.horizon > look.horizon:
        raise UnusableIndex("it was built from a later state of the database than this one")
    dim = kind.dim(model)
    if dim is not None and dim != manifest.dim:
        raise UnusableIndex(f"it holds vectors of {manifest.dim} numbers, and the rows have {dim}")


def is_fresh(manifest: Manifest, look: Look) -> bool:
    """Whether everything that was removed since it was built is still known."""
    return look.at - manifest.built_at < TRUSTED_FOR


def is_in(sounds: NDArray[np.int64], changed: NDArray[np.int64], generation: Generation) -> NDArray[np.bool_]:
    """Which rows, by their sound and the transaction that wrote them, are in a built index as they are."""
    built = np.asarray(generation.array(files.SOUNDS), np.int64)
    if not len(built):
        return np.zeros(len(sounds), bool)
    at = np.minimum(np.searchsorted(built, sounds), len(built) - 1)
    stamps = np.asarray(generation.array(files.CHANGED), np.int64)
    found: NDArray[np.bool_] = (built[at] == sounds) & (stamps[at] == changed)
    return found


def rows_behind(generation: Generation, kind: Kind, model: ModelKey) -> int:
    """Rows that a built index does not have as they are: each process holds them in memory until the next one."""
    horizon = generation.manifest.horizon
    rows = kind.newest(kind.embeddings(model).filter(changed_xid__gte=horizon))
    written = np.array(rows.values_list("sound_id", "changed_xid"), np.int64).reshape(-1, 2)
    of_model = {"model_id": model.model_id, "model_revision": model.revision}
    gone = EmbeddingRemoval.objects.filter(**of_model, changed_xid__gte=horizon).values_list("sound_id", flat=True)
    removed = np.setdiff1d(np.fromiter(gone, np.int64), written[:, 0])
    built = np.asarray(generation.array(files.SOUNDS), np.int64)
    fresh = int(np.count_nonzero(~is_in(written[:, 0], written[:, 1], generation)))
    return fresh + int(np.isin(removed, built).sum())
