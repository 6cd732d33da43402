# ruff: noqa: RUF001 (signs that look alike are what is tried)
"""Chips: what each part shows, and what the text is without it, weighed or turned around."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.query.edit import Part, negated, parts, with_weight, without
from search.query.parser import parse
from search.query.scanner import MAX_LENGTH
from search.query.syntax import And, Node, Not, Query, Span, Weighted
from tests.search.query.samples import FIELDS, any_text, bare, tree


def understand(text: str) -> Query:
    return parse(text, field_names=FIELDS)


def chip(text: str, at: int = 0) -> Part:
    return parts(understand(text))[at]


def shares(query: Query) -> list[Node]:
    """The trees of the parts, in their order."""
    top = tree(query)
    is_choice = bool(parts(query)) and parts(query)[0].alternative
    return list(top[0].parts) if is_choice else list(top)  # type: ignore[union-attr] # an Or


def as_root(nodes: list[Node]) -> tuple[Node, ...]:
    return nodes[0].parts if len(nodes) == 1 and isinstance(nodes[0], And) else tuple(nodes)


def rest_of(query: Query, taken: int) -> tuple[Node, ...]:
    kept = [node for at, node in enumerate(shares(query)) if at != taken]
    if len(kept) > 1 and parts(query)[0].alternative:
        return (bare(type(tree(query)[0])(tuple(kept), Span(0, 0))),)  # type: ignore[call-arg, arg-type]
    return as_root(kept)


@given(any_text)
@settings(max_examples=200, deadline=None, database=None)
def test_without_a_part_the_tree_is_the_rest(text: str) -> None:
    query = understand(text)
    for at, part in enumerate(parts(query)):
        assert tree(understand(without(text, part.span))) == rest_of(query, at), (text, part)


@given(any_text, st.floats(0.01, 10))
@settings(max_examples=200, deadline=None, database=None)
def test_a_weight_is_read_back(text: str, weight: float) -> None:
    for at, part in enumerate(parts(understand(text))):
        weighed = understand(with_weight(text, part.span, weight))
        found = parts(weighed)[at]
        assert found.weight == weight, (text, part)
        assert (found.shown, found.negative) == (part.shown, part.negative), (text, part)


@given(any_text)
@settings(max_examples=200, deadline=None, database=None)
def test_a_part_turned_around_twice_is_as_it_was(text: str) -> None:
    chips = parts(understand(text))
    if len(chips) == 1 and chips[0].kind == "group":
        return  # turned to wanted, its own parts are at the top
    for at, part in enumerate(chips):
        turned = negated(text, part.span)
        there = parts(understand(turned))[at]
        assert there.negative is not part.negative, (text, part, turned)
        assert (there.shown, there.weight) == (part.shown, part.weight), (text, part, turned)
        back = parts(understand(negated(turned, there.span)))[at]
        assert (back.shown, back.weight, back.negative) == (part.shown, part.weight, part.negative), (
            text,
            part,
            turned,
        )


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("a b c", 1, "a c"),
        ("a, b, c", 0, "b, c"),
        ("a, b, c", 1, "a, c"),
        ("a OR b", 1, "a"),
        ("a b, c", 0, "c"),
        ("tag:(rain|wind)", 0, "tag:(wind)"),
        ("tag:(rain|wind)", 1, "tag:(rain)"),
        ('-"a b"^2 c', 0, "c"),
        ("a AND b", 0, "b"),
        ("（a，b）", 1, "（a）"),
        ("a", 0, ""),
    ],
)
def test_without_leaves_no_loose_joiner(text: str, at: int, expected: str) -> None:
    assert without(text, chip(text, at).span) == expected


def test_without_takes_out_a_problem_too() -> None:
    text = "rain foo:bar snow"
    assert without(text, understand(text).problems[0].span) == "rain snow"


def test_without_reads_no_further_than_the_parser() -> None:
    text = "rain " + "x" * 3_000
    assert len(without(text, chip(text).span)) < MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "at", "weight", "expected"),
    [
        ("a b", 0, 2.0, "a^2 b"),
        ("a^2 b", 0, 1.0, "a b"),
        ("a^2 b", 0, 0.5, "a^0.5 b"),
        ("a b, c", 0, 2.0, "(a b)^2, c"),
        ('"a b', 0, 3.0, '"a b"^3'),
        ("-~thunder", 0, 2.0, "-~thunder^2"),
        ("tag:(a|b) c", 0, 2.0, "tag:(a|b)^2 c"),
    ],
)
def test_with_weight(text: str, at: int, weight: float, expected: str) -> None:
    assert with_weight(text, chip(text, at).span, weight) == expected


@pytest.mark.parametrize("weight", [0.0, -1.0, 10.5, float("nan"), float("inf")])
def test_a_weight_out_of_bounds_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        with_weight("a", Span(0, 1), weight)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("a b", 0, "-a b"),
        ("-a b", 0, "a b"),
        ("NOT a b", 0, "a b"),
        ("-(a b)", 0, "(a b)"),
        ("a b, c", 0, "-(a b), c"),
        ("-a b, c", 0, "-(-a b), c"),
        ("+a", 0, "-+a"),
        ("lufs:(-20|18)", 0, "lufs:(NOT -20|18)"),
        ("a^2", 0, "-a^2"),
        ("lufs:(20|18)", 0, "lufs:(NOT 20|18)"),
    ],
)
def test_negated(text: str, at: int, expected: str) -> None:
    assert negated(text, chip(text, at).span) == expected


def test_parts_say_what_they_are() -> None:
    query = understand('rain* -"a b"^2 tag:x ~thunder like:3@1-2 (a, b)')

    assert [(part.kind, part.shown, part.weight, part.negative) for part in parts(query)] == [
        ("word", "rain", 1.0, False),
        ("phrase", '"a b"', 2.0, True),
        ("field", "tag:x", 1.0, False),
        ("meaning", "~thunder", 1.0, False),
        ("like", "like:3@1-2", 1.0, False),
        ("group", "a, b", 1.0, False),
    ]


def test_a_choice_is_shown_as_its_alternatives() -> None:
    assert [(part.shown, part.alternative) for part in parts(understand("a b, -c"))] == [("a b", True), ("c", True)]
    assert not any(part.alternative for part in parts(understand("(a, b) c")))


def test_a_weight_is_inside_of_its_not() -> None:
    (node,) = tree(understand("-a^2"))
    assert isinstance(node, Not)
    assert isinstance(node.part, Weighted)
