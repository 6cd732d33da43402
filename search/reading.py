"""How a line that somebody typed was understood, so that it can be shown and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.dictionary import corrections
from catalog.fields import field_names
from catalog.synonyms import expansions
from catalog.words import query_words
from search.plain import Plain, read_plain
from search.plan import Lookup, Plan, plain_words, plan_query
from search.query.parser import parse
from search.query.syntax import Problem


@dataclass(frozen=True, slots=True)
class Choices:
    """What a reader may do on its own; each can be switched off."""

    synonyms: bool = True
    spelling: bool = True
    this_sound: int | None = None  # what "like this one" means


@dataclass(frozen=True, slots=True)
class Corrected:
    """A word that stands nowhere, and the one that was looked up instead."""

    typed: str
    instead: str


@dataclass(frozen=True, slots=True)
class Also:
    """Words, and others that mean the same and were looked up with them."""

    words: str
    others: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A line, as it was understood."""

    typed: str
    plain: Plain
    plan: Plan
    corrected: tuple[Corrected, ...] = ()
    also: tuple[Also, ...] = ()

    @property
    def query(self) -> str:
        """The line in the language of queries; what chips are made of."""
        return self.plain.query

    @property
    def problems(self) -> Sequence[Problem]:
        return self.plan.problems


def refusal(reading: Reading) -> str:
    """Why a line leaves nothing to search with, and what to do; empty where it does leave something."""
    plan = reading.plan
    if not (plan.lets_all_through and plan.asks_nothing):
        return ""
    told = [problem.message for problem in reading.problems]
    told += [
        f'"{said}" needs a sound that it means; search with like: and its number.' for said in reading.plain.dropped
    ]
    return " ".join(told) or "There is nothing to search for: write words, as in heavy rain."


def read(line: str, choices: Choices | None = None) -> Reading:
    """Understand a line. Nothing is raised: what could not be understood is among the problems."""
    choices = choices or Choices()
    plain = read_plain(line, this_sound=choices.this_sound)
    query = parse(plain.query, field_names=field_names())
    words = list(dict.fromkeys(part for word in plain_words(query) for part in query_words(word)))
    corrected = _corrected(words) if choices.spelling else []
    instead = {one.typed: one.instead for one in corrected}
    spelled = [instead.get(word.lower(), word.lower()) for word in words]
    also = _also(spelled) if choices.synonyms else []
    lookup = Lookup(instead, {one.words: one.others for one in also})
    return Reading(line, plain, plan_query(query, lookup), tuple(corrected), tuple(also))


def _corrected(words: Sequence[str]) -> list[Corrected]:
    found = corrections(words) if words else {}
    return [Corrected(word.lower(), options[0].word) for word, options in found.items() if options]


def _also(words: Sequence[str]) -> list[Also]:
    by_words: dict[str, Also] = {}
    for one in expansions(words):
        key = " ".join(words[one.first : one.last + 1])
        known = by_words.get(key)
        others = tuple(dict.fromkeys([*(known.others if known else ()), *one.words]))
        by_words[key] = Also(key, others, f"{known.source}, {one.source}" if known else one.source)
    return list(by_words.values())
