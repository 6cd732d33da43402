"""The index of each model, kept in step with the embedding rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from threading import Lock, RLock, Thread
from typing import Generic, TypeVar

import numpy as np
from django.db import connection

from analysis.clap import ModelKey
from search.errors import UnusableIndex
from search.index import Base, MomentIndex, SoundIndex
from search.index.files import Generation, Shelf
from search.index.layered import LayeredIndex
from search.rows import MOMENTS, SOUNDS, Kind, Read, changes_since
from search.trust import Database, Look, check_origin, is_fresh, is_in

logger = logging.getLogger(__name__)

OPENED_AT_ONCE = 256 * 2**20
"""Bytes of a newer built index that are read and checked while a search waits; more are read beside the searches."""

OPENING_TRIES = 3  # one that is replaced and removed while it is opened is no fault

IndexT = TypeVar("IndexT", bound=LayeredIndex)


class RowFollower(Generic[IndexT]):
    """Keeps one index in step with the embeddings of one model, in one process.

    Each row carries the number of the transaction that wrote it. Numbers are given out when a transaction begins to
    write and become visible when it commits, so "greater than the last number seen" would miss a row that commits
    late. Postgres names the horizon below which every transaction has ended; what lies at or above the horizon of the
    last look is looked at again, and is the little that was written since.

    A built index is a look that somebody took before: it has a horizon too, and what was written since is taken in the
    same way. One that is older than removals are kept is compared with the numbers of all rows instead. One that cannot
    be believed is left alone, and the rows are read.
    """

    def __init__(self, model: ModelKey, kind: Kind, make: Callable[[int], IndexT]) -> None:
        self.model, self.kind = model, kind
        self.index: IndexT | None = None  # until a first embedding says how long they are
        self._make = make
        self._mark: tuple[int, int] | None = None  # of the newest built index that was looked at
        self._opening: _Opening | None = None
        self._last: Look | None = None
        self._applied: set[tuple[int, int]] = set()  # sound and transaction of what is taken in and may be listed again
        self._lock = RLock()
        self._begun, self._done = 0, 0  # number of the last look that was begun, and of the last that went well

    def follow(self) -> IndexT | None:
        """The index with what was committed since the last time; two small queries where nothing was.

        Of several threads that ask at once one looks for all: a look that began after a thread asked serves it too.
        """
        asked = self._begun
        with self._lock:
            if self._done > asked and not connection.in_atomic_block:  # in one, only we see what we wrote
                return self.index
            self._begun = number = self._begun + 1
            self._look()
            self._done = number
            return self.index

    def _look(self) -> None:
        look = Look.now()
        if self._last is None or not look.can_follow(self._last):
            self._last = None  # of nothing, should loading fail
            self._load(look)
        elif (newer := self._newer_base(look)) is not None:
            self._go_over(newer, look)
        else:
            self._take_changes(look, look.horizon_since(self._last))
        self._last = look
        self._applied = {change for change in self._applied if change[1] >= look.lowest_asked_for}

    def _load(self, look: Look) -> None:
        self.index, self._applied, self._opening = None, set(), None
        base = self._current_base(look)
        if base is None:
            self._load_rows()
        else:
            self._go_over(base, look)

    def _go_over(self, base: Base, look: Look) -> None:
        if is_fresh(base.manifest, look):
            self._switch(base, look.own)
        else:
            self._reconcile(base)

    def _load_rows(self) -> None:
        count = 0
        dim = self.kind.dim(self.model)
        for page in self.kind.pages(self.model, dim) if dim is not None else ():
            self._renew(page.sounds.tolist(), page)
            count += len(page.sounds)
        logger.info("Loaded %s of %s embeddings of %s", self.kind.name, count, self.model.model_id)

    def _take_changes(self, look: Look, horizon: int) -> None:
        changes = changes_since(self.model, horizon)
        # a transaction of our own that is still open may write a row again under the same number
        due = list({one[0] for one in changes if one[1] == look.own or one not in self._applied})
        for sounds, read in self._read(due):
            self._renew(sounds, read)
        self._applied |= changes

    def _switch(self, base: Base, own: int | None) -> None:
        """Go over to a built index, with all that was written since its horizon and is not in it, in one step for those
        who search.
        """
        changes = changes_since(self.model, base.manifest.horizon)
        sounds, written = np.array(list(changes), np.int64).reshape(-1, 2).T
        held = is_in(sounds, written, base.generation) & (written != (own or 0))
        self._adopt(base, np.unique(sounds[~held]).tolist())
        self._applied = changes

    def _reconcile(self, base: Base) -> None:
        """Go over to a built index that is so old that removals since may be forgotten: all rows are compared by their
        numbers, and only those that are not in it as they are now are read.
        """
        present = np.zeros(len(base.sounds), bool)
        due: list[int] = []
        for sounds, changed in self.kind.stamps(self.model):
            same = is_in(sounds, changed, base.generation)
            present[np.searchsorted(base.sounds, sounds[same])] = True
            due += sounds[~same].tolist()
        self._adopt(base, sorted({*due, *base.sounds[~present].tolist()}))

    def _adopt(self, base: Base, due: Sequence[int]) -> None:
        changed = list(self._read(due, base.dim))
        if self.index is None or self.index.dim != base.dim:
            self.index = self._make(base.dim)
        with self.index.changing() as index:
            index.adopt(base)
            for sounds, read in changed:
                index.renew(sounds, read.entries)
        facts = (self.kind.name, self.model.model_id, base.generation.name, len(base), len(due))
        logger.info("The index of %s of %s is %s: %s entries, %s rows changed since", *facts)

    def _read(self, sounds: Sequence[int], dim: int | None = None) -> Iterator[tuple[Sequence[int], Read]]:
        """The rows of some sounds as they are now."""
        if not sounds:
            return
        dim = dim or (self.index.dim if self.index is not None else self.kind.dim(self.model))
        for start in range(0, len(sounds), self.kind.chunk):
            part = sounds[start : start + self.kind.chunk]
            rows = self.kind.newest(self.kind.embeddings(self.model).filter(sound_id__in=part))
            if dim is not None:  # else none is left
                yield part, self.kind.read(rows, dim)

    def _renew(self, sounds: Sequence[int], read: Read) -> None:
        if self.index is None:
            if not len(read.sounds):
                return
            self.index = self._make(read.entries.vectors.shape[1])
        self.index.renew(sounds, read.entries)

    def _shelf(self, database: Database) -> Shelf:
        return self.kind.shelf(database.folder, self.model)

    def _current_base(self, look: Look) -> Base | None:
        """The built index, read and checked now; None where there is none, or none that can be believed."""
        shelf = self._shelf(look.database)
        self._mark = shelf.mark()
        return self._believed(open_current(shelf), shelf)

    def _newer_base(self, look: Look) -> Base | None:
        """A built index that became the current one since ours, once it is read and checked."""
        shelf = self._shelf(look.database)
        if self._opening is None:
            mark = shelf.mark()
            if mark in (None, self._mark):
                return None
            self._mark = mark
            self._opening = _Opening(shelf)
        if not self._opening.is_done():
            return None
        base, self._opening = self._opening.base, None
        return self._believed(base, shelf)

    def _believed(self, base: Base | None, shelf: Shelf) -> Base | None:
        if base is None:
            return None
        try:  # by a look of now: it may have been built a moment after the one that found it
            check_origin(base.manifest, self.kind, self.model, Look.now())
        except UnusableIndex as error:
            refuse(shelf, error)
            return None
        return base


class _Opening:
    """A newer built index that is read and checked: while one waits where it is small, else beside."""

    def __init__(self, shelf: Shelf) -> None:
        self.base: Base | None = None
        self._shelf = shelf
        self._thread = Thread(target=self._open, name="open-index", daemon=True)
        self._thread.start()
        if size_bytes(shelf) <= OPENED_AT_ONCE:
            self._thread.join()

    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def _open(self) -> None:
        self.base = open_current(self._shelf)


def open_current(shelf: Shelf) -> Base | None:
    """The current generation, every byte of it checked; None, and a warning, where it cannot be used."""
    for left in reversed(range(OPENING_TRIES)):
        mark = shelf.mark()
        try:
            generation: Generation | None = shelf.current()
            return None if generation is None else Base.open_checked(generation)
        except UnusableIndex as error:
            if shelf.mark() == mark or not left:
                refuse(shelf, error)
                return None
    return None


def refuse(shelf: Shelf, error: UnusableIndex) -> None:
    message = "The built index of %s of %s is not used, the rows are read instead: %s"
    logger.warning(message, shelf.kind, shelf.model_id, error)


def size_bytes(shelf: Shelf) -> int:
    try:
        generation = shelf.current()
    except UnusableIndex:
        return 0
    return 0 if generation is None else generation.manifest.size_bytes


class Follower(RowFollower[SoundIndex]):
    """Keeps the index of whole sounds of a model in step."""

    def __init__(self, model: ModelKey) -> None:
        super().__init__(model, SOUNDS, SoundIndex)


class MomentFollower(RowFollower[MomentIndex]):
    """Keeps the index of moments of a model in step."""

    def __init__(self, model: ModelKey) -> None:
        super().__init__(model, MOMENTS, MomentIndex)


_followers: dict[ModelKey, Follower] = {}
_moment_followers: dict[ModelKey, MomentFollower] = {}
_followers_lock = Lock()


def current_index(model: ModelKey) -> SoundIndex | None:
    """The index of a model as the rows stand now; None while nothing was analyzed with it."""
    with _followers_lock:
        follower = _followers.setdefault(model, Follower(model))
    return follower.follow()


def current_moments(model: ModelKey) -> MomentIndex | None:
    """The moments of a model as the rows stand now; None while no long sound was analyzed with it."""
    with _followers_lock:
        follower = _moment_followers.setdefault(model, MomentFollower(model))
    return follower.follow()


def forget_indexes() -> None:
    """Drop every index of this process; the next search loads anew."""
    with _followers_lock:
        _followers.clear()
        _moment_followers.clear()
