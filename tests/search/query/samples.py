# ruff: noqa: RUF001 (signs that look alike are what is tried)
"""Texts and trees to try the grammar on."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from search.query.syntax import And, Node, Not, Or, Query, Span, Weighted

FIELDS = ("dur", "duration_s", "tag", "bpm", "cat", "lufs", "added", "key", "name")
NOWHERE = Span(0, 0)

_pieces = st.sampled_from(
    [
        *"()\"^~-=,|:*@&+<>'!.“”−，（",
        *(" ", "  ", "a", "b", "rain", "NOT ", "NOT", " OR ", "OR", " AND ", "AND", "&&", "--", "^2", "^0", "^1e9"),
        *(
            "dur:",
            "dur:<",
            "dur<10",
            "tag:(",
            "tag:",
            "foo:",
            "foo:bar",
            "like:",
            "like:12",
            "@3.2-5.0",
            "12:41",
            "..5",
        ),
        *(
            "2..",
            "120-130",
            "http://x.y",
            "don't",
            "sci-fi",
            "Tür",
            "u\u0308",
            "🌧",
            "مطر",
            "雨",
            "\x00",
            "\n",
            "\ud800",
        ),
    ]
)
made_of_signs = st.lists(_pieces, max_size=25).map("".join)
any_text = st.one_of(st.text(st.characters(codec=None, exclude_categories=()), max_size=200), made_of_signs)


def bare(node: Node) -> Node:
    """A tree without its places."""
    if isinstance(node, And | Or):
        return replace(node, parts=tuple(bare(part) for part in node.parts), span=NOWHERE)
    if isinstance(node, Not | Weighted):
        return replace(node, part=bare(node.part), span=NOWHERE)
    return replace(node, span=NOWHERE)


def tree(query: Query) -> tuple[Node, ...]:
    return tuple(bare(part) for part in query.root.parts)
