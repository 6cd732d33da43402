"""The parts of a query as a tree, and how each of them is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

MIN_WEIGHT = 0.01
MAX_WEIGHT = 10.0
OPERATOR_WORDS = ("AND", "OR", "NOT")
QUOTES = '"“”„‟«»'
"""Any of these opens and closes a phrase: keyboards and word processors put in their own."""

Operator: TypeAlias = Literal["=", "<", "<=", ">", ">=", "range"]

_PLAIN = re.compile(r"\w[\w'-]*")
_PLAIN_VALUE = re.compile(r"-?\w+(?:\.\w+)*|[0-9]{4}-[0-9]{2}-[0-9]{2}")
_QUOTE = re.compile(f"[{QUOTES}]")


class Span(NamedTuple):
    """Where something stands in the text of the query, in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word or the beginning of one; with `exact` the word as it is (`=x`)."""

    text: str
    span: Span
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand side by side."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Field:
    """A condition on a field, as it was typed. Only a "range" has a `high`."""

    name: str
    operator: Operator
    value: str
    span: Span
    high: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is to be heard, whatever is written."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Like:
    """A sound as the example, or a stretch of it: None is its start or its end."""

    sound_id: int
    start_s: float | None
    end_s: float | None
    span: Span

    @property
    def is_whole(self) -> bool:
        return self.start_s is None and self.end_s is None


@dataclass(frozen=True, slots=True)
class Not:
    """What is not wanted; never of another Not, which is what is wanted."""

    part: Node
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    """All of these: two or more, but for the root of a query."""

    parts: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these: two or more."""

    parts: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Weighted:
    """A part that counts more or less than the others; never of a Not (which is around it) or a Weighted."""

    part: Node
    weight: float
    span: Span


Node: TypeAlias = Word | Phrase | Field | Meaning | Like | Not | And | Or | Weighted


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be understood, and what to do."""

    message: str
    span: Span


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was understood."""

    text: str
    root: And
    problems: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.root.parts


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, And | Or):
        return node.parts
    if isinstance(node, Not | Weighted):
        return (node.part,)
    return ()


def write(node: Node | Query) -> str:
    """The shortest regular text that is understood as this tree."""
    if isinstance(node, Query):
        node = node.root
    if isinstance(node, And) and len(node.parts) == 1:
        node = node.parts[0]
    if isinstance(node, Or):
        return ", ".join(_write_all(part) for part in node.parts)
    return _write_all(node)


def _write_all(node: Node) -> str:
    return " ".join(_write_one(part) for part in node.parts) if isinstance(node, And) else _write_one(node)


def _write_one(node: Node) -> str:
    match node:
        case And() | Or():
            return f"({write(node)})"
        case Not(part):
            return f"-{_write_one(part)}"
        case Weighted(part, weight):
            return f"{_write_one(part)}^{number(weight)}"
        case _:
            return _write_leaf(node)


def _write_leaf(node: Word | Phrase | Field | Meaning | Like) -> str:
    match node:
        case Word(text, exact=exact):
            return f"={text}" if exact else f"{text}*" if text in OPERATOR_WORDS else text
        case Phrase(text):
            return quoted(text)
        case Meaning(text):
            return f"~{text if _PLAIN.fullmatch(text) else quoted(text)}"
        case Like(sound_id):
            return f"like:{sound_id}{_write_region(node.start_s, node.end_s)}"
        case Field(name, "range", value, high=high):
            return f"{name}:{value}..{high}"
        case Field(name, operator, value):
            return f"{name}:{operator.removeprefix('=')}{written_value(value)}"


def _write_region(start_s: float | None, end_s: float | None) -> str:
    if start_s is None and end_s is None:
        return ""
    return f"@{'' if start_s is None else number(start_s)}-{'' if end_s is None else number(end_s)}"


def number(value: float) -> str:
    """A number as it is typed: no exponent, no zeros at the end."""
    written = format(Decimal(repr(value)), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def written_value(value: str) -> str:
    """A field's value as it is typed: in quotation marks where it could be taken for something else."""
    return value if _PLAIN_VALUE.fullmatch(value) else quoted(value)


def quoted(text: str) -> str:
    """A text in quotation marks; those inside are doubled."""
    return f'"{_QUOTE.sub(lambda mark: mark[0] * 2, text)}"'
