"""What people type as the value of a field, read: numbers with units, dates, keys, and names in any spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from django.db import connection
from django.utils import timezone

from analysis.ucs import ALIASES, bundled_ucs
from catalog.words import fold

LONGEST_VALUE = 200  # characters
LONGEST_NUMBER = 40
DASHES = str.maketrans({"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"})
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
QUANTITY = re.compile(rf"({NUMBER})\s*([^\W\d_]*|%)", re.ASCII)
CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:\.\d+)?)", re.ASCII)
MINUTES_AND_SECONDS = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
RANGES = (re.compile(r"(.*?)\s*\.\.\s*(.*)"), re.compile(r"(.*[\w%.])\s*-\s*([+-]?[\d.].*)", re.ASCII))
SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
HERTZ = {"hz": 1, "k": 1000, "khz": 1000}
DECIBELS = {"db": 1, "dbfs": 1, "dbtp": 1, "lufs": 1, "lu": 1, "lkfs": 1}
BEATS = {"bpm": 1}
BITS = {"bit": 1, "bits": 1, "b": 1}
CHANNELS = {"ch": 1}
SHARES = {"%": 0.01}
CHANNEL_NAMES = {
    "mono": 1, "stereo": 2, "lcr": 3, "quad": 4, "5.0": 5, "5.1": 6, "7.0": 7, "7.1": 8, "5.1.4": 10, "7.1.2": 10,
    "7.1.4": 12, "9.1.6": 16,
}  # fmt: skip
FLAGS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEYS = tuple(f"{tonic} {mode}" for tonic in TONICS for mode in ("major", "minor"))
KEY = re.compile(r"(?:([a-hA-H])\s*([#♯b♭]|-?\s*(?:sharp|flat))?)?\s*-?\s*(major|maj|minor|min|m|M)?")
AGE = re.compile(r"(\d{1,6})\s*(h|d|w|m|mo|y)", re.ASCII)
AGE_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "mo": 30, "y": 365}
MOST_AGE_DAYS = 365 * 1000
DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", re.ASCII)


class BadFieldValue(ValueError):
    """A value that a field cannot have; the message says what was wrong and what would be right."""


class NotUnderstood(ValueError):
    """A text that is none of what it should be; the message goes on after the text."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as typed: its value, and the step of its last digit, 0 where it means exactly this value."""

    value: float
    step: float


def checked_text(value: str) -> str:
    """The same without spaces around; raises NotUnderstood for what Postgres or a person cannot read."""
    text = value.strip().translate(DASHES)
    if not text:
        raise NotUnderstood("has no value")
    if len(text) > LONGEST_VALUE:
        raise NotUnderstood(f"has a value of {len(text):,} characters; at most {LONGEST_VALUE} are read")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise NotUnderstood("has a control character in its value")
    return text


def split_range(text: str) -> tuple[str, str] | None:
    """Both ends of "120-130", "120..130" or "-20--10"; None for a single value."""
    found = RANGES[0].fullmatch(text) or RANGES[1].fullmatch(text)
    return (found[1], found[2]) if found and re.search(r"\d", found[1]) else None


def read_quantity(text: str, units: Mapping[str, float], default_unit: str = "") -> Quantity:
    """A number with an optional unit. Its step is that of its last digit: 5 stands for what rounds to 5."""
    if units is SECONDS and (clock := read_clock(text)):
        return clock
    found = QUANTITY.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if found is None:
        raise NotUnderstood("is not a number")
    digits, unit = found[1], found[2].lower() or default_unit
    if unit and unit not in units:
        raise NotUnderstood(f"has the unit {found[2]!r}, which it does not know; there are {', '.join(units)}")
    scale = units[unit] if unit else 1.0
    decimals = len(digits.partition(".")[2])
    return Quantity(round(float(digits) * scale, 9), 10.0**-decimals * scale)


def read_clock(text: str) -> Quantity | None:
    """A length of time as "1:30", "1:02:03" or "1m30s"."""
    if found := CLOCK.fullmatch(text):
        hours, minutes, seconds = found[1] or "0", found[2], found[3]
    elif len(text) <= LONGEST_NUMBER and (found := MINUTES_AND_SECONDS.fullmatch(text.replace(" ", ""))):
        if sum(part is not None for part in found.groups()) < 2:
            return None  # a number with one unit
        hours, minutes, seconds = found[1] or "0", found[2] or "0", found[3] or "0"
    else:
        return None
    decimals = len(seconds.partition(".")[2])
    return Quantity(int(hours) * 3600 + int(minutes) * 60 + float(seconds), 10.0**-decimals)


