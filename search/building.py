"""Building an index from the rows: when it is due, one at a time, and so that a crash leaves the one before."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import Error, connection

from analysis.clap import ModelKey
from search.errors import AlreadyBuilding, BuildFailed, UnusableIndex
from search.index.files import Generation
from search.index.writing import GenerationWriter, Origin
from search.rows import KINDS, Kind
from search.trust import Look, check_origin, is_fresh, leave_note, new_note, rows_behind
from search.unused import remove_unused

logger = logging.getLogger(__name__)

BUILD_LOCK = 7_274_551_003  # any number that nothing else on this database locks
BEHIND_ROWS = 5_000
BEHIND_SHARE = 0.05
"""A build is due where more rows changed than either: what changed is held in the memory of every process."""


@dataclass(frozen=True, slots=True)
class Due:
    """An index that should be built, and why."""

    kind: Kind
    reason: str


def due_builds(model: ModelKey) -> list[Due]:
    """Told by rows and manifests, without reading what is built: a worker asks again and again."""
    return [Due(kind, reason) for kind in KINDS if (reason := why_due(model, kind))]


def why_due(model: ModelKey, kind: Kind) -> str:
    """Why an index should be built now; empty where it should not."""
    look = Look.now()
    try:
        generation = believable_generation(model, kind, look)
    except UnusableIndex as error:
        return f"the one that is there cannot be used: {error}" if is_worth_building(model, kind) else ""
    if generation is None:
        return "none was built yet" if is_worth_building(model, kind) else ""
    if not is_fresh(generation.manifest, look):
        return "it is so old that removals since may be forgotten"
    most = max(BEHIND_ROWS, int(BEHIND_SHARE * generation.manifest.sounds))
    if rows_behind(generation, kind, model, most=most) > most:
        return f"more than {most:,} rows changed since it was built"
    return ""


def damage(model: ModelKey, kind: Kind) -> str:
    """What is wrong with the bytes of what is built, of which each is read; empty where nothing is."""
    try:
        generation = kind.shelf(Look.now().database.folder, model).current()
        if generation is not None:
            generation.check_files()
    except UnusableIndex as error:
        return f"the one that is there is damaged: {error}"
    return ""


def current_generations(model: ModelKey) -> set[str]:
    """The names of what is built: each of it is to be read once, so that what a disk damaged is built anew."""
    database, found = Look.now().database, set()
    for kind in KINDS:
        with suppress(UnusableIndex):
            generation = kind.shelf(database.folder, model).current()
            found |= {generation.name} if generation is not None else set()
    return found


def believable_generation(model: ModelKey, kind: Kind, look: Look) -> Generation | None:
    """What is built, by its manifest and the sizes of its files; raises UnusableIndex."""
    generation = kind.shelf(look.database.folder, model).current()
    if generation is not None:
        check_origin(generation.manifest, kind, model, look)
        generation.check_sizes()
    return generation


def is_worth_building(model: ModelKey, kind: Kind) -> bool:
    enough = kind.newest(kind.embeddings(model)).values_list("sound_id")[: kind.worth_building]
    return enough.count() == kind.worth_building


def build_due(model: ModelKey) -> list[Generation]:
    """Build what is due or damaged and remove what nothing uses, or leave it to who is at it; one build that fails
    leaves the others their turn, and is raised.
    """
    built: list[Generation] = []
    failed: BuildFailed | None = None
    for kind in KINDS:
        reason = why_due(model, kind) or damage(model, kind)
        if not reason:
            continue
        logger.info("Building the index of %s of %s: %s", kind.name, model.model_id, reason)
        try:
            generation = build(model, kind)
        except AlreadyBuilding:
            return built
        except BuildFailed as error:
            failed = failed or error
        else:
            built += [generation] if generation is not None else []
    try:
        with suppress(AlreadyBuilding), _turn():
            remove_unused(Look.now().database, model)
    except OSError as error:
        failed = failed or BuildFailed(f"indexes that nothing uses cannot be removed: {error}")
    if failed is not None:
        raise failed
    return built


def build(model: ModelKey, kind: Kind) -> Generation | None:
    """Build an index of the rows as they are and make it the current one; None where there is no row.

    Raises AlreadyBuilding, and BuildFailed where the disk does not take it: what was there before still serves.
    """
    with _turn():
        look = Look.now()  # before the rows: what commits in between is in, or is taken in by those who follow
        shelf = kind.shelf(look.database.folder, model)
        dim = kind.dim(model)
        if dim is None:
            shelf.remove()  # what is built is of rows that are gone
            return None
        note = new_note()
        origin = Origin(kind.recipe, kind.dtype, str(look.database), look.horizon, note, look.at)
        try:
            shelf.clean()
            generation = _write(GenerationWriter(shelf, dim, origin), model, kind, note)
        except OSError as error:
            raise BuildFailed(f"the index of {kind.name} cannot be written to {shelf.folder}: {error}") from error
        shelf.clean()
    facts = generation.manifest
    message = "Built the index of %s of %s in %.1f s: %s entries of %s sounds"
    logger.info(message, kind.name, model.model_id, facts.build_s, facts.entries, facts.sounds)
    return generation


def _write(writer: GenerationWriter, model: ModelKey, kind: Kind, note: int) -> Generation:
    try:
        for page in kind.pages(model, writer.dim):
            writer.add(page.entries, page.sounds, page.changed)
        leave_note(model, note)  # after the last page: a database that knows it knows all that was read
        return writer.finish()
    finally:
        with suppress(OSError):  # a full disk, which has been told
            writer.close()
        shutil.rmtree(writer.folder, ignore_errors=True)  # gone to its place where it was finished


@contextmanager
def _turn() -> Iterator[None]:
    """Of all processes on this database one builds; the server lets go of the lock when its holder dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [BUILD_LOCK])
        if not cursor.fetchone()[0]:
            raise AlreadyBuilding("another process builds an index of this database; try again when it is done")
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILD_LOCK])
