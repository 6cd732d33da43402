"""Sounds found by words that are written: names, tags, descriptions, synonyms, with the place of each word."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import F

from catalog.browse import SoundFilters
from catalog.models import Sound
from catalog.words import query_words, text_query, word_query

SYNONYM = "synonym"  # named only where a word stands nowhere else
# Where a word may stand: the column and its line, as catalog.effective writes them
PARTS = (
    ("file name", "search_name", 1),
    ("tag", "search_words", 3),
    ("label", "search_words", 2),
    ("description", "search_words", 1),
    ("written in the file", "search_name", 2),
    (SYNONYM, "search_words", 4),
)
MOST_PARTS = 2  # named of each word: the first ones tell enough


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """A sound, how well it fits (to compare within one answer), and where each word stands."""

    sound_id: int
    rank: float
    found: tuple[tuple[str, str], ...]  # part, word


def lexical_matches(text: str, filters: SoundFilters | None = None, limit: int = 50) -> list[LexicalMatch]:
    """The best matches of all words of a text, each as the beginning of a word, in any of its forms."""
    words = query_words(text)
    if not words or limit < 1:
        return []
    query = SearchQuery(text_query(words), search_type="raw", config="english")
    sounds = Sound.objects.order_by() if filters is None else filters.apply(Sound.objects.order_by())
    ranked = sounds.filter(search_vector=query).annotate(rank=SearchRank(F("search_vector"), query))
    best = list(ranked.order_by("-rank", "id").values_list("id", "rank")[:limit])
    places = places_of_words([sound_id for sound_id, _ in best], words)
    return [LexicalMatch(sound_id, rank, tuple(places.get(sound_id, ()))) for sound_id, rank in best]


def places_of_words(sound_ids: list[int], words: list[str]) -> dict[int, list[tuple[str, str]]]:
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
        cursor.execute(sql.format(texts=texts), [[word_query(word) for word in words], sound_ids])
        for sound_id, word_place, part_place in cursor.fetchall():
            found = places.setdefault(sound_id, [])
            word, part = words[word_place - 1], PARTS[part_place - 1][0]
            known = sum(named == word for _, named in found)
            if known < (1 if part == SYNONYM else MOST_PARTS):
                found.append((part, word))
    return places
