"""What people ask: lines of the query language in the words of the vocabulary, and pages."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from analysis.vocabulary import Vocabulary
from benchmarks.search_texts import MANNERS, NO_SUCH_THING, PLACES

VARIANTS = 400  # addresses of each kind: more than clients ask for in a moment, so that few answers are remembered

Request = tuple[str, str]
"""A kind, and an address."""


class Mix:
    """Writes requests; the same ones every time."""

    def __init__(self, vocabulary: Vocabulary, sounds: int) -> None:
        self._random = random.Random(12)
        self._labels = [label.name for label in vocabulary.labels]
        self._category_of = {label.name: label.category for label in vocabulary.labels}
        self._categories = [category.name for category in vocabulary.categories]
        self._sounds = sounds

    def unfiltered(self) -> list[Request]:
        return self._addresses(
            {
                "words": self._words,
                "a sentence (~)": self._sentence,
                'a "phrase" and a word': lambda: f'"{self._label()}" {self._of(MANNERS)}',
                "like:ID": lambda: f"like:{self._random.randint(1, self._sounds)}",
                "words less a sound (-~)": lambda: f'{self._label()} -~"{self._label()}"',
                "a word misspelled": self._misspelled,
                "nonsense": lambda: self._of(NO_SUCH_THING),
            }
        ) + self._addresses({"words, not by ear": self._words}, semantic="false")

    def filtered(self) -> list[Request]:
        return self._addresses(
            {
                "words, half pass (ch:2)": lambda: f"{self._words()} ch:2",
                "words, 10 % (sr:96k)": lambda: f"{self._words()} sr:96k",
                "words, 1 % (bd:32)": lambda: f"{self._words()} bd:32",
                "words, a category (cat:)": self._words_in_category,
                "a sentence, a label": lambda: f'{self._sentence()} label:"{self._label()}"',
                "a sentence, dur:<3": lambda: f"{self._sentence()} dur:<3",
                "like:ID, a category": lambda: (
                    f"like:{self._random.randint(1, self._sounds)} cat:{self._of(self._categories)}"
                ),
                "conditions alone": lambda: f"cat:{self._of(self._categories)} ch:2 dur:1-4",
            }
        )

    def pages(self) -> list[Request]:
        requests: list[Request] = [("/", "/")]
        requests += [("/?category=…", f"/?{urlencode({'category': name})}") for name in self._categories]
        for _ in range(VARIANTS):
            requests.append(("/search/?q=words", f"/search/?{urlencode({'q': self._words()})}"))
            requests.append(("/sounds/ID/", f"/sounds/{self._random.randint(1, self._sounds)}/"))
        return even(requests)

    def all(self) -> list[Request]:
        return even([*self.unfiltered(), *self.filtered(), *self.pages()])

    def _addresses(self, lines: Mapping[str, Callable[[], str]], **more: str) -> list[Request]:
        return [
            (kind, f"/api/search?{urlencode({'q': line(), **more})}")
            for kind, line in lines.items()
            for _ in range(VARIANTS)
        ]

    def _words(self) -> str:
        return f"{self._of(MANNERS)} {self._label()}"

    def _words_in_category(self) -> str:
        label = self._label()
        return f"{self._of(MANNERS)} {label} cat:{self._category_of[label]}"

    def _sentence(self) -> str:
        return f'~"a {self._of(MANNERS)} {self._label()} {self._of(PLACES)}"'

    def _misspelled(self) -> str:
        word = self._random.choice([word for name in self._labels for word in name.split() if len(word) > 5])
        at = self._random.randrange(1, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    def _label(self) -> str:
        return self._of(self._labels)

    def _of(self, names: list[str] | tuple[str, ...]) -> str:
        return self._random.choice(names)


def even(requests: list[Request]) -> list[Request]:
    """As many of each kind, so that each is asked for as often."""
    kinds: dict[str, list[Request]] = {}
    for request in requests:
        kinds.setdefault(request[0], []).append(request)
    most = max(len(of_kind) for of_kind in kinds.values())
    return [of_kind[at % len(of_kind)] for of_kind in kinds.values() for at in range(most)]
