"""Whatever the description of the API allows, and much that it does not, is answered as described and never faulty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from analysis.clap import resolve_model
from catalog import engine
from catalog.models import Embedding, Library, Sound
from search.sync import forget_indexes
from search.text import forget_texts
from tests.analysis.conftest import write_random_model

pytestmark = pytest.mark.django_db

EXAMPLES = 60  # of each operation in each mode; the same in every run
OPERATIONS = (
    ("/api/search", "GET"),
    ("/api/search/moments", "GET"),
    ("/api/search/by-audio", "POST"),
    ("/api/sounds/{sound_id}/similar", "GET"),
)
AnyCase: TypeAlias = "Case[Any]"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_random_model(tmp_path_factory.mktemp("models") / "small")
    facts = {"template": "a sound of {}.", "known_labels": ["heavy rain", "dog bark"]}
    (folder / "timbre.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


@pytest.fixture
def sounds(small_model: Path, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Sounds of the numbers 1 to 3, which schemathesis finds by trying, heard by a model of random weights."""
    settings.MODEL_OVERRIDE, settings.CACHE_DIR = str(small_model), tmp_path
    forget_indexes()
    forget_texts()
    engine._analyzer.cache_clear()
    key = resolve_model(str(small_model)).key
    dim = engine.text_encoder(engine.active_source()).dim
    library = Library.objects.create(name="Field", root="/sounds/field")
    for number, row in enumerate(np.random.default_rng(0).normal(size=(3, 12, dim)), start=1):
        unit = (row / np.linalg.norm(row, axis=1, keepdims=True)).astype(np.float32)
        sound = Sound.objects.create(
            id=number,
            library=library,
            path=f"rain {number}.wav",
            file_name=f"rain {number}.wav",
            search_name=f"rain {number}",
            size_bytes=1000,
            modified_ns=1,
            state="analyzed",
            duration_s=12.0,
        )
        windows = {"window_s": 1.0, "hop_s": 1.0, "windows": unit.astype("<f2").tobytes()}
        key_columns = {"model_id": key.model_id, "model_revision": key.revision}
        Embedding.objects.create(sound=sound, dim=dim, clip=unit[0].tobytes(), **key_columns, **windows)
    yield
    forget_indexes()
    forget_texts()
    engine._analyzer.cache_clear()


@pytest.fixture
def one_connection() -> Iterator[None]:
    """What a request wrote and read is in the transaction of the test: it must not close its connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def described(one_connection: None) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_any_request_is_answered_as_described(
    described: BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    known = {"sound_id": 1} if mode is GenerationMode.POSITIVE else None  # else most would only ask for no sound

    @given(case=described[path][method].as_strategy(mode, path_parameters=known if "{sound_id}" in path else None))
    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: AnyCase) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()


def test_every_parameter_and_answer_is_described_with_an_example(described: BaseSchema) -> None:
    schema = described.raw_schema
    for path, method in OPERATIONS:
        operation = schema["paths"][path][method.lower()]
        assert operation["description"]
        for parameter in operation["parameters"]:
            if parameter["in"] == "query":
                assert parameter["description"], parameter
                assert "example" in parameter, parameter
        for status, answer in operation["responses"].items():
            content = answer["content"]["application/json"]
            if status == "200":
                content = schema["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            assert content.get("example") or content.get("examples"), (path, status)
