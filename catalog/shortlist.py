"""Which of very many sounds are worth asking Postgres how well words fit them: the best by where the words stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from threading import Lock
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache
from django.db import connection
from numpy.typing import NDArray
from psycopg import Cursor

from catalog.models import PostingState
from catalog.postings import (
    ALL_SOUNDS,
    ENTRY,
    FILE_NAME,
    FOLDER,
    HIGHEST_ID,
    LATER_SOUNDS,
    MOST_SPARSE,
    PLACES,
    SPARSE,
    TOLD,
    WRITTEN,
    Standing,
    changed_words,
    usable_state,
)
from catalog.words import TextQuery

SHORT, PREFERRED = 500, 300
"""Sounds that are listed, and those listed beside them that are near by ear: Postgres reads each in 10 to 20 us."""

MOST_CHANGED = 4_000
"""Sounds that changed since and are asked of Postgres too; with more, and until a part is made of them, it is asked
alone."""

MOST_LEXEMES = 20_000
"""Rows of postings for one word; a beginning of more, as "0" of numbers, is left to Postgres."""

MOST_LEAVES = 100
"""Words of one query that are looked up here; with more, Postgres is asked alone."""

WEIGHTS = {FILE_NAME: 1.0, FOLDER: 0.6, WRITTEN: 0.8, TOLD: 0.4}  # as catalog.lexical, in the order of their positions


def rank_of_places(bits: int) -> float:
    """What `ts_rank` makes of a word that stands once in each of some places. Source: calc_rank_or of PostgreSQL's
    tsrank.c: the greatest weight counts whole, each other one less by the square of its place in the order.
    """
    weights = [weight for bit, weight in WEIGHTS.items() if bits & bit]
    if not weights:
        return 0.0
    best = weights.index(max(weights))
    total = weights[best] + sum(weight / (at + 1) ** 2 for at, weight in enumerate(weights) if at != best)
    return total / 1.64493406685


WORTH = np.array([round(100 * rank_of_places(bits)) for bits in range(16)], np.uint16)
"""Of the places in which a word stands, by their bits; 100 words add up to less than 65,536."""

BIT_OF = dict(zip("ABCD", PLACES, strict=True))
ANYWHERE = sum(PLACES)
IS_THERE = ANYWHERE + 1
TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|''|\\.)*)'(?::(\*?)([A-D]*))?|(<(?:-|\d+)>)|([!&|()]))")
ESCAPED = re.compile(r"''|\\(.)")
PARSED_KEPT = 1_000
MOST_BYTES = 64 * 2**20  # of postings that are kept: half a megabyte for a word of a hundred thousand sounds
LEAST_BYTES = 1_000  # of what is kept of a word that stands nowhere
LAST_LETTER = "\U0010ffff"
Worth = NDArray[np.uint16]
"""How well each sound fits, at the place of its id: 0 not at all, else more for more and better places."""


class NotListed(Exception):
    """Postgres has to be asked alone."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A lexeme, or a beginning of lexemes, in the places of `bits`."""

    lexeme: str
    begins: bool
    bits: int


ALL = Leaf(ALL_SOUNDS, begins=False, bits=ANYWHERE)
CHANGED = Leaf(LATER_SOUNDS, begins=False, bits=ANYWHERE)


@dataclass(frozen=True, slots=True)
class Both:
    """All of several; `is_phrase` where they have to follow each other too, which postings do not know."""

    parts: tuple[Node, ...]
    is_phrase: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """Any of several."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Sounds that are not found by a part."""

    part: Node


Node = Leaf | Both | Either | Without


