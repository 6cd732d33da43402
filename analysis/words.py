"""How labels read in a sentence: articles, lists and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

# Heads of labels that are substances, activities or places and take no article
UNCOUNTED = frozenset({
    "rain", "thunder", "wind", "hail", "traffic", "tone", "ambience", "speech", "laughter", "applause",
    "water", "noise", "hiss", "static", "code", "countryside", "crackle", "silence", "music", "snow", "fire",
    "ice", "air", "rustle", "foley", "machinery", "metal", "wood", "glass", "gravel", "singing", "typing",
})  # fmt: skip
PLURAL = frozenset({"children", "people", "men", "women", "feet", "geese", "hooves"})
SINGULAR_IN_S = ("ss", "us", "is", "ous")
WITHOUT_HEAD = re.compile(r"\s+(?:on|in|of|at|with|from|under|over|through|by|against|into)\s+")
VOWEL_SOUND = re.compile(r"[aeioAEIO]|[uU](?!ni|se|s[aeiu]|ti|k)|[hH](?:our|onest|eir)|[FHLMNRSX](?=[A-Z-])")
CONSONANT_SOUND = re.compile(r"(?:one\b|eu)", re.IGNORECASE)


@lru_cache(maxsize=1024)  # a vocabulary has some 200 labels, and each is said of many sounds
def with_article(label: str) -> str:
    """Put "a" or "an" before a label that takes one.

    Parameters
    ----------
    label : str
        A noun phrase: `dog bark`, `heavy rain`, `footsteps on gravel`.

    Returns
    -------
    str
        `a dog bark`, `heavy rain`, `footsteps on gravel`.
    """
    return f"{'an' if _begins_with_vowel_sound(label) else 'a'} {label}" if _is_counted(label) else label


def _is_counted(label: str) -> bool:
    words = WITHOUT_HEAD.split(label.lower())[0].split()
    first, head = words[0], words[-1]
    if head in UNCOUNTED or head in PLURAL or _is_plural(head):
        return False
    if head.endswith("ing") and len(head) > 4:  # an activity: countable only as that of one thing ("a baby crying")
        return len(words) > 1 and not (first in UNCOUNTED | PLURAL or _is_plural(first) or first.endswith("ing"))
    return True


def _is_plural(word: str) -> bool:
    return word in PLURAL or (word.endswith("s") and not word.endswith(SINGULAR_IN_S) and len(word) > 3)


def _begins_with_vowel_sound(label: str) -> bool:
    return bool(VOWEL_SOUND.match(label)) and not CONSONANT_SOUND.match(label)


def join_words(words: Sequence[str]) -> str:
    """Join words as a sentence does: `a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def sentence(text: str) -> str:
    """Make a sentence of a text: a capital at the beginning, a full stop at the end."""
    return f"{text[:1].upper()}{text[1:]}."


def frequency(hertz: float) -> str:
    """Say a frequency with two digits that matter."""
    return f"{hertz / 1000:.1f} kHz" if hertz >= 1000 else f"{round(hertz, -1):.0f} Hz"


def seconds(value: float) -> str:
    """Say a length of time as precisely as one hears it."""
    if value >= 120:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{value:.1f} s" if value >= 0.95 else f"{value * 1000:.0f} ms"
