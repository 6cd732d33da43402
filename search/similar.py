"""Sounds that sound like a sound of the catalog, a part of one, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from analysis.errors import ModelUnavailable
from catalog import engine
from catalog.browse import SoundFilters
from catalog.models import Sound
from search.allowed import Allowed
from search.chances import chance_among
from search.ears import nothing_heard_yet
from search.examples import NoExample, check_region_of, example_vector
from search.hearing import (
    Likeness,
    SoundTarget,
    candidates,
    likenesses,
    verdict_of,
)
from search.index import MomentIndex, SoundIndex
from search.query.syntax import Like, Span, write
from search.reading import Reading, read
from search.results import DEPTH, Hit, PartScore, SearchResults, clock, sounds_of
from search.sync import current_index, current_moments


def similar_sounds(
    sound: Sound,
    *,
    limit: int = 20,
    filters: SoundFilters | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
) -> SearchResults:
    """Find sounds that sound like one of the catalog, or like a region of it; raises InvalidRegion."""
    check_region_of(sound, start_s, end_s)
    like = Like(sound.pk, start_s, end_s, Span(0, 0))
    example = Example(sound.file_name, sound.content_hash if like.is_whole else "", sound.pk, read(write(like)))
    try:
        model = engine.active_model()
    except ModelUnavailable as error:
        return example.without_answer(f"Similar sounds cannot be found: {error}")
    index = current_index(model)
    if index is None:
        return example.without_answer(nothing_heard_yet(model))
    if like.is_whole and sound.pk not in index:
        return example.without_answer(f"This sound is silent or has not been analyzed with {model.model_id} yet.")
    try:
        vector = example_vector(like, model, index)
    except NoExample as error:
        return example.without_answer(str(error))
    return _resembling(example, vector, index, current_moments(model), Allowed(filters, None), limit)


def similar_to_audio(
    path: Path, *, name: str = "", limit: int = 20, filters: SoundFilters | None = None
) -> SearchResults:
    """Find sounds that sound like a file, which need not be in the catalog; `name` is what to call it."""
    analyzed = engine.analyzer().analyze(path, "clip_only")
    embeddings = analyzed.embeddings
    model = ModelKey(embeddings.model_id, embeddings.model_revision)
    index = current_index(model)
    example = Example(name or path.name, analyzed.content_hash)
    if not embeddings.clip.any():
        return example.without_answer("This file is silent: nothing sounds like it.")
    if index is None:
        return example.without_answer(nothing_heard_yet(model))
    return _resembling(example, embeddings.clip, index, current_moments(model), Allowed(filters, None), limit)


@dataclass(frozen=True, slots=True)
class Example:
    """A sound to find others like."""

    name: str
    content_hash: str = ""
    sound_id: int | None = None  # where it is one of the catalog, which is not found itself
    reading: Reading | None = None  # the line that asks the same

    def without_answer(self, notice: str) -> SearchResults:
        return SearchResults(self.name, notice=notice, reading=self.reading)

    def hit(self, sound: Sound, likeness: Likeness) -> Hit:
        cosine, moment = likeness.similarity, likeness.moment
        same = ["the same audio"] if self.content_hash and sound.content_hash == self.content_hash else []
        where = f" at {clock(moment.start_s)}" if moment else ""
        like = f'sounds like "{self.name}"{where} (similarity {cosine:.2f})'
        return Hit(
            sound,
            cosine,
            cosine,
            heard=[*same, like if cosine >= 0 else f'faintly like "{self.name}"'],
            is_faint=not likeness.is_likely,
            moment=moment,
            parts=[PartScore(f"~{self.name}", cosine, cosine, likeness.degree)],
        )


def _resembling(
    example: Example,
    vector: NDArray[np.float32],
    index: SoundIndex,
    moments: MomentIndex | None,
    allowed: Allowed,
    limit: int,
) -> SearchResults:
    ids = allowed.ids()
    with index.steady():
        chance = chance_among(index, SoundTarget(vector), sounds=None if ids is None else len(ids))
        target = SoundTarget(vector, chance)
        among = candidates(target, index, moments, allowed=ids)
        found = likenesses(target, among, index, moments)
    found.pop(example.sound_id or 0, None)
    order = sorted(found, key=lambda sound_id: (-found[sound_id].score, sound_id))[:DEPTH]
    sounds = sounds_of(order[:limit])
    return SearchResults(
        example.name,
        [example.hit(sounds[one], found[one]) for one in order[:limit] if one in sounds],
        strong_ids=tuple(one for one in order if found[one].is_likely),
        verdict=verdict_of(found, chance),
        reading=example.reading,
    )
