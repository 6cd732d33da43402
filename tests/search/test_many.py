"""A catalog that is so large that words are found through postings answers as a small one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from catalog import postings, shortlist
from catalog.browse import SoundFilters
from catalog.models import PostingState, Sound
from catalog.postings import bring_up_to_date
from search import allowed
from search.results import How
from search.search import search_sounds

pytestmark = pytest.mark.django_db(transaction=True)

MakeSound = Callable[..., Sound]
# fmt: off
LINES = (
    "rain", "heavy rain", '"heavy rain"', '"rain heavy"', "rain -heavy", "-heavy", "=rain", "rain, door",
    'roof "door slam"', "rain ch:2", '"heavy rain" ch:2', "(rain, door) -slam", "raiin", "name:rain", "-(rain, door)",
    '"zzz"', 'rain -"heavy rain"', "rain -the", "-the", "rain -=the", 'rain -"of the"', "-(rain the)", '"the rain"',
)
# fmt: on


@pytest.fixture
def sounds(make_sound: MakeSound) -> Iterator[list[Sound]]:
    names = ["heavy rain roof", "rain heavy", "rain", "door slam", "slam door roof", "heavy door", "rain door", "wind"]
    yield [
        make_sound(f"{name} {number}.wav", channels=1 + number % 2, confidence=number / 10)
        for number, name in enumerate(names)
    ]
    connections.close_all()


def found(line: str, filters: SoundFilters | None = None) -> list[tuple[int, list[str]]]:
    hits = search_sounds(line, filters, how=How(semantic=False)).hits
    return [(hit.sound.pk, hit.written) for hit in hits]


def answers() -> dict[str, list[tuple[int, list[str]]]]:
    alone = {line: found(line) for line in LINES}
    return alone | {f"{line} of one": found(line, SoundFilters(min_confidence=0.2)) for line in LINES}


def test_answers_are_those_of_a_small_catalog(sounds: list[Sound], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = answers()
    assert expected['"heavy rain"'] == [(sounds[0].pk, [])]
    assert len(expected["rain -the"]) == len(expected["rain"]) == 4
    assert len(expected["-the"]) == len(sounds)
    monkeypatch.setattr(postings, "WORTH_BUILDING", 1)
    assert bring_up_to_date()
    assert answers() == expected
    sounds[2].search_name = "heavy rain\n\n"
    sounds[2].save()
    sounds[0].delete()
    with_postings = answers()
    PostingState.objects.all().delete()
    assert answers() == with_postings
    assert with_postings['"heavy rain"'] == [(sounds[2].pk, [])]


def test_words_that_seldom_follow_each_other_are_looked_for_exactly(
    make_sound: MakeSound, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        make_sound(f"roof rain {number}.wav", search_name="roof rain\n\n")
    right = make_sound("rain roof.wav", search_name="rain roof\n\n", search_words="rain\n\n\n")
    monkeypatch.setattr(postings, "WORTH_BUILDING", 1)
    monkeypatch.setattr(shortlist, "SHORT", 3)
    bring_up_to_date()
    assert [sound_id for sound_id, _ in found('rain "rain roof"')] == [right.pk]
    connections.close_all()


def test_sounds_that_are_crowded_out_are_looked_for(make_sound: MakeSound, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        make_sound(
            f"roof rain {number}.wav", search_name="rain rain roof rain\nrain\n".replace("rain roof", "rain. roof")
        )
    for number in range(40):
        make_sound(f"rain roof {number}.wav", search_name="rain roof\n\n")
    monkeypatch.setattr("search.search.DEPTH", 10)
    expected = found('rain "rain roof"')
    assert len(expected) == 10
    monkeypatch.setattr(postings, "WORTH_BUILDING", 1)
    monkeypatch.setattr(shortlist, "SHORT", 10)
    monkeypatch.setattr(allowed, "SHORT", 10)
    bring_up_to_date()
    assert found('rain "rain roof"') == expected
    connections.close_all()
