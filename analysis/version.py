"""Which Timbre this is, for provenance."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def timbre_version() -> str:
    """Give the version that is installed; "0" for a checkout that is not."""
    try:
        return version("timbre")
    except PackageNotFoundError:
        return "0"
