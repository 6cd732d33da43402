"""The categories of the Universal Category System, by CatID, and the words that stand for them.

Category data derived from the Universal Category System (UCS) v8.2.1, a public domain initiative of Tim Nielsen, Justin
Drury and Kai Paquin, https://universalcategorysystem.com/. `categories.csv` holds all 753 CatIDs with the single words
of 8.2.1; `phrases.csv` the curated synonyms of 8.2, which may be of several words.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.errors import VocabularyError

FOLDER = Path(__file__).parent
CATEGORIES, PHRASES = FOLDER / "categories.csv", FOLDER / "phrases.csv"
ALIASES = {"WOODHandl": "WOODHndl"}
"""CatIDs of earlier versions that were misspelled."""


@dataclass(frozen=True, slots=True)
class UcsCategory:
    """One row of the system; a CatID keeps its upper and lower case everywhere."""

    cat_id: str
    category: str
    subcategory: str


@dataclass(frozen=True, slots=True)
class UcsSynonyms:
    """What else the sounds of a CatID are called.

    Attributes
    ----------
    phrases : tuple of str
        Curated, lower case, of one or several words; the more telling ones.
    words : tuple of str
        Single words, lower case; many stand under dozens of CatIDs.
    """

    cat_id: str
    phrases: tuple[str, ...]
    words: tuple[str, ...]


def load_ucs(path: Path = CATEGORIES) -> Mapping[str, UcsCategory]:
    """Read a table of categories.

    Parameters
    ----------
    path : Path
        CSV with the columns Category, SubCategory and CatID; the bundled one where none is given.

    Returns
    -------
    mapping of str to UcsCategory
        By CatID.

    Raises
    ------
    VocabularyError
        The file cannot be read or lacks a column.
    """
    rows = [UcsCategory(row["CatID"], row["Category"], row["SubCategory"]) for row in _rows(path, "CatID")]
    return {row.cat_id: row for row in rows}


@cache
def bundled_ucs() -> Mapping[str, UcsCategory]:
    """Give the bundled table, read once a process.

    Returns
    -------
    mapping of str to UcsCategory
        By CatID, all 753 of them.
    """
    return load_ucs()


@cache
def ucs_synonyms() -> Mapping[str, UcsSynonyms]:
    """Give the synonyms of every CatID, read once a process.

    Returns
    -------
    mapping of str to UcsSynonyms
        By CatID. Fillers such as "miscellaneous" are left out.
    """
    phrases = {row["CatID"]: _listed(row["SynonymsV82"]) for row in _rows(PHRASES, "SynonymsV82")}
    words = {row["CatID"]: _listed(row["Synonyms"]) for row in _rows(CATEGORIES, "Synonyms")}
    return {cat_id: UcsSynonyms(cat_id, phrases.get(cat_id, ()), found) for cat_id, found in words.items()}


def _rows(path: Path, wanted: str) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"CatID", wanted, *(() if path == PHRASES else ("Category", "SubCategory"))}
            missing -= set(reader.fieldnames or ())
            if missing:
                raise VocabularyError(f"{path}: not a table of UCS categories: no column {min(missing)}")
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise VocabularyError(f"{path}: not a table of UCS categories: {error!r}") from error


def _listed(text: str) -> tuple[str, ...]:
    cleaned = (" ".join(part.split()).strip(" .\"'").lower() for part in text.split(","))
    return tuple(dict.fromkeys(part for part in cleaned if part and part != "miscellaneous"))
