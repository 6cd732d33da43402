"""The bundled tables of the Universal Category System are whole, and a bad table is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import VocabularyError
from analysis.ucs import ALIASES, bundled_ucs, load_ucs, ucs_synonyms


def test_all_cat_ids_are_there_in_their_case() -> None:
    ucs = bundled_ucs()
    assert len(ucs) == 753
    assert len({row.category for row in ucs.values()}) == 82
    assert len({cat_id.lower() for cat_id in ucs}) == 753
    row = ucs["AEROHeli"]
    assert (row.cat_id, row.category, row.subcategory) == ("AEROHeli", "AIRCRAFT", "HELICOPTER")
    assert set(ALIASES.values()) <= ucs.keys()
    assert not ALIASES.keys() & ucs.keys()


def test_synonyms_belong_to_cat_ids_and_fillers_are_left_out() -> None:
    synonyms = ucs_synonyms()
    assert synonyms.keys() == bundled_ucs().keys()
    assert "whirlybird" in synonyms["AEROHeli"].phrases
    assert "ghetto bird" in synonyms["AEROHeli"].phrases
    assert all("miscellaneous" not in (*one.phrases, *one.words) for one in synonyms.values())
    assert all(word == word.strip().lower() != "" for one in synonyms.values() for word in (*one.phrases, *one.words))


@pytest.mark.parametrize("content", [b"Category,SubCategory\nAIR,BLOW\n", b"\xff\xfe\x00", b""])
def test_what_is_no_table_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(VocabularyError, match=r"other\.csv"):
        load_ucs(path)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"none\.csv"):
        load_ucs(tmp_path / "none.csv")
