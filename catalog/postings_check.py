"""Comparing the postings of words with the sounds that they were made of."""

from __future__ import annotations

import numpy as np

from catalog.models import Sound
from catalog.postings import HIGHEST_ID, PLACES, Standing, changed_words, read_sounds, usable_state
from catalog.shortlist import ANYWHERE, Leaf, postings_of


def sounds_in_postings() -> int:
    """Sounds that words are looked up for in postings; 0 where Postgres is asked alone."""
    state = usable_state(Standing.now())
    return 0 if state is None else state.sounds


def missing_sounds(sample: int) -> list[int]:
    """Sounds of a sample, and of the newest, that a search for one of their words would not look at. What changed since
    the postings were made is looked at in any case.
    """
    state = usable_state(Standing.now())
    if state is None:
        return []
    chosen = list(Sound.objects.order_by("?").values_list("id", flat=True)[:sample])
    chosen += list(Sound.objects.order_by("-id").values_list("id", flat=True)[:sample])
    wanted: dict[str, set[int]] = {}
    for sound_id, *texts in read_sounds("WHERE id = ANY(%s) ORDER BY id", [chosen]):
        for _, text in zip(PLACES, texts, strict=True):
            for lexeme in filter(None, text.split("\x01")):
                wanted.setdefault(lexeme, set()).add(sound_id)
    missing: set[int] = set()
    for lexeme, sounds in wanted.items():
        leaf = Leaf(lexeme, begins=False, bits=ANYWHERE)
        missing |= set(np.setdiff1d(list(sounds), postings_of([leaf], state)[leaf].sounds).tolist())
    return sorted(missing - set(changed_words(state.horizon, HIGHEST_ID).tolist()))
