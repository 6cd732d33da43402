"""Sounds for a line: what is written and what is heard, merged, with the reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalog.browse import SoundFilters
from catalog.lexical import Place, places_of_words, text_ranks
from catalog.models import Sound
from search.allowed import Allowed
from search.diversity import diverse_order
from search.ears import Heard, HeardFound, Listening, best_of, hear, listen
from search.hearing import Likeness, Moment
from search.index import SoundIndex
from search.plan import Plan
from search.ranking import ALL, WORDS, Fused, fuse
from search.reading import Reading, read, refusal
from search.results import DEPTH, Hit, How, PartScore, SearchResults, sounds_of
from search.sorting import BEST, sorted_ids

DIVERSE = 200
"""The best of an answer that are put in another order where different ones are wanted."""

UNWANTED_LEAVES = 0.02
"""What is left of the score of a sound that is wholly what was not wanted: it stands behind, and is still found."""

UNWANTED_FROM = 0.5
"""A sound that is so much of what was not wanted is no match."""


PLACES = {
    "file name": 'name has "{}"',
    "folder": 'folder has "{}"',
    "written in the file": 'the file says "{}"',
    "tag": 'tags have "{}"',
    "label": 'label has "{}"',
    "description": 'description has "{}"',
    "synonym": 'another word for it is "{}"',
}
"""Where catalog.lexical found a word, as a reason to read."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What all parts found: the merged order, in which all that is faint stands behind all that is not."""

    reading: Reading
    written: Mapping[int, float]  # how well its words fit, to compare within one answer
    heard: Heard
    strong: Sequence[Fused]
    faint: Sequence[Fused]
    faint_ids: frozenset[int] = frozenset()


def search_sounds(
    query: str,
    filters: SoundFilters | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
    lexical: bool = True,
    semantic: bool = True,
    how: How | None = None,
) -> SearchResults:
    """Find sounds for a line. `lexical` searches what is written, `semantic` what is heard; both are merged."""
    how = how or How(lexical, semantic)
    words = " ".join(query.split())
    if not words or limit < 1:
        return SearchResults(words)
    found = _find(words, filters, how)
    best = [*found.strong, *found.faint][offset : min(offset + limit, DEPTH)]
    sounds = sounds_of(one.id for one in best)
    places = places_of_words([one.id for one in best if one.id in found.written], found.reading.plan.written.named)
    hits = [
        _hit(found, sounds[one.id], one, places.get(one.id, ()))
        for one in best
        if one.id in sounds  # else removed a moment ago
    ]
    return SearchResults(
        words,
        hits,
        " ".join(dict.fromkeys(found.heard.notices)),
        tuple(one.id for one in found.strong),
        found.heard.verdict,
        found.reading,
    )


def strong_ids(query: str, filters: SoundFilters | None = None, *, how: How | None = None) -> tuple[int, ...]:
    """The sounds that are more than faintly like the words, the best first, without reading their rows."""
    words = " ".join(query.split())
    return tuple(one.id for one in _find(words, filters, how or How()).strong) if words else ()


def _find(words: str, filters: SoundFilters | None, how: How) -> _Found:
    reading = read(words, how.choices)
    plan = reading.plan
    if told := refusal(reading):
        return _Found(reading, {}, Heard(notices=[told]), (), ())
    filters = None if filters is None else replace(filters, q="")  # its words would have to match as well
    allowed = Allowed(filters, plan.condition, plan.must)
    listening, written = _look(plan, allowed, how)
    asks_only_against = not (plan.wanted or plan.written.query)
    first = allowed.first(DEPTH, how.sort) if asks_only_against else []
    heard = hear(listening, [*written, *first])
    rankings: dict[str, list[int]] = {}
    weights: dict[str, float] = {}
    if written:
        rankings[WORDS], weights[WORDS] = _best_written(written, heard), plan.written.weight
    for one in heard.wanted:
        rankings[one.part.name], weights[one.part.name] = best_of(one.found), one.part.weight
    if asks_only_against:  # only conditions, or only what is not wanted
        rankings[ALL], weights[ALL] = first, 1.0
    fused = _less_unwanted(fuse(rankings, weights=weights), heard)
    strong = [one for one in fused if _is_strong(one, written, heard)]
    kept = {one.id for one in strong}
    faint = [one for one in fused if one.id not in kept]
    if how.diverse and heard.index is not None:
        strong = _different_first(strong, heard.index)
    strong = strong[:DEPTH]
    if how.sort != BEST:
        by_id = {one.id: one for one in strong}
        strong = [by_id[sound_id] for sound_id in sorted_ids(list(by_id), how.sort)]
    return _Found(reading, written, heard, strong, faint, frozenset(one.id for one in faint))