def shortlist(
    query: TextQuery, allowed: Callable[[], NDArray[np.int64] | None], prefer: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Sounds among which the best for some words are, all of `prefer` that may fit among them; every id still has to be
    asked of Postgres. None where Postgres has to be asked alone: where there are few sounds, or too many changed.
    """
    looked = _look_up(query)
    if looked is None:
        return None
    fits, changed = looked
    among = allowed()
    if among is not None:
        is_allowed = np.isin(fits.sounds, among)
        fits = Fits(fits.sounds[is_allowed], fits.worth[is_allowed])
        changed = changed[np.isin(changed, among)]
    is_near = np.isin(fits.sounds, prefer)
    near = Fits(fits.sounds[is_near], fits.worth[is_near])
    return np.unique(np.concatenate([best_of(fits, SHORT), best_of(near, PREFERRED), changed]))


def candidates_of(query: TextQuery) -> NDArray[np.int64] | None:
    """All sounds that words may fit, in rising order, and some that they do not; None where Postgres is to be asked."""
    looked = _look_up(query)
    if looked is None:
        return None
    fits, changed = looked
    listed = fits.sounds.astype(np.int64)
    return np.union1d(listed, changed) if len(changed) else listed


class Fits(NamedTuple):
    """Sounds, in rising order, and how well each fits, more than 0; arrays of shape (n,)."""

    sounds: NDArray[np.int32]
    worth: Worth


NOTHING = Fits(np.empty(0, np.int32), np.empty(0, np.uint16))


def _look_up(query: TextQuery) -> tuple[Fits, NDArray[np.int64]] | None:
    """What postings say, and the sounds that changed since."""
    standing = Standing.now()
    state = usable_state(standing)
    if state is None or state.highest_id > max(SPARSE, MOST_SPARSE * state.sounds):
        return None
    changed = changed_words(state.horizon, MOST_CHANGED + 1)
    if len(changed) > MOST_CHANGED or changed.max(initial=0) > HIGHEST_ID:
        return None
    tree = parsed(query)
    if tree is None:
        return NOTHING, changed
    try:
        return _Evaluation(state, tree).fits(tree), changed
    except NotListed:
        return None


def best_of(fits: Fits, count: int) -> NDArray[np.int32]:
    """The sounds of most worth; of those that are equal the first by id."""
    if len(fits.sounds) <= count:
        return fits.sounds
    numbers = np.bincount(fits.worth)
    least = len(numbers) - 1 - int(np.searchsorted(np.cumsum(numbers[::-1]), count))
    above = fits.sounds[fits.worth > least]
    return np.concatenate([above, fits.sounds[fits.worth == least][: count - len(above)]])


class Found(NamedTuple):
    """The postings of a word: sounds in rising order with their places, each array of shape (n,)."""

    sounds: NDArray[np.int32]
    places: NDArray[np.uint8]


class _Evaluation:
    """Looks a tree up in the postings, with one array as long as there are ids, that is empty between two steps."""

    def __init__(self, state: PostingState, tree: Node) -> None:
        leaves = {one for one in walk(tree) if isinstance(one, Leaf)}
        if sum(isinstance(one, Leaf) for one in walk(tree)) > MOST_LEAVES:
            raise NotListed
        has_without = any(isinstance(one, Without) for one in walk(tree))
        self._found = postings_of(leaves | {ALL, CHANGED} if has_without else leaves, state)
        self._table = np.zeros(state.highest_id + 1, np.uint16)

    def fits(self, node: Node) -> Fits:
        match node:
            case Leaf():
                return self._leaf(node)
            case Both(parts):
                # a phrase counts as one word: what has its words apart must not crowd out all else
                join = np.minimum if node.is_phrase else np.add
                return reduce(lambda one, other: self._both(one, other, join), map(self.fits, parts))
            case Either(parts):
                return reduce(self._either, map(self.fits, parts))
            case Without(part):
                return self._without(part)

    def _leaf(self, leaf: Leaf) -> Fits:
        sounds, places = self._found[leaf]
        if leaf.bits != ANYWHERE:
            there = (places & leaf.bits) > 0
            sounds, places = sounds[there], places[there] & np.uint8(leaf.bits)
        return Fits(sounds, WORTH[places])

    def _both(self, one: Fits, other: Fits, join: Callable[[Worth, Worth], Worth]) -> Fits:
        table = self._table
        table[one.sounds] = one.worth
        met = table[other.sounds]
        table[one.sounds] = 0
        is_met = met > 0
        return Fits(other.sounds[is_met], join(met[is_met], other.worth[is_met]))

    def _either(self, one: Fits, other: Fits) -> Fits:
        if not (len(one.sounds) and len(other.sounds)):
            return one if len(one.sounds) else other
        table = self._table
        table[one.sounds] = one.worth
        table[other.sounds] += other.worth
        sounds = np.flatnonzero(table > 0)  # of truths it is ten times as fast
        worth = table[sounds]
        table[sounds] = 0
        return Fits(sounds.astype(np.int32), worth)

    def _without(self, part: Node) -> Fits:
        sounds = self._found[ALL].sounds
        if not any(isinstance(one, Both) and one.is_phrase for one in walk(part)):  # else only Postgres knows
            table, inside = self._table, self.fits(part).sounds
            table[inside] = 1
            left = sounds[table[sounds] == 0]
            table[inside] = 0
            changed = self._found[CHANGED].sounds  # they may have held it before
            sounds = np.union1d(left, changed) if len(changed) else left
        return Fits(sounds, np.ones(len(sounds), np.uint16))


Key = tuple[str, bool, str, int, int, int]
_kept: LRUCache[Key, Found] = LRUCache(MOST_BYTES, getsizeof=lambda found: LEAST_BYTES + 5 * len(found.sounds))
_lock = Lock()


def postings_of(leaves: Iterable[Leaf], state: PostingState) -> dict[Leaf, Found]:
    """The postings of words, in one query for all that are not kept. Raises NotListed."""
    what = state.database, state.generation, state.horizon, state.later
    keys = {leaf: (leaf.lexeme, leaf.begins, *what) for leaf in leaves}
    with _lock:
        found = {leaf: kept for leaf, key in keys.items() if (kept := _kept.get(key)) is not None}
    missing = [leaf for leaf in keys if leaf not in found]
    for leaf, postings in zip(missing, _read(missing, state), strict=True):
        found[leaf] = postings
        if postings.sounds.nbytes < MOST_BYTES / 2:
            with _lock:
                _kept[keys[leaf]] = postings
    return found


def _read(leaves: Sequence[Leaf], state: PostingState) -> Iterator[Found]:
    if not leaves:
        return
    sql = """
        SELECT string_agg(found.sounds, ''::bytea), count(*),
            EXISTS (SELECT FROM catalog_postingstate WHERE generation = %s)
        FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS word (first, last, place)
        LEFT JOIN LATERAL (
            SELECT posting.sounds FROM catalog_posting AS posting
            WHERE posting.lexeme >= word.first COLLATE "C" AND posting.lexeme <= word.last COLLATE "C"
                AND posting.generation = %s
            LIMIT %s
        ) AS found ON true
        GROUP BY word.place ORDER BY word.place
    """
    first = [leaf.lexeme for leaf in leaves]
    last = [leaf.lexeme + LAST_LETTER if leaf.begins else leaf.lexeme for leaf in leaves]
    connection.ensure_connection()
    # Django's own cursor takes bytes as text, in three times the time
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        asked = [state.generation, first, last, state.generation, MOST_LEXEMES + 1]
        rows = cursor.execute(sql, asked, binary=True).fetchall()
    for together, parts, are_there in rows:
        if parts > MOST_LEXEMES or not are_there:  # or others serve by now, and these are removed
            raise NotListed
        entries = np.frombuffer(together or b"", ENTRY)
        entries = entries[entries["sound"] <= state.highest_id]  # what is above came since, and is among the changed
        yield _joined(np.ascontiguousarray(entries["sound"]), np.ascontiguousarray(entries["places"]))


def _joined(sounds: NDArray[np.int32], places: NDArray[np.uint8]) -> Found:
    """One entry of each sound: of several lexemes that begin so, or in several parts, it may have more than one."""
    if len(sounds) < 2 or bool((np.diff(sounds) > 0).all()):
        return Found(sounds, places)
    table = np.zeros(int(sounds.max()) + 1, np.uint8)
    table[sounds] = IS_THERE
    for bit in PLACES:
        table[sounds[(places & bit) > 0]] |= bit
    there = np.flatnonzero(table > 0)
    return Found(there.astype(np.int32), table[there] & np.uint8(ANYWHERE))


def walk(node: Node) -> Iterator[Node]:
    yield node
    parts = node.parts if isinstance(node, Both | Either) else (node.part,) if isinstance(node, Without) else ()
    for part in parts:
        yield from walk(part)


def parsed(query: TextQuery) -> Node | None:
    """A query in lexemes, as Postgres takes it; None where it finds nothing, as one of stop words alone."""
    return tree_of(_canonical(query.raw))


@lru_cache(PARSED_KEPT)
def _canonical(raw: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_tsquery('english', %s)::text", [raw])
        text: str = cursor.fetchone()[0]
    return text


def tree_of(text: str) -> Node | None:
    """Read the text of a tsquery; None where it is empty. Source: the PostgreSQL manual, 8.11.2."""
    return _Reader(text).whole() if text.strip() else None


class _Reader:
    """Reads from weak to strong: or, and, followed by, not."""

    def __init__(self, text: str) -> None:
        self._tokens: list[Leaf | str] = [_token(found) for found in TOKEN.finditer(text)]
        self._at = 0

    def whole(self) -> Node:
        return self._either()

    def _either(self) -> Node:
        parts = [self._both()]
        while self._take("|"):
            parts.append(self._both())
        return Either(tuple(parts)) if len(parts) > 1 else parts[0]

    def _both(self) -> Node:
        parts = [self._followed()]
        while self._take("&"):
            parts.append(self._followed())
        return Both(tuple(parts)) if len(parts) > 1 else parts[0]

    def _followed(self) -> Node:
        parts = [self._single()]
        while self._take("<>"):
            parts.append(self._single())
        return Both(tuple(parts), is_phrase=True) if len(parts) > 1 else parts[0]

    def _single(self) -> Node:
        if self._take("!"):
            return Without(self._single())
        if self._take("("):
            inner = self._either()
            self._take(")")
            return inner
        leaf = self._tokens[self._at]
        assert isinstance(leaf, Leaf)
        self._at += 1
        return leaf

    def _take(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False


def _token(found: re.Match[str]) -> Leaf | str:
    lexeme, star, weights, followed, operator = found.groups()
    if lexeme is None:
        return "<>" if followed else operator
    bits = sum(BIT_OF[letter] for letter in weights or "") or ANYWHERE
    return Leaf(ESCAPED.sub(lambda escape: escape[1] or "'", lexeme), bool(star), bits)
