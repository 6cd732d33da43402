"""What is being typed at the cursor, so that it can be completed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

from search.query import scanner as signs
from search.query.scanner import Scanner
from search.query.syntax import Span, quoted, written_value

TypingKind: TypeAlias = Literal["field name", "field value", "word"]

_PREFIXES = re.compile(r"[-+~=]*")


@dataclass(frozen=True, slots=True)
class Typing:
    """What stands before the cursor; `span` is what a completion replaces, to the end of the word."""

    kind: TypingKind
    field: str
    prefix: str
    span: Span


def typed_at(text: str, cursor: int, *, field_names: Collection[str] = ()) -> Typing:
    """What is being typed at a cursor (in characters).

    A "field name" is the beginning of one of `field_names`; it may turn out to be a word as well.
    """
    reader = _Reader(text, max(0, min(cursor, len(text), signs.MAX_LENGTH)))
    typing = reader.read()
    is_name = typing.kind == "word" and typing.prefix and reader.may_name_a_field
    if is_name and any(name.startswith(typing.prefix.lower()) for name in field_names):
        return Typing("field name", "", typing.prefix.lower(), typing.span)
    return typing


def completed(text: str, typing: Typing, choice: str) -> tuple[str, int]:
    """The text with a completion in place, and where the cursor stands then."""
    written = f"{choice}:" if typing.kind == "field name" else written_value(choice)
    if typing.kind == "word" and written != quoted(choice):
        written = choice
    after = text[typing.span.end :]
    gap = "" if typing.kind == "field name" or after[:1] in (" ", ")", ",", "|") else " "
    return f"{text[: typing.span.start]}{written}{gap}{after}", typing.span.start + len(written) + len(gap)


class _Reader:
    """Reads up to the cursor, and remembers whose values are being typed."""

    def __init__(self, text: str, cursor: int) -> None:
        self.scanner = Scanner(text[: signs.MAX_LENGTH])
        self.cursor = cursor
        self.fields: list[str] = []  # one for each open parenthesis; empty for a group of words
        self.may_name_a_field = False

    def read(self) -> Typing:
        while self.scanner.position < self.cursor:
            self._note_group_sign()
            if typing := self._take_piece():
                return typing
        return self._typing(self._enclosing, self.cursor, self._end_of_run(self.cursor))

    @property
    def _enclosing(self) -> str:
        return self.fields[-1] if self.fields else ""

    def _note_group_sign(self) -> None:
        mark = self.scanner.mark
        if mark == "(":
            self.fields.append(self._enclosing)
        elif mark == ")" and self.fields:
            self.fields.pop()

    def _take_piece(self) -> Typing | None:
        """Take one sign, phrase, field or word: what is being typed, if the cursor stands in it."""
        if self.scanner.is_at_break or self.scanner.mark == "(":
            self.scanner.position += 1
            return None
        if self.scanner.mark == "^":
            self.scanner.take(signs.WEIGHT)
            return self._nothing() if self.cursor <= self.scanner.position else None
        prefixes = None if self._enclosing else self.scanner.take(_PREFIXES)
        if self.scanner.position >= self.cursor:
            return None
        self.may_name_a_field = not self._enclosing and not (prefixes and re.search("[~=]", prefixes[0]))
        field = self._enclosing or self._take_field_name()
        if self.scanner.position > self.cursor:
            return None
        return self._take_value(field)

    def _take_field_name(self) -> str:
        """The field whose colon stands before the cursor."""
        found = self.scanner.see(signs.FIELD)
        following = self.scanner.marks[found.end() : found.end() + 1] if found else ""
        if not found or not found[2] or found.end() > self.cursor or following in ("/", "\\"):
            return ""
        self.scanner.position = found.end()
        self.scanner.take(signs.COMPARISON)
        return found[1].lower()

    def _take_value(self, field: str) -> Typing | None:
        start = self.scanner.position
        if field and self.scanner.mark == "(":
            self.fields.append(field)
            self.scanner.position += 1
            return None
        if self.scanner.mark == '"':
            return self._take_quoted(field, start)
        self.scanner.take(signs.RUN)
        return self._typing(field, start, self.scanner.position) if self.cursor <= self.scanner.position else None

    def _take_quoted(self, field: str, start: int) -> Typing | None:
        _, is_closed = self.scanner.take_quoted()
        end = self.scanner.position
        if self.cursor > end or (is_closed and self.cursor == end):
            return None
        self.may_name_a_field = False
        if field:
            typed = self.scanner.text[start + 1 : self.cursor]
            return Typing("field value", field, typed, Span(start, end if is_closed else self.cursor))
        last = re.search(r"[^\s\"]*$", self.scanner.marks[start : self.cursor])
        begin = start + last.start() if last else self.cursor
        return self._typing("", begin, self._end_of_run(self.cursor))

    def _typing(self, field: str, start: int, end: int) -> Typing:
        prefix = self.scanner.text[start : self.cursor]
        return Typing("field value" if field else "word", field, prefix, Span(start, max(end, self.cursor)))

    def _nothing(self) -> Typing:
        self.may_name_a_field = False
        return Typing("word", "", "", Span(self.cursor, self.cursor))

    def _end_of_run(self, start: int) -> int:
        found = signs.RUN.match(self.scanner.marks, start)
        return found.end() if found else start
