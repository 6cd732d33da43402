"""Mono samples of a sound of any length, in memory or, when there are many, in a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 48_000  # what every CLAP model hears
IN_MEMORY_SAMPLES = 5 * 60 * SAMPLE_RATE_HZ  # 58 MB; a two-hour sound would be 1.4 GB
BYTES_PER_SAMPLE = 4


class Samples:
    """Samples at 48 kHz that are appended once and read anywhere; think of it as an array too long for memory."""

    def __init__(self) -> None:
        self._blocks: list[npt.NDArray[np.float32]] = []
        self._joined: npt.NDArray[np.float32] | None = None
        self._file: BinaryIO | None = None
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self._length / SAMPLE_RATE_HZ

    def append(self, block: npt.NDArray[np.float32]) -> None:
        """Add samples at the end.

        Parameters
        ----------
        block : float32, shape (n_samples,)
        """
        self._length += len(block)
        self._joined = None
        if self._file is None:
            self._blocks.append(np.ascontiguousarray(block, dtype=np.float32))
            if self._length > IN_MEMORY_SAMPLES:
                self._move_to_file()
        else:
            self._file.write(np.ascontiguousarray(block, dtype=np.float32).tobytes())

    def read(self, start: int = 0, stop: int | None = None) -> npt.NDArray[np.float32]:
        """Read samples from `start` to before `stop`.

        Parameters
        ----------
        start, stop : int
            Sample numbers from 0; the end where `stop` is left out.

        Returns
        -------
        float32, shape (n_samples,)
            Not to be written to.
        """
        stop = self._length if stop is None else min(stop, self._length)
        if self._file is None:
            if self._joined is None:
                self._joined = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
                self._blocks = [self._joined]
            return self._joined[start:stop]
        self._file.seek(start * BYTES_PER_SAMPLE)
        return np.frombuffer(self._file.read(max(0, stop - start) * BYTES_PER_SAMPLE), dtype=np.float32)

    def blocks(self, size: int) -> Iterator[npt.NDArray[np.float32]]:
        """Walk through all samples, `size` of them at a time, the last block shorter."""
        for start in range(0, self._length, size):
            yield self.read(start, start + size)

    def _move_to_file(self) -> None:
        self._file = cast("BinaryIO", tempfile.TemporaryFile(prefix="timbre-"))  # noqa: SIM115 - lives as long as self
        for block in self._blocks:
            self._file.write(block.tobytes())
        self._blocks = []
