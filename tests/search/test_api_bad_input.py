"""Whatever comes in, search answers what it can, or says in words what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from numpy.typing import NDArray
from pytest_django import Settings

from analysis.errors import ModelUnavailable
from catalog import engine
from catalog.models import Embedding, Sound
from search import text
from search.errors import UnknownWords
from tests.search.vectors import axis

pytestmark = pytest.mark.django_db

DIM = 16

NASTY = {
    "very long": "rain " * 20_000,
    "one very long word": "r" * 100_000,
    "NUL": "rain\0thunder",
    "NUL alone": "\0",
    "control characters": "rain\x01\x02\x1b\x7f\x85\u2028thunder",
    "turned around": "\u202erain\u202c",
    "SQL": "'; DROP TABLE catalog_sound; --",
    "SQL in a field": "name:\"x' OR '1'='1\" tag:(a'||pg_sleep(9)||'b)",
    "operators of a tsquery": "rain:* & !thunder | <-> ( 'a",
    "percent and underscore": "100% _ %s %(q)s \\ \\x",
    "unbalanced": "((((rain",
    "unbalanced the other way": "rain))))",
    "deeply nested": "(" * 500 + "rain" + ")" * 500,
    "lone minus": "rain -",
    "minus signs": "rain ---- - -(",
    "unclosed quotation mark": 'rain "on a roof',
    "unknown field": "rain foo:x",
    "a field without a value": "rain dur:",
    "a field of nonsense": "rain dur:<<>>abc bpm:120-130-140 added:0000-99-99 ch:1e999",
    "numbers without end": f"rain dur:<{'9' * 400} sr:{'9' * 40} id:{'9' * 30}",
    "sound of no number": f"rain like:{'9' * 30}",
    "sound that is not there": "rain like:9223372036854775807",
    "a region of a sound that is not there": "rain like:12@9999999-99999999",
    "a weight of nonsense": "rain^999999 thunder^-1 snow^nan wind^0",
    "many ors": "rain," * 900,
    "many meanings": "~rain " * 300,
    "many fields": "tag:rain " * 220,
    "emoji": "rain \U0001f327\ufe0f \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "half of a character": "rain \ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "not normalized": "re\u0301gen \u1e9b\u0323",
}
READ_IN_FULL = 2_000


@pytest.fixture
def heard(make_sound: Callable[..., Sound], embed: Callable[..., Embedding], monkeypatch: pytest.MonkeyPatch) -> Sound:
    """A sound of rain, and ears for which every other word is unknown."""
    embed(sound := make_sound("rain.wav", duration_s=3.0, tags=["rain"]), axis(0, DIM))
    return sound


@pytest.fixture
def deaf_to_the_rest(ears: dict[str, NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch) -> None:
    ears["rain"] = axis(0, DIM)
    known = text.meaning_of

    def meaning_of(query: str) -> text.Meaning:
        if query not in ears:
            raise UnknownWords("the model knows none of these words")
        return known(query)

    monkeypatch.setattr(text, "meaning_of", meaning_of)


@pytest.mark.usefixtures("deaf_to_the_rest")
@pytest.mark.parametrize("address", ["/api/search", "/api/search/moments"])
@pytest.mark.parametrize("query", NASTY.values(), ids=NASTY)
def test_any_line_is_answered_or_refused_in_words(client: Client, heard: Sound, query: str, address: str) -> None:
    response = client.get(address, {"q": query})
    answer = response.json()

    assert response.status_code in {200, 400}
    if response.status_code == 400:
        assert answer["error"]["message"]
        return
    read = answer["parsed"]["query"]
    for part in [*answer["parsed"]["parts"], *answer["parsed"]["problems"]]:
        assert 0 <= part["start"] <= part["end"] <= len(read)
    assert Sound.objects.count() == 1


@pytest.mark.usefixtures("deaf_to_the_rest")
@pytest.mark.parametrize(
    "name",
    ["very long", "NUL", "control characters", "unbalanced", "lone minus", "unknown field", "a field without a value"],
)
def test_what_could_be_understood_is_answered(client: Client, heard: Sound, name: str) -> None:
    answer = client.get("/api/search", {"q": NASTY[name].replace("thunder", "")}).json()

    assert [result["id"] for result in answer["results"]] == [heard.pk]


@pytest.mark.usefixtures("deaf_to_the_rest")
def test_more_than_is_read_is_told(client: Client, heard: Sound) -> None:
    problems = client.get("/api/search", {"q": NASTY["very long"]}).json()["parsed"]["problems"]

    assert any(f"{READ_IN_FULL:,}" in problem["message"] for problem in problems)


@pytest.mark.usefixtures("deaf_to_the_rest")
@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "-1"},
        {"limit": "1e3"},
        {"limit": "9" * 5_000},
        {"offset": "-1"},
        {"offset": "9" * 30},
        {"sort": "random"},
        {"lexical": "perhaps"},
        {"this_sound": "0"},
        {"category": "a\0b"},
        {"tag": "x" * 300},
        {"library": "9" * 30},
        {"min_duration": "nan"},
        {"max_duration": "-1"},
        {"min_duration": "9", "max_duration": "1"},
    ],
)
def test_a_parameter_that_cannot_be_is_refused(client: Client, parameters: dict[str, str]) -> None:
    response = client.get("/api/search", {"q": "rain", **parameters})

    assert (response.status_code, response.json()["error"]["code"]) == (422, "unprocessable_entity")


@pytest.mark.usefixtures("deaf_to_the_rest")
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "abc", "1e999"])
def test_a_region_that_is_no_number_is_refused(client: Client, heard: Sound, value: str) -> None:
    assert client.get(f"/api/sounds/{heard.pk}/similar?start_s={value}").status_code == 422


def test_a_sound_of_a_number_beyond_all(client: Client) -> None:
    assert client.get(f"/api/sounds/{'9' * 30}/similar").status_code == 404


@pytest.mark.usefixtures("ears")
def test_an_empty_library_says_what_is_missing(client: Client, ears: dict[str, NDArray[np.float32]]) -> None:
    ears["rain"] = axis(0, DIM)

    response = client.get("/api/search?q=rain")

    assert response.status_code == 200
    assert response.json()["results"] == []
    assert "No sound has been analyzed" in response.json()["notice"]


def unavailable(*_: object) -> None:
    raise ModelUnavailable("the model is not on this machine; install it with `timbre model install`")


def test_without_a_model_words_are_searched(
    client: Client, heard: Sound, ears: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "meaning_of", unavailable)

    answer = client.get("/api/search?q=rain").json()

    assert [result["id"] for result in answer["results"]] == [heard.pk]
    assert "install it" in answer["notice"]


def test_without_a_model_the_rest_says_so(client: Client, heard: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "active_model", unavailable)
    monkeypatch.setattr(engine, "analyzer", unavailable)

    moments = client.get("/api/search/moments?q=rain")
    similar = client.get(f"/api/sounds/{heard.pk}/similar")
    upload = client.post("/api/search/by-audio", {"file": SimpleUploadedFile("a.wav", b"RIFF")})

    assert (moments.status_code, moments.json()["moments"]) == (200, [])
    assert (similar.status_code, similar.json()["results"]) == (200, [])
    assert "install it" in moments.json()["notice"]
    assert "install it" in similar.json()["notice"]
    assert (upload.status_code, upload.json()["error"]["code"]) == (503, "service_unavailable")


@pytest.fixture
def small_analyzer(small_model: Path, settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.MODEL_OVERRIDE = str(small_model)
    settings.CACHE_DIR = tmp_path
    engine._analyzer.cache_clear()
    yield
    engine._analyzer.cache_clear()


@pytest.mark.usefixtures("small_analyzer")
@pytest.mark.parametrize(
    "content", [b"", b"hello", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"\0" * 5_000, b"ID3" + b"\xff" * 3_000]
)
@pytest.mark.parametrize("region", ["", "?start_s=0.5"])
def test_an_upload_that_is_no_audio_is_refused(client: Client, content: bytes, region: str) -> None:
    response = client.post(f"/api/search/by-audio{region}", {"file": SimpleUploadedFile("notes.wav", content)})

    assert response.status_code == 422
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.wav", "x" * 300 + ".wav", ".wav", "\u202e.wav"])
@pytest.mark.usefixtures("small_analyzer")
def test_an_upload_of_any_name_is_refused_for_what_it_holds(client: Client, name: str) -> None:
    response = client.post("/api/search/by-audio", {"file": SimpleUploadedFile(name, b"hello")})

    assert response.status_code in {400, 422}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data; name=file\r\n\r\nx"),
        ("application/json", b'{"file": 1}'),
        ("text/plain", b"file"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(client: Client, content_type: str, body: bytes) -> None:
    response = client.post("/api/search/by-audio", body, content_type=content_type)

    assert response.status_code in {400, 422}
    assert response.json()["error"]["message"]


def test_a_database_that_does_not_answer_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(gone):
        response = client.get("/api/search?q=rain")

    assert (response.status_code, response.json()["error"]["code"]) == (503, "service_unavailable")
    assert "closed the connection" not in response.json()["error"]["message"]
