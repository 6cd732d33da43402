"""Searches that are kept under a name."""

from __future__ import annotations

import pytest
from django.test import Client

from catalog.models import SavedSearch
from search.views import saved

pytestmark = pytest.mark.django_db


def keep(client: Client, name: str, query: str = "q=rain") -> tuple[int, str]:
    response = client.post("/search/saved/add/", {"name": name, "query": query})
    return response.status_code, response.content.decode()


def test_a_search_is_kept_with_all_of_its_state(client: Client) -> None:
    response = client.post(
        "/search/saved/add/", {"name": "  Wet  things ", "query": "q=rain&mode=ears&category=weather&offset=40"}
    )
    assert (response.status_code, response["Location"]) == (302, "/search/?q=rain&mode=ears&category=weather")
    kept = SavedSearch.objects.get()
    assert (kept.name, kept.query) == ("Wet things", "q=rain&mode=ears&category=weather")


def test_kept_searches_stand_on_the_empty_page_and_in_a_list(client: Client) -> None:
    keep(client, "Wet things", "q=rain&mode=ears")
    for address in ("/search/", "/search/saved/"):
        page = client.get(address).content.decode()
        assert '<a href="/search/?q=rain&amp;mode=ears">Wet things</a>' in page


def test_the_results_offer_to_keep_the_search(client: Client) -> None:
    SavedSearch.objects.all().delete()
    page = client.get("/search/?q=zeppelin&mode=words").content.decode()
    assert "Nothing found" in page
    assert 'href="/search/saved/"' in page


def test_a_name_is_given_once_whatever_its_capitals(client: Client) -> None:
    keep(client, "Rain")
    status, page = keep(client, "rain", "q=wind")
    assert status == 400
    assert "There is a saved search “rain” already" in page
    assert 'name="query" value="q=wind"' in page  # nothing is to be typed again
    assert SavedSearch.objects.count() == 1


def test_two_windows_that_save_at_once_keep_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(client, "Rain")
    monkeypatch.setattr(SavedSearch.objects, "filter", lambda **_: SavedSearch.objects.none())
    assert keep(client, "RAIN")[0] == 400


@pytest.mark.parametrize(
    ("name", "query", "reason"),
    [
        ("", "q=rain", "A name is missing"),
        ("   ", "q=rain", "A name is missing"),
        ("x" * 81, "q=rain", "may have 80 characters"),
        ("Rain", "", "nothing to save"),
        ("Rain", "mode=ears", "nothing to save"),
        ("Rain", "q=rain&library=x", "Library: Enter a whole number."),
        ("Rain", "q=rain&sort=smell", "Order: there is no “smell”; there are: Best match, Name"),
        ("Rain", f"q={'x' * 4_000}", "too long to be saved"),
    ],
)
def test_what_cannot_be_kept_is_told_in_words(client: Client, name: str, query: str, reason: str) -> None:
    status, page = keep(client, name, query)
    assert status == 400
    assert reason in page
    assert not SavedSearch.objects.exists()


def test_there_is_an_end_to_them(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MOST_SAVED", 1)
    keep(client, "Rain")
    assert "remove one that you no longer need" in keep(client, "Wind")[1]


def test_a_search_is_removed_and_removing_it_twice_is_no_mistake(client: Client) -> None:
    keep(client, "Rain")
    address = f"/search/saved/{SavedSearch.objects.get().pk}/remove/"
    for _ in range(2):
        assert client.post(address)["Location"] == "/search/saved/"
    assert not SavedSearch.objects.exists()


def test_changes_are_only_taken_from_a_page_of_ours() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/search/saved/add/", {"name": "Rain", "query": "q=rain"}).status_code == 403
    assert strict.post("/search/saved/1/remove/").status_code == 403
    assert strict.get("/search/saved/1/remove/").status_code == 405
