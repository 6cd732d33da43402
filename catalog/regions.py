"""Sending a region of a sound as a WAV, by way of a file that has no name and goes with the answer."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse

from analysis.errors import UnreadableAudio
from analysis.regions import RegionNotWritten, check_region, write_region
from catalog.audio import checked_path
from catalog.models import Sound
from catalog.turns import decoding_turn

LONGEST_STEM_BYTES = 200  # file systems hold names of 255
REFUSED_IN_NAMES = frozenset('/\\:*?"<>|')  # by one file system or another
REFUSED_KINDS = ("C", "Zl", "Zp")  # controls, turns of the writing direction, halves of characters, line ends


def region_response(sound: Sound, *, start_s: float, end_s: float, fade_s: float = 0.0) -> FileResponse:
    """The region as a download. Raises AudioGone, NoTurn, InvalidRegion, UnreadableAudio, RegionNotWritten."""
    check_region(start_s, end_s, fade_s=fade_s)  # before a file is touched
    path = checked_path(sound)
    file = nameless_file()
    try:
        with decoding_turn():
            write_region(path, file, start_s=start_s, end_s=end_s, fade_s=fade_s)
    except UnreadableAudio as error:
        file.close()
        raise UnreadableAudio(f"the file {sound.path} {error}") from error
    except BaseException:
        file.close()
        raise
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": as_download(region_name(sound.file_name, start_s, end_s)),
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(file, content_type="audio/wav", headers=headers)


def nameless_file() -> BinaryIO:
    """A file under the cache that is gone when it is closed, however that happens."""
    folder = Path(settings.CACHE_DIR) / "regions"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return cast(BinaryIO, tempfile.TemporaryFile(dir=folder))
    except OSError as error:
        raise RegionNotWritten(f"there is no place for the region: {folder}: {error.strerror}") from error


def region_name(file_name: str, start_s: float, end_s: float) -> str:
    """`<stem> 3.200-5.000.wav`, with nothing that leads into another folder or hides what the name is."""
    stem = "".join("_" if is_refused(character) else character for character in Path(file_name).stem)
    stem = stem.encode(errors="replace")[:LONGEST_STEM_BYTES].decode(errors="ignore").strip(". ")
    return f"{stem or 'sound'} {start_s:.3f}-{end_s:.3f}.wav"


def is_refused(character: str) -> bool:
    return character in REFUSED_IN_NAMES or unicodedata.category(character).startswith(REFUSED_KINDS)


def as_download(name: str) -> str:
    """RFC 6266: the name in UTF-8, and in ASCII for who does not read that."""
    ascii_name = "".join(character if " " <= character <= "~" else "_" for character in name)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
