"""Many sounds at once, in few statements: what was measured of them, read, and what is said of them, written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from pydantic import ValidationError

from analysis.checkpoints import ModelKey
from analysis.interpretation import MeasuredSound, SoundEmbeddings
from analysis.profiles import AnalysisProfile
from analysis.records import AcousticSummary, AudioAnalysisRecord, Provenance, SoundMetadata
from catalog.effective import LOOP_NAME, MEASURED_FACTS, NO_LOOP_NAME, measured_columns, searched_text
from catalog.models import Edit
from catalog.storable import storable_json

BYTES_AT_ONCE = 1 << 26  # 64 MB of window vectors, as many again as float32, and a third of that in scores
MEASURED_PARTS = {"file_name", "metadata", "acoustic_summary"}  # of a record: they stay what they are

# Of each sound: the analysis whose measurements hold, that is one by the same model and if it can be the current one,
# and the vectors of the windows that are asked for
PLACES = """
    SELECT sound.id, base.id, vectors.id, vectors.size
    FROM catalog_sound AS sound
    CROSS JOIN LATERAL (
        SELECT id FROM catalog_analysis AS analysis
        WHERE analysis.sound_id = sound.id AND model_id = %(model_id)s AND model_revision = %(revision)s
        ORDER BY analysis.id IS NOT DISTINCT FROM sound.current_analysis_id DESC, created_at DESC, id DESC LIMIT 1
    ) AS base
    CROSS JOIN LATERAL (
        SELECT id, CASE WHEN %(windowed)s THEN octet_length(windows) ELSE 0 END AS size
        FROM catalog_embedding AS embedding
        WHERE embedding.sound_id = sound.id AND model_id = %(model_id)s AND model_revision = %(revision)s
            AND (NOT %(windowed)s OR (window_s = %(window_s)s AND hop_s = %(hop_s)s))
        ORDER BY id DESC LIMIT 1
    ) AS vectors
    WHERE sound.id = ANY(%(ids)s) ORDER BY sound.id
"""

# A record is taken apart once: each arrow would unpack the whole of it again
MEASURED = """
    SELECT analysis.sound_id, analysis.id, part.file_name, part.metadata, part.acoustic_summary,
        part.analysis_provenance, embedding.clip, CASE WHEN %(windowed)s THEN embedding.windows ELSE ''::bytea END
    FROM unnest(%(analyses)s::bigint[], %(embeddings)s::bigint[]) AS chosen (analysis_id, embedding_id)
    JOIN catalog_analysis AS analysis ON analysis.id = analysis_id
    JOIN catalog_embedding AS embedding ON embedding.id = embedding_id
    CROSS JOIN LATERAL jsonb_to_record(analysis.record)
        AS part (file_name text, metadata text, acoustic_summary text, analysis_provenance text)
    ORDER BY analysis.sound_id
