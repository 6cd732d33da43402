"""Sounds found by words that are written: names, tags, descriptions, synonyms, with the place of each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.postgres.search import SearchRank
from django.db import connection
from django.db.models import F, Q, QuerySet

from catalog.browse import SoundFilters
from catalog.models import Sound
from catalog.words import TextQuery, query_words

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
MOST_PARTS = 2  # named of each word: the first ones tell enough


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """A sound, how well it fits (to compare within one answer), and where each word stands."""

    sound_id: int
    rank: float
    found: tuple[tuple[str, str], ...]  # part, word


@dataclass(frozen=True, slots=True)
class NamedWord:
    """A word of a query by which a match is to be explained, and how it is looked for."""

    word: str
    query: TextQuery


def text_condition(query: TextQuery) -> Q:
    """Sounds whose words fit; an empty query, as one of stop words alone, fits none."""
    return Q(search_vector=query.as_search_query()) if query else Q(pk__in=[])


def text_matches(
    query: TextQuery, named: Sequence[NamedWord] = (), condition: Q | None = None, limit: int = 50
) -> list[LexicalMatch]:
    """The best matches of a query under a condition, with the places of the words that are named."""
    sounds = Sound.objects.order_by()
    return best_matches(sounds if condition is None else sounds.filter(condition), query, named, limit)


def lexical_matches(text: str, filters: SoundFilters | None = None, limit: int = 50) -> list[LexicalMatch]:
    """The best matches of all words of a text, each as the beginning of a word, in any of its forms."""
    sounds = Sound.objects.order_by() if filters is None else filters.apply(Sound.objects.order_by())
    named = [NamedWord(word, TextQuery.word(word)) for word in query_words(text)]
    found = best_matches(sounds, TextQuery.word(text), named, limit)
    return [LexicalMatch(one.sound_id, one.rank, tuple(map(under_names, one.found))) for one in found]


def under_names(place: tuple[str, str]) -> tuple[str, str]:
    return ("file name", place[1]) if place[0] == FOLDER else place


def best_matches(
    sounds: QuerySet[Sound], query: TextQuery, named: Sequence[NamedWord], limit: int
) -> list[LexicalMatch]:
    if not query or limit < 1:
        return []
    rank = SearchRank(F("search_vector"), query.as_search_query(), weights=list(WEIGHTS))
    ranked = sounds.filter(text_condition(query)).annotate(rank=rank)
    best = list(ranked.order_by("-rank", "id").values_list("id", "rank")[:limit])
    places = places_of_words([sound_id for sound_id, _ in best], named)
    return [LexicalMatch(sound_id, rank, tuple(places.get(sound_id, ()))) for sound_id, rank in best]


def places_of_words(sound_ids: Sequence[int], named: Sequence[NamedWord]) -> dict[int, list[tuple[str, str]]]:
    """For each sound the parts that hold each word; asked of Postgres, which knows the forms of a word."""
    sql = """
        SELECT sound.id, word.place, part.place
        FROM catalog_sound AS sound
        CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS word (query, place)
        CROSS JOIN LATERAL unnest(ARRAY[{texts}]) WITH ORDINALITY AS part (text, place)
        WHERE sound.id = ANY(%s) AND to_tsvector('english', part.text) @@ to_tsquery('english', word.query)
        ORDER BY sound.id, word.place, part.place
    """
    texts = ", ".join(f"split_part(sound.{column}, E'\\n', {line})" for _, column, line in PARTS)
    places: dict[int, list[tuple[str, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql.format(texts=texts), [[one.query.raw for one in named], list(sound_ids)])
        for sound_id, word_place, part_place in cursor.fetchall():
            found = places.setdefault(sound_id, [])
            word, part = named[word_place - 1].word, PARTS[part_place - 1][0]
            known = sum(other == word for _, other in found)
            if known < (1 if part == SYNONYM else MOST_PARTS):
                found.append((part, word))
    return places
