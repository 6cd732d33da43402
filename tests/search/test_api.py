"""Search over HTTP, in the shape that scripts rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from numpy.typing import NDArray
from pytest_django import Settings

from analysis.clap import resolve_model
from catalog import engine
from catalog.models import Analysis, Embedding, Library, Sound
from tests.search.vectors import axis

pytestmark = pytest.mark.django_db

DIM = 16
SAMPLE_RATE_HZ = 48_000


@pytest.fixture
def rain(
    make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, NDArray[np.float32]]
) -> Sound:
    ears["rain"] = axis(0, DIM)
    sound = make_sound(
        "a/Track 18.wav", description="Heavy rain.", tags=["heavy rain"], category="weather", confidence=0.8
    )
    sound.current_analysis = Analysis.objects.create(
        sound=sound,
        record={"detailed_description": "Heavy rain, broadband noise.", "sound_events": ["heavy rain"]},
        confidence=0.8,
    )
    sound.save()
    embed(sound, axis(0, DIM))
    return sound


@pytest.fixture
def small_analyzer(small_model: Path, settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.MODEL_OVERRIDE = str(small_model)
    settings.CACHE_DIR = tmp_path
    engine._analyzer.cache_clear()
    yield
    engine._analyzer.cache_clear()


def wav(samples: NDArray[np.float32]) -> SimpleUploadedFile:
    memory = BytesIO()
    soundfile.write(memory, samples, SAMPLE_RATE_HZ, format="WAV")
    return SimpleUploadedFile("Noise 1.wav", memory.getvalue(), "audio/wav")


def test_an_answer_carries_the_fields_that_scripts_rely_on(client: Client, rain: Sound, library: Library) -> None:
    answer = client.get("/api/search", {"q": "rain", "lexical": "false"}).json()

    assert answer == {
        "query": "rain",
        "notice": "",
        "results": [
            {
                "id": rain.pk,
                "library": library.name,
                "path": "a/Track 18.wav",
                "score": pytest.approx(1 / 61),
                "similarity": pytest.approx(1.0),
                "why": ['sounds like "rain" (match 100 %)'],
                "file_name": "Track 18.wav",
                "short_description": "Heavy rain.",
                "detailed_description": "Heavy rain, broadband noise.",
                "tags": ["heavy rain"],
                "sound_events": ["heavy rain"],
                "confidence": 0.8,
            }
        ],
    }


def test_a_sound_that_was_only_scanned_has_empty_words(client: Client, make_sound: Callable[..., Sound]) -> None:
    make_sound("rain.wav", state="new")

    (result,) = client.get("/api/search", {"q": "rain", "semantic": "false"}).json()["results"]

    assert result["detailed_description"] == ""
    assert result["sound_events"] == []
    assert result["confidence"] is None


def test_filters_narrow_the_answer(client: Client, rain: Sound) -> None:
    assert client.get("/api/search?q=rain&category=animals").json()["results"] == []
    assert len(client.get("/api/search?q=rain&tag=heavy+rain").json()["results"]) == 1


@pytest.mark.parametrize(
    "query", ["q=rain&limit=0", "q=rain&limit=501", "q=rain&min_confidence=2", "q=rain&state=lost"]
)
def test_a_value_out_of_range_is_refused(client: Client, query: str) -> None:
    response = client.get(f"/api/search?{query}")

    assert response.status_code == 422
    assert response.json()["error"]["message"]


def test_similar_sounds_of_a_sound(
    client: Client, rain: Sound, make_sound: Callable[..., Sound], embed: Callable[..., Embedding]
) -> None:
    embed(other := make_sound("other.wav"), axis(0, DIM))

    answer = client.get(f"/api/sounds/{rain.pk}/similar").json()

    assert answer["query"] == "Track 18.wav"
    assert [result["id"] for result in answer["results"]] == [other.pk]


def test_similar_sounds_of_no_sound_are_not_found(client: Client) -> None:
    response = client.get("/api/sounds/1/similar")

    assert response.status_code == 404
    assert set(response.json()["error"]) == {"code", "message", "details"}


def test_an_upload_finds_the_sound_it_is(
    client: Client,
    small_model: Path,
    small_analyzer: None,
    make_sound: Callable[..., Sound],
    embed: Callable[..., Embedding],
) -> None:
    key = resolve_model(str(small_model)).key
    noise = np.random.default_rng(0).normal(scale=0.1, size=SAMPLE_RATE_HZ).astype(np.float32)
    upload = wav(noise)
    target = small_model.parent / "noise.wav"
    target.write_bytes(upload.read())
    heard = engine.analyzer().analyze(target, "clip_only")
    place = {"model_id": key.model_id, "model_revision": key.revision}
    embed(same := make_sound("same.wav", content_hash=heard.content_hash), heard.embeddings.clip, **place)

    upload.seek(0)
    answer = client.post("/api/search/by-audio", {"file": upload}).json()

    assert answer["query"] == "Noise 1.wav"
    assert answer["results"][0]["id"] == same.pk
    assert answer["results"][0]["why"] == ["the same audio", 'sounds like "Noise 1.wav" (similarity 1.00)']


def test_an_upload_that_is_no_sound_is_refused_with_the_reason(client: Client, small_analyzer: None) -> None:
    response = client.post("/api/search/by-audio", {"file": SimpleUploadedFile("notes.wav", b"hello")})

    assert response.status_code == 422
    assert response.json()["error"]["message"]
