"""How a line was understood, as chips and sentences with links that change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from catalog.models import Sound
from catalog.views.addresses import Address
from search.query import edit
from search.query.edit import Part
from search.query.syntax import Like, Problem, Query, number, walk, write
from search.reading import Reading
from search.views.question import MAX_ID, OFF

WEIGHTS = (0.5, 1.0, 2.0, 3.0)
"""What the buttons of a chip choose from; any other can be typed."""

AROUND = 40
"""Characters of the query that are shown on either side of a problem."""

MOST_CHIPS = 20
"""Of a text that was pasted: each has links that hold the whole of it."""

LONGEST_SHOWN = 80  # characters of a chip

ICONS = {"word": "words", "phrase": "words", "field": "filter", "meaning": "ear", "like": "ear", "group": "words"}


@dataclass(frozen=True, slots=True)
class Chip:
    """A part of the query and the addresses of the query with another one in its place."""

    text: str
    title: str  # in full
    icon: str
    kind: str
    negative: bool
    joined_by_or: bool
    weight: str  # empty where it counts as much as the others
    remove: Address
    negate: Address
    lighter: Address | None
    heavier: Address | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem with its place in the query."""

    message: str
    before: str
    piece: str
    after: str
    place: int  # of its first character, the first of the query being 1


@dataclass(frozen=True, slots=True)
class Swap:
    """A word, and what was looked up instead; or words, and what was looked up as well."""

    words: str
    others: str


@dataclass(frozen=True, slots=True)
class ThisOne:
    """The sound that "like this one" means, its page (none where there is no such sound), and the search without it."""

    name: str
    address: str
    remove: Address


@dataclass(frozen=True, slots=True)
class Understood:
    """All that is to be said of how a line was read."""

    chips: Sequence[Chip] = ()
    more_parts: int = 0  # that have no chip
    read: Sequence[Swap] = ()
    dropped: Sequence[str] = ()
    troubles: Sequence[Trouble] = ()
    corrected: Sequence[Swap] = ()
    as_typed: Address | None = None  # the search without corrections
    also: Sequence[Swap] = ()
    without_synonyms: Address | None = None
    with_spelling: Address | None = None  # where it was switched off
    with_synonyms: Address | None = None


def understood(here: Address, reading: Reading) -> Understood:
    """What the page says of a line; `here` is its address."""
    query = reading.plan.query
    parts = edit.parts(query)
    names = names_of_examples(query)
    return Understood(
        chips=[chip(here, query.text, part, names, weighable(parts)) for part in parts[:MOST_CHIPS]],
        more_parts=max(0, len(parts) - MOST_CHIPS),
        read=[Swap(said, part) for said, part in reading.plain.read],
        dropped=reading.plain.dropped,
        troubles=[trouble(query.text, problem) for problem in reading.problems],
        corrected=[Swap(one.typed, one.instead) for one in reading.corrected],
        as_typed=here.having("spelling", OFF) if reading.corrected else None,
        also=[Swap(one.words, ", ".join(one.others)) for one in reading.also],
        without_synonyms=here.having("synonyms", OFF) if reading.also else None,
        with_spelling=switched_on(here, "spelling"),
        with_synonyms=switched_on(here, "synonyms"),
    )


def this_one(here: Address, sound_id: int | None) -> ThisOne | None:
    """What an address says that "this one" is."""
    if sound_id is None:
        return None
    name = Sound.objects.filter(pk=sound_id).values_list("file_name", flat=True).first()
    remove = here.without("this_sound")
    if name is None:
        return ThisOne(f"sound {sound_id}, which is not in the catalog", "", remove)
    return ThisOne(name, reverse("catalog:sound-detail", args=[sound_id]), remove)


def switched_on(here: Address, name: str) -> Address | None:
    return here.without(name) if here.query.get(name) == OFF else None


def weighable(parts: Sequence[Part]) -> frozenset[str]:
    """Kinds of parts that can count more or less. Words count together, as one sentence: a single one can."""
    words = [part for part in parts if part.kind == "word" and not part.negative and not part.shown.startswith("=")]
    return frozenset({"meaning", "like"} | ({"word"} if len(words) == 1 else set()))


def chip(here: Address, text: str, part: Part, names: Mapping[str, str], weighed: Collection[str]) -> Chip:
    shown = names.get(part.shown) or (part.shown[1:].strip('"') if part.kind == "meaning" else part.shown)
    return Chip(
        text=shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…",
        title=shown,
        icon=ICONS[part.kind],
        kind=part.kind,
        negative=part.negative,
        joined_by_or=part.alternative,
        weight="" if part.weight == 1 else number(part.weight),
        remove=asking(here, edit.without(text, part.span)),
        negate=asking(here, edit.negated(text, part.span)),
        lighter=reweighed(here, text, part, [one for one in reversed(WEIGHTS) if one < part.weight], weighed),
        heavier=reweighed(here, text, part, [one for one in WEIGHTS if one > part.weight], weighed),
    )


def reweighed(here: Address, text: str, part: Part, steps: Sequence[float], weighed: Collection[str]) -> Address | None:
    """The address with the next weight; None where there is none, or where a weight says nothing."""
    is_word = part.kind == "word"
    if not steps or part.kind not in weighed or (is_word and (part.negative or part.shown.startswith("="))):
        return None
    return asking(here, edit.with_weight(text, part.span, steps[0]))


def asking(here: Address, text: str) -> Address:
    return here.having("q", text) if text.strip() else here.without("q")


def names_of_examples(query: Query) -> dict[str, str]:
    """What to call the examples of a query, by how they are written: the name of the file for its number."""
    examples = [node for node in walk(query.root) if isinstance(node, Like)]
    if not examples:
        return {}
    ids = [node.sound_id for node in examples if node.sound_id <= MAX_ID]
    known = dict(Sound.objects.filter(pk__in=ids).values_list("id", "file_name"))
    return {write(node): f"like {known[node.sound_id]}{region(node)}" for node in examples if node.sound_id in known}


def region(node: Like) -> str:
    if node.start_s is None and node.end_s is None:
        return ""
    end = f"{node.end_s:g} s" if node.end_s is not None else "its end"
    return f", {node.start_s or 0:g} to {end}"


def trouble(text: str, problem: Problem) -> Trouble:
    start, end = problem.span
    before, piece, after = text[:start], text[start:end], text[end:]
    if len(piece) > 2 * AROUND:
        piece = f"{piece[: 2 * AROUND]}…"
    return Trouble(
        message=as_sentence(problem.message),
        before=before if len(before) <= AROUND else f"…{before[-AROUND:]}",
        piece=piece,
        after=after if len(after) <= AROUND else f"{after[:AROUND]}…",
        place=start + 1,
    )


def as_sentence(message: str) -> str:
    """With a capital, where it does not begin with the name of a field, and with an end."""
    is_named = message.partition(" ")[0].endswith(":")
    text = message if is_named else f"{message[:1].upper()}{message[1:]}"
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
