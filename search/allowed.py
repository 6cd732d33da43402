"""What filters and conditions let through."""

from __future__ import annotations

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from catalog.browse import DOUBT, SoundFilters
from catalog.models import Sound
from search.remembered import remembered_ids
from search.sorting import BEST, first_ids


class Allowed:
    """What filters and conditions let through, asked for only where it is needed."""

    def __init__(self, filters: SoundFilters | None, condition: Q | None) -> None:
        self._filters = filters if filters is not None and not filters.is_empty else None
        self._condition = condition
        self._ids: NDArray[np.int64] | None = None

    def sounds(self) -> QuerySet[Sound]:
        sounds = Sound.objects.order_by()
        if self._filters is not None:
            sounds = self._filters.apply(sounds)
        return sounds if self._condition is None else sounds.filter(self._condition)

    def ids(self) -> NDArray[np.int64] | None:
        """None where everything may be found."""
        if self._filters is None and self._condition is None:
            return None
        if self._ids is None:
            self._ids = remembered_ids(self.sounds())
        return self._ids

    def first(self, count: int, sort: str = BEST) -> list[int]:
        """The surest, unless they are asked for in another order."""
        if sort != BEST:
            return first_ids(self.sounds(), sort, count)
        return list(self.sounds().order_by(DOUBT, "id").values_list("id", flat=True)[:count])
