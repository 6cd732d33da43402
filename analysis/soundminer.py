"""Tables that Soundminer imports as text ("Import text into database").

Columns are Soundminer's own field names and only those with content, since it stops to ask about each it does not
know. What our analysis wrote goes to Keywords and Notes. Description is a person's field and stays out of the table
unless the caller asks for it; category fields of a file that has its own are passed on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analysis.outputs import csv_line
from analysis.records import AudioAnalysisRecord

COLUMNS = (
    "Filename", "FilePath", "Description", "Keywords", "Category", "SubCategory", "CatID", "CategoryFull",
    "FXName", "Library", "Manufacturer", "Designer", "Source", "Show", "ShortID", "Microphone",
    "MicPerspective", "RecType", "RecMedium", "Location", "TrackTitle", "Notes", "UserCategory",
    "VendorCategory", "Rating", "ReleaseDate", "URL", "Volume", "UserComments", "BWDescription",
    "BWOriginator",
)  # fmt: skip
UCS_COLUMNS = ("Category", "SubCategory", "CatID", "CategoryFull")
TEXT_FIELDS = ("Notes", "UserComments", "Description")  # where our sentence may go; the first is the usual one
LIST_SEPARATOR = ", "
LINE_BREAKS = re.compile(r"[\t\r\n\x00]+")
BOM = "\ufeff"


def soundminer_row(
    record: AudioAnalysisRecord,
    *,
    file_path: str = "",
    library: str = "",
    description: str | None = None,
    tags: Sequence[str] | None = None,
    text_field: str = TEXT_FIELDS[0],
) -> dict[str, str]:
    """Give a sound's fields.

    Parameters
    ----------
    record : AudioAnalysisRecord
    file_path : str
        Full path with the file name, as Soundminer's machine sees it; left out where unknown.
    library : str
        Used where the file names none.
    description, tags : str and sequence of str, optional
        What a person made of them, in place of the record's.
    text_field : str
        Field for the sentence: Notes, UserComments or Description; what the file has there stays in front.

    Returns
    -------
    dict of str to str
        By field name; empty fields are left out.

    Raises
    ------
    ValueError
        Another text field.
    """
    if text_field not in TEXT_FIELDS:
        raise ValueError(f"want a text field of {', '.join(TEXT_FIELDS)}, got {text_field!r}")
    own = record.metadata.embedded | record.metadata.ucs_name
    words = record.tags if tags is None else tags
    row = {
        "Filename": record.file_name,
        "FilePath": file_path,
        "Keywords": _appended(own.get("Keywords", ""), words),
        "Library": own.get("Library") or library,
        **_category_fields(record, own),
        text_field: " | ".join(part for part in (own.get(text_field), description or record.short_description) if part),
    }
    cleaned = {name: LINE_BREAKS.sub(" ", value).strip() for name, value in row.items()}
    return {name: value for name, value in cleaned.items() if value}


def columns_in_use(rows: Iterable[dict[str, str]]) -> list[str]:
    """Choose the columns that any row fills, in the usual order; always Filename, which rows are matched by."""
    used = {"Filename"}
    for row in rows:
        used |= row.keys()
    return [column for column in COLUMNS if column in used]


def soundminer_csv(rows: Iterable[dict[str, str]], columns: Sequence[str]) -> Iterator[str]:
    """Write rows as CSV: comma, RFC 4180 quotes, CRLF, a byte order mark at the front; to be encoded as UTF-8.

    Yields
    ------
    str
        The header, then a piece for each row; no total, since every row is taken for a sound.
    """
    yield BOM + csv_line(columns)
    for row in rows:
        yield csv_line(row.get(column, "") for column in columns)


def soundminer_tab(rows: Iterable[dict[str, str]], columns: Sequence[str]) -> Iterator[str]:
    """Write rows as tab-delimited text: no quotes, LF, no byte order mark; to be encoded as UTF-8."""
    yield "\t".join(columns) + "\n"
    for row in rows:
        yield "\t".join(row.get(column, "") for column in columns) + "\n"


def _category_fields(record: AudioAnalysisRecord, own: dict[str, str]) -> dict[str, str]:
    if any(own.get(column) for column in UCS_COLUMNS):
        return {column: own.get(column, "") for column in UCS_COLUMNS}
    if record.ucs is None:
        return {}
    full = f"{record.ucs.category}-{record.ucs.subcategory}" if record.ucs.category else ""
    return dict(zip(UCS_COLUMNS, (record.ucs.category, record.ucs.subcategory, record.ucs.cat_id, full), strict=True))


def _appended(before: str, words: Iterable[str]) -> str:
    kept = [word.strip() for word in before.split(",") if word.strip()]
    return LIST_SEPARATOR.join(dict.fromkeys([*kept, *words]))
