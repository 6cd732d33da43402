"""The catalog page: groups, filters, paging, its live part, and what it takes from the database."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.test import Client

from catalog.models import Library, Run, Sound
from tests.catalog.rows import HISTORY_RESTORE, HTMX, add_heard, add_library, add_sound, queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def library() -> Library:
    return add_library()


def names_in(page: str) -> list[str]:
    return re.findall(r'class="sound__name"[^>]*>([^<]+)</a>', page)


def get(client: Client, address: str = "/", headers: dict[str, str] | None = None) -> str:
    return client.get(address, headers=headers or {}).content.decode()


def test_the_first_page_asks_for_a_folder(client: Client) -> None:
    page = get(client)
    assert "Add a folder of sounds" in page
    assert 'action="/libraries/add/"' in page


def test_sounds_are_grouped_by_category_with_counts(client: Client, library: Library) -> None:
    for number in range(6):
        add_heard(library, f"rain {number}.wav", confidence=0.5 + number / 20)
    add_heard(library, "dog.wav", category="animals", label="dog bark")
    page = get(client)
    assert names_in(page) == ["rain 5.wav", "rain 4.wav", "rain 3.wav", "rain 2.wav", "dog.wav"]
    assert "All 6" in page
    assert "7 sounds in 2 categories" in page


def test_a_row_says_what_is_known_of_the_sound(client: Client, library: Library) -> None:
    sound = add_heard(library)
    page = get(client)
    assert f'data-src="/api/sounds/{sound.pk}/audio?preview=1"' in page
    assert "A dense heavy rain." in page
    assert '<a class="tag" href="/?tag=broadband%20noise">broadband noise</a>' in page
    assert "Confidence 72 %: " in page
    assert "0:04.00" in page
    assert f'<path id="wave-{sound.pk}" d="M0 ' in page


def test_a_failed_sound_shows_its_reason_in_the_list(client: Client, library: Library) -> None:
    add_sound(library, state=Sound.State.FAILED, error="the file is empty")
    assert "1 failed" in get(client)
    assert "The file is empty." in get(client, "/?state=failed")


def test_what_cannot_be_read_has_no_play_button_but_one_to_try_again(client: Client, library: Library) -> None:
    sound = add_sound(library, state=Sound.State.FAILED, error="the file is empty")
    page = get(client, "/?state=failed")
    assert "data-play " not in page.partition('data-player role="region"')[0]
    assert f'formaction="/sounds/{sound.pk}/retry/"' in page


def test_a_row_names_the_folder_below_the_library(client: Client, library: Library) -> None:
    for path in ("rain/1.wav", "wind/1.wav", "2.wav"):
        add_heard(library, path)
    assert re.findall(r'class="sound__folder"[^>]*>([^<]+)<', get(client)) == ["rain", "wind"]


def test_the_run_at_work_stands_before_those_that_wait(client: Client, library: Library) -> None:
    states = (Run.State.DONE, Run.State.WAITING, Run.State.RUNNING, Run.State.WAITING)
    runs = [Run.objects.create(kind=Run.Kind.ANALYSIS, state=state, total=9, library=library) for state in states]
    add_heard(library)
    page = get(client)
    assert f'href="/runs/{runs[2].pk}/"' in page
    assert f'href="/runs/{runs[3].pk}/"' not in page
    assert "2 more waiting" in page


def test_before_the_first_sound_is_heard_the_page_says_that_timbre_listens(client: Client, library: Library) -> None:
    run = Run.objects.create(kind=Run.Kind.ANALYSIS, state=Run.State.RUNNING, total=1, library=library)
    add_sound(library, state=Sound.State.QUEUED, run=run)
    page = get(client)
    assert "Listening" in page
    assert f'href="/runs/{run.pk}/"' in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("category=animals", ["dog.wav"]),
        ("tag=heavy+rain", ["rain.wav"]),
        ("min_confidence=0.8", ["dog.wav"]),
        ("max_duration=1", []),
        ("state=new", ["new.wav"]),
        ("profile=balanced&category=weather", ["rain.wav"]),
        ("q=dog", ["dog.wav"]),
    ],
)
def test_a_filter_leaves_what_fits(client: Client, library: Library, query: str, expected: list[str]) -> None:
    add_heard(library, "rain.wav", confidence=0.6)
    add_heard(library, "dog.wav", category="animals", label="dog bark", confidence=0.9)
    add_sound(library, "new.wav")
    assert names_in(get(client, f"/?{query}")) == expected


def test_each_active_filter_has_a_link_to_the_list_without_it(client: Client, library: Library) -> None:
    add_heard(library)
    page = get(client, "/?category=weather&tag=heavy+rain&tag=broadband+noise")
    assert 'href="/?category=weather&amp;tag=broadband+noise"' in page
    assert 'href="/?tag=heavy+rain&amp;tag=broadband+noise"' in page


def test_a_category_link_keeps_the_other_filters_and_begins_at_the_first_page(client: Client, library: Library) -> None:
    add_heard(library)
    assert 'href="/?min_confidence=0.2&amp;category=weather"' in get(client, "/?min_confidence=0.2&cursor=LTAuNSwx")


def test_pages_follow_one_another_without_gap_or_repeat(client: Client, library: Library) -> None:
    for number in range(60):
        add_heard(library, f"{number:02}.wav")
    first = get(client, "/?category=weather")
    link = re.search(r'hx-get="([^"]+cursor=[^"]+)"', first)
    assert link is not None
    second = get(client, "/" + link[1].replace("&amp;", "&"), headers=HTMX | {"HX-Target": "rows"})
    assert "<html" not in second
    assert "filters" not in second
    assert names_in(first) + names_in(second) == [f"{number:02}.wav" for number in range(60)]


def test_htmx_gets_the_part_and_caches_keep_it_apart(client: Client, library: Library) -> None:
    add_heard(library)
    response = client.get("/?category=weather", headers=HTMX)
    assert response.content.decode().strip().startswith('<div id="browse"')
    assert "HX-Request" in response["Vary"]


def test_going_back_in_history_gets_the_whole_page(client: Client, library: Library) -> None:
    add_heard(library)
    assert "<!doctype html>" in get(client, "/?category=weather", headers=HISTORY_RESTORE)


def test_no_sound_fits_is_said_with_a_way_out(client: Client, library: Library) -> None:
    add_heard(library)
    assert "No sound fits" in get(client, "/?category=animals")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("min_duration=long", "Seconds long, from"),
        ("state=odd", "State"),
        ("library=x", "Library"),
        ("cursor=%00", "Place in the list"),
        ("min_confidence=7", "Confidence at least"),
        ("q=" + "x" * 2001, "Words"),
    ],
)
def test_a_bad_filter_is_explained_by_its_name_on_the_page(
    client: Client, library: Library, query: str, name: str
) -> None:
    add_heard(library)
    response = client.get(f"/?{query}")
    assert response.status_code == 400
    assert f"<p>{name}: " in response.content.decode()


def test_a_bad_filter_keeps_the_others_and_what_was_typed(client: Client, library: Library) -> None:
    add_heard(library)
    page = get(client, "/?category=weather&min_duration=9&max_duration=3")
    assert "<h1>Weather</h1>" in page
    assert "No sounds shown" in page
    assert re.search(r'name="min_duration"[^>]* value="9"', page)
    assert re.search(r'name="max_duration"[^>]* value="3" aria-invalid="true"', page)
    assert names_in(page) == []


def test_markup_in_names_stays_text(client: Client, library: Library) -> None:
    add_heard(library, '<img src=x onerror="1">.wav', description="<script>alert(1)</script>", tags=["<b>&"])
    page = get(client)
    assert "<img" not in page
    assert "<script>alert" not in page
    assert f"?tag={quote('<b>&')}" in page


@pytest.mark.parametrize("address", ["/", "/?state=analyzed"])
def test_the_number_of_queries_does_not_grow_with_the_rows(client: Client, library: Library, address: str) -> None:
    for number in range(3):
        add_heard(library, f"few {number}.wav")
    few = queries_of(client, address)
    for number in range(40):
        add_heard(library, f"many {number}.wav", category=("animals", "water", "music")[number % 3])
    assert queries_of(client, address) == few
    assert few <= 8
