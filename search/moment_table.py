"""Every moment of the sounds that a search found, as rows: where in which file, for how long and how sure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from analysis.errors import ModelUnavailable
from analysis.outputs import csv_line
from catalog import engine
from catalog.browse import SoundFilters
from catalog.heard import stored_vectors
from catalog.models import Sound
from search.ears import targets_of
from search.hearing import Target
from search.index import Entries
from search.results import How, SearchResults
from search.search import search_sounds
from search.sync import current_moments

PART_OF_BEST = 0.5
"""A stretch belongs to a moment where at least so much of what is listened for is in it as in the best of the sound:
what lies between two barks is a little like a bark, and no moment."""

CHUNK = 50
"""Sounds whose windows are read at once."""

COLUMNS = ("id", "library", "path", "part", "start_s", "end_s", "similarity", "degree")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class FoundMoment:
    """A stretch of a sound in which something is heard."""

    sound: Sound
    part: str
    start_s: float
    end_s: float
    similarity: float  # cosine of what in it is most like it
    degree: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class FoundMoments:
    """What was found, and the search that it was found by."""

    search: SearchResults
    moments: Sequence[FoundMoment]


def find_moments(
    query: str, filters: SoundFilters | None = None, *, limit: int = 50, how: How | None = None
) -> FoundMoments:
    """Find the moments of the first `limit` sounds of a search: of each all stretches in which it is heard."""
    how = how or How()
    found = search_sounds(query, filters, limit=limit, how=how)
    sounds = {hit.sound.pk: hit.sound for hit in found.hits if not hit.is_faint}
    if not sounds or found.reading is None or not how.semantic:
        return FoundMoments(found, [])
    try:
        model = engine.active_model()
    except ModelUnavailable:  # which the search has told
        return FoundMoments(found, [])
    rows: list[FoundMoment] = []
    for part, target in targets_of(found.reading.plan):
        for entries in _entries_of(sounds, model):
            rows += _moments_in(entries, target, part.name, sounds)
    place = {sound_id: at for at, sound_id in enumerate(sounds)}
    return FoundMoments(found, sorted(rows, key=lambda row: (place[row.sound.pk], row.start_s, row.part)))


def _entries_of(sounds: dict[int, Sound], model: ModelKey) -> Iterator[Entries]:
    """Stretches of sounds with their vectors: of long ones those of the index, of the others their windows."""
    ids = np.array(sorted(sounds), np.int64)
    moments = current_moments(model)
    if moments is not None:
        for chunk in _chunks(ids):
            entries = moments.entries(chunk)
            yield entries
            ids = np.setdiff1d(ids, entries.owners)
    for chunk in _chunks(ids):
        yield from _windows(chunk.tolist(), model)


def _chunks(ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _windows(ids: list[int], model: ModelKey) -> Iterator[Entries]:
    """The windows of short sounds; what has a single one, or none, is one moment from end to end."""
    for sound_id, heard in stored_vectors(ids, model).items():
        audible = np.any(heard.windows, axis=1)
        starts_s, vectors = heard.starts_s[audible], heard.windows[audible]
        if len(vectors):
            spans_s = np.column_stack([starts_s, starts_s + heard.window_s]).astype(np.float32)
            yield Entries(np.full(len(vectors), sound_id, np.int64), vectors, spans_s)
        elif heard.clip.any():
            yield Entries.of_whole_sounds(np.array([sound_id], np.int64), heard.clip[np.newaxis])


def _moments_in(entries: Entries, target: Target, part: str, sounds: dict[int, Sound]) -> Iterator[FoundMoment]:
    if not len(entries):
        return
    seen = target.score(entries.vectors)
    degrees = target.degrees(entries.vectors)
    for owner in np.unique(entries.owners).tolist():
        rows = np.flatnonzero(entries.owners == owner)
        rows = rows[seen.likely[rows] & (degrees[rows] >= PART_OF_BEST * degrees[rows].max())]
        sound = sounds[owner]
        for stretch in _stretches(rows, entries.spans_s):
            start_s, end_s = entries.spans_s[stretch, 0].min(), entries.spans_s[stretch, 1].max()
            yield FoundMoment(
                sound,
                part,
                start_s=round(float(start_s), 3),
                end_s=_end_in(sound, float(end_s)),
                similarity=float(seen.cosines[stretch].max()),
                degree=float(degrees[stretch].max()),
            )


def _end_in(sound: Sound, end_s: float) -> float:
    """Windows reach beyond the end of a sound, and one that stands for a whole sound has no end."""
    if sound.duration_s is None:
        return round(end_s, 3)
    return round(min(end_s, sound.duration_s) if end_s > 0 else sound.duration_s, 3)


def _stretches(rows: NDArray[np.intp], spans_s: NDArray[np.float32]) -> Iterator[NDArray[np.intp]]:
    """Rows whose spans touch or overlap, together."""
    rows = rows[np.argsort(spans_s[rows, 0], kind="stable")]
    if len(rows):
        reached_s = np.maximum.accumulate(spans_s[rows, 1])
        yield from np.split(rows, np.flatnonzero(spans_s[rows[1:], 0] > reached_s[:-1]) + 1)


def moments_csv(moments: Iterable[FoundMoment]) -> Iterator[str]:
    """The table as CSV, with numbers as they are and no text that a spreadsheet would run."""
    yield csv_line(COLUMNS)
    for one in moments:
        numbers = [f"{one.start_s:.3f}", f"{one.end_s:.3f}", f"{one.similarity:.4f}", f"{one.degree:.4f}"]
        texts = [as_text(text) for text in (one.sound.library.name, one.sound.path, one.part)]
        yield csv_line([str(one.sound.pk), *texts, *numbers])


def as_text(cell: str) -> str:
    """A cell that a spreadsheet takes for text: an apostrophe stands before what it would take for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell
