"""Every moment of what was found, as rows and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from catalog.models import Embedding, Sound
from search.moment_table import COLUMNS
from tests.search.stored import store_windows
from tests.search.vectors import axis

pytestmark = pytest.mark.django_db

DIM = 16
BARK, WIND = axis(0, DIM), axis(1, DIM)
Hear = Callable[..., Sound]


@pytest.fixture
def hear(
    make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, NDArray[np.float32]]
) -> Hear:
    """A sound of windows of two seconds, side by side."""
    ears["bark"], ears["wind"] = BARK, WIND

    def write(path: str, windows: Sequence[NDArray[np.float32]]) -> Sound:
        sound = make_sound(path, duration_s=2.0 * len(windows))
        clip = np.sum(windows, axis=0)
        store_windows(embed(sound, clip / np.linalg.norm(clip), window_s=2.0, hop_s=2.0), windows)
        return sound

    return write


def moments(client: Client, query: str, **parameters: str) -> list[tuple[str, float, float]]:
    answer = client.get("/api/search/moments", {"q": query, "lexical": "false", **parameters})
    assert answer.status_code == 200, answer.content
    return [(one["path"], one["start_s"], one["end_s"]) for one in answer.json()["moments"]]


def test_each_bark_of_a_long_sound_is_a_moment(client: Client, hear: Hear) -> None:
    hear("ambience.wav", [WIND, WIND, BARK, BARK, WIND, WIND, BARK, WIND])

    assert moments(client, "bark") == [("ambience.wav", 4.0, 8.0), ("ambience.wav", 12.0, 14.0)]


def test_a_short_sound_has_moments_of_its_windows(client: Client, hear: Hear) -> None:
    hear("short.wav", [WIND, BARK])

    assert moments(client, "bark") == [("short.wav", 2.0, 4.0)]


def test_a_sound_that_was_heard_as_a_whole_is_one_moment(
    client: Client,
    make_sound: Callable[..., Sound],
    embed: Callable[..., Embedding],
    ears: dict[str, NDArray[np.float32]],
) -> None:
    ears["bark"] = BARK
    embed(make_sound("bark.wav", duration_s=1.25), BARK)

    assert moments(client, "bark") == [("bark.wav", 0.0, 1.25)]


def test_a_window_beyond_the_end_ends_with_the_sound(client: Client, hear: Hear) -> None:
    sound = hear("odd.wav", [WIND, BARK])
    Sound.objects.filter(pk=sound.pk).update(duration_s=3.5)

    ((_, _, end_s),) = moments(client, "bark")

    assert end_s == 3.5


def test_each_part_of_a_query_has_its_moments(client: Client, hear: Hear) -> None:
    hear("ambience.wav", [WIND, WIND, BARK, BARK, WIND, WIND])

    answer = client.get("/api/search/moments", {"q": "~bark ~wind"}).json()

    assert [(one["part"], one["start_s"]) for one in answer["moments"]] == [
        ("~wind", 0.0),
        ("~bark", 4.0),
        ("~wind", 8.0),
    ]
    assert all(one["degree"] > 0.9 and one["similarity"] == pytest.approx(1, abs=1e-3) for one in answer["moments"])


def test_moments_like_a_region_of_a_sound(client: Client, hear: Hear) -> None:
    example = hear("example.wav", [WIND, BARK])
    hear("ambience.wav", [WIND, WIND, BARK, WIND, WIND, WIND])

    found = moments(client, f"like:{example.pk}@2-4")

    assert ("ambience.wav", 4.0, 6.0) in found


def test_where_nothing_is_listened_for_there_are_no_moments(client: Client, hear: Hear) -> None:
    hear("bark.wav", [BARK, BARK])

    assert moments(client, "name:bark") == []
    assert moments(client, "bark", semantic="false", lexical="true") == []


def test_filters_and_the_limit_count_sounds(client: Client, hear: Hear) -> None:
    for number in range(3):
        hear(f"{number}.wav", [BARK, WIND, BARK])

    assert len(moments(client, "bark", limit="1")) == 2
    assert moments(client, "bark", max_duration="1") == []


def test_the_table_as_csv(client: Client, hear: Hear) -> None:
    hear('rain, "heavy"\n.wav', [WIND, BARK])

    answer = client.get("/api/search/moments", {"q": "bark", "format": "csv"})
    header, row = csv.reader(answer.content.decode().splitlines(keepends=True))

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert tuple(header) == COLUMNS
    assert row[1:6] == ["Field", 'rain, "heavy"\n.wav', "~bark", "2.000", "4.000"]


@pytest.mark.parametrize("name", ["=1+1.wav", "+1.wav", "-1.wav", "@SUM(A1).wav", "\t=1.wav"])
def test_no_cell_of_the_table_is_a_formula(client: Client, hear: Hear, name: str) -> None:
    hear(name, [BARK, BARK])

    answer = client.get("/api/search/moments", {"q": "bark", "format": "csv"})
    _, row = csv.reader(answer.content.decode().splitlines())

    assert row[2] == f"'{name}"


def test_nothing_found_is_a_table_of_no_rows(client: Client, ears: object) -> None:
    answer = client.get("/api/search/moments", {"q": "tag:nothing", "format": "csv"})

    assert answer.content.decode() == ",".join(COLUMNS) + "\r\n"
