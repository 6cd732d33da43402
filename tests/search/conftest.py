"""Sounds with vectors of our choosing, and a fresh index for every test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, connections
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog import engine
from catalog.models import Embedding, Library, Sound
from catalog.wording import Reading
from search import text
from search.sync import forget_indexes
from search.text import forget_texts
from tests.analysis.conftest import write_random_model
from tests.search.vectors import clustered_rows

DIM = 16


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    forget_indexes()
    forget_texts()
    yield
    forget_indexes()
    forget_texts()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights that was taught two labels."""
    folder = write_random_model(tmp_path_factory.mktemp("models") / "small")
    facts = {"template": "a sound of {}.", "known_labels": ["heavy rain", "dog bark"]}
    (folder / "timbre.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


@pytest.fixture
def model() -> ModelKey:
    return ModelKey("tests/small", "r1")


@pytest.fixture
def ears(model: ModelKey, monkeypatch: pytest.MonkeyPatch) -> dict[str, NDArray[np.float32]]:
    """Stands in for the text tower: what each query means, by the query; labels are the first three axes."""
    meanings: dict[str, NDArray[np.float32]] = {}

    def meaning_of(query: str) -> text.Meaning:
        return text.Meaning(meanings[query], np.eye(3, DIM, dtype=np.float32), logit_scale=20.0, reading=Reading(query))

    monkeypatch.setattr(text, "meaning_of", meaning_of)
    monkeypatch.setattr(engine, "active_model", lambda: model)
    return meanings


@pytest.fixture
def library() -> Library:
    return Library.objects.create(name="Field", root="/sounds/field")


@pytest.fixture
def make_sound(library: Library) -> Callable[..., Sound]:
    def make(path: str, **columns: Any) -> Sound:
        described = {"file_name": path.rpartition("/")[2], "search_name": path.rpartition(".")[0], "state": "analyzed"}
        return Sound.objects.create(library=library, path=path, size_bytes=1000, modified_ns=1, **(described | columns))

    return make


@pytest.fixture
def embed(model: ModelKey) -> Callable[..., Embedding]:
    def write(sound: Sound, vector: NDArray[np.float32], **columns: Any) -> Embedding:
        key: dict[str, Any] = {
            "model_id": model.model_id,
            "model_revision": model.revision,
            "window_s": 2.0,
            "hop_s": 0.5,
        }
        row, _ = Embedding.objects.update_or_create(
            sound=sound,
            **(key | columns),
            defaults={"dim": len(vector), "clip": vector.astype(np.float32).tobytes(), "windows": b""},
        )
        return row

    return write


@pytest.fixture
def index_dir(settings: Any, tmp_path: Path) -> Path:
    settings.INDEX_DIR = tmp_path / "index"
    return tmp_path / "index"


@pytest.fixture
def fill(library: Library, model: ModelKey) -> Callable[..., list[int]]:
    """Many sounds with vectors at once."""

    def write(count: int, *, seed: int = 0, windows: NDArray[np.float32] | None = None, **columns: Any) -> list[int]:
        named = [f"{seed}/{number}.wav" for number in range(count)]
        sounds = Sound.objects.bulk_create(
            Sound(library=library, path=path, file_name=path, size_bytes=1, modified_ns=1, **columns) for path in named
        )
        vectors = clustered_rows(count, DIM, seed=seed)
        stored = b"" if windows is None else windows.astype("<f2").tobytes()
        Embedding.objects.bulk_create(
            Embedding(
                sound=sound,
                model_id=model.model_id,
                model_revision=model.revision,
                window_s=2.0,
                hop_s=0.5,
                dim=DIM,
                clip=vector.tobytes(),
                windows=stored,
            )
            for sound, vector in zip(sounds, vectors, strict=True)
        )
        return [sound.id for sound in sounds]

    return write


@pytest.fixture
def another_connection() -> Iterator[None]:
    second = connection.copy("another")
    connections["another"] = second
    yield
    second.close()
    del connections["another"]
