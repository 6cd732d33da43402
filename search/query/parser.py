"""From the line that a person types to a tree of what is wanted."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from search.query import scanner as signs
from search.query.scanner import Scanner
from search.query.syntax import (
    MAX_WEIGHT,
    MIN_WEIGHT,
    And,
    Meaning,
    Node,
    Not,
    Or,
    Phrase,
    Problem,
    Query,
    Span,
    Weighted,
    Word,
)
from search.query.values import LIKE, near_names, read_value

MAX_DEPTH = 30
MAX_PROBLEMS = 20
"""More are of no use to who reads them."""

_NUMBER = re.compile(r"[0-9]{0,20}\.?[0-9]{1,20}(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_CLOSINGS = re.compile(r"\)+")


def parse(text: str, *, field_names: Collection[str]) -> Query:
    """Understand a query. What can be understood is kept, what cannot is among the problems; nothing is raised.

    Space joins what must all be there, a comma, `|` or `OR` what may; `-` or `NOT` is before what must not. "Or" is the
    looser: `a b, c` is `(a b), c`. A node's span is all that goes when it goes: its minus, parentheses and weight too.
    """
    parser = _Parser(text, field_names)
    tree = parser.read_all()
    root = tree if isinstance(tree, And) else And((tree,) if tree else (), Span(0, 0))
    problems = sorted(parser.problems, key=lambda problem: problem.span)
    return Query(text, replace(root, span=Span(0, parser.length)), tuple(problems[:MAX_PROBLEMS]))


class _Parser:
    """One function for each rule of the grammar; each takes what it understands from the scanner."""

    def __init__(self, text: str, field_names: Collection[str]) -> None:
        self.scanner = Scanner(text[: signs.MAX_LENGTH])
        self.length = len(self.scanner.text)
        self.field_names = {name.lower() for name in field_names} | {LIKE}
        self.field = ""  # whose values are read: `tag:(rain, wind)`
        self.depth = 0
        self.problems: list[Problem] = []
        self._complain_of_the_whole(text)

    def read_all(self) -> Node | None:
        return self._alternatives()

    def _alternatives(self) -> Node | None:
        found: list[Node] = []
        before: re.Match[str] | None = None
        while True:
            self.scanner.take(signs.SPACE)
            start = self.scanner.position
            part = self._sequence()
            is_missing = self.scanner.position == start
            after = self.scanner.take(signs.OR)
            if part:
                found.append(part)
            elif is_missing:
                self._complain_of_missing(before, after)
            if not after:
                break
            before = after
        return _joined(Or, found)

    def _sequence(self) -> Node | None:
        found: list[Node] = []
        while not self._is_at_end_of_sequence():
            if joiner := self.scanner.take(signs.AND):
                self._check_joiner(joiner, has_left=bool(found))
            elif closings := self.scanner.take(_CLOSINGS):
                self._complain("This parenthesis was never opened: take it out, or put a ( before.", *closings.span())
            elif part := self._part():
                found.append(part)
        return _joined(And, found)

    def _is_at_end_of_sequence(self) -> bool:
        self.scanner.take(signs.SPACE)
        is_closed = self.depth > 0 and self.scanner.mark == ")"
        return not self.scanner.mark or is_closed or self.scanner.see(signs.OR) is not None

    def _part(self) -> Node | None:
        start = self.scanner.position
        is_negative = self._take_negations()
        if is_negative is None:
            return None
        part_start = self.scanner.position
        node = self._primary()
        weight = self._weight() if node and self.scanner.mark == "^" else None
        if not node:
            self.scanner.take(signs.WEIGHT)
            return None
        end = self.scanner.position
        node = _weighted(replace(node, span=Span(part_start, end)), weight)
        return replace(_negated(node) if is_negative else node, span=Span(start, end))

    def _take_negations(self) -> bool | None:
        """Whether what follows is not wanted; None where nothing follows."""
        start = self.scanner.position
        count = 0
        while sign := self._take_negation():
            count += sign != "+"
        if count > 1:
            self._complain("Two minus signs in a row were read as one.", start)
        if self.scanner.position == start or not self._is_nothing_next():
            return count > 0
        self._complain("A minus or NOT stands alone: write it right before a word, as in -wind or NOT wind.", start)
        return None

    def _take_negation(self) -> str:
        """One sign before a part. In a list of a field's values a minus before a digit is the number's own."""
        start = self.scanner.position
        if self.scanner.take(signs.NOT):
            self.scanner.take(signs.SPACE)
            return "NOT"
        is_number = self.field and self.scanner.marks[start + 1 : start + 2].isdecimal()
        if self.scanner.mark in ("-", "+") and not is_number:
            self.scanner.position += 1
            return self.scanner.marks[start]
        return ""

    def _is_nothing_next(self) -> bool:
        is_joiner = self.scanner.see(signs.OR) or self.scanner.see(signs.AND)
        return self.scanner.is_at_break or is_joiner is not None

    def _primary(self) -> Node | None:
        match self.scanner.mark:
            case "(":
                return self._group()
            case "^":
                return self._complain_of_stray_weight()
            case _ if self.field:
                return self._value(self.field, self.scanner.position)
            case '"':
                return self._phrase()
            case "~":
                return self._meaning()
            case "=":
                return self._exact_word()
        return self._after_noise(self.scanner.position)

    def _after_noise(self, start: int) -> Node | None:
        self.scanner.take(signs.LEADING_NOISE)
        if self.scanner.mark in ('"', "("):
            return self._primary()
        found = self.scanner.see(signs.FIELD)
        return self._field(found) if found and self._looks_like_a_field(found) else self._word(start)

    def _group(self) -> Node | None:
        start = self.scanner.position
        if self.depth == MAX_DEPTH:
            return self._skip_group()
        self.scanner.position += 1
        self.depth += 1
        known = len(self.problems)
        node = self._alternatives()
        self.depth -= 1
        if not self.scanner.take_mark(")"):
            self._complain(
                "This parenthesis is never closed: it was read as if it closed at the end.", start, start + 1
            )
        elif node is None and len(self.problems) == known:
            self._complain("Nothing stands between these parentheses.", start, self.scanner.position)
        return node

    def _skip_group(self) -> Node | None:
        start = self.scanner.position
        self.scanner.skip_group()
        message = f"Parentheses go at most {MAX_DEPTH} deep; what stands in these was left out."
        self._complain(message, start)
        return None

    def _phrase(self) -> Node | None:
        start = self.scanner.position
        text = self._quoted()
        return Phrase(text, self._span(start)) if self._check_searchable(text, start) else None

    def _quoted(self) -> str:
        start = self.scanner.position
        text, is_closed = self.scanner.take_quoted()
        if not is_closed:
            self._complain("This quotation mark has no partner: the phrase was read to the end.", start, start + 1)
        return text

    def _meaning(self) -> Node | None:
        start = self.scanner.position
        self.scanner.position += 1
        is_negative = self.scanner.take_mark("-")  # `~-thunder` for `-~thunder`
        if self.scanner.is_at_break or self.scanner.mark in ("(", "^"):
            example = '~storm or ~"a storm far away"'
            self._complain(f"A ~ stands alone: write it right before what is to be heard, as in {example}.", start)
            return None
        text = self._quoted() if self.scanner.mark == '"' else signs.bare(self.scanner.take_run())
        if not self._check_searchable(text, start):
            return None
        node = Meaning(text, self._span(start))
        return _negated(node) if is_negative else node

    def _exact_word(self) -> Node | None:
        start = self.scanner.position
        self.scanner.position += 1
        if self.scanner.mark == '"':
            return self._phrase()
        text = signs.bare(self.scanner.take_run())
        return Word(text, self._span(start), exact=True) if self._check_searchable(text, start) else None

    def _word(self, start: int) -> Node | None:
        text = signs.bare(self.scanner.take_run())
        return Word(text, self._span(start)) if self._check_searchable(text, start) else None

    def _field(self, found: re.Match[str]) -> Node | None:
        self.scanner.position = found.end()
        name = found[1].lower()
        node = self._field_value(name, found.start())
        if name in self.field_names:
            return node
        self._complain(self._unknown_field(name), found.start())
        return None

    def _looks_like_a_field(self, found: re.Match[str]) -> bool:
        """Whether the name is a field's or was meant to be one: not in `http://x` or `Sounds: rain`."""
        if found[1].lower() in self.field_names:
            return True
        following = self.scanner.marks[found.end() : found.end() + 1]
        if not found[2] or not following or following in "/\\":
            return False
        run = signs.RUN.match(self.scanner.marks, found.end())
        return bool(signs.bare(run[0])) if run else following in '"('

    def _field_value(self, name: str, start: int) -> Node | None:
        if self.scanner.mark != "(":
            return self._value(name, start)
        outer, self.field = self.field, name
        node = self._group()
        self.field = outer
        return node

    def _value(self, name: str, start: int) -> Node | None:
        comparison = self.scanner.take(signs.COMPARISON)
        operator = comparison[0] if comparison else ""
        is_quoted = self.scanner.mark == '"'
        text = self._quoted() if is_quoted else self.scanner.take_run()
        node, message = read_value(name, operator, text, self._span(start), is_quoted=is_quoted)
        if message:
            self._complain(message, start)
        return node

    def _weight(self) -> float | None:
        start = self.scanner.position
        found = self.scanner.take(signs.WEIGHT)
        typed = found[1] if found else ""
        if not _NUMBER.fullmatch(typed) or float(typed) == 0:
            message = (
                f"After ^ stands a weight from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}, as in rain^2; this one was left out."
            )
            self._complain(message if typed != "0" else f"{message} To exclude a word, write -word.", start)
            return None
        weight = min(max(float(typed), MIN_WEIGHT), MAX_WEIGHT)
        if weight != float(typed):
            limits = f"from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}"
            self._complain(f"Weights go {limits}: ^{typed} was read as ^{weight:g}.", start)
        return weight

    def _unknown_field(self, name: str) -> str:
        near = " or ".join(f"{one}:" for one in near_names(name, self.field_names))
        advice = f"Did you mean {near}?" if near else "To search for it as it stands, put it in quotation marks."
        return f"There is no field {name}: to search in, so this was left out. {advice}"

    def _check_searchable(self, text: str, start: int) -> bool:
        is_searchable = signs.is_searchable(text)
        if not is_searchable:
            self._complain("There is no letter and no digit to search for here; this was left out.", start)
        return is_searchable

    def _check_joiner(self, joiner: re.Match[str], *, has_left: bool) -> None:
        is_at_end = self._is_at_end_of_sequence() or self.scanner.mark == ")"
        if joiner[0] == "AND" and (is_at_end or not has_left):
            self._complain(f"Nothing stands {'after' if has_left else 'before'} AND.", *joiner.span())

    def _complain_of_missing(self, before: re.Match[str] | None, after: re.Match[str] | None) -> None:
        """Commas may stand at the ends: a sentence has them there."""
        joiner, side = (before, "after") if before and before[0] != "," else (after, "before")
        if joiner and joiner[0] != ",":
            self._complain(f"Nothing stands {side} {joiner[0]}.", *joiner.span())

    def _complain_of_stray_weight(self) -> Node | None:
        start = self.scanner.position
        self.scanner.take(signs.WEIGHT)
        self._complain("A weight stands right after a word, phrase or parenthesis, as in rain^2.", start)
        return None

    def _complain_of_the_whole(self, text: str) -> None:
        if len(text) > signs.MAX_LENGTH:
            message = f"Only the first {signs.MAX_LENGTH:,} characters of {len(text):,} were read."
            self._complain(message, signs.MAX_LENGTH, len(text))
        control = signs.first_control(text[: signs.MAX_LENGTH])
        if control is not None:
            self._complain("Characters that cannot be typed were read as spaces.", control, control + 1)

    def _complain(self, message: str, start: int, end: int | None = None) -> None:
        self.problems.append(Problem(message, Span(start, self.scanner.position if end is None else end)))

    def _span(self, start: int) -> Span:
        return Span(start, self.scanner.position)


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return kind(tuple(parts), Span(parts[0].span.start, parts[-1].span.end))


def _negated(node: Node) -> Node:
    return node.part if isinstance(node, Not) else Not(node, node.span)


def _weighted(node: Node, weight: float | None) -> Node:
    """Weigh a part: inside of its Not, and once; of `(a^2)^3` the outer weight holds."""
    if weight is None:
        return node
    if isinstance(node, Not):
        return replace(node, part=_weighted(node.part, weight))
    if isinstance(node, Weighted):
        node = node.part
    return node if weight == 1 else Weighted(node, weight, node.span)
