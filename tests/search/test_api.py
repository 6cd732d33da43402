"""Search over HTTP, in the shape that scripts rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from numpy.typing import NDArray
from pytest_django import Settings

from analysis.clap import resolve_model
from catalog import engine, uploads
from catalog.models import Analysis, Embedding, Library, Sound
from search.api import SortName
from search.sorting import SORTS
from tests.search.stored import store_windows
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
        "verdict": None,  # one sound says nothing about chance
        "total_strong": 1,
        "results": [
            {
                "id": rain.pk,
                "library": library.name,
                "path": "a/Track 18.wav",
                "score": pytest.approx(1 / 61),
                "similarity": pytest.approx(1.0),
                "why": ['sounds like "rain" (match 100 %)'],
                "parts": [
                    {
                        "part": "~rain",
                        "contribution": pytest.approx(1 / 61),
                        "similarity": pytest.approx(1.0),
                        "degree": pytest.approx(1.0, abs=1e-3),
                    }
                ],
                "moment": None,
                "faint": False,
                "file_name": "Track 18.wav",
                "short_description": "Heavy rain.",
                "detailed_description": "Heavy rain, broadband noise.",
                "tags": ["heavy rain"],
                "sound_events": ["heavy rain"],
                "confidence": 0.8,
            }
        ],
        "parsed": {
            "query": "rain",
            "parts": [{"kind": "word", "text": "rain", "weight": 1.0, "negative": False, "start": 0, "end": 4}],
            "read": [],
            "dropped": [],
            "corrected": [],
            "also": answer["parsed"]["also"],
            "problems": [],
        },
    }
    assert {one["words"] for one in answer["parsed"]["also"]} <= {"rain"}


def test_the_parts_of_a_result_add_up_to_its_score(
    client: Client, rain: Sound, ears: dict[str, NDArray[np.float32]]
) -> None:
    ears["thunder"] = axis(1, DIM)

    Sound.objects.filter(pk=rain.pk).update(search_name="rain")

    (result,) = client.get("/api/search", {"q": "rain -~thunder"}).json()["results"]

    assert [part["part"] for part in result["parts"]] == ["words", "~rain", "-~thunder"]
    assert sum(part["contribution"] for part in result["parts"]) == pytest.approx(result["score"])


def test_a_sentence_is_told_as_the_query_it_was_read_as(
    client: Client, rain: Sound, ears: dict[str, NDArray[np.float32]]
) -> None:
    ears["stormy"] = axis(1, DIM)

    parsed = client.get("/api/search", {"q": "rain, not stormy, under ten seconds"}).json()["parsed"]

    assert parsed["query"] == "rain dur:<10 -~stormy"
    assert {one["said"]: one["part"] for one in parsed["read"]} == {
        "under ten seconds": "dur:<10",
        "not stormy": "-~stormy",
    }
    shown = [(parsed["query"][part["start"] : part["end"]], part["negative"]) for part in parsed["parts"]]
    assert shown == [("rain", False), ("dur:<10", False), ("-~stormy", True)]


def test_a_query_with_a_problem_is_answered_with_what_was_understood(client: Client, rain: Sound) -> None:
    response = client.get("/api/search", {"q": "rain foo:x"})
    answer = response.json()

    assert response.status_code == 200
    assert [result["id"] for result in answer["results"]] == [rain.pk]
    (problem,) = answer["parsed"]["problems"]
    assert answer["parsed"]["query"][problem["start"] : problem["end"]].startswith("foo")


@pytest.mark.parametrize("query", ["-", "foo:x", "(", "dur:<abc", "^2", "like:many"])
def test_a_query_of_which_nothing_is_understood_is_refused(client: Client, rain: Sound, query: str) -> None:
    response = client.get("/api/search", {"q": query})
    error = response.json()["error"]

    assert (response.status_code, error["code"]) == (400, "bad_request")
    assert error["details"]["problems"][0]["message"] in error["message"]
    assert error["details"]["query"] == query


def test_like_this_one_asks_for_a_sound(client: Client, rain: Sound) -> None:
    refused = client.get("/api/search", {"q": "like this one"})
    answered = client.get("/api/search", {"q": "like this one", "this_sound": str(rain.pk)})

    assert (refused.status_code, answered.status_code) == (400, 200)
    assert answered.json()["parsed"]["query"] == f"like:{rain.pk}"


def test_an_empty_query_finds_nothing(client: Client, rain: Sound) -> None:
    answer = client.get("/api/search").json()

    assert (answer["results"], answer["parsed"]["parts"]) == ([], [])


def test_pages_follow_each_other(client: Client, make_sound: Callable[..., Sound]) -> None:
    sounds = [make_sound(f"rain {number}.wav") for number in range(5)]

    pages = [
        client.get("/api/search", {"q": "rain", "semantic": "false", "limit": 2, "offset": offset}).json()
        for offset in (0, 2, 4, 6)
    ]

    found = [result["id"] for page in pages for result in page["results"]]
    assert sorted(found) == [sound.pk for sound in sounds]
    assert [page["total_strong"] for page in pages] == [5] * 4


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("shortest", ["b", "c", "a"]),
        ("longest", ["c", "b", "a"]),
        ("name", ["a", "b", "c"]),
        ("oldest", ["c", "b", "a"]),
    ],
)
@pytest.mark.parametrize("query", ["rain", "state:analyzed"])
def test_answers_are_sorted(
    client: Client, make_sound: Callable[..., Sound], sort: str, names: list[str], query: str
) -> None:
    for name, duration_s in (("c", 9.0), ("b", 2.0), ("a", None)):
        make_sound(f"rain/{name}.wav", duration_s=duration_s, search_name=f"{name}\nrain")

    answer = client.get("/api/search", {"q": query, "semantic": "false", "sort": sort}).json()

    assert [result["file_name"][0] for result in answer["results"]] == names


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


def test_similar_sounds_have_the_shape_of_a_search(
    client: Client, rain: Sound, make_sound: Callable[..., Sound], embed: Callable[..., Embedding]
) -> None:
    embed(make_sound("other.wav"), axis(0, DIM))

    found = client.get("/api/search", {"q": "rain"}).json()
    alike = client.get(f"/api/sounds/{rain.pk}/similar").json()

    assert set(alike) == set(found)
    assert set(alike["results"][0]) == set(found["results"][0])
    assert alike["parsed"]["query"] == f"like:{rain.pk}"


def test_filters_narrow_similar_sounds(
    client: Client, rain: Sound, make_sound: Callable[..., Sound], embed: Callable[..., Embedding]
) -> None:
    embed(make_sound("other.wav", category="animals"), axis(0, DIM))
    embed(near := make_sound("near.wav", category="weather"), (axis(0, DIM) + axis(1, DIM)) / np.sqrt(2))

    answer = client.get(f"/api/sounds/{rain.pk}/similar?category=weather").json()

    assert [result["id"] for result in answer["results"]] == [near.pk]


def test_sounds_like_a_region(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: object
) -> None:
    row = embed(whole := make_sound("both.wav", duration_s=4.0), axis(0, DIM), window_s=2.0, hop_s=2.0)
    store_windows(row, [axis(0, DIM), axis(1, DIM)])
    embed(first := make_sound("first.wav"), axis(0, DIM))
    embed(second := make_sound("second.wav"), axis(1, DIM))

    address = f"/api/sounds/{whole.pk}/similar"
    begins = client.get(address, {"start_s": 0, "end_s": 2}).json()
    ends = client.get(address, {"start_s": "2.5"}).json()

    assert begins["results"][0]["id"] == first.pk
    assert ends["results"][0]["id"] == second.pk
    assert ends["parsed"]["query"] == f"like:{whole.pk}@2.5-"


@pytest.mark.parametrize("region", ["start_s=4", "start_s=1&end_s=9", "start_s=3&end_s=2", "start_s=1&end_s=1"])
def test_a_region_that_the_sound_does_not_have_is_refused(
    client: Client, make_sound: Callable[..., Sound], region: str
) -> None:
    sound = make_sound("short.wav", duration_s=4.0)

    response = client.get(f"/api/sounds/{sound.pk}/similar?{region}")

    assert response.status_code == 400
    assert "region" in response.json()["error"]["message"]


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


def test_only_a_region_of_an_upload_is_heard(
    client: Client,
    small_model: Path,
    small_analyzer: None,
    make_sound: Callable[..., Sound],
    embed: Callable[..., Embedding],
) -> None:
    key = resolve_model(str(small_model)).key
    noise = np.random.default_rng(0).normal(scale=0.1, size=SAMPLE_RATE_HZ).astype(np.float32)
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    beep = (0.5 * np.sin(2 * np.pi * 2_000 * time_s)).astype(np.float32)
    place = {"model_id": key.model_id, "model_revision": key.revision}
    for name, samples in (("noise.wav", noise), ("beep.wav", beep)):
        (target := small_model.parent / name).write_bytes(wav(samples).read())
        embed(make_sound(name), engine.analyzer().analyze(target, "clip_only").embeddings.clip, **place)

    both = np.concatenate([noise, beep])
    begins = client.post("/api/search/by-audio?end_s=1", {"file": wav(both)}).json()
    ends = client.post("/api/search/by-audio", {"file": wav(both), "start_s": "1"}).json()

    assert begins["results"][0]["path"] == "noise.wav"
    assert ends["results"][0]["path"] == "beep.wav"
    assert ends["results"][0]["similarity"] > 0.99
    assert ends["query"] == "Noise 1.wav"


@pytest.mark.parametrize("region", ["start_s=5", "start_s=0.5&end_s=0.2", "start_s=0.5&end_s=7", "end_s=0"])
def test_a_region_that_the_upload_does_not_have_is_refused(client: Client, small_analyzer: None, region: str) -> None:
    upload = wav(np.full(SAMPLE_RATE_HZ, 0.1, np.float32))

    response = client.post(f"/api/search/by-audio?{region}", {"file": upload})

    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 100)
    monkeypatch.setattr(uploads, "FORM_BYTES", 100)

    response = client.post("/api/search/by-audio", {"file": SimpleUploadedFile("long.wav", bytes(1_000))})

    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_entity_too_large"


def test_the_orders_of_the_api_are_all_there_are() -> None:
    assert get_args(SortName) == tuple(SORTS)
