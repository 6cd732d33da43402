"""The postings of words: which sounds hold a lexeme, and where, so that words of a million sounds are found at once.

Postgres finds words by its own index, and reads each row that it finds to see how well it fits: 20 us a row, a second
for a word of fifty thousand sounds. Postings name the rows that are worth reading. They may be a little old, or name
too many: each sound that they name is asked of Postgres, and so is each that changed since.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models.functions import Now
from numpy.typing import NDArray

from catalog.models import Posting, PostingState, Sound, SoundChange

logger = logging.getLogger(__name__)

ENTRY = np.dtype([("sound", "<i4"), ("places", "u1")])
"""Of a posting: a sound's id, and a bit for each weight of `Sound.search_vector` that the lexeme has in it."""

FILE_NAME, TOLD, FOLDER, WRITTEN = 1, 2, 4, 8  # the bits: weights A, B, C, D
PLACES = (FILE_NAME, TOLD, FOLDER, WRITTEN)
HIGHEST_ID = 2**31 - 1
SPARSE, MOST_SPARSE = 1_000_000, 16
"""Ids up to the first, or so many times as many as there are sounds: a search takes memory by the highest one."""

WORTH_BUILDING = 20_000
"""Sounds below which Postgres alone is as fast."""

PART = 25_000  # sounds in a part: its lexemes are held in memory while it is made, some 100 MB
LATER = 1_000
"""Changed sounds that are worth a part of their own; fewer are asked of Postgres with each search."""

ALL_SOUNDS, LATER_SOUNDS = "\x02", "\x03"
"""In place of a lexeme: all sounds; and those of later parts, of which other postings may say what holds no longer."""

LATER_SHARE = 0.2
"""Postings are built anew when the sounds of later parts are more than this share."""

CHANGES_KEPT = timedelta(hours=2)
FORGOTTEN_AT_ONCE = 50_000
LOCK = 0x71C9  # an advisory lock of the session: of several processes one builds

