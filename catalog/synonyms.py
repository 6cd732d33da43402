"""Other words for the words of a query: from the vocabulary, and from the Universal Category System."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from analysis.ucs import bundled_ucs, ucs_synonyms
from catalog import engine
from catalog.words import fold

VOCABULARY, UCS = "vocabulary", "UCS"
LONGEST_TERM = 4  # words
MOST_WORDS = 8  # of one expansion: what a person still looks through
MOST_LABELS = 2  # that a synonym may stand for; one of more ("hit") says too little
MOST_CAT_IDS = 2
MOST_CATEGORIES = 1  # that use the name of a subcategory beside its own
# Subcategories that say nothing without their category, or that are no name of a sound
NO_NAMES = frozenset({
    "misc", "general", "handle", "movement", "mechanism", "tonal", "designed", "source", "interior", "wild", "stone",
    "plucked", "recreational", "urban", "avian", "synthesized", "elemental",
})  # fmt: skip
PARTS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Expansion:
    """Other words, each of one or several, for the words of a query from `first` to `last`, both included."""

    first: int
    last: int
    words: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """Other words by term, and where they come from; terms are folded, lower case, with single spaces."""

    by_source: Mapping[str, Mapping[str, tuple[str, ...]]]
    words: tuple[str, ...]  # all single words that stand in a term, sorted

    def has_beginning(self, word: str) -> bool:
        place = bisect_left(self.words, word)
        return place < len(self.words) and self.words[place].startswith(word)


def expansions(words: Sequence[str]) -> list[Expansion]:
    """Other words for a query's words, the longest terms first: of "dog bark" as a whole before "bark" alone, which is
    left out then. The vocabulary speaks before UCS.
    """
    known = thesaurus()
    terms = [term_of(word) for word in words]
    taken: set[int] = set()
    found: list[Expansion] = []
    for length in range(min(LONGEST_TERM, len(words)), 0, -1):
        for first in range(len(words) - length + 1):
            places = set(range(first, first + length))
            if not taken.isdisjoint(places):
                continue
            term = " ".join(terms[first : first + length])
            fresh = expansions_of(term, first, first + length - 1, known)
            if fresh:
                found += fresh
                taken |= places
    return sorted(found, key=lambda one: one.first)


def expansions_of(term: str, first: int, last: int, known: Thesaurus) -> list[Expansion]:
    found: list[Expansion] = []
    said: set[str] = set()
    for source, others in known.by_source.items():
        fresh = tuple(word for word in others.get(term, ()) if word not in said)[:MOST_WORDS]
        if fresh:
            found.append(Expansion(first, last, fresh, source))
            said.update(fresh)
    return found


def is_term(word: str) -> bool:
    """Whether a word begins one that the vocabulary or UCS has: no misspelling, though no sound may have it."""
    return thesaurus().has_beginning(term_of(word))


def thesaurus() -> Thesaurus:
    """That of the vocabulary in use."""
    return _thesaurus(tuple((label.name, label.synonyms) for label in engine.vocabulary().labels))


@lru_cache(maxsize=2)
def _thesaurus(labels: tuple[tuple[str, tuple[str, ...]], ...]) -> Thesaurus:
    by_source = {VOCABULARY: of_groups(labels, most=MOST_LABELS), UCS: of_groups(ucs_groups(), most=MOST_CAT_IDS)}
    of_labels = (text for name, group in labels for text in (name, *group))
    of_ucs = (text for each in ucs_synonyms().values() for text in (*each.phrases, *each.words))
    terms = {
        *(term for others in by_source.values() for term in others),
        *map(term_of, of_labels),
        *map(term_of, of_ucs),
    }
    return Thesaurus(by_source, tuple(sorted({word for term in terms for word in term.split()})))


def ucs_groups() -> list[tuple[str, tuple[str, ...]]]:
    """The name of each subcategory that says by itself what is heard, as HELICOPTER does and ROOF, of rain, does not,
    since other categories use the word too; with those of its curated synonyms that hardly any other CatID has.
    """
    places: dict[str, set[str]] = {}  # categories by the terms that UCS has there
    cat_ids: Counter[str] = Counter()
    for row in bundled_ucs().values():
        own = ucs_synonyms()[row.cat_id]
        terms = set(map(term_of, (*own.phrases, *own.words, row.subcategory, row.category)))
        cat_ids.update(terms)
        for term in {*terms, *(term.removesuffix("s") for term in terms)}:
            places.setdefault(term, set()).add(row.category)
    groups = []
    for row in bundled_ucs().values():
        name, phrases = term_of(row.subcategory), ucs_synonyms()[row.cat_id].phrases
        if name not in NO_NAMES and len(places[name] - {row.category}) <= MOST_CATEGORIES:
            groups.append((name, tuple(one for one in phrases if cat_ids[term_of(one)] <= MOST_CAT_IDS)))
    return groups


def of_groups(groups: Iterable[tuple[str, tuple[str, ...]]], *, most: int) -> dict[str, tuple[str, ...]]:
    """Both ways: a name stands for its synonyms; a synonym for the names it belongs to, where these are few, and for
    the other synonyms of a name that it has for itself. What only repeats a word of the term is left out.
    """
    cleaned = [(term_of(name), tuple(dict.fromkeys(map(term_of, synonyms)))) for name, synonyms in groups]
    names: dict[str, list[str]] = {}
    for name, synonyms in cleaned:
        for synonym in synonyms:
            names.setdefault(synonym, []).append(name)
    others: dict[str, list[str]] = {}
    for name, synonyms in cleaned:
        telling = [synonym for synonym in synonyms if len(names[synonym]) <= most]
        others.setdefault(name, []).extend(telling)
        for synonym in telling:
            others.setdefault(synonym, []).append(name)
    return {term: kept for term, found in others.items() if (kept := without_repeats(term, found))}


def without_repeats(term: str, found: Sequence[str]) -> tuple[str, ...]:
    """Without what is found with the term anyway: words it has, and what has it as the beginning of all its words."""
    own = set(term.split())
    return tuple(
        other for other in dict.fromkeys(found) if not own.intersection(other.split()) and not other.startswith(term)
    )


def term_of(text: str) -> str:
    return " ".join(PARTS.findall(fold(text).lower()))
