# ruff: noqa: RUF001 (signs that look alike are what is tried)
"""Queries as they are understood: each rule on an example, and what holds for any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from search.query.parser import MAX_DEPTH, MAX_PROBLEMS, parse
from search.query.scanner import MAX_LENGTH
from search.query.syntax import (
    And,
    Field,
    Like,
    Meaning,
    Node,
    Not,
    Or,
    Phrase,
    Query,
    Span,
    Word,
    children,
    walk,
    write,
)
from tests.search.query.samples import FIELDS, NOWHERE, any_text, bare, tree


def understand(text: str) -> Query:
    return parse(text, field_names=FIELDS)


def written(text: str) -> str:
    """What was understood without any problem."""
    query = understand(text)
    assert query.problems == ()
    return write(query)


def only(text: str) -> Node:
    (part,) = tree(understand(text))
    return part


@given(any_text)
@settings(max_examples=200, deadline=None, database=None)
def test_any_text_is_understood_or_has_problems_with_their_places(text: str) -> None:
    query = understand(text)

    assert query.text == text
    assert len(query.problems) <= MAX_PROBLEMS
    assert all(
        problem.message and 0 <= problem.span.start < problem.span.end <= len(text) for problem in query.problems
    )
    for node in walk(query.root):
        spans = [child.span for child in children(node)]
        assert spans == sorted(spans)
        assert all(node.span.start <= span.start < span.end <= node.span.end <= len(text) for span in spans)


@given(any_text)
@settings(max_examples=200, deadline=None, database=None)
def test_what_was_understood_is_understood_again_as_it_is_written(text: str) -> None:
    first = understand(text)
    again = understand(write(first))

    assert tree(again) == tree(first)
    assert again.problems == ()


@given(any_text)
@settings(max_examples=200, deadline=None, database=None)
def test_nothing_is_left_out_without_a_word(text: str) -> None:
    query = understand(text)

    assert query.root.parts or query.problems or not any(letter.isalnum() for letter in text)


@given(any_text)
@settings(max_examples=200, deadline=None, database=None)
def test_trees_are_regular(text: str) -> None:
    for node in walk(understand(text).root):
        if isinstance(node, Not):
            assert not isinstance(node.part, Not)
        if isinstance(node, Or):
            assert len(node.parts) > 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wind through a keyhole, not stormy, under ten seconds, like this one",) * 2,
        ("a b, c", "a b, c"),
        ("(a b), c", "a b, c"),
        ("a (b, c)", "a (b, c)"),
        ("a | b OR c || d", "a, b, c, d"),
        ("a AND b & c && +d", "a b c d"),
        ("or and not", "or and not"),
        ("rain, snow,", "rain, snow"),
        ("-(a b)", "-(a b)"),
        ("NOT x NOT (a, b)", "-x -(a, b)"),
        ("-(-x)", "x"),
        ("(-x)^2", "-x^2"),
        ("(a^2)^3", "a^3"),
        ("(-a^2)^1", "-a"),
        ("a^1", "a"),
        ("a^.5 b^0.25", "a^0.5 b^0.25"),
        ("x* =Rain", "x =Rain"),
        ("OR* -OR* =NOT", "OR* -OR* =NOT"),
        ("-~thunder", "-~thunder"),
        ("~-thunder", "-~thunder"),
        ('~"wind through a keyhole"^2', '~"wind through a keyhole"^2'),
        ("don't sci-fi R&B", "don't sci-fi R&B"),
        ("12:41 http://x.y C:\\sounds Sounds: rain", "12:41 http://x.y C:\\sounds Sounds rain"),
        ("“exact phrase” „Tür zu“", '"exact phrase" "Tür zu"'),
        ('"12"" vinyl"', '"12"" vinyl"'),
        ("Tu\u0308r", "T\u00fcr"),
        ("مطر، 雨，風 （a b）", "مطر, 雨, 風 (a b)"),
        ("rain\u200f\ufeff\tsnow", "rain snow"),
        ("Stop! Listen...", "Stop Listen"),
        ("−x –y", "-x -y"),
    ],
)
def test_a_query_without_problems(text: str, expected: str) -> None:
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dur:<10", Field("dur", "<", "10", NOWHERE)),
        ("DUR:>=2.5", Field("dur", ">=", "2.5", NOWHERE)),
        ("dur≤10", Word("dur≤10", NOWHERE)),
        ("dur<10", Field("dur", "<", "10", NOWHERE)),
        ("key=Am", Field("key", "=", "Am", NOWHERE)),
        ("volume<10", Word("volume<10", NOWHERE)),
        ("bpm:120-130", Field("bpm", "range", "120", NOWHERE, high="130")),
        ("bpm:120–130", Field("bpm", "range", "120", NOWHERE, high="130")),
        ("bpm:120..130", Field("bpm", "range", "120", NOWHERE, high="130")),
        ("dur:500ms-2s", Field("dur", "range", "500ms", NOWHERE, high="2s")),
        ("lufs:-30--20", Field("lufs", "range", "-30", NOWHERE, high="-20")),
        ("lufs:<-20", Field("lufs", "<", "-20", NOWHERE)),
        ("lufs:-20", Field("lufs", "=", "-20", NOWHERE)),
        ("dur:2..", Field("dur", ">=", "2", NOWHERE)),
        ("dur:..5", Field("dur", "<=", "5", NOWHERE)),
        ("added:2024-01-01", Field("added", "=", "2024-01-01", NOWHERE)),
        ("added:2024-01-01..2024-02-01", Field("added", "range", "2024-01-01", NOWHERE, high="2024-02-01")),
        ('cat:"a b"', Field("cat", "=", "a b", NOWHERE)),
        ('name:"120-130"', Field("name", "=", "120-130", NOWHERE)),
        ("name:take-2", Field("name", "=", "take-2", NOWHERE)),
        ("tag:(rain)", Field("tag", "=", "rain", NOWHERE)),
        ("like:12", Like(12, None, None, NOWHERE)),
        ("like:12@3.2-5.0", Like(12, 3.2, 5.0, NOWHERE)),
        ("like:12@12:41-1:00:00", Like(12, 761.0, 3600.0, NOWHERE)),
        ("like:12@3-", Like(12, 3.0, None, NOWHERE)),
        ("~http://x", Meaning("http://x", NOWHERE)),
        ('="a b"', Phrase("a b", NOWHERE)),
    ],
)
def test_a_part_is_understood(text: str, expected: Node) -> None:
    assert understand(text).problems == ()
    assert only(text) == expected


def test_a_list_of_values_is_a_list_of_fields() -> None:
    assert written("tag:(rain|wind -snow)^2") == "(tag:rain, tag:wind -tag:snow)^2"
    assert written('cat:("a b", c)') == 'cat:"a b", cat:c'
    assert written("lufs:(-20|<-30)") == "lufs:-20, lufs:<-30"
    assert written("like:(1, 2)") == "like:1, like:2"


def test_a_span_is_all_that_goes_with_a_part() -> None:
    text = 'x -(a b)^2, tag:(rain) NOT "p q" =y'
    (either,) = understand(text).root.parts
    assert isinstance(either, Or)
    first, second = either.parts
    assert isinstance(first, And)
    assert isinstance(second, And)
    shown = [text[slice(*part.span)] for part in (*first.parts, *second.parts)]
    assert shown == ["x", "-(a b)^2", "tag:(rain)", 'NOT "p q"', "=y"]


@pytest.mark.parametrize(
    ("text", "kept", "place", "words"),
    [
        ("a (b", "a b", (2, 3), "never closed"),
        ("a) b", "a b", (1, 2), "never opened"),
        ('a "b c', 'a "b c"', (2, 3), "no partner"),
        ('a""', "a", (1, 3), "no letter"),
        ("- a", "a", (0, 1), "stands alone"),
        ("a NOT", "a", (2, 5), "stands alone"),
        ("~ a", "a", (0, 1), "stands alone"),
        ("--x", "-x", (0, 2), "read as one"),
        ("NOT -x", "-x", (0, 5), "read as one"),
        ("a^ b", "a b", (1, 2), "weight"),
        ("a^b", "a", (1, 3), "weight"),
        ("a^0", "a", (1, 3), "-word"),
        ("a^1e9", "a^10", (1, 5), "read as ^10"),
        ("a^1e999", "a^10", (1, 7), "read as ^10"),
        ("a ^2", "a", (2, 4), "right after"),
        ("a ()", "a", (2, 4), "Nothing stands between"),
        ("a -()^2", "a", (3, 5), "Nothing stands between"),
        ("OR a", "a", (0, 2), "before OR"),
        ("a OR", "a", (2, 4), "after OR"),
        ("a |", "a", (2, 3), "after |"),
        ("a AND", "a", (2, 5), "after AND"),
        ("AND a", "a", (0, 3), "before AND"),
        ("a dur:", "a", (2, 6), "Nothing stands after dur:"),
        ("a dur:< 10", "a 10", (2, 7), "Nothing stands after dur:<"),
        ("a foo:bar", "a", (2, 9), "no field foo:"),
        ("a durr:<3", "a", (2, 9), "Did you mean dur:"),
        ("a foo:(b c) d", "a d", (2, 11), "no field foo:"),
        ("a like:abc", "a", (2, 10), "number of a sound"),
        ("like:99999999999999999999 a", "a", (0, 25), "number of a sound"),
        ("like:12@9-3", "like:12@3-9", (0, 11), "other way around"),
        ("like:12@3-3", "like:12", (0, 11), "ends where it starts"),
        ("like:12@x", "like:12", (0, 9), "start and an end"),
        ("a 🌧", "a", (2, 3), "no letter"),
        ("a ...", "a", (2, 5), "no letter"),
        ("a\x00b", "a b", (1, 2), "cannot be typed"),
        ("a \ud83c", "a", (2, 3), "cannot be typed"),
    ],
)
def test_a_problem_says_where_and_what_and_the_rest_is_kept(
    text: str, kept: str, place: tuple[int, int], words: str
) -> None:
    query = understand(text)

    assert write(query) == kept
    assert [problem.span for problem in query.problems] == [Span(*place)]
    assert words in query.problems[0].message


def test_a_long_text_is_read_to_the_limit() -> None:
    query = understand("rain " * 20_000)

    assert len(query.root.parts) == MAX_LENGTH // len("rain ")
    assert [problem.span for problem in query.problems] == [Span(MAX_LENGTH, 100_000)]


@pytest.mark.parametrize(
    "sign", ["(", ")", "-", "~", '"', "^", ",", "|", "NOT ", "-(", "tag:(", ":", "OR ", "\x00", "a^"]
)
def test_a_hundred_thousand_signs_do_no_harm(sign: str) -> None:
    query = understand(sign * 100_000)

    assert 0 < len(query.problems) <= MAX_PROBLEMS


def test_parentheses_that_are_too_deep_are_left_out() -> None:
    deep = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert written(deep) == "a"

    query = understand(f"b ({deep})")
    assert write(query) == "b"
    assert "30 deep" in query.problems[0].message


def test_an_empty_query_is_empty() -> None:
    assert understand("").is_empty
    assert understand("  ,  ").is_empty
    assert understand("").problems == ()


def test_bare_trees_of_the_same_meaning_are_equal() -> None:
    assert bare(understand("a  b").root) == bare(understand("(a) b").root)
