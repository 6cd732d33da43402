"""Windows in rows of embeddings, to look for moments in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.models import Embedding


def store_windows(row: Embedding, windows: Sequence[NDArray[np.float32]]) -> None:
    """As an analysis leaves them; how long they are and how far apart stands in the row."""
    row.windows = np.stack(windows).astype("<f2").tobytes()
    row.save()
