"""How text becomes the words that are searched: accents off, file names split, the same way in rows and in queries."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.search import SearchQuery

WORD = re.compile(r"[^\W_]+")
PARTS = re.compile(r"[^\W\d_]+|\d+")  # letters, or digits
INNER_CAPITAL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
LONGEST_QUERY = 30  # words; whoever pastes a page searches for its beginning
LONGEST_WORD = 100  # characters, far below what Postgres allows a lexeme


def fold(text: str) -> str:
    """Take accents off: "Türgeräusch" and "Turgerausch" are the same to whoever types."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def name_words(name: str) -> list[str]:
    """Words of a file name in their order, split at capitals, digits and underscores, so that phrases are found in it;
    after them, once each, what was written as one.
    """
    words: list[str] = []
    whole: list[str] = []
    for word in WORD.findall(fold(name)):
        parts = split_word(word)
        words += parts
        if len(parts) > 1:
            whole.append(word.lower())
    return [word[:LONGEST_WORD] for word in [*words, *dict.fromkeys(whole)]]


def split_word(word: str) -> list[str]:
    return [part.lower() for piece in PARTS.findall(word) for part in INNER_CAPITAL.split(piece)]


def query_words(text: str) -> list[str]:
    words = (word[:LONGEST_WORD] for word in WORD.findall(fold(text)))
    return list(dict.fromkeys(words))[:LONGEST_QUERY]


@dataclass(frozen=True, slots=True)
class TextQuery:
    """What to look for in the words of sounds, in the language of `to_tsquery`; made of words alone, so that nothing a
    person types is an operator. Queries are put together with `&`, `|` and `~`; one without words is empty, and false.
    """

    raw: str = ""

    @classmethod
    def word(cls, text: str, *, weights: str = "") -> TextQuery:
        """Words that begin with the text, or with its parts where it is compound; several words have to be there all.
        `weights` are letters of `catalog.models.Sound.search_vector`: the parts of a sound to look in, all where empty.
        """
        return cls(" & ".join(_begun(word, weights) for word in query_words(text)))

    @classmethod
    def exact_word(cls, text: str, *, weights: str = "") -> TextQuery:
        """A word in any of its forms ("door", "doors"), not as the beginning of a longer one."""
        return cls(" & ".join(_whole(word, weights) for word in query_words(text)))

    @classmethod
    def phrase(cls, text: str, *, weights: str = "") -> TextQuery:
        """Words that follow each other, each in any of its forms."""
        parts = [part[:LONGEST_WORD] for word in WORD.findall(fold(text)) for part in split_word(word)]
        return cls(_joined(parts[:LONGEST_QUERY], weights))

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __and__(self, other: TextQuery) -> TextQuery:
        return self._with(other, "&")

    def __or__(self, other: TextQuery) -> TextQuery:
        return self._with(other, "|")

    def __invert__(self) -> TextQuery:
        return TextQuery(f"!({self.raw})") if self else self

    def _with(self, other: TextQuery, operator: str) -> TextQuery:
        if not (self and other):
            return self or other
        return TextQuery(f"({self.raw}) {operator} ({other.raw})")

    def as_search_query(self) -> SearchQuery:
        return SearchQuery(self.raw, search_type="raw", config="english")


def word_query(word: str) -> str:
    """One word of a query in the language of `to_tsquery`: the word's beginning, or its parts where it is compound."""
    return _begun(word, "")


def text_query(words: Iterable[str]) -> str:
    """All words of a query in the language of `to_tsquery`: each of them has to be there."""
    return " & ".join(word_query(word) for word in words)


def _begun(word: str, weights: str) -> str:
    parts = split_word(word)
    whole = f"{word.lower()}:*{weights}"
    if len(parts) < 2:
        return whole
    return f"({whole} | ({' & '.join(f'{part}:*{weights}' for part in parts)}))"


def _whole(word: str, weights: str) -> str:
    parts = split_word(word)
    whole = _joined([word.lower()], weights)
    return whole if len(parts) < 2 else f"({whole} | {_joined(parts, weights)})"


def _joined(parts: list[str], weights: str) -> str:
    joined = " <-> ".join(f"{part}:{weights}" if weights else part for part in parts)
    return f"({joined})" if len(parts) > 1 else joined
