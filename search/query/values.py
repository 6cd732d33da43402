"""What stands after a field's colon: a value, a comparison, a range, or a sound to resemble."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import get_args

from search.query.syntax import Field, Like, Node, Operator, Span

LIKE = "like"
"""Not a field of the catalog: `like:12` names a sound to resemble."""

MAX_ID = 2**63 - 1  # of the database's bigint

_SIDE = r"[-+]?\.?[0-9](?:[^\s.]|\.(?![.]|$))*"
_DOTS = re.compile(rf"({_SIDE})?\.\.({_SIDE})?")
_NUMBER = r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)[^\W\d]{0,3}"
_DASH = re.compile(rf"({_NUMBER})[-\u2013]({_NUMBER})")
"""Numbers with a unit and a hyphen or en dash between: neither `2024-01-01` nor `take-2` is a range."""

_TIME = r"(?:(?:[0-9]{1,4}:)?[0-9]{1,4}:)?[0-9]{1,6}(?:\.[0-9]{1,6})?"
_REGION = re.compile(rf"({_TIME})?[-\u2013]({_TIME})?")

Read = tuple[Node | None, str]
"""What was understood, and what could not be."""


def read_value(name: str, operator: str, text: str, span: Span, *, is_quoted: bool) -> Read:
    """The condition that a field's value says. In quotation marks nothing but the text itself is meant."""
    if not text:
        example = f"{name}:{operator}10" if operator else f"{name}:rain" if name != LIKE else "like:12"
        return None, f"Nothing stands after {name}:{operator}; write the value right behind it, as in {example}."
    if name == LIKE:
        return _read_example(operator + text, span)
    if operator or is_quoted:
        return Field(name, _operator(operator), text, span), ""
    return _read_range(name, text, span) or Field(name, "=", text, span), ""


def _operator(typed: str) -> Operator:
    known: tuple[Operator, ...] = get_args(Operator)
    return next((operator for operator in known if operator == typed), "=")


def _read_range(name: str, text: str, span: Span) -> Field | None:
    found = _DOTS.fullmatch(text) or _DASH.fullmatch(text)
    if not found or not (found[1] or found[2]):
        return None
    if found[1] and found[2]:
        return Field(name, "range", found[1], span, high=found[2])
    return Field(name, ">=", found[1], span) if found[1] else Field(name, "<=", found[2], span)


def _read_example(text: str, span: Span) -> Read:
    number, at, region = text.partition("@")
    if not (number.isascii() and number.isdigit()) or not 0 < int(number[:20]) <= MAX_ID:
        return None, "After like: stands the number of a sound, as in like:12, or like:12@3.2-5.0 for a stretch of it."
    if not at:
        return Like(int(number), None, None, span), ""
    return _read_region(int(number), region, span)


def _read_region(sound_id: int, region: str, span: Span) -> Read:
    whole = Like(sound_id, None, None, span)
    found = _REGION.fullmatch(region)
    if not found or not (found[1] or found[2]):
        example = f"like:{sound_id}@3.2-5.0 or like:{sound_id}@12:41-12:44"
        return whole, f"A stretch has a start and an end in seconds, as in {example}; the whole sound was taken."
    start_s = _seconds(found[1]) if found[1] else None
    end_s = _seconds(found[2]) if found[2] else None
    if start_s is None or end_s is None or start_s < end_s:
        return Like(sound_id, start_s, end_s, span), ""
    if start_s == end_s:
        return whole, "This stretch ends where it starts; the whole sound was taken."
    return Like(sound_id, end_s, start_s, span), "This stretch ends before it starts; it was read the other way around."


def _seconds(time: str) -> float:
    total = 0.0
    for part in time.split(":"):
        total = 60 * total + float(part)
    return round(total, 6)


def near_names(name: str, field_names: Collection[str]) -> list[str]:
    """Names that someone who typed this one may have meant."""
    beginning = [known for known in sorted(field_names) if len(name) > 1 and known.startswith(name)]
    return list(dict.fromkeys([*get_close_matches(name, sorted(field_names), n=3, cutoff=0.6), *beginning]))[:3]
