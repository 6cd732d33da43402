"""Records as JSON, CSV and Markdown, piece by piece, so that a catalog of any size can be written or sent."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from analysis.records import AcousticSummary, AudioAnalysisRecord

LIST_SEPARATOR = "; "
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")
ACOUSTIC_COLUMNS = (
    "rms_dbfs",
    "peak_dbfs",
    "loudness_lufs",
    "true_peak_dbtp",
    "noise_floor_dbfs",
    "clipped_stretches",
    "clipped_samples",
    "clipped_share",
    "dc_offset",
    "channel_relation",
    "hum_hz",
    "hum_db",
    "leading_silence_s",
    "trailing_silence_s",
    "tempo_bpm",
    "rhythm_regularity",
    "key",
    "key_strength",
)  # as the acoustic summary names them
CSV_COLUMNS = (
    "path",
    "file_name",
    "duration_s",
    "primary_category",
    "primary_label",
    "confidence",
    "short_description",
    "detailed_description",
    "tags",
    "sound_events",
    "ucs_cat_id",
    "format",
    "sample_rate_hz",
    "channels",
    "bit_depth",
    *ACOUSTIC_COLUMNS,
    "profile_name",
    "profile_fingerprint",
    "model_id",
    "model_revision",
)


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One line of a Markdown catalog.

    Attributes
    ----------
    path, category, label, description : str
    tags : tuple of str
    confidence : float or None
        None where a person said what it is.
    duration_s : float or None
    """

    path: str
    category: str
    label: str
    description: str
    tags: tuple[str, ...] = ()
    confidence: float | None = None
    duration_s: float | None = None

    @classmethod
    def of(cls, record: AudioAnalysisRecord, path: str | None = None) -> CatalogEntry:
        """Take what a catalog shows from a record; the path is the file name where none is given."""
        return cls(
            path or record.file_name,
            record.primary_category,
            record.primary_label,
            record.short_description,
            tuple(record.tags),
            record.confidence,
            record.metadata.duration_s,
        )


@dataclass(frozen=True, slots=True)
class CatalogGroup:
    """A category of a Markdown catalog.

    Attributes
    ----------
    category : str
        Empty for sounds that have none.
    count : int
        How many entries there are.
    entries : iterable of CatalogEntry
        In the order of the document.
    """

    category: str
    count: int
    entries: Iterable[CatalogEntry]

    @property
    def title(self) -> str:
        """What the group's heading says."""
        return self.category or "uncategorized"


def record_json(record: AudioAnalysisRecord, *, full: bool) -> str:
    """Give a record as indented JSON with a final newline."""
    tree = record.model_dump(mode="json") if full else record.brief()
    return json.dumps(tree, ensure_ascii=False, indent=2) + "\n"


def csv_row(record: AudioAnalysisRecord, path: str) -> list[str]:
    """Give the values of CSV_COLUMNS; lists are joined by semicolons, what is unknown is empty."""
    metadata, provenance = record.metadata, record.analysis_provenance
    values = (
        path,
        record.file_name,
        metadata.duration_s,
        record.primary_category,
        record.primary_label,
        record.confidence,
        record.short_description,
        record.detailed_description,
        LIST_SEPARATOR.join(record.tags),
        LIST_SEPARATOR.join(record.sound_events),
        record.ucs.cat_id if record.ucs else None,
        metadata.format,
        metadata.sample_rate_hz,
        metadata.channels,
        metadata.bit_depth,
        *(getattr(record.acoustic_summary, column) for column in ACOUSTIC_COLUMNS),
        provenance.profile_name,
        provenance.profile_fingerprint,
        provenance.model_id,
        provenance.model_revision,
    )
    return ["" if value is None else str(value) for value in values]


