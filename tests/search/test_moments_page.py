"""Where in a sound it is: moments of hits, strips under their waveforms, moments as a table, "like this one"."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from catalog.models import Embedding, Sound
from search.views.moments import drawn
from tests.catalog.rows import HTMX, queries_of
from tests.search.conftest import DIM

pytestmark = pytest.mark.django_db
Vector = NDArray[np.float32]


def get(client: Client, query: str) -> str:
    return client.get(f"/search/?{query}").content.decode()


def heard_long(sound: Sound, embed: Callable[..., Embedding], direction: Vector, at: int) -> None:
    """Thirty windows of two seconds each, one of which is in a direction and the others in another one."""
    windows = np.tile(np.eye(DIM, dtype=np.float32)[9], (30, 1))
    windows[at] = direction
    embedding = embed(sound, windows.mean(axis=0) / np.linalg.norm(windows.mean(axis=0)), hop_s=2.0)
    embedding.windows = windows.astype("<f2").tobytes()
    embedding.save()


def test_a_moment_is_told_played_and_saved(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    bark = ears["bark"] = np.eye(DIM, dtype=np.float32)[5]
    sound = make_sound("walk.wav", duration_s=60.0)
    heard_long(sound, embed, bark, at=10)
    page = get(client, "q=bark&mode=ears")
    assert 'data-seek-s="20" aria-label="Play walk.wav at 0:20"' in page
    assert f"/sounds/{sound.pk}/region.wav?start=20&amp;end=22" in page
    assert '<svg class="heat" viewBox="0 0 80 1"' in page
    assert "Most like “bark” from 0:20 to 0:22" in page
    assert f"/sounds/{sound.pk}/?q=bark" in page
    assert f"?q=like%3A{sound.pk}%4020-22" in page
    lines = list(csv.DictReader(io.StringIO(moment_csv(client, "q=bark&mode=ears"))))
    assert [(line["path"], float(line["start_s"]), float(line["end_s"])) for line in lines] == [("walk.wav", 20, 22)]


def test_a_strip_follows_the_part_that_the_moment_of_its_row_is_for(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    ears["bark"], thunder = np.eye(DIM, dtype=np.float32)[5:7]
    ears["thunder"] = thunder
    sound = make_sound("walk.wav", duration_s=60.0)
    heard_long(sound, embed, thunder, at=10)
    for query in ("q=~bark+~thunder&mode=ears", "q=~thunder+~bark^3&mode=ears"):
        page = get(client, query)
        assert 'aria-label="Play walk.wav at 0:20"' in page
        assert "<title>Most like “thunder” from 0:20 to 0:22" in page
        assert "like “bark”" not in page
    large = client.get(f"/search/heat/{sound.pk}/?q=~bark+~thunder").content.decode()
    assert "Nowhere more than faintly like “bark”" in large
    assert "Most like “thunder” from 0:20 to 0:22" in large


def test_a_strip_without_a_moment_follows_the_part_with_the_greatest_share(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    bark, thunder = ears["bark"], ears["thunder"] = np.eye(DIM, dtype=np.float32)[5:7]
    for name, direction in (("a.wav", bark), ("b.wav", thunder)):
        sound = make_sound(name, duration_s=4.0)
        embedding = embed(sound, direction, hop_s=2.0)
        embedding.windows = np.tile(direction, (2, 1)).astype("<f2").tobytes()
        embedding.save()
    rows = {row.hit.sound.file_name: row for row in client.get("/search/?q=~bark+~thunder&mode=ears").context["rows"]}
    assert rows["a.wav"].place is rows["b.wav"].place is None
    assert "“bark”" in rows["a.wav"].strip.said
    assert "“thunder”" in rows["b.wav"].strip.said


def moment_csv(client: Client, query: str) -> str:
    return client.get(f"/search/moments.csv?{query}").getvalue().decode("utf-8-sig")


def test_the_page_of_a_sound_shows_where_a_search_found_it(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    bark = ears["bark"] = np.eye(DIM, dtype=np.float32)[5]
    sound = make_sound("walk.wav", duration_s=60.0)
    heard_long(sound, embed, bark, at=10)
    address = f"/search/heat/{sound.pk}/?q=bark"
    assert f'hx-get="{address}"' in client.get(f"/sounds/{sound.pk}/?q=bark").content.decode()
    part = client.get(address, headers=HTMX).content.decode()
    assert part.strip().startswith("<section")
    assert 'data-seek-s="20"' in part
    assert "<!doctype html>" in client.get(address).content.decode()
    assert "cannot be shown" in client.get(f"/search/heat/{sound.pk}/").content.decode()


def test_heat_takes_one_query_for_all_hits(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    bark = ears["bark"] = np.eye(DIM, dtype=np.float32)[5]
    for number in range(2):
        heard_long(make_sound(f"walk {number}.wav", duration_s=60.0), embed, bark, at=number)
    get(client, "q=bark&mode=ears")  # reads the index
    few = queries_of(client, "/search/?q=bark&mode=ears")
    for number in range(2, 20):
        heard_long(make_sound(f"walk {number}.wav", duration_s=60.0), embed, bark, at=number)
    get(client, "q=bark&mode=ears")
    assert queries_of(client, "/search/?q=bark&mode=ears") == few


def test_no_moment_is_told_in_words(client: Client, make_sound: Callable[..., Sound]) -> None:
    make_sound("rain.wav")
    response = client.get("/search/moments.csv?q=rain&mode=words")
    assert response.status_code == 404
    assert "No moment was found" in response.content.decode()


def test_shades_stand_for_strengths_and_not_for_ranks() -> None:
    assert drawn(np.array([0.0, 0.1, 0.1, 1.0])) == ["M1 0h2v1h-2z", "", "", "", "M3 0h1v1h-1z"]


def test_the_page_of_a_hit_keeps_what_this_one_means(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    bark = np.eye(DIM, dtype=np.float32)[5]
    sound = make_sound("walk.wav", duration_s=60.0)
    heard_long(sound, embed, bark, at=10)
    page = get(client, f"q=like+this+one&this_sound={sound.pk}&mode=ears")
    (address,) = re.findall(r'class="sound__name" href="([^"]+)"', page)
    detail = client.get(html.unescape(address)).content.decode()
    (heat,) = re.findall(r'hx-get="(/search/heat/[^"]+)"', detail)
    assert "Most like" in client.get(html.unescape(heat)).content.decode()


@pytest.mark.usefixtures("ears")
def test_like_this_one_means_the_sound_of_the_address(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding]
) -> None:
    rain, roof, dog = (make_sound(name, duration_s=5.0) for name in ("rain.wav", "roof.wav", "dog.wav"))
    for sound, direction in ((rain, [1.0, 0.0]), (roof, [0.9, 0.1]), (dog, [-1.0, 0.2])):
        embed(sound, np.array(direction + [0.0] * (DIM - 2), np.float32) / np.linalg.norm(direction))
    form = client.get(f"/sounds/{rain.pk}/").content.decode()
    assert f'name="this_sound" value="{rain.pk}"' in form
    page = get(client, f"q=like+this+one,+under+ten+seconds&this_sound={rain.pk}&mode=ears")
    assert re.findall(r'class="sound__name"[^>]*>([^<]+)</a>', page)[:2] == ["rain.wav", "roof.wav"]
    assert "this one = " in page
    assert f'href="/sounds/{rain.pk}/" title="rain.wav"' in page
    assert 'hx-get="/search/?q=like+this+one%2C+under+ten+seconds&amp;mode=ears"' in page  # takes it away
    assert page.count(f'name="this_sound" value="{rain.pk}"') == 2  # the forms of the words and of the filters
    assert f"this_sound={rain.pk}" in re.findall(r'href="(/search/export/csv/[^"]+)"', page)[0]
    assert "was left out" in get(client, "q=rain,+like+this+one&mode=words")


@pytest.mark.usefixtures("ears")
def test_a_sound_that_is_gone_is_told_where_it_is_meant(client: Client) -> None:
    for query in ("q=rain,+like+this+one&this_sound=99&mode=words", "this_sound=99"):
        page = get(client, query)
        assert "sound 99, which is not in the catalog" in page
        assert "this_sound" not in re.findall(r'class="chip__remove" href="([^"]+)"', page)[0]
