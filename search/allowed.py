"""What filters and conditions let through."""

from __future__ import annotations

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from catalog.browse import DOUBT, SoundFilters
from catalog.models import Sound
from search.identifiers import ids_of
from search.sorting import BEST, first_ids


class Allowed:
    """What filters and conditions let through, asked for only where it is needed."""

    def __init__(self, filters: SoundFilters | None, condition: Q | None) -> None:
        self._filters = filters if filters is not None and not filters.is_empty else None
        self._condition = condition

    @property
    def condition(self) -> Q | None:
        """Of both, as one; None where everything may be found."""
        if self._filters is None:
            return self._condition
        among = Q(pk__in=self._filters.apply(Sound.objects.order_by()).values("pk"))
        return among if self._condition is None else among & self._condition

    def sounds(self) -> QuerySet[Sound]:
        sounds = Sound.objects.order_by()
        if self._filters is not None:
            sounds = self._filters.apply(sounds)
        return sounds if self._condition is None else sounds.filter(self._condition)

    def ids(self) -> NDArray[np.int64] | None:
        """None where everything may be found."""
        return None if self._filters is None and self._condition is None else ids_of(self.sounds())

    def first(self, count: int, sort: str = BEST) -> list[int]:
        """The surest, unless they are asked for in another order."""
        if sort != BEST:
            return first_ids(self.sounds(), sort, count)
        return list(self.sounds().order_by(DOUBT, "id").values_list("id", flat=True)[:count])
