"""How much a sound is like labels that somebody asks about, from the vectors that are stored: no audio is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from analysis.checkpoints import ModelKey, ModelSource, resolve_model
from analysis.clap import read_logit_scale
from analysis.errors import UnknownProfile
from analysis.labels import label_vectors, make_label_space, score_labels
from analysis.vocabulary import CUSTOM_CATEGORY, Label
from catalog import engine
from catalog.heard import HeardVectors, stored_vectors
from catalog.models import Analysis, Sound
from catalog.wording import KnownWords, Reading, by_stem, read_query

MOST_LABELS = 100
"""Of one question: half of a vocabulary, and 100 short sentences take a full-size text tower about two seconds."""
LONGEST_LABEL = 120
"""Characters: a label is a few words."""

Vectors = NDArray[np.float32]


class InvalidQuestion(ValueError):
    """Labels that cannot be asked about; the reason in words."""


class NothingToCompare(LookupError):
    """A sound without vectors that labels could be compared with; what is missing and what to do, in words."""


@dataclass(frozen=True, slots=True)
class Question:
    """Labels as somebody typed them, and how they are read to a model."""

    names: tuple[str, ...]
    readings: tuple[Reading, ...]
    left_out: tuple[str, ...] = ()  # labels of which the model knows no word

    @property
    def notices(self) -> list[str]:
        """What of it the reader should know."""
        notices = [reading.notice for reading in self.readings if reading.notice]
        if self.left_out:
            names = ", ".join(f"“{name}”" for name in self.left_out)
            notices.append(f"The model does not know {names}: left out.")
        if len(self.names) == 1:
            notices.append("One label alone has nothing to be compared with: its share is always all. Ask for several.")
        return notices


@dataclass(frozen=True, slots=True)
class LabelAnswer:
    """How much a sound is like one label."""

    label: str
    share: float  # of the softmax over the labels of the question; they add up to 1
    similarity: float  # cosine of the whole sound and the label
    start_s: float | None  # the window that is most like it; none where the sound has no windows
    end_s: float | None
    strongest: float | None  # cosine of that window
    over_time: tuple[float, ...]  # cosines of all windows; 0 where it is silent


@dataclass(frozen=True, slots=True)
class Answer:
    """Labels by their share, and the same for the label that the analysis gave, to measure them by."""

    labels: list[LabelAnswer]
    yardstick: LabelAnswer | None
    notices: list[str]
    model_id: str


def ask(sound: Sound, text: str) -> Answer:
    """Compare a sound with labels separated by commas.

    Raises InvalidQuestion, NothingToCompare, or ModelUnavailable where the model of the vectors is not on this machine.
    """
    names = split_labels(text)
    if sound.current_analysis is None:
        raise NothingToCompare("This sound has not been analyzed yet, so there is nothing to compare labels with.")
    source = source_of(sound.current_analysis)
    heard = vectors_of_analysis(sound, sound.current_analysis)
    return answer(read_question(names, source), heard, source, yardstick=sound.current_analysis.label)


def vectors_of_analysis(sound: Sound, analysis: Analysis) -> HeardVectors:
    """The vectors of an analysis, those of its profile's windows first; raises NothingToCompare."""
    model = ModelKey(analysis.model_id, analysis.model_revision)
    heard = stored_vectors([sound.pk], model, windows=window_lengths(analysis.profile)).get(sound.pk)
    if heard is None:
        raise NothingToCompare("No vectors are stored for this analysis. Analyze the sound again to ask about labels.")
    return heard


def window_lengths(profile: str) -> tuple[float, float] | None:
    try:
        wanted = engine.profiles().get(profile)
    except UnknownProfile:  # renamed since: any windows of the model will do
        return None
    return (wanted.window_s, wanted.hop_s) if wanted.windowed else (0.0, 0.0)


def ask_about(question: Question, clip: Vectors, source: ModelSource) -> Answer:
    """Compare a vector (dim,) that a model just made; raises ModelUnavailable."""
    nowhere = HeardVectors(clip, np.zeros((0, len(clip)), np.float32), np.zeros(0), 0.0)
    return answer(question, nowhere, source)


