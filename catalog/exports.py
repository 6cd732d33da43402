"""Exports: the record of every sound with people's words over it, streamed in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from analysis.outputs import CSV_COLUMNS, CatalogEntry, CatalogGroup, csv_line, csv_row, markdown_sections
from analysis.records import AudioAnalysisRecord
from analysis.soundminer import columns_in_use, soundminer_csv, soundminer_row, soundminer_tab
from catalog.models import Sound

CHUNK = 500  # rows that are held at once
OWN_COLUMNS = ("id", "library")
STATE_COLUMNS = ("state", "error")


class UnknownFormat(ValueError):
    """A format that Timbre does not write."""


@dataclass(frozen=True, slots=True)
class Format:
    content_type: str
    suffix: str
    write: Callable[[QuerySet[Sound]], Iterator[str]]


def stream_export(name: str, sounds: QuerySet[Sound]) -> tuple[str, str, Iterator[str]]:
    """Content type, file name and pieces of an export. All pieces are of one moment of the catalog."""
    if name not in FORMATS:
        raise UnknownFormat(f"no export format {name!r}; there are: {', '.join(FORMATS)}")
    chosen = FORMATS[name]
    return chosen.content_type, f"timbre-{datetime.now(UTC):%Y-%m-%d}{chosen.suffix}", of_one_moment(chosen, sounds)


def of_one_moment(chosen: Format, sounds: QuerySet[Sound]) -> Iterator[str]:
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():  # a cursor of a transaction is read row by row; without one Postgres copies all first
        if is_outermost:  # else each query would see its own moment, and Soundminer's tables take two
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield from chosen.write(sounds.order_by())


def rows(sounds: QuerySet[Sound]) -> Iterator[Sound]:
    ordered = sounds.select_related("library", "current_analysis").order_by("library__name", "path", "id")
    slim = ordered.defer("peaks", "search_vector", "search_name", "search_words", "embedded")
    yield from slim.iterator(chunk_size=CHUNK)


def analyzed(sounds: QuerySet[Sound]) -> QuerySet[Sound]:
    return sounds.filter(current_analysis__isnull=False)


def edited_tree(sound: Sound) -> dict[str, Any]:
    """The full record as it is stored, with what people said over it."""
    tree: dict[str, Any] = dict(sound.current_analysis.record) if sound.current_analysis else {}
    if tree.get("ucs") and sound.category not in {tree["primary_category"], category_of_label(tree)}:
        note = f"UCS is left out: {tree['ucs']['cat_id']} follows from the label, and a person put the sound elsewhere"
        tree["ucs"] = None
        tree["metadata"] = tree["metadata"] | {"notes": [*tree["metadata"].get("notes", []), note]}
    return tree | {"short_description": sound.description, "primary_category": sound.category, "tags": sound.tags}


def category_of_label(tree: Mapping[str, Any]) -> str | None:
    """Where the label stands, whose CatID the record has; an unsure record may stand elsewhere."""
    labels = tree["top_labels"]
    return next((one["category"] for one in labels if one["label"] == tree["primary_label"]), None)


def edited_record(sound: Sound) -> AudioAnalysisRecord:
    return AudioAnalysisRecord.model_validate(edited_tree(sound))


def write_json(sounds: QuerySet[Sound]) -> Iterator[str]:
    yield '{"sounds": ['
    separator = "\n"
    for sound in rows(analyzed(sounds)):
        place = {"id": sound.pk, "library": sound.library.name, "path": sound.path}
        yield separator + json.dumps(place | edited_tree(sound), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def write_csv(sounds: QuerySet[Sound]) -> Iterator[str]:
    yield csv_line((*OWN_COLUMNS, *CSV_COLUMNS, *STATE_COLUMNS))
    for sound in rows(sounds):
        values = csv_row(edited_record(sound), sound.path) if sound.current_analysis else bare_row(sound)
        yield csv_line([str(sound.pk), sound.library.name, *values, sound.state, sound.error])


def bare_row(sound: Sound) -> list[str]:
    """What is known of a sound that nobody has analyzed."""
    known: Mapping[str, object] = {
        "path": sound.path,
        "file_name": sound.file_name,
        "duration_s": sound.duration_s,
        "primary_category": sound.category,
        "short_description": sound.description,
        "tags": "; ".join(sound.tags),
        "format": sound.format,
        "sample_rate_hz": sound.sample_rate_hz,
        "channels": sound.channels,
        "bit_depth": sound.bit_depth,
    }
    values = (known.get(column) for column in CSV_COLUMNS)
    return ["" if value is None else str(value) for value in values]


def write_markdown(sounds: QuerySet[Sound]) -> Iterator[str]:
    described = sounds.filter(Q(current_analysis__isnull=False) | ~Q(category="") | ~Q(description=""))
    counts = described.values_list("category").annotate(count=Count("id")).order_by("category")
    groups = [CatalogGroup(name, count, entries(described.filter(category=name))) for name, count in counts]
    yield from markdown_sections(groups)


def entries(sounds: QuerySet[Sound]) -> Iterator[CatalogEntry]:
    for sound in rows(sounds):
        yield CatalogEntry(
            sound.path,
            sound.category,
            sound.label,
            sound.description,
            tuple(sound.tags),
            sound.confidence,
            sound.duration_s,
        )


def write_soundminer_csv(sounds: QuerySet[Sound]) -> Iterator[str]:
    yield from soundminer_csv(soundminer_rows(sounds), columns_in_use(soundminer_rows(sounds)))


def write_soundminer_tab(sounds: QuerySet[Sound]) -> Iterator[str]:
    yield from soundminer_tab(soundminer_rows(sounds), columns_in_use(soundminer_rows(sounds)))


def soundminer_rows(sounds: QuerySet[Sound]) -> Iterator[dict[str, str]]:
    for sound in rows(analyzed(sounds)):
        yield soundminer_row(
            edited_record(sound), file_path=f"{sound.library.root}/{sound.path}", library=sound.library.name
        )


FORMATS: Mapping[str, Format] = {
    "csv": Format("text/csv; charset=utf-8", ".csv", write_csv),
    "json": Format("application/json", ".json", write_json),
    "markdown": Format("text/markdown; charset=utf-8", ".md", write_markdown),
    "soundminer-csv": Format("text/csv; charset=utf-8", "-soundminer.csv", write_soundminer_csv),
    "soundminer-tab": Format("text/tab-separated-values; charset=utf-8", "-soundminer.txt", write_soundminer_tab),
}
