"""Sounds with vectors of our choosing, and a fresh index for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog.models import Embedding, Library, Sound
from search.sync import forget_indexes

DIM = 16


@pytest.fixture(autouse=True)
def fresh_indexes() -> Iterator[None]:
    forget_indexes()
    yield
    forget_indexes()


@pytest.fixture
def model() -> ModelKey:
    return ModelKey("tests/small", "r1")


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
        key = {"model_id": model.model_id, "model_revision": model.revision, "window_s": 2.0, "hop_s": 0.5}
        row, _ = Embedding.objects.update_or_create(
            sound=sound,
            **(key | columns),
            defaults={"dim": len(vector), "clip": vector.astype(np.float32).tobytes(), "windows": b""},
        )
        return row

    return write