"""

# What was measured is merged on the server and never travels back
SAID = """
    WITH said AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(rows)s::json) AS row (
            sound_id bigint, base_id bigint, patch jsonb, search_words text,
            edited_category text, edited_description text, edited_tags varchar[],
            loudness_lufs float8, tempo_bpm float8, key text, cat_id text, fills_bars boolean
        )
    ), written AS (
        INSERT INTO catalog_analysis AS analysis (
            sound_id, profile, profile_fingerprint, model_id, model_revision, vocabulary_sha256, record, category,
            label, confidence, description, tags, created_at
        )
        SELECT said.sound_id, %(profile)s, %(fingerprint)s, base.model_id, base.model_revision, %(vocabulary_sha256)s,
            base.record || said.patch, said.patch->>'primary_category', said.patch->>'primary_label',
            (said.patch->>'confidence')::float8, said.patch->>'short_description',
            ARRAY(SELECT jsonb_array_elements_text(said.patch->'tags')), statement_timestamp()
        FROM said JOIN catalog_analysis AS base ON base.id = said.base_id
        ON CONFLICT (sound_id, profile_fingerprint, model_id, model_revision, vocabulary_sha256) DO UPDATE SET
            profile = excluded.profile, record = excluded.record, category = excluded.category, label = excluded.label,
            confidence = excluded.confidence, description = excluded.description, tags = excluded.tags,
            created_at = excluded.created_at
        RETURNING id, sound_id, category, label, confidence, description, tags, created_at
    )
    UPDATE catalog_sound AS sound SET
        current_analysis_id = written.id, analyzed_at = written.created_at,
        label = written.label, confidence = written.confidence,
        category = COALESCE(said.edited_category, written.category),
        description = COALESCE(said.edited_description, written.description),
        tags = COALESCE(said.edited_tags, written.tags),
        search_words = said.search_words, profile = %(profile)s,
        loudness_lufs = said.loudness_lufs, tempo_bpm = said.tempo_bpm, key = said.key,
        cat_id = CASE WHEN COALESCE(said.edited_category, written.category) = written.category
            THEN said.cat_id ELSE '' END,
        is_loop = said.fills_bars OR (named.text ~ %(loop)s AND named.text !~* %(no_loop)s)
    FROM written
    JOIN said ON said.sound_id = written.sound_id
    JOIN catalog_sound AS own ON own.id = written.sound_id
    CROSS JOIN LATERAL (
        SELECT concat_ws(E'\n', own.file_name, (
            SELECT string_agg(value, E'\n') FROM jsonb_each_text(
                CASE WHEN jsonb_typeof(own.embedded) = 'object' THEN own.embedded ELSE '{}' END
            )
        )) AS text
    ) AS named
    WHERE sound.id = written.sound_id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the measurements of a sound stand: an analysis and an embedding, and the bytes of its window vectors."""

    sound_id: int
    analysis_id: int
    embedding_id: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredSound:
    sound_id: int
    analysis_id: int
    measured: MeasuredSound
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """What is stored of a sound was written by a Timbre that measured other things, or is damaged."""

    sound_id: int
    reason: str


def find_places(ids: Sequence[int], profile: AnalysisProfile, model: ModelKey) -> list[Place]:
    """Of those sounds that have vectors for the profile by the model, in the order of their ids."""
    wanted: dict[str, list[int] | str | bool | float] = {
        "ids": list(ids),
        "model_id": model.model_id,
        "revision": model.revision,
        "windowed": profile.windowed,
        "window_s": profile.window_s,
        "hop_s": profile.hop_s,
    }
    with connection.cursor() as cursor:
        cursor.execute(PLACES, wanted)
        return [Place(*row) for row in cursor.fetchall()]


def read_measured(
    places: Sequence[Place], profile: AnalysisProfile, model: ModelKey
) -> Iterator[list[StoredSound | UnreadableRecord]]:
    """What was measured of sounds, so many at a time as memory is meant for."""
    lengths = (profile.window_s, profile.hop_s) if profile.windowed else (0.0, 0.0)
    for part in parts_of(places):
        wanted = {
            "analyses": [place.analysis_id for place in part],
            "embeddings": [place.embedding_id for place in part],
            "windowed": profile.windowed,
        }
        # as bytes: as text, vectors would be twice as long and have to be turned back
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(MEASURED, wanted, binary=True)
            yield [stored_sound(row, model, lengths) for row in cursor]


def parts_of(places: Sequence[Place]) -> Iterator[list[Place]]:
    part: list[Place] = []
    size_bytes = 0
    for place in places:
        if part and size_bytes + place.size_bytes > BYTES_AT_ONCE:
            yield part
            part, size_bytes = [], 0
        part.append(place)
        size_bytes += place.size_bytes
    if part:
        yield part


def stored_sound(row: tuple[Any, ...], model: ModelKey, lengths: tuple[float, float]) -> StoredSound | UnreadableRecord:
    sound_id, analysis_id, file_name, metadata, facts, provenance, clip, windows = row
    try:
        made_by = Provenance.model_validate_json(provenance)
        measured = MeasuredSound.from_parts(
            file_name,
            SoundMetadata.model_validate_json(metadata),
            AcousticSummary.model_validate_json(facts),
            made_by,
            stored_embeddings(clip, windows, model, lengths),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return UnreadableRecord(
            sound_id, f"its record is of another Timbre ({place}: {first['msg']}): analyze it again"
        )
    except ValueError:  # of numpy: bytes that are no rows of vectors
        return UnreadableRecord(sound_id, "its stored vectors are damaged: analyze it again")
    return StoredSound(sound_id, analysis_id, measured, made_by)


def stored_embeddings(clip: bytes, windows: bytes, model: ModelKey, lengths: tuple[float, float]) -> SoundEmbeddings:
    vector = np.frombuffer(clip, "<f4")
    rows = np.frombuffer(windows, "<f2").reshape(-1, len(vector))
    return SoundEmbeddings(model.model_id, model.revision, *lengths, vector, rows)


def write_said(
    told: Iterable[tuple[StoredSound, AudioAnalysisRecord]], profile: AnalysisProfile, vocabulary_sha256: str
) -> int:
    """Write what is said of sounds, whose rows are locked, and let it be what people see, under their own edits.

    Returns how many were written.
    """
    said = list(told)
    edits = edits_of([stored.sound_id for stored, _ in said])
    rows = [row_of(stored, record, edits.get(stored.sound_id, {})) for stored, record in said]
    with connection.cursor() as cursor:
        cursor.execute(
            SAID,
            {
                "rows": f"[{','.join(rows)}]",
                "profile": profile.name,
                "fingerprint": profile.fingerprint,
                "vocabulary_sha256": vocabulary_sha256,
                "loop": LOOP_NAME,
                "no_loop": NO_LOOP_NAME,
            },
        )
        return int(cursor.rowcount)


def edits_of(sound_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What people say of sounds, by field; a withdrawn edit says nothing."""
    newest = Edit.objects.extra(where=["sound_id = ANY(%s)"], params=[list(sound_ids)])
    newest = newest.order_by("sound_id", "field", "-id").distinct("sound_id", "field")
    said: dict[int, dict[str, Any]] = {}
    for sound_id, field, value in newest.values_list("sound_id", "field", "value"):
        if value is not None:
            said.setdefault(sound_id, {})[field] = value
    return said


def row_of(stored: StoredSound, record: AudioAnalysisRecord, edits: dict[str, Any]) -> str:
    """A row as JSON, to be merged into the record that holds the measurements."""
    patch = record.model_dump_json(exclude=MEASURED_PARTS)
    if "\\u0000" in patch:
        patch = json.dumps(storable_json(json.loads(patch)))
    facts = record.model_dump(
        include={"acoustic_summary": MEASURED_FACTS, "metadata": {"duration_s"}, "ucs": {"cat_id"}}
    )
    columns = {
        "sound_id": stored.sound_id,
        "base_id": stored.analysis_id,
        "search_words": searched_text(
            edits.get(Edit.Field.DESCRIPTION, record.short_description),
            record.primary_label,
            edits.get(Edit.Field.CATEGORY, record.primary_category),
            edits.get(Edit.Field.TAGS, record.tags),
        ),
        **asdict(measured_columns(facts)),
        **{f"edited_{field}": value for field, value in edits.items()},
    }
    return f'{json.dumps(columns)[:-1]}, "patch": {patch}}}'
