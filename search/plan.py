"""What a parsed query asks for: what must hold, which words are looked up, and what is listened for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as with_default
from functools import reduce
from typing import TypeVar

from django.db.models import Q

from catalog.fields import BadFieldValue, field, field_condition
from catalog.lexical import NamedWord, text_condition
from catalog.shortlist import parsed
from catalog.words import LONGEST_QUERY, TextQuery, query_words
from search.query.syntax import And, Field, Like, Meaning, Node, Not, Or, Phrase, Problem, Query, Weighted, Word, walk

HEARD_INSIDE = (
    "what is listened for (~ and like:) stands on its own, or among others of its kind in an or: it was left out here"
)
MOST_HEARD = 8
"""Parts and alternatives that are listened for, each looked for in the whole index."""

MOST_SENTENCES = 8
"""Of a query of many ors: each is read by the model and looked for on its own."""

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class HeardPart:
    """Something to listen for: words, or a sound; of several, any."""

    alternatives: tuple[Meaning | Like, ...]
    weight: float = 1.0
    is_plain: bool = False  # plain words of the query, which are looked up as well

    @property
    def shown(self) -> str:
        return " or ".join(shown(one) for one in self.alternatives)

    @property
    def name(self) -> str:
        """By which its share in a score goes."""
        return f"~{self.shown}"


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """Words to look up."""

    query: TextQuery = with_default(default_factory=TextQuery)
    named: tuple[NamedWord, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A query, taken apart."""

    query: Query
    condition: Q | None = None  # None: anything may be found
    must: TextQuery = with_default(default_factory=TextQuery)  # words that have to be there, as phrases, or not
    written: WrittenPart = with_default(default_factory=WrittenPart)
    wanted: tuple[HeardPart, ...] = ()
    unwanted: tuple[HeardPart, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def asks_nothing(self) -> bool:
        return not (self.written.query or self.wanted or self.unwanted)

    @property
    def lets_all_through(self) -> bool:
        return self.condition is None and not self.must


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a word is looked up where that is more than its letters: corrected, or with words that mean the same."""

    instead: dict[str, str] = with_default(default_factory=dict)  # a word as typed: how it is spelled
    also: dict[str, tuple[str, ...]] = with_default(default_factory=dict)  # a word, or words in a row: synonyms

    def spelled(self, text: str) -> str:
        return " ".join(self._spelled_word(word) for word in text.split())

    def _spelled_word(self, word: str) -> str:
        """The word as it stands where nothing of it was corrected, accents and hyphens too."""
        parts = [part.lower() for part in query_words(word)]
        if not any(part in self.instead for part in parts):
            return word
        return " ".join(self.instead.get(part, part) for part in parts)


def shown(part: Meaning | Like) -> str:
    """A part as a reason names it."""
    if isinstance(part, Meaning):
        return part.text
    region = "" if part.start_s is None and part.end_s is None else f"@{part.start_s or 0:g}-{part.end_s or 0:g}"
    return f"sound {part.sound_id}{region}"


def plain_words(query: Query) -> list[str]:
    """The words of a query that are to be found, in their order: what can be misspelled or have synonyms."""
    return [word for clause in query.root.parts if _is_soft(clause) for word in _words_of(clause)]


def plan_query(query: Query, lookup: Lookup | None = None) -> Plan:
    """Take a query apart. Raises nothing: what cannot be done is among the problems of the plan, and left out."""
    return _Planner(query, lookup or Lookup()).plan()


class _Planner:
    """Sorts the clauses of a query, which all have to hold, by what is done with them."""

    def __init__(self, query: Query, lookup: Lookup) -> None:
        self._query, self._lookup = query, lookup
        self._problems = list(query.problems)
        self._conditions: list[Q] = []
        self._must = TextQuery()
        self._soft: list[tuple[Node, float]] = []
        self._wanted: list[HeardPart] = []
        self._unwanted: list[HeardPart] = []

    def plan(self) -> Plan:
        for clause in self._query.root.parts:
            self._sort(clause)
        written = self._written()
        wanted = [*self._heard_of_words(), *self._wanted]
        condition = reduce(Q.__and__, self._conditions) if self._conditions else None
        return Plan(
            self._query, condition, self._must, written, tuple(wanted), tuple(self._unwanted), tuple(self._problems)
        )

    def _sort(self, clause: Node) -> None:
        node, weight = _weighed(clause)
        if (heard := _alternatives(node)) is not None:
            self._listen(self._wanted, HeardPart(heard, weight), clause)
        elif isinstance(node, Not) and (heard := _alternatives(_weighed(node.part)[0])) is not None:
            self._listen(self._unwanted, HeardPart(heard, weight * _weighed(node.part)[1]), clause)
        elif _is_soft(clause):
            self._take_words(clause, weight)
        elif self._is_looked_up(clause) and (query := self._text_query(clause)):
            self._must &= query
        elif (condition := self._condition(clause)) is not None:
            self._conditions.append(condition)

    def _take_words(self, clause: Node, weight: float) -> None:
        words = sum(len(_words_of(one)) for one, _ in (*self._soft, (clause, weight)))
        if words > LONGEST_QUERY:
            self._problems.append(Problem(f"at most {LONGEST_QUERY} words are looked up: left out", clause.span))
        else:
            self._soft.append((clause, weight))

    def _listen(self, parts: list[HeardPart], part: HeardPart, clause: Node) -> None:
        heard = sum(len(one.alternatives) for one in (*self._wanted, *self._unwanted, part))
        if heard > MOST_HEARD:
            self._problems.append(Problem(f"at most {MOST_HEARD} things are listened for: left out", clause.span))
        else:
            parts.append(part)

    def _condition(self, node: Node) -> Q | None:
        """What a row has to be; None where nothing of the node could be understood."""
        match node:
            case Weighted(part):
                return self._condition(part)
            case Not(part):
                inner = self._condition(part)
                return None if inner is None else ~inner
            case And(parts) | Or(parts):
                known = [one for part in parts if (one := self._condition(part)) is not None]
                join = Q.__and__ if isinstance(node, And) else Q.__or__
                return reduce(join, known) if known else None
            case Field():
                return self._field(node)
            case Word() | Phrase():
                return text_condition(self._text_query(node))
            case Meaning() | Like():
                self._problems.append(Problem(HEARD_INSIDE, node.span))
                return None

    def _is_looked_up(self, clause: Node) -> bool:
        """Whether a clause asks for nothing but words, each of which says something: Postgres passes over others, as
        "the" is, and "not the" would find nothing.
        """
        nodes = list(walk(clause))
        if not all(isinstance(one, And | Or | Not | Weighted | Word | Phrase) for one in nodes):
            return False
        return all(parsed(self._text_query(one)) is not None for one in nodes if isinstance(one, Word | Phrase))

    def _field(self, node: Field) -> Q | None:
        operator, value, high = node.operator, node.value, node.high
        if operator == "range" and field(node.name).kind == "date" and ".." not in self._typed(node):
            operator, value, high = "=", f"{value}-{high}", ""  # "2026-11" is a month
        try:
            return field_condition(node.name, operator, value, high)
        except BadFieldValue as error:
            self._problems.append(Problem(str(error), node.span))
            return None

    def _typed(self, node: Node) -> str:
        return self._query.text[node.span.start : node.span.end]

    def _text_query(self, node: Node) -> TextQuery:
        match node:
            case Weighted(part):
                return self._text_query(part)
            case Not(part):
                return ~self._text_query(part)
            case And(parts):
                return _together(parts, self._text_query, TextQuery.__and__)
            case Or(parts):
                return _together(parts, self._text_query, TextQuery.__or__)
            case Phrase(text):
                return TextQuery.phrase(text)
            case Word(text, exact=True):
                return TextQuery.exact_word(text)
            case Word(text):
                return self._word(text)
            case _:
                return TextQuery()

    def _word(self, text: str) -> TextQuery:
        spelled = self._lookup.spelled(text)
        query = TextQuery.word(spelled)
        for synonym in self._lookup.also.get(" ".join(query_words(spelled)).lower(), ()):
            query |= TextQuery.phrase(synonym)
        return query

    def _written(self) -> WrittenPart:
        if not self._soft:
            return WrittenPart()
        query = _together([clause for clause, _ in self._soft], self._text_query, TextQuery.__and__)
        for words, synonyms in self._lookup.also.items():  # several words that mean one thing
            if " " in words and words in " ".join(self._spelled_words()):
                query = self._with_phrase(query, words, synonyms)
        named = {word: NamedWord(word, TextQuery.word(word)) for word in self._spelled_words()}
        return WrittenPart(query, tuple(named.values()), max(weight for _, weight in self._soft))

    def _with_phrase(self, query: TextQuery, words: str, synonyms: Sequence[str]) -> TextQuery:
        """All words of the query, or in place of those that mean one thing another name of it."""
        rest = [word for word in self._spelled_words() if word not in words.split()]
        other = _together(synonyms, TextQuery.phrase, TextQuery.__or__)
        return query | (_together(rest, self._word, TextQuery.__and__) & other)

    def _spelled_words(self) -> list[str]:
        words = [word for clause, _ in self._soft for word in _words_of(clause)]
        return [part.lower() for word in words for part in query_words(self._lookup.spelled(word))]

    def _heard_of_words(self) -> Iterator[HeardPart]:
        """Plain words, as a sentence to listen for; where the query is an or, any of its sentences."""
        if not self._soft:
            return
        sentences = [""]
        for clause, _ in self._soft:
            sentences = _followed(sentences, _sentences(clause))
        spelled = dict.fromkeys(self._lookup.spelled(sentence) for sentence in sentences)
        span = self._soft[0][0].span
        yield HeardPart(
            tuple(Meaning(one, span) for one in spelled), max(weight for _, weight in self._soft), is_plain=True
        )


def _weighed(node: Node) -> tuple[Node, float]:
    return (node.part, node.weight) if isinstance(node, Weighted) else (node, 1.0)


def _alternatives(node: Node) -> tuple[Meaning | Like, ...] | None:
    """What to listen for, any of it, if the node is that and nothing else."""
    parts = node.parts if isinstance(node, Or) else (node,)
    heard = [_weighed(part)[0] for part in parts]
    found = tuple(one for one in heard if isinstance(one, Meaning | Like))
    return found if len(found) == len(parts) else None


def _is_soft(node: Node) -> bool:
    """Whether a clause is plain words alone: they rank what is found, and what is like them is found without them."""
    return all(isinstance(one, And | Or | Weighted) or (isinstance(one, Word) and not one.exact) for one in walk(node))


def _words_of(node: Node) -> list[str]:
    return [one.text for one in walk(node) if isinstance(one, Word)]


def _sentences(node: Node) -> list[str]:
    match node:
        case Or(parts):
            return [sentence for part in parts for sentence in _sentences(part)][:MOST_SENTENCES]
        case And(parts):
            sentences = [""]
            for part in parts:
                sentences = _followed(sentences, _sentences(part))
            return sentences
        case Weighted(part):
            return _sentences(part)
        case Word(text):
            return [text]
        case _:
            return []


def _followed(sentences: Sequence[str], others: Sequence[str]) -> list[str]:
    both = [f"{one} {other}".strip() for one in sentences for other in others]
    return both[:MOST_SENTENCES]


def _together(
    parts: Sequence[Part], make: Callable[[Part], TextQuery], join: Callable[[TextQuery, TextQuery], TextQuery]
) -> TextQuery:
    return reduce(join, (make(part) for part in parts), TextQuery())
