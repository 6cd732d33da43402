"""A library of real files, and an analyzer with a small real model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dramatiq
import numpy as np
import pytest
import soundfile
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from catalog import actions, engine, tasks
from catalog.models import Library, Run, Sound
from tests.analysis.conftest import write_random_model

RATE_HZ = 8_000
MakeFile = Callable[..., Path]


def noise(seed: int, duration_s: float = 0.5, *, rate: int = RATE_HZ) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(duration_s * rate))


def forget_engine() -> None:
    for cached in (engine.profiles, engine.vocabulary, engine.active_source, engine._analyzer):
        cached.cache_clear()


@pytest.fixture(scope="package")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("catalog-model") / "small")


@pytest.fixture(scope="package", autouse=True)
def small_engine(small_model: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "MODEL_OVERRIDE", str(small_model))
        forget_engine()
        yield
    forget_engine()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


@pytest.fixture
def make_file(root: Path) -> MakeFile:
    made: list[str] = []

    def make(
        name: str, *, seed: int | None = None, duration_s: float = 0.5, rate: int = RATE_HZ, **options: Any
    ) -> Path:
        made.append(name)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # by handle: a name may be one that soundfile cannot take
            kind = path.suffix.lower().lstrip(".").replace("aif", "aiff").replace("aifff", "aiff")
            signal = noise(len(made) if seed is None else seed, duration_s, rate=rate)
            soundfile.write(file, signal, rate, format=kind.upper(), **options)
        return path

    return make


@pytest.fixture
def library(db: None, root: Path) -> Library:
    return actions.add_library(root)


def scan_now(library: Library) -> Run:
    """Scan as the worker does, without the queue."""
    run = tasks.start_scan(library)
    tasks.scan_library.fn(run.pk)
    run.refresh_from_db()
    return run


def analyze_now(run: Run | None = None) -> None:
    """Analyze all that waits as the worker does, without the queue."""
    waiting = Sound.objects.filter(state=Sound.State.QUEUED)
    for sound_id, profile in list(waiting.values_list("id", "wanted_profile")):
        tasks.analyze_sounds.fn([sound_id], profile)
    if run is not None:
        run.refresh_from_db()


def states(library: Library) -> dict[str, str]:
    return dict(library.sounds.order_by("path").values_list("path", "state"))


@pytest.fixture
def empty_queue(transactional_db: None) -> Iterator[None]:
    """Messages are no rows of a model, so nobody else takes them away."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE dramatiq.queue, dramatiq.worker")
    dramatiq.get_broker().close()
