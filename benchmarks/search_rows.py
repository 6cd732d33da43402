"""A database of sounds that were never recorded, with embeddings in clusters; written by COPY in parts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection, models, transaction

from analysis.clap import ModelKey
from benchmarks.search_texts import Choices, Describer, Texts, choose, record_of
from benchmarks.search_vectors import Clusters, Drawn, Vectors, turned
from catalog import engine
from catalog.dictionary import refresh_dictionary
from catalog.models import Analysis, Embedding, Library, Sound

AT_ONCE = 20_000
VECTORS, LABELS, FILLED = "vectors.f4", "labels.i2", "filled.json"
LONG_EVERY = 1_000  # one sound in so many is long and has moments
LONG_S = (60.0, 300.0)
WINDOW_S, HOP_S = 2.0, 0.5  # as the profile "balanced" cuts
SHORT_S = 9.9  # the others are heard as a whole
SCENES = 8  # stretches of a long sound that each sound like another one
STEREO, HIGH_RATE, FLOATING = 0.5, 0.1, 0.01  # shares of sounds with ch:2, sr:96k, bd:32
OUTLINES = 64
STRETCHES = 800
TABLES: tuple[type[models.Model], ...] = (Sound, Analysis, Embedding)


@dataclass(frozen=True, slots=True)
class Filled:
    """What was written, and how long it took."""

    count: int
    dim: int
    clusters: int
    fill_s: float
    indexes_s: float
    dictionary_s: float
    database_bytes: int


def fill(count: int, folder: Path, clusters: Clusters, model: ModelKey, tell: Any) -> Filled:
    """Fill an empty database with sounds 1 to `count`; their vectors and labels also go into files of the folder."""
    writer = _Writer(model, clusters)
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET max_wal_size = '8GB'")  # else it writes everything twice while it is filled
        cursor.execute("SELECT pg_reload_conf()")
    started = time.perf_counter()
    with without_indexes() as indexes, (folder / VECTORS).open("wb") as vectors, (folder / LABELS).open("wb") as labels:
        for start in range(0, count, AT_ONCE):
            drawn = clusters.draw(min(AT_ONCE, count - start), seed=start)
            writer.write(start + 1, drawn)
            vectors.write(drawn.vectors.tobytes())
            labels.write(drawn.labels.astype("<i2").tobytes())
            if start and not start % (10 * AT_ONCE):
                tell(f"  {start:,} rows after {time.perf_counter() - started:.0f} s")
        fill_s = time.perf_counter() - started
        tell(f"  rows {fill_s:.0f} s; now their indexes")
    indexes_s = indexes.took_s
    _settle(count)
    started = time.perf_counter()
    refresh_dictionary()
    dictionary_s = time.perf_counter() - started
    filled = Filled(count, clusters.dim, len(clusters), fill_s, indexes_s, dictionary_s, database_bytes())
    (folder / FILLED).write_text(json.dumps({**_facts(filled), "model": model.model_id}))
    return filled


def _facts(filled: Filled) -> dict[str, Any]:
    return {name: getattr(filled, name) for name in Filled.__slots__}


def filled_before(folder: Path, count: int, model: ModelKey) -> Filled | None:
    """What an earlier run left in the folder, if it is what this one wants."""
    try:
        facts = json.loads((folder / FILLED).read_text())
    except FileNotFoundError:
        return None
    if (facts.pop("model"), facts["count"]) != (model.model_id, count):
        raise SystemExit(f"{folder} holds another benchmark; remove it or name another folder")
    Sound.objects.filter(pk__gt=count).delete()  # which it wrote while others searched
    return Filled(**facts)


def database_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _settle(count: int) -> None:
    with connection.cursor() as cursor:
        for model in TABLES:
            table = model._meta.db_table
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), %s)", [count])
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("ALTER SYSTEM RESET max_wal_size")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute("CHECKPOINT")


class _Indexes:
    took_s = 0.0


@contextmanager
def without_indexes() -> Iterator[_Indexes]:
    """Tables without the indexes that are no constraints, which are made anew at the end: a third of the time."""
    told = _Indexes()
    names = [model._meta.db_table for model in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint) AND indexdef NOT LIKE 'CREATE UNIQUE%%'",
            [names],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield told
        started = time.perf_counter()
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("RESET maintenance_work_mem")
        told.took_s = time.perf_counter() - started


class _Writer:
    def __init__(self, model: ModelKey, clusters: Clusters) -> None:
        library, _ = Library.objects.get_or_create(name="Benchmark", defaults={"root": "/nowhere"})
        self._clusters = clusters
        vocabulary = engine.vocabulary()
        self._describer = Describer(vocabulary)
        outlines = np.random.default_rng(8).integers(-127, 128, (OUTLINES, 2 * STRETCHES), np.int8)
        self._outlines = [outline.tobytes() for outline in outlines]
        of_model = {"model_id": model.model_id, "model_revision": model.revision}
        profile = {"profile": "balanced"}
        self._sound = defaults(Sound) | profile | {"library_id": library.pk, "format": "WAV", "state": "analyzed"}
        self._analysis = defaults(Analysis) | of_model | profile
        self._analysis |= {"profile_fingerprint": "0" * 32, "vocabulary_sha256": vocabulary.sha256}
        lengths = {"dim": clusters.dim, "window_s": WINDOW_S, "hop_s": HOP_S}
        self._embedding = defaults(Embedding) | of_model | lengths

    def write(self, first: int, drawn: Drawn) -> None:
        made = list(self._made(first, drawn))
        with transaction.atomic():
            copy("catalog_sound", (sound for sound, _ in made))
            copy("catalog_analysis", (analysis for _, analysis in made))
            copy("catalog_embedding", self._embeddings(first, drawn, made))

    def _made(self, first: int, drawn: Drawn) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        random = np.random.default_rng([9, first])
        n = len(drawn.labels)
        chosen = choose(drawn.labels, first, len(self._describer.labels), first)
        lengths = np.clip(random.lognormal(1.1, 0.8, n), 0.2, SHORT_S).round(3).tolist()
        long = random.uniform(*LONG_S, n).round(1).tolist()
        shares = random.random((n, 3)).tolist()
        sureness = random.beta(4, 3, n).round(4).tolist()
        loudness = random.normal(-24, 6, n).round(2).tolist()
        for at, one in enumerate(chosen):
            duration_s = long[at] if one.number % LONG_EVERY == 0 else lengths[at]
            texts = self._describer.texts(one)
            said = {
                "category": texts.category,
                "label": texts.label.name,
                "confidence": sureness[at],
                "description": texts.description,
                "tags": texts.tags,
            }
            record = record_of(texts, sureness[at], loudness[at])
            analysis = self._analysis | said | {"id": one.number, "sound_id": one.number, "record": record}
            columns = self._columns(one, texts, duration_s, shares[at])
            yield self._sound | said | columns | {"loudness_lufs": loudness[at]}, analysis

    def _columns(self, one: Choices, texts: Texts, duration_s: float, shares: Sequence[float]) -> dict[str, Any]:
        """What stands in the row of a sound alone."""
        stereo, high_rate, floating = shares
        return {
            "id": one.number,
            "current_analysis_id": one.number,
            "path": texts.path,
            "file_name": texts.file_name,
            "size_bytes": int(96_000 * duration_s),
            "modified_ns": 1,
            "content_hash": f"{one.number:064x}",
            "file_hash": f"{one.number:064x}",
            "duration_s": duration_s,
            "channels": 2 if stereo < STEREO else 1,
            "sample_rate_hz": 96_000 if high_rate < HIGH_RATE else 48_000,
            "bit_depth": 32 if floating < FLOATING else 24,
            "embedded": json.dumps(texts.embedded),
            "peaks": self._outlines[one.number % OUTLINES],
            "cat_id": texts.label.ucs or "",
            "is_loop": one.number % 50 == 0,
            "search_name": texts.search_name,
            "search_words": texts.search_words,
        }

    def _embeddings(self, first: int, drawn: Drawn, made: Sequence[tuple[dict[str, Any], Any]]) -> Iterator[Any]:
        clips = drawn.vectors.astype("<f4")
        for at, (sound, _) in enumerate(made):
            long = sound["duration_s"] > SHORT_S
            windows = self._windows(sound["duration_s"], first + at) if long else b""
            number = first + at
            yield self._embedding | {"id": number, "sound_id": number, "clip": clips[at].tobytes(), "windows": windows}

    def _windows(self, duration_s: float, seed: int) -> bytes:
        """Scenes, each of which goes on for a while."""
        count = 1 + int((duration_s - WINDOW_S) / HOP_S)
        scenes = self._clusters.draw(SCENES, seed=10_000_000 + seed).vectors
        each = np.repeat(scenes, -(-count // SCENES), axis=0)[:count]
        return turned(each, seed=seed).astype("<f2").tobytes()


def defaults(model: type[models.Model]) -> dict[str, Any]:
    """The value of each column that the database does not fill in by itself."""
    columns: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.GeneratedField) or field.has_db_default():
            continue
        value = field.get_default()
        columns[str(field.column)] = json.dumps(value) if isinstance(field, models.JSONField) else value
    return columns


def copy(table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows that all have the same columns."""
    rows = iter(rows)
    first = next(rows)
    names = ", ".join(f'"{name}"' for name in first)
    with connection.cursor() as wrapper, wrapper.cursor.copy(f"COPY {table} ({names}) FROM STDIN") as stream:
        stream.write_row(list(first.values()))
        for row in rows:
            stream.write_row([row[name] for name in first])


def read_vectors(folder: Path, dim: int) -> Vectors:
    """All vectors (count, dim), sound 1 first."""
    return np.fromfile(folder / VECTORS, "<f4").reshape(-1, dim)


def read_labels(folder: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromfile(folder / LABELS, "<i2").astype(np.int64)
