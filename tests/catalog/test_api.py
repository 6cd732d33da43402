"""The HTTP API, as a client sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from catalog import predict, uploads
from catalog.models import Library, Run, Sound
from catalog.worker import beat, leave
from tests.catalog.conftest import MakeFile, analyze_now, scan_now
from tests.catalog.records import analyzed_sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(library: Library, make_file: MakeFile) -> Library:
    for number in range(3):
        make_file(f"rain/{number}.wav", duration_s=0.25)
    scan_now(library)
    analyze_now()
    return library


@pytest.fixture
def described(db: None) -> None:
    """Rows alone, where nobody has to listen."""
    shelf = Library.objects.create(name="Shelf", root="/shelf")
    for number in range(3):
        analyzed_sound(shelf, f"rain/{number}.wav")


def get(client: Client, path: str, status: int = 200) -> Any:
    response = client.get(f"/api/{path}")
    assert response.status_code == status, response.content
    return response.json()


def send(client: Client, method: str, path: str, status: int, content: object = None) -> Any:
    body = "" if content is None else json.dumps(content)
    response = client.generic(method, f"/api/{path}", body, content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()


def test_a_folder_is_added_scanned_and_followed(client: Client, make_file: MakeFile, root: Path) -> None:
    make_file("a.wav")
    library = send(client, "POST", "libraries", 201, {"root": str(root), "name": "Mine"})
    assert (library["name"], library["sounds"]) == ("Mine", 0)

    scan = send(client, "POST", f"libraries/{library['id']}/scan", 202)
    assert (scan["kind"], scan["state"]) == ("scan", "waiting")
    scan_now(Library.objects.get())

    scan = get(client, f"runs/{scan['id']}")
    assert (scan["state"], scan["findings"]["new"], scan["total"]) == ("done", 1, 1)
    analysis = get(client, f"runs/{scan['followers'][0]}")
    assert (analysis["kind"], analysis["total"], analysis["follows"]) == ("analysis", 1, scan["id"])
    assert [run["id"] for run in get(client, "runs")] == [analysis["id"], scan["id"]]
    assert get(client, "libraries")[0]["sounds"] == get(client, f"libraries/{library['id']}")["sounds"] == 1


@pytest.mark.usefixtures("described")
def test_all_sounds_are_listed_page_by_page(client: Client) -> None:
    first = get(client, "sounds?limit=2")
    second = get(client, f"sounds?limit=2&cursor={first['next_cursor']}")

    listed = first["sounds"] + second["sounds"]
    assert sorted(sound["path"] for sound in listed) == [f"rain/{number}.wav" for number in range(3)]
    assert second["next_cursor"] == ""
    assert {"library", "confidence", "category", "duration_s", "state"} <= listed[0].keys()


@pytest.mark.usefixtures("described")
def test_filters_hold(client: Client) -> None:
    assert get(client, "sounds?state=failed")["sounds"] == []
    assert len(get(client, "sounds?q=rain&state=analyzed")["sounds"]) == 3


def test_a_sound_comes_with_its_record(client: Client, filled: Library) -> None:
    sound = Sound.objects.first()
    assert sound is not None
    answer = get(client, f"sounds/{sound.pk}")
    assert answer["record"]["file_name"] == sound.file_name
    assert answer["analyses"][0]["is_current"]
    assert len(get(client, f"sounds/{sound.pk}/waveform")["peaks"]) == 800


def test_an_edit_shows_and_null_takes_it_back(client: Client, filled: Library) -> None:
    sound = Sound.objects.first()
    assert sound is not None
    edited = send(client, "PATCH", f"sounds/{sound.pk}", 200, {"description": "mine", "tags": ["x"]})
    assert (edited["description"], edited["tags"], edited["record"]["tags"]) == ("mine", ["x"], ["x"])
    assert edited["category"] == sound.category

    back = send(client, "PATCH", f"sounds/{sound.pk}", 200, {"description": None})
    assert (back["description"], back["tags"]) == (sound.description, ["x"])
    assert back["edits"][0]["field"] == "description"


def test_sounds_are_analyzed_again_by_ids_and_by_filter(client: Client, filled: Library) -> None:
    ids = list(Sound.objects.values_list("id", flat=True))
    one = send(client, "POST", f"sounds/{ids[0]}/analyze", 202, {"profile": "fast"})
    some = send(client, "POST", "analyze", 202, {"profile": "precise", "ids": ids[1:2]})
    rest = send(client, "POST", "analyze", 202, {"profile": "fast", "filter": "state=analyzed"})
    assert (one["total"], some["total"], rest["total"]) == (1, 1, 1)

    analyze_now()
    assert get(client, f"runs/{some['id']}")["done"] == 1
    assert len(get(client, "sounds?profile=fast")["sounds"]) == 2


def test_audio_comes_by_ranges(client: Client, library: Library, make_file: MakeFile) -> None:
    make_file("a.wav")
    scan_now(library)
    sound = Sound.objects.select_related("library").first()
    assert sound is not None
    address = reverse("api:sound-audio", args=[sound.pk])
    part = client.get(address, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.getvalue()) == (206, b"RIFF")
    assert client.head(address)["Content-Length"] == str(sound.size_bytes)
    assert client.get(f"{address}?preview=1").status_code == 200

    sound.absolute_path.unlink()
    assert get(client, f"sounds/{sound.pk}/audio", 404)["error"]["code"] == "not_found"


@pytest.mark.usefixtures("described")
def test_categories_are_counted(client: Client) -> None:
    assert sum(category["count"] for category in get(client, "categories")) == 3
    assert get(client, "categories?state=new") == []


@pytest.mark.usefixtures("described")
@pytest.mark.parametrize("name", ["csv", "json", "markdown", "soundminer-csv", "soundminer-tab"])
def test_exports_are_downloads(client: Client, name: str) -> None:
    sound = Sound.objects.last()
    assert sound is not None
    response = client.get(f"/api/exports/{name}?ids={sound.pk}")
    assert response["Content-Disposition"].startswith('attachment; filename="timbre-')
    text = response.getvalue().decode()
    assert "2.wav" in text
    assert "1.wav" not in text
    assert "1.wav" in client.get(f"/api/exports/{name}?q=rain").getvalue().decode()


def upload(client: Client, path: Path, **fields: Any) -> Any:
    return client.post("/api/predict", {"file": SimpleUploadedFile(path.name, path.read_bytes()), **fields})


def test_an_uploaded_sound_is_predicted_and_not_kept(client: Client, make_file: MakeFile) -> None:
    path = make_file("door.wav", duration_s=2.0)
    answer = upload(client, path).json()
    assert (answer["status"], answer["file_name"], answer["record"]["file_name"]) == ("ok", "door.wav", "door.wav")
    assert answer["predictions"][0]["probability"] == answer["record"]["top_labels"][0]["score"]
    assert not Sound.objects.exists()

    later = upload(client, path, start_time=1.5).json()
    assert later["record"]["metadata"]["duration_s"] == pytest.approx(0.5, abs=0.01)
    best = answer["predictions"][0]
    filtered = upload(client, path, filter=best["label"]).json()["predictions"]
    assert filtered == [best]


@pytest.mark.parametrize("form_bytes", [100, 2**16])
def test_an_upload_that_is_too_large_is_refused(
    client: Client, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, form_bytes: int
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 1_000)
    monkeypatch.setattr(uploads, "FORM_BYTES", form_bytes)
    read: list[int] = []

    def check(size_bytes: int) -> None:
        read.append(size_bytes)
        uploads.check_upload_size(size_bytes)

    monkeypatch.setattr(predict, "check_upload_size", check)

    refused = upload(client, make_file("long.wav"))

    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "request_entity_too_large")
    assert bool(read) is (form_bytes > 10_000)  # what the request says of itself is believed before it is read


def test_what_cannot_be_predicted_is_refused_with_the_reason(client: Client, make_file: MakeFile, root: Path) -> None:
    path = make_file("door.wav")
    (root / "text.wav").write_text("no sound")
    for fields, words in (
        ({"start_time": 5}, "not before the end"),
        ({"start_time": "inf"}, "not before the end"),
        ({"filter": "nonsense"}, "neither a label nor a category"),
        ({"profile": "best"}, "no profile"),
        ({"start_time": -1}, "start_time"),
    ):
        response = upload(client, path, **fields)
        assert response.status_code == 422, fields
        assert words in response.json()["error"]["message"]
    assert "not a sound file" in upload(client, root / "text.wav").json()["error"]["message"]


def test_health_tells_of_workers_queue_and_model(client: Client, library: Library, make_file: MakeFile) -> None:
    make_file("a.wav")
    scan_now(library)
    ill = get(client, "health")
    assert (ill["status"], ill["database"], ill["queue"]["queued"]) == ("degraded", "ok", 1)
    assert "no worker is alive" in ill["problems"][0]

    beat()
    well = get(client, "health")
    assert (well["status"], len(well["workers"]), well["model"]["is_starter"]) == ("ok", 1, False)
    leave()


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "words"),
    [
        ("GET", "sounds/999", None, 404, "No Sound"),
        ("GET", "runs/999", None, 404, "No Run"),
        ("GET", "sounds?min_duration=x", None, 422, "min_duration"),
        ("GET", "sounds?cursor=x", None, 422, "cursor"),
        ("GET", "sounds?limit=0", None, 422, "limit"),
        ("GET", "exports/excel", None, 404, "there are: csv, json"),
        ("POST", "libraries", {"root": "/nothing/here"}, 422, "There is no folder"),
        ("POST", "libraries", {"root": "/", "nmae": "x"}, 422, "nmae"),
        ("POST", "analyze", {"profile": "fast"}, 422, "either ids or filter"),
        ("POST", "analyze", {"profile": "best", "ids": []}, 422, "no profile"),
        ("POST", "analyze", {"profile": "fast", "filter": "state=odd"}, 422, "state"),
        ("GET", "nothing", None, 404, "/api/docs"),
    ],
)
def test_every_error_has_one_shape(
    client: Client, method: str, path: str, content: object, status: int, words: str
) -> None:
    answer = send(client, method, path, status, content)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message", "details"}
    assert words in answer["error"]["message"]


def test_the_api_describes_itself(client: Client) -> None:
    paths = get(client, "openapi.json")["paths"]
    assert {"/api/sounds", "/api/predict", "/api/health", "/api/exports/{format_name}"} <= paths.keys()
    assert Run.objects.count() == 0


def test_a_name_with_an_endless_suffix_is_refused_by_its_content(client: Client) -> None:
    file = SimpleUploadedFile(f"a.{'x' * 252}", b"hello")
    response = client.post("/api/predict", {"file": file})
    assert response.status_code == 422
    assert "not a sound file" in response.json()["error"]["message"]


def test_a_body_that_is_too_big_is_refused(client: Client) -> None:
    answer = send(client, "POST", "libraries", 400, {"root": "x" * 3_000_000})
    assert "DATA_UPLOAD_MAX_MEMORY_SIZE" in answer["error"]["message"]


def test_a_run_is_cancelled_and_a_library_removed(client: Client, library: Library, make_file: MakeFile) -> None:
    make_file("a.wav")
    scan_now(library)
    run = Run.objects.get(kind="analysis")
    assert send(client, "POST", f"runs/{run.pk}/cancel", 200)["state"] == "cancelled"
    assert library.sounds.get().state == "new"

    assert client.delete(f"/api/libraries/{library.pk}").status_code == 204
    assert client.delete(f"/api/libraries/{library.pk}").status_code == 404
    assert not Library.objects.exists()
