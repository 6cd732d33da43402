"""Sounds found by words that are written: names, tags, descriptions, synonyms, with the place of each word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.postgres.search import SearchRank
from django.db import connection
from django.db.models import F, Q, QuerySet
from numpy.typing import NDArray

from catalog.models import Sound
from catalog.shortlist import shortlist
from catalog.words import TextQuery

FOLDER = "folder"
SYNONYM = "synonym"  # named only where a word stands nowhere else
# Where a word may stand: the column and its line, as catalog.effective writes them
PARTS = (
    ("file name", "search_name", 1),
    (FOLDER, "search_name", 2),
    ("tag", "search_words", 3),
    ("label", "search_words", 2),
    ("description", "search_words", 1),
    ("written in the file", "search_name", 3),
    (SYNONYM, "search_words", 4),
)
# Of the letters of Sound.search_vector, D to A: what people wrote into the file, folders, what Timbre says, file names
WEIGHTS = (0.8, 0.6, 0.4, 1.0)
NONE = np.empty(0, np.int64)
Place = tuple[str, str]
"""A part of a sound, of PARTS, and a word that stands in it."""

MOST_PARTS = 2  # named of each word: the first ones tell enough


@dataclass(frozen=True, slots=True)
class NamedWord:
    """A word of a query by which a match is to be explained, and how it is looked for."""

    word: str
    query: TextQuery


def text_condition(query: TextQuery) -> Q:
    """Sounds whose words fit; an empty query, as one of stop words alone, fits none."""
    return Q(search_vector=query.as_search_query()) if query else Q(pk__in=[])


def everything() -> None:
    """The ids of all sounds, as `text_ranks` takes them."""


def text_ranks(
    query: TextQuery,
    sounds: QuerySet[Sound] | None = None,
    *,
    ids: Callable[[], NDArray[np.int64] | None] = everything,
    prefer: NDArray[np.int64] = NONE,
    limit: int = 50,
) -> dict[int, float]:
    """The best matches of a query, with how well each fits, to compare within one answer.

    `ids` gives those of the `sounds` that may be found, None for all; it is asked only where there are very many. Of
    very many that fit alike those of `prefer` are among the best.
    """
    if not query or limit < 1:
        return {}
    listed = shortlist(query, ids, prefer)
    if listed is not None:
        return ranks_of(query, listed, limit)
    rank = SearchRank(F("search_vector"), query.as_search_query(), weights=list(WEIGHTS))
    among = Sound.objects.order_by() if sounds is None else sounds
    ranked = among.filter(text_condition(query)).annotate(rank=rank)
    return dict(ranked.order_by("-rank", "id").values_list("id", "rank")[:limit])


def ranks_of(query: TextQuery, ids: NDArray[np.int64], limit: int) -> dict[int, float]:
    """How well words fit some sounds; read by id, whatever the planner would rather do."""
    sql = """
        SELECT id, ts_rank(%s::real[], search_vector, query) AS rank
        FROM catalog_sound, to_tsquery('english', %s) AS query
        WHERE id = ANY(%s) AND (search_vector @@ query) IS TRUE ORDER BY rank DESC, id LIMIT %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(WEIGHTS), query.raw, ids.tolist(), limit])
        return dict(cursor.fetchall())


def fitting(query: TextQuery, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of some sounds that a query fits, in rising order."""
    sql = """
        SELECT id FROM catalog_sound, to_tsquery('english', %s) AS query
        WHERE id = ANY(%s) AND (search_vector @@ query) IS TRUE ORDER BY id
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [query.raw, ids.tolist()])
        return np.array([sound_id for (sound_id,) in cursor.fetchall()], np.int64)


def places_of_words(sound_ids: Sequence[int], named: Sequence[NamedWord]) -> dict[int, list[Place]]:
    """For each sound the parts that hold each word; asked of Postgres, which knows the forms of a word."""
    sql = """
        WITH part AS MATERIALIZED (  -- else the words of each part are made again for every word that is looked up
            SELECT sound.id, part.place, to_tsvector('english', part.text) AS words
            FROM catalog_sound AS sound
            CROSS JOIN LATERAL unnest(ARRAY[{texts}]) WITH ORDINALITY AS part (text, place)
            WHERE sound.id = ANY(%s)
        ), word AS MATERIALIZED (
            SELECT word.place, to_tsquery('english', word.query) AS query
            FROM unnest(%s::text[]) WITH ORDINALITY AS word (query, place)
        )
        SELECT part.id, word.place, part.place FROM part JOIN word ON part.words @@ word.query
        ORDER BY part.id, word.place, part.place
    """
    texts = ", ".join(f"split_part(sound.{column}, E'\\n', {line})" for _, column, line in PARTS)
    places: dict[int, list[Place]] = {}
    if not (sound_ids and named):
        return places
    with connection.cursor() as cursor:
        cursor.execute(sql.format(texts=texts), [list(sound_ids), [one.query.raw for one in named]])
        for sound_id, word_place, part_place in cursor.fetchall():
            found = places.setdefault(sound_id, [])
            word, part = named[word_place - 1].word, PARTS[part_place - 1][0]
            known = sum(other == word for _, other in found)
            if known < (1 if part == SYNONYM else MOST_PARTS):
                found.append((part, word))
    return places
