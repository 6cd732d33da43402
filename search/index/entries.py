"""What an index is made of: vectors, each with the sound it belongs to and the stretch of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Entries:
    """Vectors of sounds; several of one sound stand together.

    Attributes
    ----------
    owners : int64, shape (n,)
        The sound of each vector.
    vectors : float32, shape (n, dim)
        Of unit length.
    spans_s : float32, shape (n, 2)
        Where in the sound each one begins and ends; zeros where it stands for the whole sound.
    """

    owners: NDArray[np.int64]
    vectors: NDArray[np.float32]
    spans_s: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.owners)

    @classmethod
    def of_whole_sounds(cls, owners: NDArray[np.int64], vectors: NDArray[np.float32]) -> Entries:
        """Entries that each stand for a whole sound.

        Parameters
        ----------
        owners : int64, shape (n,)
        vectors : float32, shape (n, dim)
        """
        return cls(owners, vectors, np.zeros((len(owners), 2), np.float32))

    @classmethod
    def none(cls, dim: int) -> Entries:
        """No entries, of vectors of a length."""
        return cls.of_whole_sounds(np.empty(0, np.int64), np.empty((0, dim), np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Entries], dim: int) -> Entries:
        """All entries of several parts, in their order."""
        if not parts:
            return cls.none(dim)
        return cls(
            np.concatenate([part.owners for part in parts]),
            np.concatenate([part.vectors for part in parts]),
            np.concatenate([part.spans_s for part in parts]),
        )
