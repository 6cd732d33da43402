"""A region of a sound comes as a download that leaves nothing behind, by the API and by its page."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import FileResponse
from django.test import Client
from django.urls import reverse

from catalog import turns
from catalog.models import Library, Sound
from catalog.regions import region_name, region_response
from tests.catalog.conftest import MakeFile, scan_now

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cache(settings: Any, tmp_path: Path) -> Path:
    settings.CACHE_DIR = tmp_path / "cache"
    return tmp_path / "cache"


@pytest.fixture
def sound(library: Library, make_file: MakeFile) -> Sound:
    make_file("Tür.wav", duration_s=2)
    scan_now(library)
    return library.sounds.select_related("library").get()


def asked(client: Client, sound: Sound, **query: str | float) -> Any:
    return client.get(reverse("api:sound-region", args=[sound.pk]), {name: str(value) for name, value in query.items()})


def error_of(response: Any) -> tuple[int, Mapping[str, object]]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    return response.status_code, body["error"]


def read(path: Path | io.BytesIO) -> Any:
    return soundfile.read(path, dtype="int16")[0]


def test_the_api_sends_the_region(client: Client, sound: Sound) -> None:
    response = asked(client, sound, start_s=0.2, end_s=1.5)
    content = response.getvalue()

    assert (response.status_code, response["Content-Type"]) == (200, "audio/wav")
    assert response["Content-Length"] == str(len(content))
    np.testing.assert_array_equal(read(io.BytesIO(content)), read(sound.absolute_path)[1_600:12_000])


def test_the_page_sends_the_same(client: Client, sound: Sound) -> None:
    address = reverse("catalog:sound-region", args=[sound.pk])
    response: Any = client.get(address, {"start": "0.2", "end": "1.5"})

    assert address == f"/sounds/{sound.pk}/region.wav"
    assert response.getvalue() == asked(client, sound, start_s=0.2, end_s=1.5).getvalue()


def test_the_name_says_where_it_is_from(client: Client, sound: Sound) -> None:
    told = asked(client, sound, start_s=0.2, end_s=1.5)["Content-Disposition"]

    assert told == "attachment; filename=\"T_r 0.200-1.500.wav\"; filename*=UTF-8''T%C3%BCr%200.200-1.500.wav"


@pytest.mark.parametrize(
    ("file_name", "stem"),
    [
        ("rain.wav", "rain"),
        ("a.b.flac", "a.b"),
        ("../../etc/passwd.wav", "passwd"),
        ("..\\..\\boot.wav", "_.._boot"),
        ('a"; filename="b.exe.wav', "a_; filename=_b.exe"),
        ("a\r\nSet-Cookie: x\0.wav", "a__Set-Cookie_ x_"),
        ("gnp\u202evaw.exe.wav", "gnp_vaw.exe"),
        ("half \udce9.wav", "half _"),
        ("雨が降る.wav", "雨が降る"),
        ("雨" * 84 + ".wav", "雨" * 66),
        ("....wav", "sound"),
        ("", "sound"),
    ],
)
def test_a_name_leads_nowhere_and_hides_nothing(file_name: str, stem: str) -> None:
    assert region_name(file_name, 3.2, 5) == f"{stem} 3.200-5.000.wav"


def test_a_hostile_name_stays_in_its_header(client: Client, sound: Sound) -> None:
    Sound.objects.filter(pk=sound.pk).update(file_name="a\r\nX-Evil: 1\"; '%0d.wav")

    response = asked(client, sound, start_s=0, end_s=1)

    told = response["Content-Disposition"]
    assert "X-Evil" not in response.headers
    assert unquote(told.partition("UTF-8''")[2]) == "a__X-Evil_ 1_; '%0d 0.000-1.000.wav"


def test_a_fade_is_made_where_it_is_asked_for(client: Client, sound: Sound) -> None:
    plain = read(io.BytesIO(asked(client, sound, start_s=0, end_s=1).getvalue()))
    faded = read(io.BytesIO(asked(client, sound, start_s=0, end_s=1, fade_ms=5).getvalue()))

    np.testing.assert_array_equal(faded[40:-40], plain[40:-40])
    assert np.abs(faded[[0, -1]]).max() < 400


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("1", "0.5", "ends after its start"),
        ("-1", "1", "starts at 0 s or later"),
        ("0", "9", "outside the sound, which is 2.000 s long"),
        ("5", "9", "outside the sound"),
        ("nan", "1", "numbers of seconds"),
        ("0", "inf", "numbers of seconds"),
        ("0", "1e400", "numbers of seconds"),
        ("0", "700", "at most 600 s"),
    ],
)
def test_what_is_no_region_is_refused_in_words(client: Client, sound: Sound, start: str, end: str, said: str) -> None:
    status, error = error_of(asked(client, sound, start_s=start, end_s=end))
    page = client.get(reverse("catalog:sound-region", args=[sound.pk]), {"start": start, "end": end})

    assert (status, error["code"], page.status_code) == (400, "bad_request", 400)
    assert said in str(error["message"])
    assert said in page.content.decode()


@pytest.mark.parametrize("query", [{}, {"start_s": "1"}, {"start_s": "a", "end_s": "2"}])
def test_the_api_says_which_number_is_none(client: Client, sound: Sound, query: dict[str, str]) -> None:
    status, error = error_of(asked(client, sound, **query))

    assert status == 422
    assert "_s: " in str(error["message"])


@pytest.mark.parametrize(
    ("query", "said"),
    [({}, "nothing is given"), ({"start": "0", "end": "<b>1</b>"}, "&lt;b&gt;1"), ({"end": "1"}, "Start has")],
)
def test_the_page_says_which_number_is_none(client: Client, sound: Sound, query: dict[str, str], said: str) -> None:
    page = client.get(reverse("catalog:sound-region", args=[sound.pk]), query)

    assert page.status_code == 400
    assert said in page.content.decode()


def test_a_sound_that_is_not_there(client: Client) -> None:
    status, error = error_of(client.get("/api/sounds/1/region?start_s=0&end_s=1"))

    assert (status, error["code"]) == (404, "not_found")
    assert client.get("/sounds/1/region.wav?start=0&end=1").status_code == 404


def test_a_file_that_is_gone(client: Client, sound: Sound) -> None:
    sound.absolute_path.unlink()

    status, error = error_of(asked(client, sound, start_s=0, end_s=1))
    page = client.get(reverse("catalog:sound-region", args=[sound.pk]), {"start": 0, "end": 1})

    assert (status, page.status_code) == (404, 404)
    assert "Tür.wav is not there" in str(error["message"])
    assert "is not there" in page.content.decode()


def test_a_link_out_of_the_library_is_not_followed(client: Client, sound: Sound, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    sound.absolute_path.rename(secret)
    sound.absolute_path.symlink_to(secret)

    assert error_of(asked(client, sound, start_s=0, end_s=1))[0] == 404


def test_a_file_that_is_no_sound_any_more(client: Client, sound: Sound, cache: Path) -> None:
    sound.absolute_path.write_bytes(b"no sound" * 99)

    status, error = error_of(asked(client, sound, start_s=0, end_s=1))
    page = client.get(reverse("catalog:sound-region", args=[sound.pk]), {"start": 0, "end": 1})

    assert (status, page.status_code) == (422, 422)
    assert "the file Tür.wav is not a sound file" in str(error["message"])
    assert left_in(cache) == []


def test_a_cache_that_takes_nothing_is_told(client: Client, sound: Sound, cache: Path) -> None:
    cache.write_text("a file where the folder should be")

    status, error = error_of(asked(client, sound, start_s=0, end_s=1))
    page = client.get(reverse("catalog:sound-region", args=[sound.pk]), {"start": 0, "end": 1})

    assert (status, page.status_code) == (503, 503)
    assert "no place for the region" in str(error["message"])


@pytest.fixture
def no_turn(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All turns are taken, and nobody waits long for one."""
    monkeypatch.setattr(turns, "WAIT_S", 0.01)
    with ExitStack() as taken:
        for _ in range(turns.AT_ONCE):
            taken.enter_context(turns.decoding_turn())
        yield


