"""Sounds for words, for a sound, or for a file: what is found by words and by ear, merged, with the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from analysis.errors import ModelUnavailable
from analysis.labels import SILENCE_LABEL
from catalog import engine
from catalog.browse import SoundFilters
from catalog.lexical import LexicalMatch, lexical_matches
from catalog.models import Embedding, Sound
from catalog.wording import means_one_of
from search import text
from search.errors import UnknownWords
from search.ranking import MEANING, WORDS, Fused, chance_score, fuse, rank_among_labels, strengths
from search.sync import current_index

CANDIDATES = 1_000
"""Nearest sounds that are looked at again with the labels in view: wide enough that hubs cannot crowd out the right
ones, and small enough to take a millisecond or two."""

DEPTH = 500
"""Sounds of each part that count in the merged order, and the most that one answer holds. It is the same however many
are asked for, so that asking for more never changes the order of the first."""

SHORT_REVISION = 12

PLACES = {
    "file name": 'name has "{}"',
    "written in the file": 'the file says "{}"',
    "tag": 'tags have "{}"',
    "label": 'label has "{}"',
    "description": 'description has "{}"',
    "synonym": 'another word for it is "{}"',
}
"""Where catalog.lexical found a word, as a reason to read."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A found sound and why it was found."""

    sound: Sound
    score: float  # of the merged order, or the cosine where a sound was asked with: to compare within one answer only
    similarity: float | None  # cosine as the model gives it; None where only words led here
    heard: list[str] = field(default_factory=list)  # reasons of the ear
    written: list[str] = field(default_factory=list)  # places where its words stand
    is_faint: bool = False  # there for nothing but a faint likeness, which every sound has to every word

    @property
    def why(self) -> list[str]:
        return [*self.heard, *self.written]


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What was found, the best first."""

    query: str
    hits: list[Hit] = field(default_factory=list)
    notice: str = ""  # what the reader should know: a part of the search that could not be done
    strong_ids: tuple[int, ...] = ()  # all that is more than faintly like it, however many hits were asked for


@dataclass(frozen=True, slots=True)
class _Likeness:
    """How near a sound lies to what was asked for, and whether that is more than chance."""

    similarity: float
    is_likely: bool = True
    strength: float | None = None  # what decided its place, from 0 at chance to 1; None where the similarity did

    def why(self, what: str) -> str:
        if not self.is_likely or (self.similarity < 0 and self.strength is None):
            return f'faintly like "{what}"'
        if self.strength is None:
            return f'sounds like "{what}" (similarity {self.similarity:.2f})'
        return f'sounds like "{what}" (match {100 * self.strength:.0f} %)'


@dataclass(frozen=True, slots=True)
class _Heard:
    """Sounds that resemble the words of a query, the best first."""

    likenesses: Mapping[int, _Likeness] = field(default_factory=dict)
    listened_for: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """What both parts found: the merged order, in which all that is faint stands behind all that is not."""

    written: Mapping[int, LexicalMatch]
    heard: _Heard
    strong: Sequence[Fused]
    faint: Sequence[Fused]


def search_sounds(
    query: str, filters: SoundFilters | None = None, *, limit: int = 50, lexical: bool = True, semantic: bool = True
) -> SearchResults:
    """Find sounds for words. `lexical` searches what is written, `semantic` what is heard; both are merged."""
    words = " ".join(query.split())
    if not words or limit < 1:
        return SearchResults(words)
    found = _find(words, filters, lexical=lexical, semantic=semantic)
    best = [*found.strong, *found.faint][: min(limit, DEPTH)]
    sounds = _sounds(one.id for one in best)
    hits = [_hit(found, sounds[one.id], one) for one in best if one.id in sounds]  # else removed a moment ago
    return SearchResults(words, hits, found.heard.notice, tuple(one.id for one in found.strong))


def strong_ids(query: str, filters: SoundFilters | None = None, *, lexical: bool, semantic: bool) -> tuple[int, ...]:
    """The sounds that are more than faintly like the words, the best first, without reading their rows."""
    words = " ".join(query.split())
    if not words:
        return ()
    return tuple(one.id for one in _find(words, filters, lexical=lexical, semantic=semantic).strong)


def _find(words: str, filters: SoundFilters | None, *, lexical: bool, semantic: bool) -> _Found:
    filters = None if filters is None else replace(filters, q="")  # its words would have to match as well
    written = {match.sound_id: match for match in lexical_matches(words, filters, DEPTH)} if lexical else {}
    heard = _hear(words, filters, with_words=lexical) if semantic else _Heard()
    fused = fuse({WORDS: list(written), MEANING: list(heard.likenesses)})
    strong = [one for one in fused if one.id in written or heard.likenesses[one.id].is_likely]
    faint = [one for one in fused if one.id not in written and not heard.likenesses[one.id].is_likely]
    return _Found(written, heard, strong[:DEPTH], faint)


def similar_sounds(sound: Sound, *, limit: int = 20) -> SearchResults:
    """Find sounds that sound like one of the catalog."""
    try:
        model = engine.active_model()
    except ModelUnavailable as error:
        return SearchResults(sound.file_name, notice=f"Similar sounds cannot be found: {error}")
    index = current_index(model)
    if index is None:
        return SearchResults(sound.file_name, notice=_nothing_heard_yet(model))
    with index.steady():
        if sound.pk not in index:
            notice = f"This sound is silent or has not been analyzed with {model.model_id} yet."
            return SearchResults(sound.file_name, notice=notice)
        ids, cosines = index.search(index.vectors([sound.pk])[0], limit + 1)
    others = ids != sound.pk
    return _resembling(sound.file_name, ids[others][:limit], cosines[others][:limit], content_hash=sound.content_hash)


def similar_to_audio(path: Path, *, name: str = "", limit: int = 20) -> SearchResults:
    """Find sounds that sound like a file, which need not be in the catalog; `name` is what to call it."""
    analyzed = engine.analyzer().analyze(path, "clip_only")
    embeddings = analyzed.embeddings
    model = ModelKey(embeddings.model_id, embeddings.model_revision)
    index = current_index(model)
    called = name or path.name
    if not embeddings.clip.any():
        return SearchResults(called, notice="This file is silent: nothing sounds like it.")
    if index is None:
        return SearchResults(called, notice=_nothing_heard_yet(model))
    ids, cosines = index.search(embeddings.clip, limit)
    return _resembling(called, ids, cosines, content_hash=analyzed.content_hash)


def _hear(words: str, filters: SoundFilters | None, *, with_words: bool) -> _Heard:
    try:
        model = engine.active_model()
        index = current_index(model)
        if index is None:
            return _Heard(notice=f"Searched in words only. {_nothing_heard_yet(model)}")
        meaning = text.meaning_of(words)
    except ModelUnavailable as error:
        return _Heard(notice=f"Searched in words only, not by ear: {error}")
    except UnknownWords as error:
        return _Heard(notice=f"{'Searched in words only' if with_words else 'Nothing to listen for'}: {error}.")
    allowed = None if filters is None or filters.is_empty else _allowed_ids(filters)
    with index.steady():
        ids, cosines = index.search(meaning.vector, CANDIDATES, allowed_ids=allowed)
        label_cosines = index.vectors(ids) @ meaning.label_vectors.T
    query_to_labels = meaning.label_vectors @ meaning.vector
    scores = rank_among_labels(cosines, label_cosines, query_to_labels, logit_scale=meaning.logit_scale)
    chance = chance_score(query_to_labels)
    likely = scores > chance
    decided = strengths(scores, chance).tolist() if query_to_labels.size else [None] * len(scores)
    order = np.argsort(-scores, kind="stable")[:DEPTH].tolist()
    silent = set() if _means_silence(words) else _silent_ids(ids[order].tolist())
    likenesses = {
        int(ids[at]): _Likeness(float(cosines[at]), bool(likely[at]), decided[at])
        for at in order
        if int(ids[at]) not in silent
    }
    return _Heard(likenesses, meaning.reading.text, meaning.reading.notice)


def _means_silence(words: str) -> bool:
    vocabulary = engine.vocabulary()
    synonyms = vocabulary.label(SILENCE_LABEL).synonyms if SILENCE_LABEL in vocabulary else ()
    return means_one_of(words, (SILENCE_LABEL, *synonyms))


def _silent_ids(ids: Sequence[int]) -> set[int]:
    """Which sounds were measured to be silent: what a model hears in them is nothing."""
    return set(Sound.objects.filter(pk__in=ids, label=SILENCE_LABEL).order_by().values_list("id", flat=True))


def _allowed_ids(filters: SoundFilters) -> NDArray[np.int64]:
    ids = filters.apply(Sound.objects.all()).order_by().values_list("id", flat=True)
    return np.fromiter(ids, np.int64)


def _sounds(ids: Iterable[int]) -> dict[int, Sound]:
    columns = Sound.objects.select_related("library", "current_analysis")
    return columns.defer("search_vector", "search_name", "search_words", "embedded").in_bulk(list(ids))


def _resembling(name: str, ids: NDArray[np.int64], cosines: NDArray[np.float32], *, content_hash: str) -> SearchResults:
    sounds = _sounds(ids.tolist())
    hits = []
    for sound_id, cosine in zip(ids.tolist(), cosines.tolist(), strict=True):
        if found := sounds.get(sound_id):
            same = ["the same audio"] if content_hash and found.content_hash == content_hash else []
            hits.append(Hit(found, cosine, cosine, heard=[*same, _Likeness(cosine).why(name)]))
    return SearchResults(name, hits)


def _hit(found: _Found, sound: Sound, one: Fused) -> Hit:
    match, likeness = found.written.get(one.id), found.heard.likenesses.get(one.id)
    written = [PLACES[place].format(word) for place, word in match.found] if match else []
    if likeness is None:
        return Hit(sound, one.score, None, written=written)
    if match is not None and not likeness.is_likely:  # its words led here; a faint likeness is no reason
        return Hit(sound, one.score, likeness.similarity, written=written)
    heard = [likeness.why(found.heard.listened_for)]
    return Hit(sound, one.score, likeness.similarity, heard, written, is_faint=not likeness.is_likely)


def _nothing_heard_yet(model: ModelKey) -> str:
    """Why a model has no index."""
    others = Embedding.objects.exclude(model_id=model.model_id, model_revision=model.revision)
    latest = others.order_by("-id").values_list("model_id", "model_revision").first()
    if latest is None:
        return f"No sound has been analyzed with {model.model_id} yet."
    other = ModelKey(*latest)
    if other.model_id != model.model_id:
        return f"The sounds were analyzed with {other.model_id}, not with {model.model_id}: analyze them again."
    was, now = other.revision[:SHORT_REVISION] or "none", model.revision[:SHORT_REVISION] or "none"
    return f"The sounds were analyzed with revision {was} of {model.model_id}, not with {now}: analyze them again."
