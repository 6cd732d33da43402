"""The words and values that the sounds have, counted now and then; misspelled words of a query corrected by them.

A word is corrected by its trigrams, which any Postgres can do with an index over arrays, and by how many slips of the
hand lie between the two. No word that finds anything is corrected: the rows themselves are asked before.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from catalog.field_values import LONGEST_VALUE, plain
from catalog.models import DictionaryRefresh
from catalog.synonyms import is_term
from catalog.words import TextQuery, fold

LEAST_LETTERS, MOST_LETTERS = 4, 40  # of a word that is corrected: shorter ones are too much like each other
MOST_WORDS = 30
CANDIDATES = 40  # by trigrams, of which the nearest by letters are taken
LEAST_LIKENESS = 0.2  # of trigrams: two swapped letters in six leave a quarter
MOST_CORRECTIONS = 3
SLIPS = ((6, 1), (MOST_LETTERS, 2))  # letters of a word, and how many of them may be wrong
WORN_OUT = 20  # times as long as a refresh took, until the next: so it takes a twentieth of the time at most
LEAST_PAUSE = timedelta(minutes=3)  # counting starts a process, which costs seconds while a library is taken in
LETTERS = re.compile(r"[^\W\d_]+")
FOLDED_AT_ONCE = 10_000
LOCK = 0x71C7  # an advisory lock: of several workers one counts

COUNT_WORDS = r"""
CREATE TEMPORARY TABLE fresh_word ON COMMIT DROP AS
SELECT word::varchar(40), count(*)::int AS sounds
FROM catalog_sound AS sound
CROSS JOIN LATERAL (
    SELECT DISTINCT word FROM string_to_table(
        translate(lower(sound.search_name || ' ' || sound.search_words), E'\n.,;:!?()"/-', '            '), ' '
    ) AS word
    WHERE length(word) BETWEEN 3 AND 40 AND word !~ '[0-9]'
) AS one
GROUP BY word
"""
WRITE_WORDS = """
DELETE FROM catalog_word AS old WHERE NOT EXISTS (SELECT FROM fresh_word AS fresh WHERE fresh.word = old.word);
INSERT INTO catalog_word AS old (word, sounds) SELECT word, sounds FROM fresh_word
ON CONFLICT (word) DO UPDATE SET sounds = excluded.sounds WHERE old.sounds <> excluded.sounds
"""
# By one reading of the rows; counts of UCS and libraries are of their own names
COUNT_VALUES = """
CREATE TEMPORARY TABLE fresh_value ON COMMIT DROP AS
SELECT field, value, sum(sounds)::int AS sounds FROM (
    SELECT CASE
            WHEN grouping(category) = 0 THEN 'cat' WHEN grouping(label) = 0 THEN 'label'
            WHEN grouping(sound.format) = 0 THEN 'format' WHEN grouping(sound.profile) = 0 THEN 'profile'
            WHEN grouping(key) = 0 THEN 'key' WHEN grouping(cat_id) = 0 THEN 'catid'
            WHEN grouping(state) = 0 THEN 'state' WHEN grouping(channels) = 0 THEN 'ch'
            WHEN grouping(sample_rate_hz) = 0 THEN 'sr' WHEN grouping(bit_depth) = 0 THEN 'bd'
            WHEN grouping(is_loop) = 0 THEN 'loop' WHEN grouping(library.name) = 0 THEN 'lib'
        END AS field,
        coalesce(category, label, sound.format, sound.profile, key, cat_id, state, channels::text,
            sample_rate_hz::text, bit_depth::text, CASE is_loop WHEN true THEN 'yes' WHEN false THEN 'no' END,
            library.name) AS value,
        count(*) AS sounds
    FROM catalog_sound AS sound JOIN catalog_library AS library ON library.id = sound.library_id
    GROUP BY GROUPING SETS ((category), (label), (sound.format), (sound.profile), (key), (cat_id), (state), (channels),
        (sample_rate_hz), (bit_depth), (is_loop), (library.name))
    UNION ALL
    SELECT 'tag', tag, count(*) FROM catalog_sound, unnest(tags) AS tag GROUP BY tag
) AS counted
WHERE value <> '' GROUP BY field, value
"""
WRITE_VALUES = """
DELETE FROM catalog_fieldvalue AS old
WHERE NOT EXISTS (SELECT FROM fresh_value AS fresh WHERE fresh.field = old.field AND fresh.value = old.value);
INSERT INTO catalog_fieldvalue AS old (field, value, sounds) SELECT field, value, sounds FROM fresh_value
ON CONFLICT (field, value) DO UPDATE SET sounds = excluded.sounds WHERE old.sounds <> excluded.sounds
"""
FOLD_VALUES = """
UPDATE catalog_fieldvalue AS known SET folded = fresh.folded
FROM unnest(%s::bigint[], %s::text[]) AS fresh (id, folded) WHERE known.id = fresh.id
"""
# Changes that Postgres has counted: no trigger, and nothing for those who write
CHANGES = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables WHERE relname = %s"
ALIKE = """
WITH asked AS MATERIALIZED (  -- else the trigrams are made again for every word that is looked at
    SELECT word, catalog_trigrams(word) AS trigrams FROM unnest(%s::text[]) AS word
)
SELECT asked.word, near.word, near.sounds
FROM asked
CROSS JOIN LATERAL (
    SELECT known.word, known.sounds,
        count(*)::float8 / (cardinality(known.trigrams) + cardinality(asked.trigrams) - count(*)) AS likeness
    FROM unnest(asked.trigrams) AS one
    JOIN catalog_word AS known ON known.trigrams @> ARRAY[one]
    WHERE abs(length(known.word) - length(asked.word)) <= 3
    GROUP BY known.word
    ORDER BY likeness DESC, known.sounds DESC LIMIT %s
) AS near
WHERE near.likeness >= %s
"""
# Those that begin no word of the dictionary and find no sound
UNKNOWN = """
SELECT asked.word FROM unnest(%s::text[], %s::text[]) AS asked (word, query)
WHERE NOT EXISTS (SELECT FROM catalog_word AS known WHERE known.word LIKE asked.word || '%%')
    AND numnode(to_tsquery('english', asked.query)) > 0
    AND NOT EXISTS (SELECT FROM catalog_sound WHERE search_vector @@ to_tsquery('english', asked.query))
