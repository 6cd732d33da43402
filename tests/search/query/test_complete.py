"""What is being typed at the cursor, which is the `¦` of these texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.query.complete import Typing, completed, typed_at
from tests.search.query.samples import FIELDS, any_text


def typing(text: str) -> Typing:
    return typed_at(text.replace("¦", ""), text.index("¦"), field_names=FIELDS)


def choose(text: str, choice: str) -> str:
    plain = text.replace("¦", "")
    chosen, cursor = completed(plain, typing(text), choice)
    return f"{chosen[:cursor]}¦{chosen[cursor:]}"


@pytest.mark.parametrize(
    ("text", "kind", "field", "prefix"),
    [
        ("¦", "word", "", ""),
        ("win¦", "word", "", "win"),
        ("win¦d rain", "word", "", "win"),
        ("rain ¦", "word", "", ""),
        ("du¦", "field name", "", "du"),
        ("-(DU¦", "field name", "", "du"),
        ("~du¦", "word", "", "du"),
        ('"dog ba¦', "word", "", "ba"),
        ("tag:¦", "field value", "tag", ""),
        ("rain -tag:ra¦", "field value", "tag", "ra"),
        ("dur:<1¦", "field value", "dur", "1"),
        ('cat:"a b¦', "field value", "cat", "a b"),
        ("tag:(rain|wi¦", "field value", "tag", "wi"),
        ("tag:(rain, ¦", "field value", "tag", ""),
        ("tag:(rain) wi¦", "word", "", "wi"),
        ("tag:(a (b wi¦", "field value", "tag", "wi"),
        ("http://x¦", "word", "", "http://x"),
        ("rain^2¦", "word", "", ""),
        ('"a b" wi¦', "word", "", "wi"),
    ],
)
def test_what_is_being_typed(text: str, kind: str, field: str, prefix: str) -> None:
    found = typing(text)

    assert (found.kind, found.field, found.prefix) == (kind, field, prefix)


@pytest.mark.parametrize(
    ("text", "choice", "expected"),
    [
        ("du¦", "dur", "dur:¦"),
        ("win¦d rain", "windy", "windy¦ rain"),
        ("tag:ra¦", "rain", "tag:rain ¦"),
        ("tag:ra¦", "heavy rain", 'tag:"heavy rain" ¦'),
        ('cat:"heavy r¦', "heavy rain", 'cat:"heavy rain" ¦'),
        ("tag:(a|ra¦)", "rain", "tag:(a|rain¦)"),
        ("~du¦", "dull thud", '~"dull thud" ¦'),
    ],
)
def test_a_completion_is_put_in_place(text: str, choice: str, expected: str) -> None:
    assert choose(text, choice) == expected


@given(any_text, st.integers(-5, 300))
@settings(max_examples=200, deadline=None, database=None)
def test_any_place_in_any_text_can_be_asked_about(text: str, cursor: int) -> None:
    found = typed_at(text, cursor, field_names=FIELDS)

    assert 0 <= found.span.start <= max(0, min(cursor, len(text))) <= found.span.end <= len(text)
    assert (found.kind == "field value") == bool(found.field)
