"""Text and JSON as Postgres takes them: no NUL, no half of a character, no number that is none."""

from __future__ import annotations

import math
from typing import Any, TypeVar

T = TypeVar("T")


def storable_text(text: str) -> str:
    """The same text where it can be stored; what cannot be is shown as U+FFFD."""
    if "\0" not in text and text.isascii():
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def storable_json(value: Any) -> Any:
    """The same tree of lists and dicts, texts made storable, NaN and infinity replaced by null."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable_text(str(key)): storable_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(part) for part in value]
    return value
