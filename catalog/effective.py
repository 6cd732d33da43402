"""What people see of a sound: its current analysis under their own edits, and the words it is found by."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from catalog import engine
from catalog.models import Edit, Sound
from catalog.storable import storable_text
from catalog.words import fold, name_words

EFFECTIVE_COLUMNS = (
    "category", "label", "confidence", "description", "tags", "search_name", "search_words",
    "profile", "loudness_lufs", "tempo_bpm", "key", "cat_id", "is_loop",
)  # fmt: skip
# A loop by its name, the same in Python and in Postgres: the word, also as a part of "DrumLoop" or "LOOPS01", not of
# "loophole" or "Loopmasters"; not where it is said to be none, nor where people of a "loop group" talk
LOOP_NAME = r"(^|[^A-Za-z])loop(s|ed|ing|able)?($|[^a-z])|Loop(s|ed|ing|able)?($|[^a-z])|LOOP(S|ED|ING|ABLE)?($|[^A-Z])"
NO_LOOP_NAME = r"(^|[^a-z])(no|non|not|un)[ _-]?loop|loop[ _-]?groups?($|[^a-z])"  # in any case
LOOP_BEATS = (4, 8, 16, 32, 64)  # 1 to 16 bars: a tempo found at half or twice the true one fits as well
LOOP_TOLERANCE = 0.02  # of the beats: tempo is measured to about one percent; by chance one sound in 18 fits
LOOP_SILENCE_S = 0.05  # at either end: one frame of the measurement, a gap that the ear takes for none
LOOP_REGULARITY = 0.4  # as analysis.acoustics.RHYTHMIC_REGULARITY: rhythmic to the ear, not by a few chance onsets
BAR_FACTS = ("tempo_bpm", "rhythm_regularity", "leading_silence_s", "trailing_silence_s")
MEASURED_FACTS = {"loudness_lufs", "key", *BAR_FACTS}  # of the acoustic summary: what measured_columns reads
SYNONYMS_OF_TAGS = 12  # labels whose synonyms are searched; the tags after them are the weaker ones


def refresh_sound(sound: Sound) -> None:
    """Write the columns that lists, filters and search read, from the current analysis and the newest edits."""
    analysis = sound.current_analysis
    edits = newest_edits(sound)
    sound.label = analysis.label if analysis else ""
    sound.confidence = analysis.confidence if analysis else None
    sound.category = edits.get(Edit.Field.CATEGORY, analysis.category if analysis else "")
    sound.description = edits.get(Edit.Field.DESCRIPTION, analysis.description if analysis else "")
    sound.tags = edits.get(Edit.Field.TAGS, analysis.tags if analysis else [])
    sound.search_name = search_name(sound.path, sound.embedded)
    sound.search_words = search_words(sound)
    measured = measured_columns(analysis.record if analysis else {})
    sound.profile = analysis.profile if analysis else ""
    sound.loudness_lufs, sound.tempo_bpm, sound.key = measured.loudness_lufs, measured.tempo_bpm, measured.key
    sound.cat_id = measured.cat_id if analysis and sound.category == analysis.category else ""
    sound.is_loop = is_loop(sound.file_name, sound.embedded, measured)
    sound.save(update_fields=EFFECTIVE_COLUMNS)


def newest_edits(sound: Sound) -> dict[str, Any]:
    """What people say, by field; a withdrawn edit says nothing."""
    newest = sound.edits.order_by("field", "-id").distinct("field").values_list("field", "value")
    return {field: value for field, value in newest if value is not None}


@dataclass(frozen=True, slots=True)
class MeasuredColumns:
    """What filters ask of a record, so that no filter has to open a million of them."""

    loudness_lufs: float | None
    tempo_bpm: float | None
    key: str
    cat_id: str  # follows from the label; not shown where a person put the sound into another category
    fills_bars: bool


def measured_columns(record: Mapping[str, Any]) -> MeasuredColumns:
    """Read them from a record as it is stored; of an empty one, all are empty."""
    facts = record.get("acoustic_summary") or {}
    return MeasuredColumns(
        finite(facts.get("loudness_lufs")),
        finite(facts.get("tempo_bpm")),
        facts.get("key") or "",
        (record.get("ucs") or {}).get("cat_id") or "",
        fills_bars(facts, (record.get("metadata") or {}).get("duration_s")),
    )


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def is_loop(file_name: str, embedded: Mapping[str, str], measured: MeasuredColumns) -> bool:
    """By its beats, or by its name."""
    return measured.fills_bars or is_named_loop(file_name, embedded)


def is_named_loop(file_name: str, embedded: Mapping[str, str]) -> bool:
    """Whether the file's name, without its folders, or what is written inside it has the word "loop"."""
    text = "\n".join([file_name, *(str(value) for value in embedded.values())])
    return bool(re.search(LOOP_NAME, text)) and not re.search(NO_LOOP_NAME, text, re.IGNORECASE)


def fills_bars(facts: Mapping[str, Any], duration_s: float | None) -> bool:
    """Whether a sound would go on in time if it began again: it is rhythmic, its beats fill 1, 2, 4, 8 or 16 bars of
    four to within 2 %, and there is no silence at its ends. What was analyzed before silence was measured is none.

    A sound is taken for a loop (`is_loop`) by this or by its name. Neither listens to whether the seam is heard.
    """
    tempo_bpm, regularity, leading_s, trailing_s = (facts.get(name) for name in BAR_FACTS)
    if not tempo_bpm or not duration_s or leading_s is None or trailing_s is None:
        return False
    if (regularity or 0.0) < LOOP_REGULARITY or max(leading_s, trailing_s) > LOOP_SILENCE_S:
        return False
    beats = tempo_bpm * duration_s / 60
    return any(abs(beats - whole) <= LOOP_TOLERANCE * whole for whole in LOOP_BEATS)


def search_name(path: str, embedded: Mapping[str, str]) -> str:
    """Three lines: words of the file name without its suffix, of its folders, of what is written inside the file."""
    place = PurePosixPath(path)
    written = [word for value in dict.fromkeys(map(str, embedded.values())) for word in name_words(value)]
    return "\n".join(" ".join(words) for words in (name_words(place.stem), name_words(str(place.parent)), written))


def search_words(sound: Sound) -> str:
    return searched_text(sound.description, sound.label, sound.category, sound.tags)


def searched_text(description: str, label: str, category: str, tags: Sequence[str]) -> str:
    """Four lines: description; label and category; tags; synonyms."""
    lines = (description, f"{label} {category}", " , ".join(tags), " , ".join(synonyms([label, *tags])))
    return "\n".join(" ".join(fold(storable_text(line)).split()) for line in lines)


def synonyms(names: Sequence[str]) -> list[str]:
    vocabulary = engine.vocabulary()
    labels = [vocabulary.label(name) for name in dict.fromkeys(names) if name in vocabulary]
    return list(dict.fromkeys(word for label in labels[:SYNONYMS_OF_TAGS] for word in label.synonyms))
