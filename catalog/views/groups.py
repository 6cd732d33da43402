"""The catalog's first page: each category with its surest sounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog import engine
from catalog.browse import DOUBT
from catalog.models import Sound
from catalog.views.addresses import Address
from catalog.views.listing import title_of

BEST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    title: str
    description: str
    count: int
    address: Address
    sounds: Sequence[Sound]


def grouped_by_category(here: Address, counts: Mapping[str, int]) -> list[Group]:
    names = [name for name in counts if name]
    descriptions = {category.name: category.description for category in engine.vocabulary().categories}
    best = best_sounds(names)
    return [
        Group(name, title_of(name), descriptions.get(name, ""), counts[name], here.having("category", name), best[name])
        for name in names
    ]


def best_sounds(names: Iterable[str]) -> dict[str, list[Sound]]:
    """The surest few of each category, in two queries however many categories there are."""
    best: dict[str, list[Sound]] = {name: [] for name in names}
    # each arm walks the index on category, doubt and id and stops after a few rows
    arms = [
        Sound.objects.filter(category=name).order_by(DOUBT, "id").values_list("id", flat=True)[:BEST_SHOWN]
        for name in best
    ]
    if not arms:
        return best
    ids = list(arms[0].union(*arms[1:], all=True))
    sounds = Sound.objects.defer("search_vector", "search_name", "search_words", "embedded").in_bulk(ids)
    for sound_id in ids:
        if sound_id in sounds:  # else removed a moment ago
            best[sounds[sound_id].category].append(sounds[sound_id])
    return best