def split_labels(text: str) -> list[str]:
    """The labels of a question, each once; raises InvalidQuestion."""
    cleaned = [" ".join(part.split()) for part in text.split(",")]
    by_name: dict[str, str] = {}
    for name in filter(None, cleaned):
        by_name.setdefault(name.casefold(), name)
    names = list(by_name.values())
    if not names:
        raise InvalidQuestion("Write one or more labels, with commas between them: sword clang, metal scrape.")
    if len(names) > MOST_LABELS:
        raise InvalidQuestion(f"Ask for at most {MOST_LABELS} labels at once; these are {len(names)}.")
    longest = max(names, key=len)
    if len(longest) > LONGEST_LABEL:
        start = longest[:30]
        raise InvalidQuestion(f"A label has at most {LONGEST_LABEL} characters; “{start}…” has {len(longest)}.")
    return names


def read_question(names: Sequence[str], source: ModelSource) -> Question:
    """Read labels as a model can; raises InvalidQuestion where it knows none of their words."""
    known_words = KnownWords(source)
    stems = by_stem(text for label in engine.vocabulary().labels for text in (label.name, *label.synonyms))
    readings = {name: read_query(name, known_words.knows, stems) for name in names}
    known = [name for name in names if readings[name].text]
    if not known:
        raise InvalidQuestion(f"The model {source.key.model_id} knows none of these words; ask with other ones.")
    left_out = tuple(name for name in names if name not in known)
    return Question(tuple(known), tuple(readings[name] for name in known), left_out)


def source_of(analysis: Analysis) -> ModelSource:
    """The model that an analysis was made with. Raises NothingToCompare where this machine has another revision."""
    wanted = ModelKey(analysis.model_id, analysis.model_revision)
    if engine.active_model() == wanted:
        return engine.active_source()
    revision = wanted.revision or None
    source = resolve_model(wanted.model_id, revision=revision, models_dir=settings.MODELS_DIR)
    if source.key != wanted:
        raise NothingToCompare(
            f"This sound was heard with {wanted.model_id} at revision {wanted.revision[:12]}, and this machine has"
            f" {source.key.revision[:12]}. Analyze it again to ask about labels."
        )
    return source


def answer(question: Question, heard: HeardVectors, source: ModelSource, *, yardstick: str = "") -> Answer:
    """Compare vectors with the labels of a question and with the label of the vocabulary that is the yardstick."""
    encode = engine.text_encoder(source).encode
    labels = [Label(reading.text, CUSTOM_CATEGORY) for reading in question.readings]
    vectors = label_vectors(labels, source.template, encode)
    space = make_label_space(labels, vectors, read_logit_scale(source))
    shares = score_labels(heard.clip[None], space, top_k=None)[0]
    answers = compare(question.names, vectors, shares, heard)
    measured_by = None
    if yardstick in engine.vocabulary() and yardstick not in question.names:
        vector = label_vectors([engine.vocabulary().label(yardstick)], source.template, encode)
        [measured_by] = compare([yardstick], vector, np.zeros(1, np.float32), heard)
    ordered = sorted(answers, key=lambda one: -one.share)
    return Answer(ordered, measured_by, question.notices, source.key.model_id)


def compare(names: Sequence[str], vectors: Vectors, shares: Vectors, heard: HeardVectors) -> list[LabelAnswer]:
    """Cosines of a sound and its windows with labels (n, dim)."""
    similarities = vectors @ heard.clip  # (n,)
    over_time = heard.windows @ vectors.T  # (n_windows, n)
    audible = np.any(heard.windows, axis=1)
    answers = []
    for place, name in enumerate(names):
        when: tuple[float | None, float | None, float | None] = (None, None, None)
        if audible.any():
            best = int(np.where(audible, over_time[:, place], -np.inf).argmax())
            start_s = float(heard.starts_s[best])
            when = (start_s, start_s + heard.window_s, float(over_time[best, place]))
        curve = tuple(over_time[:, place].tolist())
        answers.append(LabelAnswer(name, float(shares[place]), float(similarities[place]), *when, curve))
    return answers
