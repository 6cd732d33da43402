"""Checks of written records: their schema, and whether their labels stand in the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.errors import InvalidRecord
from analysis.records import AudioAnalysisRecord, BriefRecord, parse_record
from analysis.vocabulary import CUSTOM_CATEGORY, Vocabulary

RESULTS_FILE = "batch_results.json"


@dataclass(slots=True)
class Report:
    checked: int = 0  # files
    problems: list[dict[str, str]] = field(default_factory=list)


def check_folder(folder: Path, vocabulary: Vocabulary) -> Report:
    report = Report()
    if not folder.is_dir():
        return report
    for path in sorted(folder.rglob("*.json")):
        if path.name == RESULTS_FILE:
            continue
        report.checked += 1
        try:
            found = list(problems_of(parse_record(path.read_bytes()), vocabulary))
        except (InvalidRecord, OSError) as error:
            found = [str(error)]
        report.problems += [{"path": str(path), "problem": problem} for problem in found]
    return report


def problems_of(record: BriefRecord, vocabulary: Vocabulary) -> Iterator[str]:
    if not isinstance(record, AudioAnalysisRecord):
        return
    if record.primary_category == CUSTOM_CATEGORY:  # labels of the command line, not of the vocabulary
        return
    named = [(record.primary_label, record.primary_category)]
    named += [(label.label, label.category) for label in record.top_labels]
    named += [(event.label, event.category) for event in record.events]
    for name, category in dict.fromkeys(named):
        if name not in vocabulary:
            yield f"label {name!r} is not in the vocabulary"
        elif vocabulary.label(name).category != category:
            yield f"label {name!r} stands in {vocabulary.label(name).category}, the record says {category}"
    for event in record.events:
        if not 0 <= event.start_s <= event.end_s <= record.metadata.duration_s + 0.001:
            length = record.metadata.duration_s
            yield f"event {event.label!r} runs from {event.start_s} to {event.end_s} s in a sound of {length} s"
    if record.top_labels and record.primary_label != record.top_labels[0].label:
        yield f"primary label {record.primary_label!r} is not the first of top_labels"
