"""What can be typed next: fields, their values, words of the sounds and labels of the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from catalog import engine
from catalog.fields import FIELDS, BadFieldValue, SearchField, complete_value, field, field_names
from catalog.models import Word
from catalog.words import fold
from search.query.complete import Typing, completed, typed_at
from search.query.scanner import MAX_LENGTH

MOST = 8
MOST_FIELDS = 4
LEAST_LETTERS = 2
"""Of a word: one letter says too little to be worth covering the page."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A way to go on, the whole query with it, and where the cursor stands then, in characters."""

    shown: str
    note: str
    kind: str  # "field", "value", "word" or "label"
    text: str
    cursor: int


@require_GET
def complete(request: HttpRequest) -> JsonResponse:
    text = request.GET.get("q", "")[:MAX_LENGTH].replace("\0", " ")
    at = request.GET.get("at", "")
    cursor = int(at) if at.isdecimal() and len(at) < 6 else len(text)
    return JsonResponse({"suggestions": [asdict(one) for one in suggestions(text, cursor)]})


def suggestions(text: str, cursor: int) -> list[Suggestion]:
    typing = typed_at(text, cursor, field_names=field_names())
    if typing.kind == "field value":
        return values(text, typing)
    found = [*islice(fields(text, typing), MOST_FIELDS), *words(text, typing)]
    return found[:MOST]


def values(text: str, typing: Typing) -> list[Suggestion]:
    """Values that sounds have; where these are too many, an example of how they are written."""
    try:
        of_field, known = field(typing.field), complete_value(typing.field, typing.prefix, MOST)
    except BadFieldValue:
        return []
    found = [
        suggestion(text, typing, one.value, counted(one.count), "value")
        for one in known
        if one.value.lower() != typing.prefix.lower()
    ]
    return found or ([] if typing.prefix else [example(text, typing, of_field)])


def example(text: str, typing: Typing, of_field: SearchField) -> Suggestion:
    value = of_field.example.partition(":")[2]
    text = f"{text[: typing.span.start]}{value}{text[typing.span.end :]}"
    note = f"{of_field.title}{f', in {of_field.unit}' if of_field.unit else ''}; for example"
    return Suggestion(value, note, "value", text, typing.span.start + len(value))


def fields(text: str, typing: Typing) -> Iterator[Suggestion]:
    """Fields whose name, or another name of theirs, begins so; each once, the ones with few letters first."""
    if typing.kind != "field name":
        return
    for one in FIELDS:
        name = next((name for name in (one.name, *one.aliases) if name.startswith(typing.prefix)), "")
        if name:
            yield suggestion(text, typing, name, one.title, "field", shown=f"{name}:")


def words(text: str, typing: Typing) -> list[Suggestion]:
    """Labels and words that begin so, the commonest first."""
    prefix = fold(typing.prefix).lower()
    if len(prefix) < LEAST_LETTERS:
        return []
    as_word = Typing("word", "", typing.prefix, typing.span)
    rows = Word.objects.filter(word__startswith=prefix).order_by("-sounds", "word").values_list("word", "sounds")
    counts = {word: sounds for word, sounds in rows[:MOST] if word != prefix}
    labels = [one.name for one in engine.vocabulary().labels if one.name.startswith(prefix) and one.name != prefix]
    found = [suggestion(text, as_word, word, counted(count), "word") for word, count in counts.items()]
    heard = [
        suggestion(text, as_word, label, "something to listen for", "label") for label in labels if label not in counts
    ]
    return [*found[: MOST - min(len(heard), MOST // 2)], *heard]


def suggestion(text: str, typing: Typing, choice: str, note: str, kind: str, *, shown: str = "") -> Suggestion:
    whole, cursor = completed(text, typing, choice)
    return Suggestion(shown or choice, note, kind, whole, cursor)


def counted(sounds: int) -> str:
    return f"{sounds:,} sound{'' if sounds == 1 else 's'}" if sounds else ""
