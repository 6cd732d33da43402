"""What chips do to the text of a query: show its parts, take one out, weigh it, turn it around."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from search.query.complete import typed_at
from search.query.scanner import MAX_LENGTH, RUN, WEIGHT, Scanner
from search.query.syntax import (
    MAX_WEIGHT,
    And,
    Field,
    Like,
    Meaning,
    Node,
    Not,
    Or,
    Phrase,
    Query,
    Span,
    Weighted,
    Word,
    number,
    write,
)

Kind: TypeAlias = Literal["word", "phrase", "field", "meaning", "like", "group"]

_JOINER_BEFORE = re.compile(r'(?:(?<![^\s(),|"])(?:OR|AND|&&?)|,|\|+)$')
_JOINER_AFTER = re.compile(r'(?:OR|AND|&&?)(?=[\s(),|"^]|$)|,|\|+')
_WEIGHT = re.compile(r'\^[^\s(),|"]*$')
_NEGATIONS = re.compile(r'(?:[-+]|NOT(?=[\s("])\s*)*')
_NEGATIONS_OF_VALUES = re.compile(r'(?:[-+](?!\d)|NOT(?=[\s("])\s*)*')
_NUMBER_NEXT = re.compile(r"[-+]?\d")
_HEAD = re.compile(r"(?:[A-Za-z][A-Za-z0-9_]*(?::|(?=[<>=])))?[<>=]*~?")
"""What may stand before the value, phrase, group or word of one part."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the query as a chip: `shown` without its minus and weight, which stand beside."""

    kind: Kind
    shown: str
    span: Span
    weight: float
    negative: bool
    alternative: bool  # joined to the others by "or", not by "and"


def parts(query: Query) -> list[Part]:
    """The parts at the top: of `a, b` and `tag:(a|b)` the alternatives, otherwise all that must be there."""
    top = query.root.parts
    if len(top) == 1 and isinstance(top[0], Or):
        return [_part(node, is_alternative=True) for node in top[0].parts]
    return [_part(node, is_alternative=False) for node in top]


def _part(node: Node, *, is_alternative: bool) -> Part:
    inner = node.part if isinstance(node, Not) else node
    weight = inner.weight if isinstance(inner, Weighted) else 1.0
    core = inner.part if isinstance(inner, Weighted) else inner
    return Part(_kind(core), write(core), node.span, weight, isinstance(node, Not), is_alternative)


def _kind(node: Node) -> Kind:
    match node:
        case Word():
            return "word"
        case Phrase():
            return "phrase"
        case Field():
            return "field"
        case Meaning():
            return "meaning"
        case Like():
            return "like"
        case And() | Or() | Not() | Weighted():
            return "group"


def without(text: str, span: Span) -> str:
    """The query without a part, and without the comma or OR that would be left over."""
    left, right = _around(text, span)
    before, after = _JOINER_BEFORE.search(Scanner(left).marks), _JOINER_AFTER.match(Scanner(right).marks)
    is_open, is_closed = _is_open(left), not right or Scanner(right).mark == ")"
    if before and (is_closed or (after and before[0] in ("AND", "&", "&&"))):
        left = left[: before.start()].rstrip()
    elif after and (is_open or before):
        right = right[after.end() :].lstrip()
    return _side_by_side(left, right)


def with_weight(text: str, span: Span, weight: float) -> str:
    """The query with a part that counts `weight` times as much; 1 takes the weight away."""
    if not 0 < weight <= MAX_WEIGHT:
        raise ValueError(f"a weight is above 0 and at most {MAX_WEIGHT:g}, not {weight}")
    core = _unit(_unweighted(_closed(_piece(text, span))))
    is_light = weight == 1 and "^" not in core  # the outer weight holds, so a 1 outside takes one inside away
    return _replaced(text, span, core if is_light else f"{core}^{number(weight)}")


def negated(text: str, span: Span) -> str:
    """The query with a part turned from wanted to not wanted, or back."""
    piece = _closed(_piece(text, span))
    is_value = bool(typed_at(text, span.start).field)  # of `lufs:(-20|-18)`, where a minus is the number's own
    found = (_NEGATIONS_OF_VALUES if is_value else _NEGATIONS).match(Scanner(piece).marks)
    signs = found[0] if found else ""
    wanted = piece[len(signs) :]
    if wanted and signs.strip("+") and _is_unit(piece):
        return _replaced(text, span, wanted)
    return _replaced(text, span, f"{'NOT ' if is_value and _NUMBER_NEXT.match(piece) else '-'}{_unit(piece)}")


def _around(text: str, span: Span) -> tuple[str, str]:
    """What stands before and after a part, of what is read of a text."""
    text = Scanner(text[:MAX_LENGTH]).text
    return text[: span.start].rstrip(), text[span.end :].lstrip()


def _piece(text: str, span: Span) -> str:
    return Scanner(text[:MAX_LENGTH]).text[slice(*span)].strip()


def _is_open(left: str) -> bool:
    return not left or Scanner(left).marks.endswith("(")


def _side_by_side(left: str, right: str) -> str:
    is_tight = not right or _is_open(left) or Scanner(right).mark in "),"
    return f"{left}{right}" if is_tight else f"{left} {right}"


def _replaced(text: str, span: Span, piece: str) -> str:
    """The text with another part in the place of one, apart from what stands beside it."""
    text = text[:MAX_LENGTH]
    left, right = text[: span.start], text[span.end :]
    before = "" if not left or Scanner(left).marks[-1] in " (,|" else " "
    after = "" if not right or Scanner(right).mark in (" ", ")", ",", "|") else " "
    return f"{left}{before}{piece}{after}{right}"


def _closed(piece: str) -> str:
    """A part with its quotation marks and parentheses in pairs, so that something can stand behind it."""
    scanner, kept, depth = Scanner(piece), "", 0
    while scanner.mark:
        start, mark = scanner.position, scanner.mark
        if mark == '"':
            _, is_closed = scanner.take_quoted()
            kept += scanner.text[start : scanner.position] + ("" if is_closed else '"')
            continue
        scanner.position += 1
        if mark == ")" and not depth:
            kept += " "
            continue
        depth += {"(": 1, ")": -1}.get(mark, 0)
        kept += scanner.text[start]
    return kept.strip() + ")" * depth


def _unweighted(piece: str) -> str:
    found = _WEIGHT.search(Scanner(piece).marks)
    return piece[: found.start()] if found else piece


def _unit(piece: str) -> str:
    """A part that a minus or a weight holds for as a whole."""
    return piece if _is_unit(piece) else f"({piece})"


def _is_unit(piece: str) -> bool:
    scanner = Scanner(piece)
    scanner.take(_NEGATIONS)
    scanner.take(_HEAD)
    if scanner.mark == '"':
        scanner.take_quoted()
    elif scanner.mark == "(":
        scanner.skip_group()
    else:
        scanner.take(RUN)
    scanner.take(WEIGHT)
    return not scanner.mark
