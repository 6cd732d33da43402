"""What filters and conditions let through."""

from __future__ import annotations

import numpy as np
from django.db.models import Q, QuerySet
from numpy.typing import NDArray

from catalog.browse import DOUBT, FEW, SORTED, SoundFilters
from catalog.identifiers import among
from catalog.lexical import fitting, text_condition
from catalog.models import Sound
from catalog.remembered import remembered_ids
from catalog.shortlist import SHORT, candidates_of
from catalog.words import TextQuery
from search.sorting import BEST, first_ids

MOST_TRIES = 3
"""How often sounds are looked for among those that words may let through, less those that they turned out not to."""


ANYTHING = TextQuery()


class Allowed:
    """What filters, conditions and words that have to be there let through, asked for only where it is needed.

    Where there are very many sounds, those that hold the words are taken for those that hold them as a phrase, and
    what is found among them is asked of Postgres: see `confirm`.
    """

    def __init__(self, filters: SoundFilters | None, condition: Q | None, must: TextQuery = ANYTHING) -> None:
        self._filters = filters if filters is not None and not filters.is_empty else None
        self._condition = condition
        self._must = must
        self._ids: NDArray[np.int64] | None = None
        self._tries = 0
        self.is_loose = False

    def sounds(self) -> QuerySet[Sound]:
        sounds = self._sounds_without_words()
        return sounds.filter(text_condition(self._must)) if self._must else sounds

    def _sounds_without_words(self) -> QuerySet[Sound]:
        sounds = Sound.objects.order_by()
        if self._filters is not None:
            sounds = self._filters.apply(sounds)
        return sounds if self._condition is None else sounds.filter(self._condition)

    def ids(self) -> NDArray[np.int64] | None:
        """In rising order; None where everything may be found. Where `is_loose`, some are not let through."""
        if self._filters is None and self._condition is None and not self._must:
            return None
        if self._ids is None:
            self._ids = self._read_ids()
        return self._ids

    def _read_ids(self) -> NDArray[np.int64]:
        listed = candidates_of(self._must) if self._must and self._tries < MOST_TRIES else None
        if listed is None:
            return remembered_ids(self.sounds())
        self.is_loose = True
        if self._filters is None and self._condition is None:
            return listed
        others = remembered_ids(self._sounds_without_words())
        return others[np.isin(others, listed, assume_unique=True)]

    def confirm(self, ids: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Those of some ids that are let through; None where some are not, that may have crowded out others that are:
        then everything has to be looked for once more.
        """
        if not self.is_loose or self._ids is None:
            return ids
        sure = fitting(self._must, ids)
        if len(sure) == len(ids) or len(self._ids) <= SHORT:  # of so few none is crowded out
            return sure
        self._tries += 1
        if self._tries < MOST_TRIES:
            self._ids = np.setdiff1d(self._ids, np.setdiff1d(ids, sure), assume_unique=True)
        else:
            self._ids, self.is_loose = None, False
        return None

    def first(self, count: int, sort: str = BEST) -> list[int]:
        """The surest, unless they are asked for in another order."""
        if sort != BEST:
            return first_ids(self.sounds(), sort, count)
        ids = self.ids()
        if ids is None or len(ids) > FEW:
            return list(self.sounds().order_by(DOUBT, "id").values_list("id", flat=True)[:count])
        # of few, each is looked at: walking along the index of this order would take all sounds to find them
        few = among(Sound.objects.order_by(SORTED, "id"), fitting(self._must, ids) if self.is_loose else ids)
        return list(few.values_list("id", flat=True)[:count])
