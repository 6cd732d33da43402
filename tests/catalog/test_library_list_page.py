"""The libraries page: folders, counts, adding and scanning, and progress while there is some."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from catalog.models import Edit, Library, Run, Sound
from tests.catalog.rows import HISTORY_RESTORE, HTMX, add_library, add_sound, queries_of

pytestmark = pytest.mark.django_db


def get(client: Client, headers: dict[str, str] | None = None) -> str:
    return client.get("/libraries/", headers=headers or {}).content.decode()


def test_without_a_library_it_shows_how_to_add_one(client: Client) -> None:
    assert "No folder yet." in get(client)
    assert "Add a folder" in get(client)


def test_it_counts_the_sounds_of_each_library_by_state(client: Client) -> None:
    library = add_library()
    add_sound(library, "a.wav")
    add_sound(library, "b.wav", state=Sound.State.FAILED)
    page = get(client)
    assert "<b>2</b> sounds" in page
    assert f'<a class="bad" href="/?library={library.pk}&amp;state=failed"><b>1</b> failed</a>' in page


def test_it_asks_again_only_while_work_remains(client: Client) -> None:
    run = Run.objects.create(kind=Run.Kind.SCAN, state=Run.State.RUNNING, library=add_library())
    assert 'hx-trigger="every 2s"' in get(client)
    Run.objects.filter(pk=run.pk).update(state=Run.State.DONE)
    assert "every" not in get(client, HTMX)


def test_the_part_and_the_page_come_from_one_address(client: Client) -> None:
    assert get(client, HTMX).strip().startswith('<div id="libraries"')
    assert "<!doctype html>" in get(client, HISTORY_RESTORE)


def test_a_folder_is_added_and_its_scan_shown(client: Client, tmp_path: Path) -> None:
    response = client.post("/libraries/add/", {"root": str(tmp_path), "profile": "fast"})
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.pk}/"
    assert (run.kind, run.library) == (Run.Kind.SCAN, Library.objects.get(root=str(tmp_path), profile="fast"))


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"root": "/there/is/nothing", "profile": "fast"}, "There is no folder"),
        ({"root": "here", "profile": "fast"}, "not a full path"),
        ({"root": "/tmp", "profile": "loud"}, "no profile"),
        ({"root": "", "profile": "fast"}, "This field is required"),
    ],
)
def test_a_folder_that_cannot_be_is_explained(client: Client, form: dict[str, str], reason: str) -> None:
    response = client.post("/libraries/add/", form)
    assert response.status_code == 400
    assert reason in response.content.decode()
    assert not Library.objects.exists()


def test_the_scan_button_starts_a_scan(client: Client) -> None:
    library = add_library()
    response = client.post(f"/libraries/{library.pk}/scan/")
    assert response["Location"] == f"/runs/{Run.objects.get(library=library).pk}/"


def test_the_number_of_queries_does_not_grow_with_the_libraries(client: Client) -> None:
    add_sound(add_library("One"))
    few = queries_of(client, "/libraries/")
    for number in range(5):
        add_sound(add_library(f"More {number}"))
    assert queries_of(client, "/libraries/") == few


def test_removing_says_first_what_will_be_forgotten(client: Client) -> None:
    library = add_library()
    sound = add_sound(library)
    Edit.objects.create(sound=sound, field="description", value="mine")
    assert f'href="/libraries/{library.pk}/remove/"' in get(client)

    page = client.get(f"/libraries/{library.pk}/remove/").content.decode()
    assert "<b>1</b> sound with" in page
    assert "<b>1</b> edit of yours will be forgotten. The files stay where they are." in page
    assert client.post(f"/libraries/{library.pk}/remove/")["Location"] == "/libraries/"
    assert not Library.objects.exists()


def test_a_run_is_cancelled_where_its_progress_is_shown(client: Client) -> None:
    run = Run.objects.create(kind=Run.Kind.SCAN, state=Run.State.RUNNING, library=add_library())
    assert f'action="/runs/{run.pk}/cancel/"' in get(client)
