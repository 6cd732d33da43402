"""The exports page and the downloads behind it."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from catalog.exports import FORMATS
from catalog.views.exports import EXPLANATIONS
from catalog.views.listing import EXPORT_TITLES
from tests.catalog.rows import add_heard, add_library, add_sound, queries_of

pytestmark = pytest.mark.django_db


def test_every_format_is_offered_and_explained() -> None:
    assert list(EXPORT_TITLES) == list(FORMATS) == list(EXPLANATIONS)


def test_it_says_which_folder_to_choose_in_soundminer(client: Client) -> None:
    add_library()
    page = client.get("/exports/").content.decode()
    assert "Import text into database" in page
    assert "/sounds/field" in page


def test_it_warns_of_names_that_stand_twice(client: Client) -> None:
    library = add_library()
    add_sound(library, "a/Take 1.wav")
    add_sound(library, "b/take 1.WAV")
    assert "1 file name stands more than once" in client.get("/exports/").content.decode()


def test_a_filter_goes_into_the_downloads(client: Client) -> None:
    assert "/exports/csv/?category=weather" in client.get("/exports/?category=weather").content.decode()


def test_a_bad_filter_is_explained(client: Client) -> None:
    for address in ("/exports/?library=x", "/exports/csv/?library=x"):
        response = client.get(address)
        assert response.status_code == 400
        assert "Library: " in response.content.decode()


@pytest.mark.parametrize("name", list(EXPORT_TITLES))
def test_a_download_is_a_file(client: Client, name: str) -> None:
    add_heard(add_library())
    response = client.get(f"/exports/{name}/")
    assert response["Content-Disposition"].startswith('attachment; filename="timbre-')
    assert "Track 18.wav" in response.getvalue().decode()


def test_a_download_holds_what_the_filter_leaves(client: Client) -> None:
    library = add_library()
    add_sound(library, "a.wav", state="failed", error="empty")
    add_sound(library, "b.wav")
    response = client.get("/exports/csv/?state=failed")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert [row["file_name"] for row in rows] == ["a.wav"]


def test_an_unknown_format_is_not_found_and_the_others_are_named(client: Client) -> None:
    response = client.get("/exports/wax-cylinder/")
    assert response.status_code == 404
    assert "soundminer-csv" in response.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_sounds(client: Client) -> None:
    library = add_library()
    few = queries_of(client, "/exports/")
    for number in range(10):
        add_sound(library, f"{number}.wav")
    assert queries_of(client, "/exports/") == few


def test_it_says_what_the_formats_leave_out(client: Client) -> None:
    assert "leave out sounds that are not analyzed yet" in client.get("/exports/").content.decode()
