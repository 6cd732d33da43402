"""The categories of the Universal Category System, by CatID.

UCS 8.2.1 is a public domain initiative of Tim Nielsen, Justin Drury and Kai Paquin
(https://universalcategorysystem.com/).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import VocabularyError


@dataclass(frozen=True, slots=True)
class UcsCategory:
    """One row of the system; a CatID keeps its upper and lower case everywhere."""

    cat_id: str
    category: str
    subcategory: str


def load_ucs(path: Path) -> Mapping[str, UcsCategory]:
    """Read the table of categories.

    Parameters
    ----------
    path : Path
        CSV with the columns Category, SubCategory and CatID.

    Returns
    -------
    mapping of str to UcsCategory
        By CatID.

    Raises
    ------
    VocabularyError
        The file cannot be read or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [UcsCategory(row["CatID"], row["Category"], row["SubCategory"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise VocabularyError(f"{path}: not a table of UCS categories: {error!r}") from error
    return {row.cat_id: row for row in rows}
