"""What Postgres refuses is replaced, the rest left as it is."""

from __future__ import annotations

import math
import os

from catalog.storable import storable_json, storable_text


def test_text_without_trouble_stays() -> None:
    assert storable_text("Türe 🌧️\n") == "Türe 🌧️\n"


def test_nul_and_halves_of_characters_are_replaced() -> None:
    assert storable_text("a\0b") == "a\N{REPLACEMENT CHARACTER}b"
    storable_text(os.fsdecode(b"a\xe9")).encode()


def test_numbers_that_are_none_become_null() -> None:
    tree = {"a\0": [math.nan, math.inf, 1.5, {"b": ("x\0", None, True)}]}
    replaced = "\N{REPLACEMENT CHARACTER}"
    assert storable_json(tree) == {f"a{replaced}": [None, None, 1.5, {"b": [f"x{replaced}", None, True]}]}
