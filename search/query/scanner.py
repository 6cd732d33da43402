# ruff: noqa: RUF001 (signs that look alike are what this is about)
"""The signs of a query: what separates, what joins, and the text between them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from search.query.syntax import QUOTES

MAX_LENGTH = 2_000
"""Characters of a query that are read: some forty lines of an email, and no more than a moment's work."""

SPACE = re.compile(r"\s*")
RUN = re.compile(r'[^\s(),|"^]+')
QUOTED = re.compile(r'"((?:[^"]|"")*)("?)')
OR = re.compile(r'\|+|,|OR(?=[\s(),|"^]|$)')
AND = re.compile(r'(?:AND|&&?|\+)(?=[\s(),|"^]|$)')
NOT = re.compile(r'NOT(?=[\s(),|"^]|$)')
LEADING_NOISE = re.compile(r"[-+~=*.!?;:'’…¿¡]*")
"""Signs before a word that say nothing about it."""

FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(:|(?=[<>=]))")
COMPARISON = re.compile(r"[<>]?=|[<>]|")
WEIGHT = re.compile(r'\^([^\s(),|"]*)')

_END_NOISE = "*.!?;:'’…"
_DOUBLED_QUOTE = re.compile(f"([{QUOTES}])[{QUOTES}]")
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_MARKS = str.maketrans(
    dict.fromkeys(QUOTES, '"') | dict(zip("，、،：（）｜−–＜＞＝～\u037e\u212a", ",,,:()|--<>=~;K", strict=True))
)


@dataclass(slots=True)
class Scanner:
    """A place in a text that is read from left to right.

    There are two texts of one length: `text` is what was typed, with a space for what no eye can see (or no database
    can store); in `marks` the quotation marks, dashes and wide signs of all keyboards are those of this grammar.
    """

    text: str
    marks: str = field(init=False)
    position: int = 0

    def __post_init__(self) -> None:
        self.text = _INVISIBLE.sub(" ", self.text)
        self.marks = self.text.translate(_MARKS)

    @property
    def mark(self) -> str:
        """The sign at the place; empty at the end."""
        return self.marks[self.position : self.position + 1]

    @property
    def is_at_break(self) -> bool:
        """Whether no word, phrase or group begins at the place."""
        return not self.mark or self.mark.isspace() or self.mark in "),|"

    def see(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.marks, self.position)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = self.see(pattern)
        if found:
            self.position = found.end()
        return found

    def take_mark(self, mark: str) -> bool:
        found = self.mark == mark
        self.position += found
        return found

    def take_run(self) -> str:
        """What was typed from here to the next space or sign."""
        start = self.position
        self.take(RUN)
        return composed(self.text[start : self.position])

    def take_quoted(self) -> tuple[str, bool]:
        """The text of the quotation marks that open here, and whether they close."""
        found = self.take(QUOTED)
        if found is None:
            raise ValueError(f"no quotation mark at {self.position}")
        text = _DOUBLED_QUOTE.sub(r"\1", self.text[found.start(1) : found.end(1)])
        return composed(" ".join(text.split())), bool(found[2])

    def skip_group(self) -> None:
        """Go behind the parenthesis that closes the one that opens here, or to the end."""
        open_groups = 0
        while self.mark:
            if self.mark == '"':
                self.take_quoted()
                continue
            open_groups += {"(": 1, ")": -1}.get(self.mark, 0)
            self.position += 1
            if not open_groups:
                break


def composed(text: str) -> str:
    """A text whose accents are parts of their letters, as the catalog writes them."""
    return unicodedata.normalize("NFC", text)


def bare(word: str) -> str:
    """A word without the signs around it."""
    return LEADING_NOISE.sub("", word, count=1).rstrip(_END_NOISE)


def is_searchable(text: str) -> bool:
    """Whether there is a letter or a digit in it: nothing else is looked up."""
    return any(letter.isalnum() for letter in text)


def first_control(text: str) -> int | None:
    """Where the first character stands that is none: a control character or half of one."""
    found = _CONTROL.search(text)
    return found.start() if found else None
