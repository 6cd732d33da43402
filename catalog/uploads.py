"""An uploaded file on disk, for as long as it is heard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

LONGEST_SUFFIX = 10  # with its dot; of a name that the sender chose, nothing else reaches the disk

MAX_UPLOAD_BYTES = 200 * 2**20
"""Nearly twenty minutes of 96 kHz, 24 bit, stereo: an example is shorter, and a library has a folder."""

FORM_BYTES = 2**16  # around a file: the token, the boundaries, the other fields


class UploadTooLarge(ValueError):
    """More than an example may have; what to do, in words."""

    def __init__(self, size_bytes: int) -> None:
        size, most = size_bytes / 2**20, MAX_UPLOAD_BYTES / 2**20
        super().__init__(
            f"The file has {size:,.0f} MB; an example may have {most:.0f}. Cut out what matters, or save it as MP3."
        )


def check_upload_size(size_bytes: int) -> None:
    """Raises UploadTooLarge."""
    if size_bytes > MAX_UPLOAD_BYTES:
        raise UploadTooLarge(size_bytes)


def check_request_size(content_length: str) -> None:
    """Before a request is read at all, so that what is too large does not fill the disk. Raises UploadTooLarge."""
    size_bytes = int(content_length) if content_length.isdecimal() else 0
    if size_bytes > MAX_UPLOAD_BYTES + FORM_BYTES:
        raise UploadTooLarge(size_bytes)


def is_small_enough(request: HttpRequest) -> Literal[True]:
    """Asked as the `auth` of an operation, ninja's only word before it reads the form. Raises UploadTooLarge."""
    check_request_size(request.META.get("CONTENT_LENGTH") or "")
    return True


def upload_name(file: UploadedFile[bytes]) -> str:
    """What to call an upload: its name without any folder."""
    return Path(file.name or "upload").name


@contextmanager
def stored_upload(file: UploadedFile[bytes]) -> Iterator[Path]:
    """A copy in a folder of its own, both gone when the block ends."""
    suffix = Path(upload_name(file)).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="timbre-") as folder:
        path = Path(folder) / f"upload{suffix if len(suffix) <= LONGEST_SUFFIX else ''}"
        with path.open("wb") as target:
            target.writelines(file.chunks())
        yield path