def unit_of(text: str) -> str:
    found = QUANTITY.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    return found[2].lower() if found else ""


def read_period(text: str) -> tuple[datetime, datetime] | None:
    """When a year, month or day begins and ends ("2026", "2026-11", "2026-11-05", today, yesterday); else None."""
    today = timezone.localdate()
    if text.lower() in {"today", "yesterday"}:
        first = today if text.lower() == "today" else today - timedelta(days=1)
        return midnight(first), midnight(first + timedelta(days=1))
    found = DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    try:
        first = date(year, month, day)
        if found[3]:
            end = first + timedelta(days=1)
        else:
            end = date(year + (month == 12 or not found[2]), month % 12 + 1 if found[2] else 1, 1)
        return midnight(first), midnight(end)
    except (ValueError, OverflowError):
        raise NotUnderstood("is no day of the calendar") from None


def midnight(day: date) -> datetime:
    if day.year < 2 or day.year > 9998:  # so that another time zone cannot leave the calendar
        raise ValueError
    return timezone.make_aware(datetime.combine(day, time())).astimezone(UTC)


def read_age(text: str) -> timedelta | None:
    """A length of time up to now: "12h", "7d", "2w", "6m" (months of 30 days), "1y"; else None."""
    found = AGE.fullmatch(text.lower())
    if found is None:
        return None
    days = int(found[1]) * AGE_DAYS[found[2]]
    if days > MOST_AGE_DAYS:
        raise NotUnderstood("is longer ago than anything here can be")
    return timedelta(days=days)


def read_keys(text: str) -> list[str]:
    """Keys as they are stored, for "A# minor", "Bbm", "F#" (both modes) or "minor"; empty for what is no key."""
    found = KEY.fullmatch(" ".join(text.replace("_", " ").split()))
    if found is None or not any(found.groups()):
        return []
    tonics: Iterable[str] = TONICS
    if found[1]:
        letter = "B" if found[1] in "hH" else found[1].upper()  # as German has it
        accidental = found[2] or ""
        shift = 1 if accidental.strip("- ") in {"#", "♯", "sharp"} else -1 if accidental else 0
        tonics = [TONICS[(TONICS.index(letter) + shift) % 12]]
    mode = found[3] or ""
    modes = ("major", "minor") if not mode else ("minor",) if mode in {"m", "min", "minor"} else ("major",)
    return [f"{tonic} {mode}" for tonic in tonics for mode in modes]


def plain(name: str) -> str:
    """How names are compared: without case, accents, underscores and double spaces."""
    return " ".join(fold(name).lower().replace("_", " ").split())


def spellings(typed: str, names: Iterable[str]) -> list[str]:
    """Names that are what was typed; where none is, or it ends with "*", those that begin with it."""
    wanted, begun = plain(typed.removesuffix("*")), typed.endswith("*")
    known = {name: plain(name) for name in names}
    whole = [] if begun else [name for name, shown in known.items() if shown == wanted]
    return whole or [name for name, shown in known.items() if wanted and shown.startswith(wanted)]


def cat_ids(typed: str) -> list[str]:
    """CatIDs that begin with what was typed, so that RAIN is all rain; their case does not matter here."""
    named = spellings(f"{typed.removesuffix('*')}*", bundled_ucs())
    return named or [ALIASES[name] for name in ALIASES if name.lower() == typed.lower()]


@cache
def ucs_categories() -> dict[str, list[str]]:
    """CatIDs by category."""
    groups: dict[str, list[str]] = {}
    for row in bundled_ucs().values():
        groups.setdefault(row.category, []).append(row.cat_id)
    return groups


@cache
def ucs_subcategories() -> dict[str, list[str]]:
    """CatIDs by subcategory, which several categories may share."""
    groups: dict[str, list[str]] = {}
    for row in bundled_ucs().values():
        groups.setdefault(row.subcategory, []).append(row.cat_id)
    return groups


def distinct(column: str) -> list[str]:
    """All values that a column of sounds has, by one look into its index for each of them: category or label."""
    sql = """
        WITH RECURSIVE found AS (
            (SELECT {column} AS value FROM catalog_sound ORDER BY {column} LIMIT 1)
            UNION ALL
            SELECT (SELECT {column} FROM catalog_sound WHERE {column} > found.value ORDER BY {column} LIMIT 1)
            FROM found WHERE found.value IS NOT NULL
        )
        SELECT value FROM found WHERE value <> ''
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.format(column=column))
        return [value for (value,) in cursor.fetchall()]
