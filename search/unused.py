"""Index folders that no search will read again: of models that the database has no embedding of, and of databases that
are gone.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from analysis.clap import ModelKey
from search.index.files import CURRENT
from search.index.folders import database_folders, model_folders, size_bytes, touched_s
from search.rows import KINDS, analyzed_models
from search.trust import Database

logger = logging.getLogger(__name__)

KINDS_OF_INDEX = frozenset(kind.name for kind in KINDS)
UNUSED_FOR = timedelta(days=1)  # a model may be analyzed with again in a moment
OTHERS_FOR = timedelta(days=7)
"""How long the worker of another database that shares the folder may be away: it touches its own at each look."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A folder of indexes that nothing uses, and why."""

    folder: str  # below that of all indexes
    reason: str
    size_bytes: int


def unused_folders(database: Database, active: ModelKey | None) -> list[Unused]:
    """What a worker may remove."""
    root = Path(settings.INDEX_DIR)
    found = []
    for folder, reason, kept_for in candidates(database, active):
        with suppress(OSError):  # it changes right now
            if time.time() - touched_s(folder) > kept_for.total_seconds():
                found.append(Unused(str(folder.relative_to(root)), reason, size_bytes(folder)))
    return found


def candidates(database: Database, active: ModelKey | None) -> Iterator[tuple[Path, str, timedelta]]:
    """Folders not in use right now, and for how long they are kept since they were last touched."""
    root = Path(settings.INDEX_DIR)
    for folder in model_folders(root, KINDS_OF_INDEX):
        yield folder, "of an earlier version of Timbre", UNUSED_FOR
    for folder in database_folders(root, KINDS_OF_INDEX):
        if folder.name != database.name:
            yield folder, f"of another database, whose worker was not here for {OTHERS_FOR.days} days", OTHERS_FOR
    others = model_folders(database.folder, KINDS_OF_INDEX)
    models = [*analyzed_models(), active] if others else []
    used = {kind.shelf(database.folder, model).folder.parent for model in models if model for kind in KINDS}
    for folder in others:
        if folder not in used:
            yield folder, "of a model that no sound of this database was analyzed with", UNUSED_FOR


def remove_unused(database: Database, active: ModelKey | None) -> None:
    """Raises OSError where one cannot be removed."""
    for unused in unused_folders(database, active):
        folder = Path(settings.INDEX_DIR) / unused.folder
        for current in folder.rglob(CURRENT):
            current.unlink(missing_ok=True)  # first: half an index is none
        shutil.rmtree(folder)
        logger.info("Removed %s (%.1f MiB): %s", folder, unused.size_bytes / 2**20, unused.reason)


def tell_in_use(database: Database) -> None:
    """Keep those away who remove what the workers of other databases left behind."""
    with suppress(OSError):  # none is built yet
        os.utime(database.folder)