@pytest.mark.usefixtures("no_turn")
def test_more_than_a_few_at_once_are_asked_to_come_again(client: Client, sound: Sound, cache: Path) -> None:
    answer = asked(client, sound, start_s=0, end_s=1)
    page = client.get(reverse("catalog:sound-region", args=[sound.pk]), {"start": 0, "end": 1})
    upload = {"file": SimpleUploadedFile("Tür.wav", sound.absolute_path.read_bytes()), "start_s": 0.2, "end_s": 1}
    example = client.post(reverse("api:search-by-audio"), upload)

    for response in (answer, page, example):
        assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "ask again in 10 seconds" in str(error_of(answer)[1]["message"])
    assert "3 regions are being cut already; ask again in 10 seconds." in page.content.decode()
    assert left_in(cache) == []


def test_a_region_that_is_refused_gives_its_turn_back(client: Client, sound: Sound) -> None:
    for _ in range(2 * turns.AT_ONCE):
        assert asked(client, sound, start_s=5, end_s=6).status_code == 400
    assert asked(client, sound, start_s=0, end_s=1).status_code == 200


def test_no_more_than_a_few_decode_at_once() -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    all_taken = threading.Event()

    def decode() -> None:
        nonlocal at_once, most
        with turns.decoding_turn():
            with lock:
                at_once += 1
                most = max(most, at_once)
            if at_once == turns.AT_ONCE:
                all_taken.set()
            assert all_taken.wait(10)
            with lock:
                at_once -= 1

    with ThreadPoolExecutor(4 * turns.AT_ONCE) as pool:
        for done in [pool.submit(decode) for _ in range(4 * turns.AT_ONCE)]:
            done.result()
    assert most == turns.AT_ONCE


def test_nothing_is_left_behind_even_when_the_client_goes_away(sound: Sound, cache: Path) -> None:
    response: FileResponse = region_response(sound, start_s=0, end_s=2)
    file = response.file_to_stream
    assert left_in(cache) == []  # it never has a name

    next(iter(response))
    response.close()

    assert file is not None
    assert file.closed


def test_a_response_that_nobody_reads_closes_its_file(sound: Sound) -> None:
    response = region_response(sound, start_s=0, end_s=2)
    response.close()

    assert response.file_to_stream is not None
    assert response.file_to_stream.closed


def test_a_page_is_asked_for_not_posted_to(client: Client, sound: Sound) -> None:
    assert client.post(reverse("catalog:sound-region", args=[sound.pk])).status_code == 405


def test_the_description_of_the_api_tells_of_it(client: Client) -> None:
    told = client.get("/api/openapi.json").json()["paths"]["/api/sounds/{sound_id}/region"]["get"]

    assert "audio/wav" in told["responses"]["200"]["content"]
    assert "region?start_s=3.2&end_s=5.0" in told["description"]
    assert {one["name"] for one in told["parameters"]} == {"sound_id", "start_s", "end_s", "fade_ms"}


def left_in(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]
