"""Sending the audio of a sound: byte ranges, revalidation, and previews for what browsers do not play."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import http_date, parse_etags, parse_http_date_safe

from analysis.audio import write_preview
from analysis.errors import AnalysisError
from catalog.models import Sound

BLOCK = 1 << 16
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
MEDIA_TYPES = {
    ".wav": "audio/wav",
    ".wave": "audio/wav",
    ".bwf": "audio/wav",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".aac": "audio/aac",
    ".webm": "audio/webm",
    ".wma": "audio/x-ms-wma",
}
PLAYED_SUFFIXES = {".wav", ".wave", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a"}  # by every browser of today
PLAYED_RATE_HZ = 48_000  # more is bandwidth that nobody hears in an audition
PLAYED_BITS = 16
PLAYED_CHANNELS = 2

_preview_locks = [threading.Lock() for _ in range(8)]


class AudioGone(AnalysisError):
    """The file of a sound cannot be sent."""


def audio_response(request: HttpRequest, sound: Sound) -> HttpResponseBase:
    """The file itself. Raises AudioGone."""
    path = checked_path(sound)
    media_type = MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    return file_response(request, path, media_type, name=sound.file_name)


def preview_response(request: HttpRequest, sound: Sound) -> HttpResponseBase:
    """What every browser plays: the file where it is so, else an MP3 of it. Raises AudioGone or UnreadableAudio."""
    if is_played_by_browsers(sound):
        return audio_response(request, sound)
    return file_response(request, preview_path(sound), "audio/mpeg", name=f"{Path(sound.file_name).stem}.mp3")


def is_played_by_browsers(sound: Sound) -> bool:
    return (
        Path(sound.file_name).suffix.lower() in PLAYED_SUFFIXES
        and (sound.sample_rate_hz or 0) <= PLAYED_RATE_HZ
        and (sound.bit_depth or 0) <= PLAYED_BITS
        and (sound.channels or 0) <= PLAYED_CHANNELS
    )


def checked_path(sound: Sound) -> Path:
    """Where the file lies, if it lies inside its library: a link that was put there since the scan leads nowhere."""
    root = Path(sound.library.root)
    try:
        path = sound.absolute_path.resolve(strict=True)
        if not path.is_relative_to(root.resolve()) or not stat.S_ISREG(path.stat().st_mode):
            raise AudioGone(f"{sound.path} is no file of its library")
    except (OSError, RuntimeError, ValueError) as error:
        raise AudioGone(f"the file {sound.path} is not there; scan its library again") from error
    return path


def preview_path(sound: Sound) -> Path:
    """A cached preview of the file as it is now, made when first asked for."""
    path = checked_path(sound)
    facts = path.stat()
    version = f"{sound.pk} {facts.st_size} {facts.st_mtime_ns}"
    name = hashlib.sha256(version.encode()).hexdigest()[:32]
    target = Path(settings.CACHE_DIR) / "previews" / name[:2] / f"{name}.mp3"
    with _preview_locks[int(name, 16) % len(_preview_locks)]:  # who asks twice waits for the first
        if not target.exists():
            unfinished = target.with_name(f"{name}-{os.getpid()}.mp3")  # another process may be at it too
            write_preview(path, unfinished)
            unfinished.replace(target)
    return target


def file_response(request: HttpRequest, path: Path, media_type: str, *, name: str) -> HttpResponseBase:
    try:
        file = path.open("rb")
        facts = os.fstat(file.fileno())
    except OSError as error:
        raise AudioGone(f"the file {name} cannot be read: {error.strerror}") from error
    size, tag = facts.st_size, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",  # kept, but asked for again: the file may be replaced any time
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, errors='replace')}",
        "ETag": tag,
        "Last-Modified": http_date(facts.st_mtime),
        "X-Content-Type-Options": "nosniff",
    }
    if is_unchanged(request, tag, facts.st_mtime):
        file.close()
        return HttpResponse(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    wanted = wanted_range(request, size, tag, facts.st_mtime)
    if wanted is not None and wanted.start >= wanted.stop:
        file.close()
        refused = headers | {"Content-Range": f"bytes */{size}"}
        return HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=refused)
    part = wanted or range(size)
    headers |= {"Content-Length": str(len(part)), "Content-Type": media_type}
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    status = HTTPStatus.OK if wanted is None else HTTPStatus.PARTIAL_CONTENT
    if request.method == "HEAD":
        file.close()
        return HttpResponse(status=status, headers=headers)
    return StreamingHttpResponse(blocks_of(file, part), status=status, headers=headers)


def is_unchanged(request: HttpRequest, tag: str, modified: float) -> bool:
    if "If-None-Match" in request.headers:
        known = [one.removeprefix("W/") for one in parse_etags(request.headers["If-None-Match"])]
        return tag in known or known == ["*"]
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and int(modified) <= since and "Range" not in request.headers


def wanted_range(request: HttpRequest, size: int, tag: str, modified: float) -> range | None:
    """The one range that is asked for, empty where it cannot be; None is the whole file.

    Several ranges at once, or what is no range, are answered by the whole file, as RFC 9110 (14.2) allows.
    """
    asked = RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    condition = request.headers.get("If-Range", "")
    if asked is None or asked.groups() == ("", "") or condition not in ("", tag, http_date(modified)):
        return None
    first, last = asked.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def blocks_of(file: BinaryIO, part: range) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        left = len(part)
        while left and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
