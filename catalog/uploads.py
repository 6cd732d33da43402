"""An uploaded file on disk, for as long as it is heard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile

LONGEST_SUFFIX = 10  # with its dot; of a name that the sender chose, nothing else reaches the disk


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
