"""What people call the covered sounds: texts to train and test the text tower, with the labels each one means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.vocabulary import Label, Vocabulary

if TYPE_CHECKING:
    from numpy.random import Generator

TEMPLATE = "the sound of {}"  # the one that is shipped; all of them are trained alike
TEMPLATES = (
    "{}",
    "{}",
    "{}",
    TEMPLATE,
    "this is a sound of {}.",
    "This is the sound of {}",
    "a sound of {}",
    "sound of {}",
    "sounds of {}",
    "a recording of {}",
    "recording of {}",
    "{} sound",
    "{} sounds",
    "{} sound effect",
    "{} recording",
    "{} in the background",
    "i can hear {}",
    "{} noise",
    "the noise of {}",
    "a {}",
    "the {}",
    "someone hears {}",
    "{} sample",
    "{}, close",
)
CATEGORY_TEMPLATES = ("{}", "{} sound", "{} sounds", "the sound of {}")
# fmt: off
STOP_WORDS = frozenset([
    "a", "an", "and", "at", "by", "for", "from", "in", "into", "of", "off", "on", "onto", "or", "out", "over",
    "the", "through", "to", "under", "up", "with",
])
FILLERS = (
    "old", "big", "small", "loud", "quiet", "soft", "distant", "close", "far", "fast", "slow", "short", "long",
    "strange", "real", "clean", "dirty", "single", "several", "many", "some", "very", "really", "good", "nice",
    "best", "stereo", "mono", "outdoor", "indoor", "outside", "inside", "nearby", "morning", "evening", "loop",
    "effect", "sfx", "foley",
)
SYLLABLES = (
    "zor", "ba", "ku", "mi", "tra", "plo", "fen", "gri", "dux", "wa", "ly", "ster", "no", "qui", "vek", "hom",
    "ja", "pru", "ost", "ila", "rem", "syn", "tog", "uf",
)
# fmt: on
MAX_LABELS_OF_A_WORD = 8  # a word of more labels than this ("sound") names none of them
CERTAIN_WORDS = 2  # phrases of fewer content words than this are not worth shuffling

Targets = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PhraseBook:
    """Texts and the covered labels that they mean.

    `own[i]` are texts that mean label `i` alone; `shared` are texts with a weight per label, rows
    summing to one ("rain" is heavy rain, light rain and rain on a metal roof). A text that means
    nothing covered weighs the same for all labels.
    """

    labels: tuple[str, ...]
    own: tuple[tuple[str, ...], ...]
    shared: tuple[str, ...]
    shared_targets: Targets  # (n_shared, n_labels)
    everything: tuple[str, ...]  # every text of the vocabulary, for the tokenizer

    def draw_own(self, random: Generator) -> list[str]:
        """Draw one varied text per label, in the order of the labels."""
        return [vary(str(random.choice(texts)), random) for texts in self.own]

    def draw_shared(self, random: Generator, count: int) -> tuple[list[str], Targets]:
        """Draw varied texts of several labels, or of none, with their targets of shape (count, n_labels)."""
        rows = random.integers(0, len(self.shared), count)
        texts = [vary(self.shared[row], random) for row in rows]
        targets = self.shared_targets[rows]
        for row in np.flatnonzero(random.random(count) < 0.05):
            texts[row] = " ".join(invent_word(random) for _ in range(random.integers(1, 4)))
            targets[row] = 1.0 / len(self.labels)
        return texts, targets


def build_phrase_book(vocabulary: Vocabulary, covered: Iterable[str]) -> PhraseBook:
    """Sort the texts of a vocabulary by the covered labels that they mean.

    Parameters
    ----------
    vocabulary : Vocabulary
        With labels that are covered and labels that are not.
    covered : iterable of str
        Labels that the model is trained on.

    Returns
    -------
    PhraseBook

    Raises
    ------
    VocabularyError
        A covered label is not in the vocabulary.
    """
    labels = tuple(vocabulary.label(name) for name in sorted(covered))
    meanings: dict[str, set[str]] = defaultdict(set)
    for label in vocabulary.labels:
        for text in (label.name, *label.prompts, *label.synonyms):
            meanings[normalize(text)].add(label.name)
    for label in labels:
        meanings[normalize(label.name)] = {label.name}  # a label's name means it, also where it is another's synonym
    known = {label.name for label in labels}
    own: dict[str, list[str]] = {name: [] for name in sorted(known)}
    shared: dict[str, set[str]] = {}
    for text, names in meanings.items():
        if len(names & known) == 1:
            own[next(iter(names & known))].append(text)
        else:
            shared[text] = names & known or _related(names, vocabulary, labels)
    parts = (*_single_words(labels), *_category_names(labels))
    shared |= {text: names for text, names in parts if text not in meanings}
    return PhraseBook(
        labels=tuple(own),
        own=tuple(tuple(texts) for texts in own.values()),
        shared=tuple(shared),
        shared_targets=_targets(shared.values(), list(own)),
        everything=tuple(meanings),
    )


def normalize(text: str) -> str:
    """Lower a text's case and reduce everything but letters, digits and apostrophes to single spaces."""
    return " ".join(re.sub(r"[^\w']+", " ", text.lower()).split())


