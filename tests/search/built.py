"""What tests of built indexes share: building, what is in rows and indexes, and files that say something else."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
from django.test.utils import CaptureQueriesContext

from analysis.clap import ModelKey
from catalog.models import Embedding, Sound
from search.building import build
from search.index import SoundIndex, files
from search.index.files import Generation
from search.rows import SOUNDS, Kind

DIM = 16
MakeSound = Callable[..., Sound]
Embed = Callable[..., Embedding]
Fill = Callable[..., list[int]]


def in_rows(model: ModelKey) -> dict[int, list[float]]:
    found = Embedding.objects.filter(model_id=model.model_id, model_revision=model.revision).values_list(
        "sound", "clip"
    )
    return {sound: np.frombuffer(clip, np.float32).tolist() for sound, clip in found}


def in_index(index: SoundIndex | None) -> dict[int, list[float]]:
    if index is None:  # no row
        return {}
    ids = index.ids()
    return dict(zip(ids.tolist(), index.vectors(ids).tolist(), strict=True))


def clip_reads(queries: CaptureQueriesContext) -> int:
    return sum('"clip"' in query["sql"] for query in queries)


def built(model: ModelKey, kind: Kind = SOUNDS) -> Generation:
    generation = build(model, kind)
    assert generation is not None
    return generation


def planted(generation: Generation, name: str, change: Callable[[bytearray], None]) -> None:
    """A fault that the checksums do not tell: as if the builder had made it."""
    path = generation.folder / name
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    forge(generation, files=generation.manifest.files | {name: files.file_facts(path)})


def forge(generation: Generation, **facts: object) -> None:
    """Let the manifest of the current generation say something else."""
    told = generation.manifest.model_copy(update=facts).model_dump_json().encode()
    (generation.folder / files.MANIFEST).write_bytes(told)
    crc32 = files.checksum(generation.folder / files.MANIFEST)
    current = {"generation": generation.name, "manifest_crc32": crc32}
    (generation.folder.parent / files.CURRENT).write_text(json.dumps(current))
