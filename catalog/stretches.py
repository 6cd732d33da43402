"""A stretch of a file, as a file of its own for as long as it is heard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.audio import probe
from analysis.regions import MAX_REGION_S, InvalidRegion, write_region
from catalog.turns import decoding_turn


@contextmanager
def stretch_of(path: Path, start_s: float | None, end_s: float | None) -> Iterator[Path]:
    """The file itself where neither end is given. Raises NoTurn, InvalidRegion, UnreadableAudio, RegionNotWritten."""
    if start_s is None and end_s is None:
        yield path
        return
    start = start_s or 0.0
    end = probe(path).duration_s if end_s is None else end_s
    if end_s is None and start >= end:
        raise InvalidRegion(f"the sound is {end:g} s long; nothing is left of it from {start:g} s on")
    if end - start > MAX_REGION_S:
        raise InvalidRegion(
            f"a region to search with is at most {MAX_REGION_S:g} s long, this one {end - start:g} s; choose a shorter"
            " one, or give neither start nor end to search with the whole sound"
        )
    with tempfile.TemporaryDirectory(prefix="timbre-") as folder:
        stretch = Path(folder) / "stretch.wav"
        with stretch.open("w+b") as target, decoding_turn():
            write_region(path, target, start_s=start, end_s=end)
        yield stretch
