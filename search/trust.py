"""Whether a built index may be believed for the rows of this database, and how far it is behind them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog.models import EmbeddingRemoval
from catalog.store import REMOVALS_KEPT
from search.errors import UnusableIndex
from search.index import files
from search.index.files import Generation, Manifest
from search.rows import Kind

TRUSTED_FOR = REMOVALS_KEPT / 2
"""How long after a look an index may still be brought up to date: no removal since then has been dropped, unless its
transaction alone took the other half."""

COUNTED = 10_000
"""Rows behind that are counted for people; where there are more, that is said."""

LOOKED_AT = 2
"""Times as many of the newest rows as are counted are compared. There are more since the horizon of a built index where
a transaction stayed open for long, and then what is older is in it."""


@dataclass(frozen=True, slots=True)
class Database:
    """Which database this is: transactions are numbered anew in another."""

    name: str  # of the server and the database on it; its indexes lie in a folder of this name
    past: str  # another one after a restore from a log, and once the embeddings were restored or emptied in place

    @property
    def folder(self) -> Path:
        return Path(settings.INDEX_DIR) / self.name

    def __str__(self) -> str:
        return f"{self.name}/{self.past}"


@dataclass(frozen=True, slots=True)
class Look:
    """The moment of a look at the rows.

    Postgres names the horizon below which every transaction has ended; what lies at or above it may still commit.
    """

    horizon: int
    own: int | None  # our own transaction, if we are in one that writes
    at: datetime  # by the clock of the database, as removals are
    started_at: datetime  # when the server was
    checkpoint: str  # the last one; a crash makes another
    outlasting: int  # below it, no number is given out again after a crash
    database: Database

    @classmethod
    def now(cls) -> Look:
        """To be taken before the rows are read: what commits in between is seen then and once more."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
                " pg_current_xact_id_if_assigned()::text::bigint, statement_timestamp(), pg_postmaster_start_time(),"
                " last.checkpoint_lsn::text, split_part(last.next_xid, ':', 1)::bigint * 4294967296"
                " + split_part(last.next_xid, ':', 2)::bigint,"
                " concat_ws('-', system.system_identifier, base.oid),"
                " concat_ws('/', last.timeline_id, pg_relation_filenode('catalog_embedding'))"
                " FROM pg_control_system() AS system, pg_control_checkpoint() AS last, pg_database AS base"
                " WHERE base.datname = current_database()"
            )
            horizon, own, at, started_at, checkpoint, outlasting, name, past = cursor.fetchone()
        return cls(horizon, own, at, started_at, checkpoint, outlasting, Database(name, past))

    def can_follow(self, earlier: Look) -> bool:
        """Whether all that changed since an earlier look is known, in the same past of the same database."""
        same = (self.database, self.started_at) == (earlier.database, earlier.started_at)
        return same and self.horizon >= earlier.horizon and self.at - earlier.at < TRUSTED_FOR

    def horizon_since(self, earlier: Look) -> int:
        """From which number on rows may have been written since an earlier look.

        A crash forgets numbers that were given out a moment before and whose transactions left nothing: they are given
        out again. It ends with a checkpoint, so where there was none there was no crash.
        """
        return earlier.horizon if self.checkpoint == earlier.checkpoint else earlier.lowest_asked_for

    @property
    def lowest_asked_for(self) -> int:
        """From which number on a later look may ask for what was written since."""
        return min(self.horizon, self.outlasting)


def new_note() -> int:
    """A number for the note of a build."""
    return -1 - secrets.randbelow(2**62)  # that no sound has


def leave_note(model: ModelKey, number: int) -> None:
    """Leave the note of a build in the database, among the removals that a built index counts on.

    A database that was put back to an older state does not have it. One that has it after a crash kept all that came
    before, too: no number below the horizon of an earlier look is given out again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_embeddingremoval (sound_id, model_id, model_revision, changed_xid)"
            " VALUES (%s, %s, %s, pg_current_xact_id()::text::bigint)",
            [number, model.model_id, model.revision],
        )


def check_origin(manifest: Manifest, kind: Kind, model: ModelKey, look: Look) -> None:
    """Raises UnusableIndex where a built index is not of these rows."""
    if manifest.recipe != kind.recipe:
        raise UnusableIndex(f'it holds "{manifest.recipe}", and this Timbre wants "{kind.recipe}"')
    if manifest.database != str(look.database):
        raise UnusableIndex("it was built from another database")
    if manifest.horizon > look.horizon:
        raise UnusableIndex("it was built from a later state of the database than this one")
    noted = EmbeddingRemoval.objects.filter(changed_xid__gte=manifest.horizon, sound_id=manifest.note)
    if is_fresh(manifest, look) and not noted.exists():
        raise UnusableIndex("the database does not know of it: it was put back to an older state since")
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


def rows_behind(generation: Generation, kind: Kind, model: ModelKey, *, most: int = COUNTED) -> int:
    """Rows that a built index does not have as they are: each process holds them in memory until the next one.

    Counted up to one more than `most`, the newest first.
    """
    looked_at = LOOKED_AT * (most + 1)
    horizon = generation.manifest.horizon
    rows = kind.embeddings(model).filter(changed_xid__gte=horizon).order_by("-changed_xid")
    written = np.array(rows.values_list("sound_id", "changed_xid")[:looked_at], np.int64).reshape(-1, 2)
    sounds, newest = np.unique(written[:, 0], return_index=True)
    fresh = int(np.count_nonzero(~is_in(sounds, written[newest, 1], generation)))
    of_model = {"model_id": model.model_id, "model_revision": model.revision}
    gone = EmbeddingRemoval.objects.filter(**of_model, changed_xid__gte=horizon, sound_id__gt=0)
    numbers = gone.order_by("-changed_xid").values_list("sound_id", flat=True)[:looked_at]
    removed = np.setdiff1d(np.fromiter(numbers, np.int64), sounds)
    built = np.asarray(generation.array(files.SOUNDS), np.int64)
    return min(fresh + int(np.isin(removed, built).sum()), most + 1)
