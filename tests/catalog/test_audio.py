"""Audio by byte ranges, revalidated, never from outside the library; previews for what browsers do not play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory

from analysis.audio import write_preview
from catalog.audio import AudioGone, audio_response, is_played_by_browsers, preview_path, preview_response
from catalog.models import Library, Sound
from tests.catalog.conftest import MakeFile, scan_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def sound(library: Library, make_file: MakeFile) -> Sound:
    make_file("Tür.wav")
    scan_now(library)
    return library.sounds.select_related("library").get()


def asked(sound: Sound, method: str = "GET", **headers: str) -> HttpResponseBase:
    return audio_response(RequestFactory().generic(method, "/", headers=headers), sound)


def body(response: HttpResponseBase) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    return response.getvalue()


def test_the_whole_file_comes_with_its_kind_and_length(sound: Sound) -> None:
    content = sound.absolute_path.read_bytes()
    response = asked(sound)

    assert (response.status_code, body(response)) == (200, content)
    assert response["Content-Type"] == "audio/wav"
    assert response["Content-Length"] == str(len(content))
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Disposition"] == "inline; filename*=UTF-8''T%C3%BCr.wav"


@pytest.mark.parametrize(
    ("asked_range", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=0-999999999", slice(0, None)),
        ("bytes=-999999999", slice(0, None)),
        ("bytes=8043-8043", slice(8043, 8044)),
    ],
)
def test_a_range_comes_alone(sound: Sound, asked_range: str, part: slice) -> None:
    content = sound.absolute_path.read_bytes()
    response = asked(sound, Range=asked_range)

    wanted = content[part]
    start = range(len(content))[part].start
    assert (response.status_code, body(response)) == (206, wanted)
    assert response["Content-Range"] == f"bytes {start}-{start + len(wanted) - 1}/{len(content)}"
    assert response["Content-Length"] == str(len(wanted))


@pytest.mark.parametrize("asked_range", ["bytes=999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(sound: Sound, asked_range: str) -> None:
    response = asked(sound, Range=asked_range)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{sound.size_bytes}"


@pytest.mark.parametrize(
    "asked_range", ["bytes=5-2", "bytes=-", "lines=0-5", "bytes=0-5,10-15", "bytes=a-b", "", f"bytes={'9' * 5_000}-"]
)
def test_what_is_no_single_range_gets_the_whole_file(sound: Sound, asked_range: str) -> None:
    assert asked(sound, Range=asked_range).status_code == 200


def test_head_tells_the_same_without_the_bytes(sound: Sound) -> None:
    response = asked(sound, "HEAD", Range="bytes=0-9")
    assert (response.status_code, response["Content-Length"], response.streaming) == (206, "10", False)
    assert getattr(response, "content", None) == b""


def test_what_is_known_is_not_sent_again_until_it_changes(sound: Sound) -> None:
    tag = asked(sound)["ETag"]
    assert asked(sound, **{"If-None-Match": tag}).status_code == 304
    assert asked(sound, **{"If-Modified-Since": asked(sound)["Last-Modified"]}).status_code == 304
    assert asked(sound, **{"If-Range": tag, "Range": "bytes=0-9"}).status_code == 206

    sound.absolute_path.write_bytes(sound.absolute_path.read_bytes() + b"more")
    assert asked(sound, **{"If-None-Match": tag}).status_code == 200
    assert asked(sound, **{"If-Range": tag, "Range": "bytes=0-9"}).status_code == 200


def test_a_file_that_is_gone_or_was_replaced_by_a_link_is_not_sent(sound: Sound, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_text("secret")
    sound.absolute_path.unlink()
    with pytest.raises(AudioGone, match="is not there"):
        asked(sound)

    sound.absolute_path.symlink_to(secret)
    with pytest.raises(AudioGone, match="no file of its library"):
        asked(sound)


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "a/../../secret.wav", "x\0y"])
def test_no_path_leads_out_of_the_library(sound: Sound, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.wav").write_text("secret")
    sound.path = path
    with pytest.raises(AudioGone):
        asked(sound)


@pytest.mark.parametrize(
    ("name", "facts", "played"),
    [
        ("a.wav", {"sample_rate_hz": 48_000, "bit_depth": 16, "channels": 2}, True),
        ("a.MP3", {"sample_rate_hz": 44_100, "channels": 2}, True),
        ("a.wav", {"sample_rate_hz": 96_000, "bit_depth": 24, "channels": 2}, False),
        ("a.wav", {"sample_rate_hz": 48_000, "bit_depth": 16, "channels": 6}, False),
        ("a.aif", {"sample_rate_hz": 44_100, "bit_depth": 16, "channels": 2}, False),
        ("a.wma", {"sample_rate_hz": 44_100, "channels": 2}, False),
    ],
)
def test_what_browsers_play_as_it_is(name: str, facts: dict[str, Any], played: bool) -> None:
    assert is_played_by_browsers(Sound(file_name=name, **facts)) == played


def test_a_preview_is_made_once_and_again_when_the_file_changes(
    library: Library, make_file: MakeFile, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CACHE_DIR = tmp_path / "cache"
    make_file("a.aiff", rate=96_000, subtype="PCM_24", duration_s=0.5)
    scan_now(library)
    sound = library.sounds.select_related("library").get()
    made: list[Path] = []

    def write_and_note(path: Path, target: Path) -> None:
        made.append(target)
        write_preview(path, target)

    monkeypatch.setattr("catalog.audio.write_preview", write_and_note)
    first = preview_path(sound)
    assert preview_path(sound) == first
    assert soundfile.info(first).format == "MP3"
    assert soundfile.info(first).duration == pytest.approx(0.5, abs=0.1)
    response = preview_response(RequestFactory().get("/", headers={"Range": "bytes=0-9"}), sound)
    assert (response.status_code, response["Content-Type"], len(body(response))) == (206, "audio/mpeg", 10)
    assert len(made) == 1

    make_file("a.aiff", seed=9, rate=96_000, subtype="PCM_24", duration_s=0.6)
    assert preview_path(sound) != first


def test_a_preview_of_what_every_browser_plays_is_the_file(sound: Sound) -> None:
    response = preview_response(RequestFactory().get("/"), sound)
    assert body(response) == sound.absolute_path.read_bytes()