READ = """
SELECT id, array_to_string(tsvector_to_array(ts_filter(search_vector, '{a}')), E'\\x01'),
    array_to_string(tsvector_to_array(ts_filter(search_vector, '{b}')), E'\\x01'),
    array_to_string(tsvector_to_array(ts_filter(search_vector, '{c}')), E'\\x01'),
    array_to_string(tsvector_to_array(ts_filter(search_vector, '{d}')), E'\\x01')
FROM catalog_sound
"""
IDENTITY = """
SELECT concat_ws('/', system.system_identifier, checkpoint.timeline_id, base.oid, pg_relation_filenode('catalog_sound'))
FROM pg_control_system() AS system, pg_control_checkpoint() AS checkpoint, pg_database AS base
WHERE base.datname = current_database()
"""
Row = tuple[int, str, str, str, str]
Lexemes = dict[str, dict[int, int]]
"""Of each lexeme the sounds that hold it, in rising order, with their places."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Which transactions are over, and whose numbers they are."""

    database: str
    horizon: int
    at: datetime
    checkpoint: str  # the last one: another after a crash, which may give numbers out again

    @classmethod
    def now(cls) -> Standing:
        """To be taken before the rows are read."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, statement_timestamp(),"
                f" ({IDENTITY}), checkpoint_lsn::text FROM pg_control_checkpoint()"
            )
            horizon, at, database, checkpoint = cursor.fetchone()
        return cls(database, horizon, at, checkpoint)


def usable_state(standing: Standing) -> PostingState | None:
    """The postings that serve; None where there are none, or none of this database."""
    state = PostingState.objects.order_by("-generation").first()
    if state is None or state.database != standing.database or state.horizon > standing.horizon:
        return None
    return state if standing.at - state.read_at < CHANGES_KEPT / 2 else None


def changed_words(horizon: int, limit: int) -> NDArray[np.int64]:
    """Sounds whose words were written at or above a horizon; so many at most."""
    changes = SoundChange.objects.filter(changed_xid__gte=horizon, has_words=True).order_by()
    return np.unique(np.fromiter(changes.values_list("sound_id", flat=True).distinct()[:limit], np.int64))


def postings_due() -> bool:
    """Whether there is something for `bring_up_to_date` to do."""
    standing = Standing.now()
    state = usable_state(standing)
    if state is None:
        return enough_sounds()
    is_late = standing.at - state.read_at > CHANGES_KEPT / 4  # the log of changes is kept no longer
    return is_late or _is_worn(state) or len(changed_words(state.horizon, LATER)) >= LATER


def enough_sounds() -> bool:
    enough = Sound.objects.order_by().values_list("id")[:WORTH_BUILDING].count() == WORTH_BUILDING
    return enough and not Sound.objects.filter(pk__gt=HIGHEST_ID).exists()


def _is_worn(state: PostingState) -> bool:
    return state.later > max(PART, LATER_SHARE * state.sounds)


def bring_up_to_date() -> bool:
    """Build the postings, or add what changed since; False where nothing is due or another process does it."""
    with _turn() as is_ours:
        if not is_ours or not postings_due():
            return False
        standing = Standing.now()
        state = usable_state(standing)
        if state is None or _is_worn(state):
            build(standing)
        else:
            add_changes(state, standing)
    return True


def rebuild() -> bool:
    """Build the postings anew, if there are sounds enough; False where there are not, or another process does it."""
    with _turn() as is_ours:
        if not is_ours or not enough_sounds():
            return False
        build(Standing.now())
    return True


def build(standing: Standing) -> None:
    """Make all postings anew beside those that serve, and let them serve at the end."""
    began = time.monotonic()
    last = PostingState.objects.order_by("-generation").values_list("generation", flat=True).first() or 0
    generation = last + 1
    Posting.objects.exclude(generation=last).delete()  # what a build that broke off left
    sounds, highest = 0, 0
    for rows in _pages():
        if rows[-1][0] > HIGHEST_ID:
            logger.warning("Ids of sounds are beyond %s: words are looked up by Postgres alone", HIGHEST_ID)
            return
        _write(generation, _lexemes(rows))
        sounds, highest = sounds + len(rows), rows[-1][0]
    took = time.monotonic() - began
    with transaction.atomic():
        PostingState.objects.all().delete()
        PostingState.objects.create(
            generation=generation,
            database=standing.database,
            horizon=standing.horizon,
            highest_id=highest,
            sounds=sounds,
            later=0,
            read_at=standing.at,
            build_s=took,
        )
    Posting.objects.exclude(generation=generation).delete()
    logger.info("Made the postings of %s sounds in %.1f s", sounds, took)


def add_changes(state: PostingState, standing: Standing) -> None:
    """Add a part with the sounds that changed; entries of them that are there already only name too many."""
    changed = changed_words(state.horizon, HIGHEST_ID)
    for start in range(0, len(changed), PART):
        rows = read_sounds("WHERE id = ANY(%s) ORDER BY id", [changed[start : start + PART].tolist()])
        if rows and rows[-1][0] > HIGHEST_ID:
            return
        lexemes = _lexemes(rows)
        lexemes[LATER_SOUNDS] = {row[0]: 0 for row in rows}
        with transaction.atomic():
            _write(state.generation, lexemes)
            state.highest_id = max([state.highest_id, *(row[0] for row in rows[-1:])])
            state.later += len(rows)
            state.save(update_fields=["highest_id", "later"])
    state.horizon, state.read_at = standing.horizon, standing.at
    state.save(update_fields=["horizon", "read_at"])


def forget_old_changes() -> None:
    """Drop what everybody who follows the sounds has seen; a part of it where there is much.

    What the postings have not seen is left: a transaction may have written it long before it committed.
    """
    old = SoundChange.objects.filter(changed_at__lt=Now() - CHANGES_KEPT)
    state = usable_state(Standing.now())
    if state is not None:
        old = old.filter(changed_xid__lt=state.horizon)
    SoundChange.objects.filter(pk__in=old.order_by("pk").values("pk")[:FORGOTTEN_AT_ONCE]).delete()


def _pages() -> Iterator[list[Row]]:
    """All sounds, in rising order of their ids."""
    last = 0
    while rows := read_sounds("WHERE id > %s ORDER BY id LIMIT %s", [last, PART]):
        yield rows
        last = rows[-1][0]


def read_sounds(which: str, parameters: Sequence[int | list[int]]) -> list[Row]:
    """Sounds with their lexemes by place."""
    with connection.cursor() as cursor:
        cursor.execute(READ + which, parameters)
        rows: list[Row] = cursor.fetchall()
    return rows


def _lexemes(rows: Sequence[Row]) -> Lexemes:
    found: Lexemes = defaultdict(dict)
    for sound_id, *texts in rows:
        for place, text in zip(PLACES, texts, strict=True):
            if text:
                for lexeme in text.split("\x01"):
                    sounds = found[lexeme]
                    sounds[sound_id] = sounds.get(sound_id, 0) | place
    found[ALL_SOUNDS] = {row[0]: 0 for row in rows}
    return found


def _write(generation: int, lexemes: Lexemes) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY catalog_posting (generation, lexeme, sounds) FROM STDIN WITH (FORMAT binary)") as copy,
    ):
        copy.set_types(["int8", "text", "bytea"])
        for lexeme, sounds in lexemes.items():
            entries = np.empty(len(sounds), ENTRY)
            entries["sound"], entries["places"] = list(sounds), list(sounds.values())
            copy.write_row((generation, lexeme, entries.tobytes()))


@contextmanager
def _turn() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