def csv_line(values: Iterable[str]) -> str:
    """Write one row as CSV with its CRLF."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def record_markdown(record: AudioAnalysisRecord) -> str:
    """Write a page about one sound."""
    metadata, provenance = record.metadata, record.analysis_provenance
    depth = f", {metadata.bit_depth} bit" if metadata.bit_depth else ""
    channels = f"{metadata.channels} channel{'s' if metadata.channels != 1 else ''}"
    calibrated = "calibrated" if record.calibrated else "not calibrated"
    lines = [
        f"# {escape_markdown(record.file_name)}",
        "",
        f"**{escape_markdown(record.short_description)}**",
        "",
        escape_markdown(record.detailed_description),
        "",
        f"- Category: {escape_markdown(record.primary_category)}",
        f"- Label: {escape_markdown(record.primary_label)} ({record.confidence:.0%}, {calibrated})",
        f"- Tags: {escape_markdown(', '.join(record.tags))}",
        f"- File: {metadata.format}, {metadata.duration_s:.2f} s, {metadata.sample_rate_hz} Hz, {channels}{depth}",
        f"- UCS: {record.ucs.cat_id} ({record.ucs.category} {record.ucs.subcategory})" if record.ucs else "- UCS: none",
        *(f"- {fact}" for fact in measured_in_words(record.acoustic_summary)),
        *(f"- Note: {escape_markdown(note)}" for note in metadata.notes),
        "",
    ]
    if record.events:
        lines += ["| from | to | heard | confidence |", "|---:|---:|---|---:|"]
        lines += [
            f"| {event.start_s:.2f} s | {event.end_s:.2f} s | {escape_markdown(event.label)} | {event.confidence:.0%} |"
            for event in record.events
        ]
        lines.append("")
    lines.append(
        f"Profile {escape_markdown(provenance.profile_name)} ({provenance.profile_fingerprint}), model"
        f" {escape_markdown(provenance.model_id)} at {escape_markdown(provenance.model_revision)}."
    )
    return "\n".join(lines) + "\n"


def measured_in_words(facts: AcousticSummary) -> list[str]:
    """Say what editors look for, a line each: levels always, the rest where there is something to say.

    Parameters
    ----------
    facts : AcousticSummary
        Facts that an old record does not have get no line.

    Returns
    -------
    list of str
        Title, colon, values with units.
    """
    silence = [
        f"{seconds:.2f} s {where}"
        for seconds, where in ((facts.leading_silence_s, "before"), (facts.trailing_silence_s, "after"))
        if seconds
    ]
    lines = {
        "Levels": ", ".join(_levels_in_words(facts)),
        "Clipping": f"{facts.clipped_stretches} flat tops, {facts.clipped_share:.2%} of the samples"
        if facts.clipped_stretches
        else "",
        "Channels": facts.channel_relation or "",
        "Mains hum": f"{facts.hum_hz} Hz, {facts.hum_db} dB over its neighbors" if facts.hum_hz else "",
        "Silence": ", ".join(silence),
        "Tempo": f"{facts.tempo_bpm:.0f} BPM, regularity {facts.rhythm_regularity:.2f}" if facts.tempo_bpm else "",
        "Key": f"{facts.key}, strength {facts.key_strength:.2f}" if facts.key else "",
    }
    return [f"{title}: {text}" for title, text in lines.items() if text]


def _levels_in_words(facts: AcousticSummary) -> list[str]:
    levels = (
        ("{:.1f} LUFS", facts.loudness_lufs),
        ("true peak {:.1f} dBTP", facts.true_peak_dbtp),
        ("RMS {:.1f} dBFS", facts.rms_dbfs),
        ("noise floor {:.1f} dBFS", facts.noise_floor_dbfs),
    )
    return [words.format(value) for words, value in levels if value is not None]


def markdown_catalog(
    records: Iterable[AudioAnalysisRecord | CatalogEntry], *, title: str = "Sound catalog"
) -> Iterator[str]:
    """Write a catalog grouped by category, with a table of contents whose links work.

    Parameters
    ----------
    records : iterable of AudioAnalysisRecord or CatalogEntry
        In any order; one line of each is kept in memory.
    title : str

    Yields
    ------
    str
        Pieces of Markdown, for a file or a response.
    """
    groups: dict[str, list[CatalogEntry]] = {}
    for record in records:
        entry = record if isinstance(record, CatalogEntry) else CatalogEntry.of(record)
        groups.setdefault(entry.category, []).append(entry)
    ordered = [CatalogGroup(category, len(groups[category]), groups[category]) for category in sorted(groups)]
    for group in ordered:
        groups[group.category].sort(key=lambda entry: entry.path)
    yield from markdown_sections(ordered, title=title)


def markdown_sections(groups: Sequence[CatalogGroup], *, title: str = "Sound catalog") -> Iterator[str]:
    """Write a catalog of groups that are counted already, without holding more than one entry in memory.

    Parameters
    ----------
    groups : sequence of CatalogGroup
        In the order of the document; the entries of each are read once, when it is their turn.
    title : str

    Yields
    ------
    str
        Pieces of Markdown, for a file or a response.
    """
    anchors = _anchors(group.category for group in groups)
    total = sum(group.count for group in groups)
    yield f"# {escape_markdown(title)}\n\n{total} sound{'s' if total != 1 else ''}\n\n## Contents\n\n"
    for group in groups:
        yield f"- [{escape_markdown(group.title)}](#{anchors[group.category]}) ({group.count})\n"
    for group in groups:
        yield f'\n<a id="{anchors[group.category]}"></a>\n\n## {escape_markdown(group.title)}\n\n'
        yield "| sound | description | label | confidence | length | tags |\n|---|---|---|---:|---:|---|\n"
        yield from map(_catalog_line, group.entries)


def escape_markdown(text: str) -> str:
    """Write a text so that Markdown shows it as it is, on one line."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _catalog_line(entry: CatalogEntry) -> str:
    cells = (
        escape_markdown(entry.path),
        escape_markdown(entry.description),
        escape_markdown(entry.label),
        "" if entry.confidence is None else f"{entry.confidence:.0%}",
        "" if entry.duration_s is None else f"{entry.duration_s:.1f} s",
        escape_markdown(", ".join(entry.tags)),
    )
    return f"| {' | '.join(cells)} |\n"


def _anchors(categories: Iterable[str]) -> dict[str, str]:
    """Name a place for each category; names that would fall together are numbered."""
    anchors: dict[str, str] = {}
    taken: set[str] = set()
    for category in categories:
        base = "category-" + (re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-") or "other")
        names = (f"{base}-{number}" if number else base for number in range(len(taken) + 1))
        anchor = next(name for name in names if name not in taken)
        taken.add(anchor)
        anchors[category] = anchor
    return anchors
