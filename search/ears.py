"""What a query finds by ear: each part that is listened for, and how much of it is in which sound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from analysis.errors import ModelUnavailable
from analysis.labels import SILENCE_LABEL
from catalog import engine
from catalog.models import Embedding, Sound
from catalog.remembered import remembered_ids
from catalog.wording import means_one_of
from search import text
from search.allowed import Allowed
from search.chances import chance_among
from search.confidence import Verdict
from search.errors import UnknownWords
from search.examples import NoExample, example_vector
from search.hearing import (
    AnyTarget,
    Likeness,
    SoundTarget,
    Target,
    TextTarget,
    candidates,
    likenesses,
    verdict_of,
)
from search.index import MomentIndex, SoundIndex
from search.plan import HeardPart, Plan
from search.query.syntax import Like
from search.results import DEPTH, How, clock
from search.sync import current_index, current_moments

SHORT_REVISION = 12


@dataclass(frozen=True, slots=True)
class HeardFound:
    """A part of the query and what was found of it, by sound."""

    part: HeardPart
    found: Mapping[int, Likeness]

    def why(self, sound_id: int) -> str:
        likeness, what = self.found[sound_id], self.part.shown
        if not likeness.is_likely or (likeness.similarity < 0 and likeness.strength is None):
            return f'faintly like "{what}"'
        where = f" at {clock(likeness.moment.start_s)}" if likeness.moment else ""
        if likeness.strength is None:
            return f'sounds like "{what}"{where} (similarity {likeness.similarity:.2f})'
        return f'sounds like "{what}"{where} (match {100 * likeness.strength:.0f} %)'


@dataclass(frozen=True, slots=True)
class Heard:
    """What was found by ear."""

    wanted: Sequence[HeardFound] = ()
    unwanted: Sequence[HeardFound] = ()
    verdict: Verdict | None = None
    notices: Sequence[str] = ()
    index: SoundIndex | None = None


def targets_of(plan: Plan) -> list[tuple[HeardPart, Target]]:
    """What a plan listens for, to look for it in the moments of sounds; nothing where it cannot be listened for."""
    try:
        model = engine.active_model()
        index = current_index(model)
        return _targets(plan.wanted, model, [], index, with_words=True) if index is not None else []
    except ModelUnavailable:
        return []


@dataclass(frozen=True, slots=True)
class Listening:
    """What is listened for, and the sounds that come into question for it by ear."""

    plan: Plan
    wanted: Sequence[tuple[HeardPart, Target]] = ()
    unwanted: Sequence[tuple[HeardPart, Target]] = ()
    near: Sequence[NDArray[np.int64]] = ()  # of each wanted part, in rising order
    among: int | None = None  # how many sounds could have been near; None for all
    index: SoundIndex | None = None  # None where nothing is listened for
    moments: MomentIndex | None = None
    notices: Sequence[str] = ()

    @property
    def ids(self) -> NDArray[np.int64]:
        """All that are near, in rising order."""
        return np.unique(np.concatenate(self.near)) if self.near else np.empty(0, np.int64)

    def only(self, ids: NDArray[np.int64]) -> Listening:
        """The same with no other sounds than some, which are in rising order."""
        return replace(self, near=[np.intersect1d(one, ids, assume_unique=True) for one in self.near])


def listen(plan: Plan, allowed: Allowed, how: How) -> Listening:
    """Look for what is near the parts of a plan; what cannot be listened for is told in a notice."""
    if not how.semantic:
        parts = [part for part in (*plan.wanted, *plan.unwanted) if not part.is_plain]
        told = f"Searched in words only: {', '.join(part.name for part in parts)} was not listened for."
        return Listening(plan, notices=[told] if parts else [])
    if not (plan.wanted or plan.unwanted):
        return Listening(plan)
    try:
        model = engine.active_model()
        index, moments = current_index(model), current_moments(model)
        if index is None:
            return Listening(plan, notices=[f"Searched in words only. {nothing_heard_yet(model)}"])
        notices: list[str] = []
        wanted = _targets(plan.wanted, model, notices, index, with_words=how.lexical)
        unwanted = _targets(plan.unwanted, model, notices, index, with_words=how.lexical)
    except ModelUnavailable as error:
        return Listening(plan, notices=[f"Searched in words only, not by ear: {error}"])
    among = allowed.ids() if wanted else None  # asked of the database before the index is held
    with index.steady():
        near = [candidates(target, index, moments, allowed=among) for _, target in wanted]
    count = None if among is None else len(among)
    return Listening(plan, wanted, unwanted, near, count, index, moments, notices)


def hear(listening: Listening, also: Collection[int] = ()) -> Heard:
    """How much of each part is in what is near; what is not wanted is listened for in sounds of `also` too."""
    index, moments = listening.index, listening.moments
    if index is None:
        return Heard(notices=listening.notices)
    silent = None if _means_silence(listening.plan) else SILENCE_LABEL
    among = listening.ids
    with index.steady():
        heard = [HeardFound(part, likenesses(target, among, index, moments)) for part, target in listening.wanted]
        verdict = None
        if heard:
            sounds = len(index) if listening.among is None else listening.among
            verdict = verdict_of(heard[0].found, chance_among(index, listening.wanted[0][1], sounds=sounds))
        asked = np.union1d(among, np.array(sorted(also), np.int64))
        avoided = [HeardFound(part, likenesses(target, asked, index, moments)) for part, target in listening.unwanted]
    return _without_silent(Heard(heard, avoided, verdict, listening.notices, index), silent)


def _without_silent(heard: Heard, silence: str | None) -> Heard:
    """What a model hears in sounds that were measured to be silent is nothing."""
    found = {sound_id for part in heard.wanted for sound_id in part.found}
    silent = _silent_ids(list(found)) if silence and found else set()
    if not silent:
        return heard
    left = [
        replace(part, found={sound_id: one for sound_id, one in part.found.items() if sound_id not in silent})
        for part in heard.wanted
    ]
    return replace(heard, wanted=left)


def _targets(
    parts: Sequence[HeardPart], model: ModelKey, notices: list[str], index: SoundIndex, *, with_words: bool
) -> list[tuple[HeardPart, Target]]:
    found = []
    for part in parts:
        target = _target(part, model, notices, index, with_words=with_words)
        if target is not None:
            found.append((_as_read(part, target), target))
    return _named_apart(found)


def _named_apart(found: list[tuple[HeardPart, Target]]) -> list[tuple[HeardPart, Target]]:
    """Parts that say the same become one, that counts as much as they do together."""
    by_name: dict[str, tuple[HeardPart, Target]] = {}
    for part, target in found:
        first = by_name.get(part.name)
        weight = part.weight + (first[0].weight if first else 0.0)
        by_name[part.name] = (replace(first[0] if first else part, weight=weight), first[1] if first else target)
    return list(by_name.values())


def _as_read(part: HeardPart, target: Target) -> HeardPart:
    """The part in the words that the model knows, so that a reason names what was listened for."""
    if isinstance(target, TextTarget) and len(part.alternatives) == 1 and not isinstance(part.alternatives[0], Like):
        return replace(part, alternatives=(replace(part.alternatives[0], text=target.meaning.reading.text),))
    return part


def _target(
    part: HeardPart, model: ModelKey, notices: list[str], index: SoundIndex | None, *, with_words: bool = True
) -> Target | None:
    """What a part listens for; what of it cannot be listened for is told in a notice."""
    targets: list[Target] = []
    for one in part.alternatives:
        try:
            if isinstance(one, Like):
                vector = example_vector(one, model, index)
                targets.append(SoundTarget(vector, chance_among(index, SoundTarget(vector)) if index else None))
            else:
                meaning = text.meaning_of(one.text)
                notices += [meaning.reading.notice] if meaning.reading.notice else []
                targets.append(TextTarget(meaning))
        except NoExample as error:
            notices.append(str(error))
        except UnknownWords as error:
            left = "Searched in words only" if part.is_plain and with_words else "Nothing to listen for"
            notices.append(f"{left}: {error}.")
    if not targets:
        return None
    return targets[0] if len(targets) == 1 else AnyTarget(targets)


def _means_silence(plan: Plan) -> bool:
    vocabulary = engine.vocabulary()
    synonyms = vocabulary.label(SILENCE_LABEL).synonyms if SILENCE_LABEL in vocabulary else ()
    texts = [one.text for part in plan.wanted for one in part.alternatives if not isinstance(one, Like)]
    return any(means_one_of(said, (SILENCE_LABEL, *synonyms)) for said in texts)


def best_of(found: Mapping[int, Likeness]) -> list[int]:
    """The sounds of which there is most, as many as count in the merged order; equal ones by their id."""
    return sorted(found, key=lambda sound_id: (-found[sound_id].score, sound_id))[:DEPTH]


def _silent_ids(ids: Sequence[int]) -> set[int]:
    """Which sounds were measured to be silent: what a model hears in them is nothing."""
    silent = remembered_ids(Sound.objects.filter(label=SILENCE_LABEL))
    return set(np.intersect1d(silent, ids).tolist())


def nothing_heard_yet(model: ModelKey) -> str:
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