"""


@dataclass(frozen=True, slots=True)
class Correction:
    """A word of the sounds that may have been meant: 1 less the share of letters that differ, and sounds with it."""

    word: str
    similarity: float
    sounds: int


def corrections(words: Sequence[str]) -> dict[str, list[Correction]]:
    """For each word that finds nothing, neither as the beginning of a word nor as a synonym, what may have been meant,
    the likeliest first. Words with digits and short ones are left as they are.
    """
    asked = {word: fold(word).lower() for word in words[:MOST_WORDS]}
    plain = [word for word in dict.fromkeys(asked.values()) if can_be_wrong(word)]
    found = nearest(unknown(plain)) if plain else {}
    return {word: found[low] for word, low in asked.items() if low in found}


def can_be_wrong(word: str) -> bool:
    return bool(LETTERS.fullmatch(word)) and LEAST_LETTERS <= len(word) <= MOST_LETTERS and not is_term(word)


def unknown(words: Sequence[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(UNKNOWN, [list(words), [TextQuery.word(word).raw for word in words]])
        return [word for (word,) in cursor.fetchall()]


def nearest(words: Sequence[str]) -> dict[str, list[Correction]]:
    with connection.cursor() as cursor:
        cursor.execute(ALIKE, [list(words), CANDIDATES, LEAST_LIKENESS])
        rows = cursor.fetchall()
    ranked: dict[str, list[tuple[int, int, str]]] = {}
    for word, known, sounds in rows:
        most = next(slips for letters, slips in SLIPS if len(word) <= letters)
        wrong = slips_between(word, known)
        if wrong <= most:
            ranked.setdefault(word, []).append((wrong, -sounds, known))
    return {
        word: [
            Correction(known, round(1 - wrong / max(len(word), len(known)), 3), -fewer)
            for wrong, fewer, known in sorted(found)[:MOST_CORRECTIONS]
        ]
        for word, found in ranked.items()
    }


def slips_between(one: str, other: str) -> int:
    """Letters left out, put in, changed, or swapped with the next, that turn one word into another (optimal string
    alignment).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one):
        fresh = [place + 1]
        for there, letter_there in enumerate(other):
            least = min(row[there + 1] + 1, fresh[there] + 1, row[there] + (letter != letter_there))
            if place and there and letter == other[there - 1] and one[place - 1] == letter_there:
                least = min(least, before[there - 1] + 1)
            fresh.append(least)
        before, row = row, fresh
    return row[-1]


def refresh_dictionary() -> bool:
    """Count the words and values of the sounds anew; False where another process is at it."""
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        changes = counted_changes()
        for statement in (COUNT_WORDS, WRITE_WORDS, COUNT_VALUES, WRITE_VALUES):
            cursor.execute(statement)
        fold_values(cursor)
        cursor.execute("DROP TABLE fresh_word, fresh_value")
        facts = {"changes": changes, "finished_at": timezone.now(), "took_s": time.monotonic() - began}
        DictionaryRefresh.objects.update_or_create(pk=1, defaults=facts)
    return True


def fold_values(cursor: CursorWrapper) -> None:
    """Write of the values that are new how they are compared with what is typed, which Python knows better than SQL."""
    cursor.execute("SELECT id, value FROM catalog_fieldvalue WHERE folded = ''")
    while rows := cursor.fetchmany(FOLDED_AT_ONCE):
        folded = [plain(value)[:LONGEST_VALUE] for _, value in rows]
        with connection.cursor() as writing:
            writing.execute(FOLD_VALUES, [[number for number, _ in rows], folded])


def refresh_due() -> bool:
    """Whether sounds have changed since the words were counted last, and that is not just now."""
    last = DictionaryRefresh.objects.filter(pk=1).first()
    if last is None:
        return True
    pause = max(LEAST_PAUSE, timedelta(seconds=WORN_OUT * last.took_s))
    return timezone.now() - last.finished_at >= pause and counted_changes() != last.changes


def refresh_if_due() -> bool:
    """What a worker's sweep calls."""
    return refresh_due() and refresh_dictionary()


def counted_changes() -> int:
    with connection.cursor() as cursor:
        cursor.execute(CHANGES, ["catalog_sound"])
        return int(cursor.fetchone()[0])