def vary(text: str, random: Generator) -> str:
    """Say the same in another way: template, inflections, word order, words that mean nothing, case."""
    words = text.split()
    if random.random() < 0.3:
        words = [word for word in words if word not in STOP_WORDS] or words
    if random.random() < 0.25:
        at = int(random.integers(len(words)))
        words[at] = inflect(words[at], random)
    if len(words) >= CERTAIN_WORDS and random.random() < 0.1:
        random.shuffle(words)
    if random.random() < 0.2:
        words.insert(int(random.integers(len(words) + 1)), distract(random))
    varied = TEMPLATES[random.integers(len(TEMPLATES))].format(" ".join(words))
    return varied.upper() if random.random() < 0.02 else varied


def distract(random: Generator) -> str:
    """Draw a word that says nothing about the kind of sound."""
    return str(random.choice(FILLERS)) if random.random() < 0.6 else invent_word(random)


def invent_word(random: Generator) -> str:
    """Make up a word that is in no vocabulary."""
    return "".join(random.choice(SYLLABLES, size=random.integers(1, 4)))


def inflect(word: str, random: Generator) -> str:
    """Put a word into another of its regular English forms."""
    if word in STOP_WORDS or len(word) < 3:
        return word
    forms = inflections(word)
    return forms[int(random.integers(len(forms)))]


def inflections(word: str) -> list[str]:
    """List the regular English forms of a word: plural and singular, -ing and -ed."""
    stem = re.sub(r"(?<=[a-z]{3})(ing|ed|es|s)$", "", word)
    plural = f"{stem}es" if re.search(r"(s|x|z|ch|sh)$", stem) else f"{stem}s"
    verb = stem.removesuffix("e")
    return [stem, plural, f"{verb}ing", f"{verb}ed"]


def _related(names: Iterable[str], vocabulary: Vocabulary, labels: Sequence[Label]) -> set[str]:
    """Find the covered labels that share a synonym with labels that are not covered."""
    synonyms = {normalize(text) for name in names for text in vocabulary.label(name).synonyms}
    return {label.name for label in labels if synonyms.intersection(map(normalize, (label.name, *label.synonyms)))}


def _single_words(labels: Sequence[Label]) -> Iterator[tuple[str, set[str]]]:
    """Yield each word of the covered labels and their synonyms with the labels that it occurs in."""
    occurrences: dict[str, set[str]] = defaultdict(set)
    for label in labels:
        for text in (label.name, *label.synonyms):
            for word in sorted(set(normalize(text).split()) - STOP_WORDS):
                occurrences[word].add(label.name)
    for word, names in occurrences.items():
        if len(names) <= MAX_LABELS_OF_A_WORD:
            yield word, names


def _category_names(labels: Sequence[Label]) -> Iterator[tuple[str, set[str]]]:
    """Yield each category's name with its covered labels."""
    for category in sorted({label.category for label in labels}):
        yield normalize(category), {label.name for label in labels if label.category == category}


def _targets(meanings: Iterable[set[str]], labels: Sequence[str]) -> Targets:
    """Weigh the labels of each text alike; a text of no covered label weighs all the same."""
    column = {label: index for index, label in enumerate(labels)}
    rows = []
    for known in meanings:
        row = np.zeros(len(labels), dtype=np.float32)
        row[[column[label] for label in known or labels]] = 1.0 / len(known or labels)
        rows.append(row)
    return np.stack(rows) if rows else np.zeros((0, len(labels)), dtype=np.float32)
