"""How text becomes the words that are searched: accents off, file names split, the same way in rows and in queries."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

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
    """Words of a file name, split at capitals, digits and underscores; what was written as one stands there too."""
    words: list[str] = []
    for word in WORD.findall(fold(name)):
        parts = split_word(word)
        words += parts if len(parts) == 1 else [*parts, word.lower()]
    return [word[:LONGEST_WORD] for word in dict.fromkeys(words)]


def split_word(word: str) -> list[str]:
    return [part.lower() for piece in PARTS.findall(word) for part in INNER_CAPITAL.split(piece)]


def query_words(text: str) -> list[str]:
    words = (word[:LONGEST_WORD] for word in WORD.findall(fold(text)))
    return list(dict.fromkeys(words))[:LONGEST_QUERY]


def word_query(word: str) -> str:
    """One word of a query in the language of `to_tsquery`: the word's beginning, or its parts where it is compound."""
    parts = split_word(word)
    whole = f"{word.lower()}:*"
    if len(parts) < 2:
        return whole
    return f"({whole} | ({' & '.join(f'{part}:*' for part in parts)}))"


def text_query(words: Iterable[str]) -> str:
    """All words of a query in the language of `to_tsquery`: each of them has to be there."""
    return " & ".join(word_query(word) for word in words)
