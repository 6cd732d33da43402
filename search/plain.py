"""A sentence as people say it, read as a query: "not stormy" and "under ten seconds" become parts of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from search.query.syntax import number

OPERATOR = re.compile(r"[\"“”()~^*|:=<>]|(?:^|\s)-\S|\b(?:OR|AND|NOT)\b")
"""Whoever writes one of these writes a query, and is taken at the word."""

NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45,
    "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100, "half a": 0.5, "half an": 0.5,
}  # fmt: skip
SECONDS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}

LONGEST = 300
"""Characters of a sentence that is read so; what is longer was pasted."""

AMOUNT = rf"(?P<{{0}}>\d+(?:\.\d+)?|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
UNIT = r"(?P<unit>s|secs?|seconds?|mins?|minutes?|h|hours?)"
LEADING = r"(?:(?:and|but|or)\s+)?"
END = r"(?=\s*(?:[,.;!?]|$|\b(?:and|but|or|with|without|in|not|no)\b))"
LIKE_THIS = re.compile(r"\b(?:just\s+)?like\s+th(?:is|at)(?:\s+(?:one|sound))?\b\s*,?", re.IGNORECASE)
NAMED = r"(?:(?:in|of|with)\s+)?(?:a\s+)?(?:length\s+|duration\s+)?"


@dataclass(frozen=True, slots=True)
class Plain:
    """What a sentence was read as."""

    query: str  # in the language of queries
    read: tuple[tuple[str, str], ...] = ()  # words of the sentence, and the part of the query that they became
    dropped: tuple[str, ...] = ()  # words that ask for what is not known here


def read_plain(text: str, *, this_sound: int | None = None) -> Plain:
    """Read a sentence; `this_sound` is what "like this one" means, if anything.

    A long text, one with any operator of the query language, and one in which nothing is said in a way that is known
    here, comes back as it is: a comma then means or.
    """
    if len(text) > LONGEST or OPERATOR.search(text):
        return _with_operators(text, this_sound)
    rest, read, dropped = text, [], []
    for pattern, write in READINGS:
        while (found := pattern.search(rest)) and (part := write(found, this_sound)) is not None:
            said = found.group().strip(" ,")
            (read.append((said, part)) if part else dropped.append(said))
            rest = f"{rest[: found.start()]},{rest[found.end() :]}"
    if not read and not dropped:
        return Plain(text)
    left = " ".join(clause.strip() for clause in rest.split(",") if clause.strip())
    left = re.sub(r"^(?:and|but|or)\s+|\s+(?:and|but|or|with)$", "", left.strip(" .;!?"))
    return Plain(" ".join(filter(None, [left, *(part for _, part in read)])), tuple(read), tuple(dropped))


def _with_operators(text: str, this_sound: int | None) -> Plain:
    """The text as it is, but for the sound that it may name: "like this one, dur:<10"."""
    found = LIKE_THIS.search(text) if this_sound is not None and len(text) <= LONGEST else None
    if found is None:
        return Plain(text)
    part = f"like:{this_sound}"
    query = " ".join(filter(None, [text[: found.start()].strip(), part, text[found.end() :].strip()]))
    return Plain(query, ((found.group().strip(" ,"), part),))


Write = Callable[[re.Match[str], "int | None"], "str | None"]


def _folded(said: str) -> str:
    """Small letters, and those that a pattern takes for the same: "\u0131" for i and "\u017f" for s."""
    return said.lower().replace("\u0131", "i").replace("\u017f", "s")


def _number(said: str) -> float:
    folded = " ".join(_folded(said).split())
    return NUMBERS[folded] if folded in NUMBERS else float(folded)


def _written(seconds: float) -> str:
    return number(round(seconds, 6))


def _seconds(found: re.Match[str], name: str) -> float:
    unit = _folded(found["unit"])
    return _number(found[name]) * SECONDS[unit if unit in SECONDS else unit.rstrip("s")]


def _shorter(found: re.Match[str], this_sound: int | None) -> str:
    return f"dur:<{_written(_seconds(found, 'most'))}"


def _longer(found: re.Match[str], this_sound: int | None) -> str:
    return f"dur:>{_written(_seconds(found, 'least'))}"


def _between(found: re.Match[str], this_sound: int | None) -> str:
    return f"dur:{_written(_seconds(found, 'least'))}-{_written(_seconds(found, 'most'))}"


def _about(found: re.Match[str], this_sound: int | None) -> str:
    about = _seconds(found, "about")
    return f"dur:{_written(0.8 * about)}-{_written(1.2 * about)}"


def _without(found: re.Match[str], this_sound: int | None) -> str | None:
    words = " ".join(re.sub(r"^(?:too|very|any|a|an|the)\s+", "", found["what"].strip(), flags=re.I).split())
    return f'-~"{words}"' if " " in words else f"-~{words}"


def _like_this(found: re.Match[str], this_sound: int | None) -> str:
    return f"like:{this_sound}" if this_sound is not None else ""


def _channels(found: re.Match[str], this_sound: int | None) -> str:
    return f"ch:{found['channels'].lower()}"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


READINGS: tuple[tuple[re.Pattern[str], Write], ...] = (
    (
        _pattern(
            rf"\b{LEADING}{NAMED}(?:between|from)\s+{AMOUNT.format('least')}\s+(?:and|to)\s+{AMOUNT.format('most')}\s*{UNIT}\b(?:\s+long)?"
        ),
        _between,
    ),
    (
        _pattern(
            rf"\b{LEADING}{NAMED}(?:under|below|(?:less|shorter|not\s+(?:longer|more))\s+than|at\s+most|up\s+to|within)\s+{AMOUNT.format('most')}\s*{UNIT}\b(?:\s+long)?"
        ),
        _shorter,
    ),
    (
        _pattern(
            rf"\b{LEADING}{NAMED}(?:over|above|(?:more|longer|not\s+(?:shorter|less))\s+than|at\s+least)\s+{AMOUNT.format('least')}\s*{UNIT}\b(?:\s+long)?"
        ),
        _longer,
    ),
    (
        _pattern(rf"\b{LEADING}{NAMED}(?:about|around|roughly|some)\s+{AMOUNT.format('about')}\s*{UNIT}\b(?:\s+long)?"),
        _about,
    ),
    (_pattern(rf"\b{LEADING}(?:just\s+)?like\s+th(?:is|at)(?:\s+(?:one|sound))?\b{END}"), _like_this),
    (_pattern(rf"\b{LEADING}in\s+(?P<channels>stereo|mono)\b"), _channels),
    (
        _pattern(
            rf"(?:^|[\s,;]){LEADING}(?:not|no|without|never|free\s+of)\s+(?P<what>[^\s,.;!?]+(?:\s+(?!and\b|but\b|or\b|with\b|without\b|in\b|not\b|no\b)[^\s,.;!?]+){{0,3}}?){END}"
        ),
        _without,
    ),
)
"""In this order: what is said of the length comes before "not", so that "not longer than" is no absence."""
