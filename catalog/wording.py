"""Words of a query as a model can read them: what it does not know becomes a word that it knows, or is left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tokenizers import Tokenizer

from analysis.checkpoints import ModelSource
from analysis.starter.phrases import FILLERS, STOP_WORDS
from catalog.words import fold

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
SHORTEST_STEM = 4
ROUNDS = 2  # endings that may stand behind one another: "mechan-ic-al"

# fmt: off
ENDINGS = (
    "ically", "ical", "ally", "like", "less", "ness", "ment", "ing", "ish", "ive", "ion", "ful", "ous", "est", "ers",
    "ic", "al", "ly", "ed", "en", "er", "es", "y", "e", "s",
)
"""The longer first, so that "es" is not taken for "s"."""

ASKING = frozenset([
    "i", "me", "my", "you", "is", "are", "be", "it", "its", "this", "that", "these", "those", "like", "something",
    "someone", "anything", "any", "thing", "things", "kind", "sort", "type", "find", "please", "want", "need", "hear",
    "sound", "sounds", "sounding", "noises", "effects", "recording", "audio", "sample", "clip", "one", "as",
])
SAYS_NOTHING = ASKING | STOP_WORDS | frozenset(FILLERS)
"""Words that name no kind of sound: knowing them alone is knowing nothing of a query."""
# fmt: on


@dataclass(frozen=True, slots=True)
class Reading:
    """How a query is read to a model."""

    text: str  # empty where the model knows nothing that says what to listen for
    read_as: tuple[tuple[str, str], ...] = ()  # a word of the query, and the known word that stands for it
    unknown: tuple[str, ...] = ()  # words that were left out

    @property
    def notice(self) -> str:
        """What of it the reader should know; nothing where the query is read as it stands."""
        parts = [f"“{word}” is read as “{known}” by ear." for word, known in self.read_as]
        if self.unknown:
            words = ", ".join(f"“{word}”" for word in self.unknown)
            parts.append(f"The model does not know {words}: listened for “{self.text}” only.")
        return " ".join(parts)


def read_query(query: str, knows: Callable[[str], bool], stems: Mapping[str, str]) -> Reading:
    """Read a query with the words that a model knows.

    `knows` tells of one word whether the model does, `stems` are those of `by_stem`. A query of known words alone
    stays as it is, so a model whose tokenizer spells out every word hears what was typed.
    """
    words = words_of(query)
    kept: list[str] = []
    read_as: dict[str, str] = {}
    unknown: list[str] = []
    for word in words:
        known = word if knows(word) or word in SAYS_NOTHING else stems.get(stem(word), word)
        if not knows(known):
            unknown.append(word)
            continue
        kept.append(known)
        if known != word:
            read_as[word] = known
    if words and not unknown and not read_as:
        return Reading(query)
    if SAYS_NOTHING.issuperset(kept):
        return Reading("", unknown=tuple(dict.fromkeys(unknown)))
    missing = dict.fromkeys(word for word in unknown if word not in SAYS_NOTHING)
    return Reading(" ".join(word for word in kept if word not in ASKING), tuple(read_as.items()), tuple(missing))


class KnownWords:
    """What a model's tokenizer can spell. One that writes every word in pieces or bytes knows them all."""

    def __init__(self, source: ModelSource) -> None:
        path = source.folder / "tokenizer.json"
        self._tokenizer = Tokenizer.from_file(str(path)) if path.is_file() else None
        self._unknown = getattr(self._tokenizer.model, "unk_token", None) if self._tokenizer else None

    def knows(self, word: str) -> bool:
        if self._tokenizer is None or self._unknown is None:
            return True
        tokens = self._tokenizer.encode(word, add_special_tokens=False).tokens
        return bool(tokens) and self._unknown not in tokens


def words_of(text: str) -> list[str]:
    return WORD.findall(text.lower())


def means_one_of(text: str, names: Iterable[str]) -> bool:
    """Whether everything that a text says stands among some names."""
    said = {word for word in words_of(text) if word not in STOP_WORDS and word not in {"sound", "sounds"}}
    return bool(said) and said <= {word for name in names for word in words_of(name)}


def by_stem(texts: Iterable[str]) -> dict[str, str]:
    """The words of texts by their stems; of words with one stem the shortest stands for it."""
    words = {word for text in texts for word in words_of(text)} - SAYS_NOTHING
    return {stem(word): word for word in sorted(words, key=lambda word: (-len(word), word))}


def stem(word: str) -> str:
    """What a word shares with the words made of it: "metal" of "metallic", "mud" of "muddy". English only."""
    left = fold(word.lower()).removesuffix("'s")
    for _ in range(ROUNDS):
        ending = next((end for end in ENDINGS if left.endswith(end) and len(left) - len(end) >= SHORTEST_STEM), "")
        left = left.removesuffix(ending)
        if len(left) >= SHORTEST_STEM and left[-1] == left[-2]:
            left = left[:-1]
    return left