def _look(plan: Plan, allowed: Allowed, how: How) -> tuple[Listening, dict[int, float]]:
    """What comes into question by ear, and what is found by words."""
    listening = listen(plan, allowed, how)
    written = _written(plan, allowed, how, listening)
    sure = allowed.confirm(np.union1d(listening.ids, np.array(list(written), np.int64)))
    if sure is None:
        return _look(plan, allowed, how)
    if not allowed.is_loose:
        return listening, written
    known = set(sure.tolist())
    return listening.only(sure), {sound_id: rank for sound_id, rank in written.items() if sound_id in known}


def _written(plan: Plan, allowed: Allowed, how: How, listening: Listening) -> dict[int, float]:
    if not how.lexical or not plan.written.query:
        return {}
    return text_ranks(plan.written.query, allowed.sounds(), ids=allowed.ids, prefer=listening.ids, limit=DEPTH)


def _best_written(written: Mapping[int, float], heard: Heard) -> list[int]:
    """The best by words first; of those that words fit alike, as of very many they do, what sounds most like them."""
    by_ear = next((one.found for one in heard.wanted if one.part.is_plain), {})
    ears = {sound_id: one.score for sound_id, one in by_ear.items()}
    return sorted(written, key=lambda sound_id: (-written[sound_id], -ears.get(sound_id, -math.inf), sound_id))


def _is_strong(one: Fused, written: Mapping[int, float], heard: Heard) -> bool:
    if any((likeness := part.found.get(one.id)) and _is_unwanted(likeness) for part in heard.unwanted):
        return False
    if one.id in written or ALL in one.contributions:
        return True
    return any((likeness := part.found.get(one.id)) and likeness.is_likely for part in heard.wanted)


def _is_unwanted(likeness: Likeness) -> bool:
    return likeness.is_likely and likeness.degree > UNWANTED_FROM


def _less_unwanted(fused: list[Fused], heard: Heard) -> list[Fused]:
    """Take from each score in proportion to what is in the sound of what is not wanted."""
    if not heard.unwanted:
        return fused
    lowered = [_lowered(one, heard) for one in fused]
    return sorted(lowered, key=lambda one: (-one.score, one.id))


def _lowered(one: Fused, heard: Heard) -> Fused:
    score, contributions = one.score, dict(one.contributions)
    for part in heard.unwanted:
        likeness = part.found.get(one.id)
        left = 1.0 if likeness is None else max(UNWANTED_LEAVES, 1 - likeness.degree) ** part.part.weight
        contributions[f"-{part.part.name}"] = score * left - score
        score *= left
    return Fused(one.id, score, contributions)


def _different_first(strong: list[Fused], index: SoundIndex) -> list[Fused]:
    best, rest = strong[:DIVERSE], strong[DIVERSE:]
    entries = index.entries(np.array([one.id for one in best], np.int64))
    vectors = np.zeros((len(best), index.dim), np.float32)  # a silent sound is like nothing
    places = {one.id: at for at, one in enumerate(best)}
    for owner, vector in zip(entries.owners.tolist(), entries.vectors, strict=True):
        vectors[places[owner]] = vector
    relevance = np.array([one.score for one in best])
    return [best[at] for at in diverse_order(relevance, vectors)] + rest


def _hit(found: _Found, sound: Sound, one: Fused, places: Sequence[Place]) -> Hit:
    match = one.id in found.written
    written = [PLACES[place].format(word) for place, word in places]
    parts = [part for part in found.heard.wanted if one.id in part.found]
    likely = [part for part in parts if part.found[one.id].is_likely]
    # where words led here, a faint likeness is no reason
    heard = [part.why(one.id) for part in (likely if match else parts)]
    best = max(parts, key=lambda part: part.found[one.id].degree, default=None)
    return Hit(
        sound,
        one.score,
        best.found[one.id].similarity if best else None,
        heard,
        written,
        is_faint=one.id in found.faint_ids,
        moment=_moment_of(likely, one.id),
        parts=_part_scores(found, one),
    )


def _moment_of(parts: Sequence[HeardFound], sound_id: int) -> Moment | None:
    """Where the part is heard of which there is most, among those that are in a place of their own."""
    found = [part.found[sound_id] for part in parts if part.found[sound_id].moment]
    return max(found, key=lambda likeness: likeness.degree).moment if found else None


def _part_scores(found: _Found, one: Fused) -> list[PartScore]:
    heard = {part.part.name: part.found.get(one.id) for part in found.heard.wanted}
    heard |= {f"-{part.part.name}": part.found.get(one.id) for part in found.heard.unwanted}
    return [
        PartScore(name, contribution, likeness.similarity, likeness.degree)
        if (likeness := heard.get(name))
        else PartScore(name, contribution)
        for name, contribution in one.contributions.items()
    ]
