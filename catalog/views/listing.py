"""What stands around every list of sounds: filters as links, counts, profiles and exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from catalog import engine
from catalog.browse import InvalidFilters, SoundFilters
from catalog.counts import Counts, counts_of
from catalog.models import Library, Sound
from catalog.views.addresses import Address

CONFIDENCE_STEPS = (0.2, 0.4, 0.6, 0.8)
TAGS_SHOWN = 24
SEARCH_PARAMETERS = ("q", "mode")
"""What a search keeps when its filters are cleared; the sound list has no such thing."""

FILTER_TITLES: Mapping[str, str] = {
    "min_duration": "Seconds long, from",
    "max_duration": "Seconds long, to",
    "min_confidence": "Confidence at least",
    "profile": "Analyzed with",
    "q": "Words",
    "cursor": "Place in the list",
}
"""What a filter is called on the pages, where that is not its own name."""

EXPORT_TITLES: Mapping[str, str] = {
    "csv": "CSV",
    "json": "JSON",
    "markdown": "Markdown catalog",
    "soundminer-csv": "Soundminer CSV",
    "soundminer-tab": "Soundminer tab-delimited",
}


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    address: Address
    name: str = ""
    count: int = 0
    current: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    title: str
    value: str
    current: bool


def listing(here: Address, filters: SoundFilters, *, export_view: str) -> dict[str, Any]:
    """Make the context of the components around a list, in a few queries however long it is."""
    libraries = list(Library.objects.all())
    counted = counts_of(filters, tags=TAGS_SHOWN)
    counts = counted.categories
    return {
        "action": here.path,
        "filters": filters,
        "libraries": libraries,
        "category_counts": counts,
        "categories": category_links(here, filters, counts),
        "categories_total": counted.of_all_categories,
        "total": counted.total,
        "counts_are_exact": counted.is_exact,
        "all_address": here.without("category"),
        "tags": tag_links(here, filters, counted),
        "states": Sound.State.choices,
        "profiles": list(engine.profiles()),
        "confidence_choices": confidence_choices(filters),
        "active_filters": active_filters(here, filters, libraries),
        "clear_address": cleared(here),
        "export_formats": export_links(here, export_view),
    }


def in_words(error: InvalidFilters) -> list[str]:
    """Why filters cannot be, each reason after the filter's name as the pages have it."""
    named = (text.partition(": ") for text in error.messages)
    return [f"{FILTER_TITLES.get(name, name.capitalize())}: {reason}" for name, _, reason in named]


def without_refused(here: Address, error: InvalidFilters) -> tuple[Address, dict[str, str]]:
    """The address without the filters that cannot be, and what was typed into those."""
    names = [text.partition(": ")[0] for text in error.messages]
    return here.without(*names), {name: here.query.get(name, "") for name in names}


def cleared(here: Address) -> Address:
    return here.only(*SEARCH_PARAMETERS) if is_search(here) else here.only()


def is_search(here: Address) -> bool:
    return here.path != reverse("catalog:sound-list")


def title_of(category: str) -> str:
    return category.replace("_", " ").capitalize()


def category_links(here: Address, filters: SoundFilters, counts: Mapping[str, int]) -> list[Link]:
    return [
        Link(title_of(name), here.having("category", name), name, count, name == filters.category)
        for name, count in counts.items()
        if name
    ]


def tag_links(here: Address, filters: SoundFilters, counted: Counts) -> list[Link]:
    counts = dict.fromkeys(filters.tags, 0) | dict(counted.tags)
    return [
        Link(
            name,
            here.removing("tag", name) if name in filters.tags else here.adding("tag", name),
            name,
            count,
            name in filters.tags,
        )
        for name, count in counts.items()
    ]


def confidence_choices(filters: SoundFilters) -> list[Choice]:
    chosen = filters.min_confidence
    steps = sorted({*CONFIDENCE_STEPS, *([] if chosen is None else [chosen])})
    return [Choice(f"{100 * step:g} %", f"{step:g}", step == chosen) for step in steps]


def active_filters(here: Address, filters: SoundFilters, libraries: Sequence[Library]) -> list[Link]:
    """Each filter that is on, in words, with the address of the list without it."""
    names = {library.pk: library.name for library in libraries}
    said = {
        "category": title_of(filters.category),
        "library": names.get(filters.library or 0, f"library {filters.library}") if filters.library else "",
        "min_duration": f"{filters.min_duration:g} s or longer" if filters.min_duration is not None else "",
        "max_duration": f"{filters.max_duration:g} s or shorter" if filters.max_duration is not None else "",
        "min_confidence": f"confidence from {100 * filters.min_confidence:g} %"
        if filters.min_confidence is not None
        else "",
        "state": Sound.State(filters.state).label if filters.state else "",
        "profile": f"analyzed with {filters.profile}" if filters.profile else "",
        "q": f"words: {filters.q}" if filters.q and not is_search(here) else "",
    }
    tags = [Link(tag, here.removing("tag", tag), "tag") for tag in filters.tags]
    return tags + [Link(words, here.without(name), name) for name, words in said.items() if words]


def export_links(here: Address, view: str) -> list[Link]:
    return [Link(title, here.at(reverse(view, args=[name])), name) for name, title in EXPORT_TITLES.items()]
