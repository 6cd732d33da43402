"""The search page, its exports, and the page of similar sounds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from catalog.models import Embedding, Sound
from tests.catalog.rows import HISTORY_RESTORE, HTMX, add_heard, queries_of
from tests.search.conftest import DIM

pytestmark = pytest.mark.django_db
Vector = NDArray[np.float32]


@pytest.fixture
def rain_and_dog(make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]) -> None:
    """A sound that sounds like rain under a name that says nothing, and one that only its name calls rain."""
    rain, dog, ears["rain"] = (np.eye(DIM, dtype=np.float32)[place] for place in (0, 1, 0))
    embed(make_sound("Track 18.wav", category="weather"), rain)
    embed(make_sound("rain check.wav", category="animals"), dog)


def get(client: Client, query: str, headers: dict[str, str] | None = None) -> str:
    return client.get(f"/search/?{query}", headers=headers or {}).content.decode()


def names_in(page: str) -> list[str]:
    return re.findall(r'class="sound__name"[^>]*>([^<]+)</a>', page)


def test_without_words_it_invites_to_describe_a_sound(client: Client) -> None:
    assert "Describe a sound" in get(client, "")


@pytest.mark.usefixtures("rain_and_dog")
def test_each_hit_says_why_it_is_there(client: Client) -> None:
    page = get(client, "q=rain")
    assert set(names_in(page)) == {"Track 18.wav", "rain check.wav"}
    assert "sounds like &quot;rain&quot; (match 100 %)" in page
    assert "name has &quot;rain&quot;" in page


@pytest.mark.usefixtures("rain_and_dog")
def test_ears_and_words_can_be_asked_alone(client: Client) -> None:
    assert names_in(get(client, "q=rain&mode=ears"))[0] == "Track 18.wav"
    assert names_in(get(client, "q=rain&mode=words")) == ["rain check.wav"]


@pytest.mark.usefixtures("rain_and_dog")
def test_filters_hold_for_a_search(client: Client) -> None:
    page = get(client, "q=rain&category=animals")
    assert names_in(page) == ["rain check.wav"]
    assert 'href="/search/?q=rain"' in page


@pytest.mark.usefixtures("rain_and_dog")
def test_another_mode_keeps_the_filters(client: Client) -> None:
    page = get(client, "q=rain&category=animals&tag=wet&tag=cold&min_duration=2", HTMX)
    kept = re.findall(r'form="search-form" name="([^"]+)" value="([^"]*)"', page)
    assert sorted(kept) == [("category", "animals"), ("min_duration", "2"), ("tag", "cold"), ("tag", "wet")]
    assert 'form="search-form"' not in get(client, "q=rain")


def test_categories_and_tags_are_counted_in_what_was_found(client: Client, make_sound: Callable[..., Sound]) -> None:
    make_sound("rain 1.wav", category="weather", tags=["wet"])
    make_sound("rain 2.wav", category="weather", tags=["wet", "roof"])
    make_sound("rain stick.wav", category="instruments", tags=["wood"])
    make_sound("dog.wav", category="animals", tags=["loud"])
    for query, tags in (
        ("q=rain", {"wet": 2, "roof": 1, "wood": 1}),
        ("q=rain&category=weather", {"wet": 2, "roof": 1}),
    ):
        context = client.get(f"/search/?{query}&mode=words").context
        assert {link.name: link.count for link in context["categories"]} == {"weather": 2, "instruments": 1}
        assert context["categories_total"] == 3
        assert {link.name: link.count for link in context["tags"]} == tags


@pytest.mark.usefixtures("rain_and_dog")
def test_nothing_found_is_said(client: Client) -> None:
    assert "Nothing found for “zeppelin”" in get(client, "q=zeppelin&mode=words")


@pytest.mark.usefixtures("rain_and_dog")
def test_htmx_gets_the_part_and_history_the_page(client: Client) -> None:
    part = get(client, "q=rain", HTMX)
    assert part.strip().startswith('<div id="browse"')
    assert "<!doctype html>" in get(client, "q=rain", HISTORY_RESTORE)


@pytest.mark.parametrize("query", ["q=a&mode=nose", f"q={'x' * 501}", "q=a&limit=0", "q=a&library=x"])
def test_a_bad_query_is_explained(client: Client, query: str) -> None:
    response = client.get(f"/search/?{query}")
    assert response.status_code == 400
    assert re.search(r"(mode|q|limit|library): ", response.content.decode())


@pytest.mark.usefixtures("rain_and_dog")
def test_the_result_is_exported_as_it_is_shown(client: Client) -> None:
    assert 'href="/search/export/csv/?q=rain&amp;mode=words"' in get(client, "q=rain&mode=words")
    response = client.get("/search/export/csv/?q=rain&mode=words")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert [row["file_name"] for row in rows] == ["rain check.wav"]


def test_all_that_is_counted_is_exported_and_nothing_faint(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    ears["rain"] = np.eye(DIM, dtype=np.float32)[0]
    embed(make_sound("dog.wav"), np.eye(DIM, dtype=np.float32)[1])
    for number in range(45):
        make_sound(f"rain {number}.wav")
    assert "45 sounds for “rain”" in get(client, "q=rain")
    response = client.get("/search/export/csv/?q=rain")
    names = [row["file_name"] for row in csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig")))]
    assert len(names) == 45
    assert "dog.wav" not in names


def test_more_results_are_a_link_away(client: Client, make_sound: Callable[..., Sound]) -> None:
    for number in range(45):
        make_sound(f"rain {number}.wav")
    first = get(client, "q=rain&mode=words")
    assert len(names_in(first)) == 40
    assert 'href="/search/?q=rain&amp;mode=words&amp;limit=80"' in first
    assert len(names_in(get(client, "q=rain&mode=words&limit=80"))) == 45


@pytest.mark.usefixtures("rain_and_dog")
def test_similar_sounds_leave_out_the_sound_itself(client: Client) -> None:
    sound = Sound.objects.get(path="Track 18.wav")
    part = client.get(f"/search/similar/{sound.pk}/", headers=HTMX).content.decode()
    assert names_in(part) == ["rain check.wav"]
    assert "<!doctype html>" in client.get(f"/search/similar/{sound.pk}/").content.decode()


def test_a_sound_that_nobody_heard_resembles_nothing_yet(client: Client, make_sound: Callable[..., Sound]) -> None:
    page = client.get(f"/search/similar/{make_sound('new.wav').pk}/").content.decode()
    assert names_in(page) == []
    assert "No sound has been analyzed" in page or "cannot be found" in page


def test_the_number_of_queries_does_not_grow_with_the_hits(client: Client, make_sound: Callable[..., Sound]) -> None:
    library = make_sound("rain.wav").library
    few = queries_of(client, "/search/?q=rain&mode=words")
    for number in range(30):
        add_heard(library, f"rain {number}.wav")
    assert queries_of(client, "/search/?q=rain&mode=words") == few


def test_what_is_only_faintly_like_the_words_stands_below_a_line(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    rain, other, ears["rain"] = (np.eye(DIM, dtype=np.float32)[place] for place in (5, 1, 5))
    embed(make_sound("Track 18.wav"), rain)
    embed(make_sound("Track 19.wav"), other)
    page = get(client, "q=rain&mode=ears")
    assert "1 sound for “rain”" in page
    assert page.index("Track 18.wav") < page.index("Only faintly like it") < page.index("Track 19.wav")


def test_a_search_that_finds_nothing_good_says_so(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    ears["zeppelin"] = np.eye(DIM, dtype=np.float32)[5]
    embed(make_sound("Track 18.wav"), np.eye(DIM, dtype=np.float32)[1])
    assert "Nothing here is more than faintly like “zeppelin”" in get(client, "q=zeppelin&mode=ears")
