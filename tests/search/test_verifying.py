"""`verify_index` finds whatever a built index has wrong."""

from __future__ import annotations

import pytest
from django.db import connection

from analysis.clap import ModelKey
from search import verifying
from search.index import SoundIndex, files
from search.rows import SOUNDS
from search.verifying import verify_index
from tests.search.built import DIM, Fill, built, planted
from tests.search.vectors import axis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_dir")]


def test_verify_finds_a_missing_an_extra_and_a_changed_entry(model: ModelKey, fill: Fill) -> None:
    ids = fill(40)
    generation = built(model)
    assert verify_index(model, SOUNDS).is_right
    with connection.cursor() as cursor:  # behind the back of the triggers that tell an index
        cursor.execute("ALTER TABLE catalog_embedding DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM catalog_embedding WHERE sound_id = %s", [ids[3]])
        cursor.execute("UPDATE catalog_embedding SET clip = %s WHERE sound_id = %s", [axis(0, DIM).tobytes(), ids[5]])
        cursor.execute("ALTER TABLE catalog_embedding ENABLE TRIGGER USER")

    def hide_the_last(owners: bytearray) -> None:
        owners[-8:] = (ids[-1] + 1_000).to_bytes(8, "little")

    planted(generation, files.OWNERS, hide_the_last)

    verified = verify_index(model, SOUNDS)

    assert not verified.is_right
    assert verified.faults == [
        f"sound {ids[3]} is in the index and should not be",
        f"sound {ids[5]} has other vectors in the index than in the database",
        f"sound {ids[-1]} is missing from the index",
        f"sound {ids[-1] + 1_000} is in the index and should not be",
    ]


def test_verify_finds_a_search_that_misses_what_is_near(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(200)
    monkeypatch.setattr(
        SoundIndex, "search", lambda self, query, k: (self.ids()[:k], self.vectors(self.ids()[:k]) @ query)
    )

    verified = verify_index(model, SOUNDS)

    assert verified.recall is not None
    assert verified.recall < verifying.LEAST_RECALL
    assert any("recall@10" in fault for fault in verified.faults)
