"""What people see of a sound: its current analysis under their own edits, and the words it is found by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from catalog import engine
from catalog.models import Edit, Sound
from catalog.storable import storable_text
from catalog.words import fold, name_words

EFFECTIVE_COLUMNS = ("category", "label", "confidence", "description", "tags", "search_name", "search_words")
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
    sound.save(update_fields=EFFECTIVE_COLUMNS)


def newest_edits(sound: Sound) -> dict[str, Any]:
    """What people say, by field; a withdrawn edit says nothing."""
    newest = sound.edits.order_by("field", "-id").distinct("field").values_list("field", "value")
    return {field: value for field, value in newest if value is not None}


def search_name(path: str, embedded: Mapping[str, str]) -> str:
    """Two lines: words of the path without its suffix, words of what is written inside the file."""
    place = PurePosixPath(path)
    written = " ".join(str(value) for value in embedded.values())
    return f"{' '.join(name_words(str(place.with_suffix(''))))}\n{' '.join(name_words(written))}"


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
