"""Building a generation without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from search.index import Base, Entries
from search.index.files import Generation, Shelf
from search.index.writing import GenerationWriter, Origin

ORIGIN = Origin("tests", "<f4", "database", 1, -1, datetime(2026, 1, 1, tzinfo=UTC))


def shelf_in(root: Path) -> Shelf:
    return Shelf(root, model_id="tests/small", model_revision="r1", kind="sounds")


def build_generation(root: Path, entries: Entries, origin: Origin = ORIGIN, *, chunk: int = 1_000) -> Generation:
    writer = GenerationWriter(shelf_in(root), entries.vectors.shape[1], origin)
    every = np.unique(entries.owners)
    for start in range(0, len(every), chunk):
        sounds = every[start : start + chunk]
        part = slice(*np.searchsorted(entries.owners, [sounds[0], sounds[-1] + 1]).tolist())
        writer.add(Entries(entries.owners[part], entries.vectors[part], entries.spans_s[part]), sounds, sounds)
    return writer.finish()


def build_base(root: Path, entries: Entries, origin: Origin = ORIGIN) -> Base:
    return Base.open_checked(build_generation(root, entries, origin))
