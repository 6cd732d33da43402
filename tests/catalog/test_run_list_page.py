"""The runs page and the page of a run: progress, findings, failures and retries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Run, Sound
from tests.catalog.rows import HISTORY_RESTORE, HTMX, add_library, add_sound, queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    state = Run.State.RUNNING
    return Run.objects.create(
        kind=Run.Kind.ANALYSIS, state=state, library=add_library(), profile="fast", total=9, done=4, failed=1
    )


def get(client: Client, address: str, headers: dict[str, str] | None = None) -> str:
    return client.get(address, headers=headers or {}).content.decode()


def test_without_runs_it_says_so(client: Client) -> None:
    assert "Nothing has been asked for yet" in get(client, "/runs/")


def test_it_shows_how_far_a_run_is(client: Client, run: Run) -> None:
    page = get(client, "/runs/")
    assert "4 of 9 analyzed, 1 failed" in page
    assert '<progress max="9" value="5"' in page


def test_without_a_worker_it_says_that_nothing_moves(client: Client, run: Run) -> None:
    assert "No worker is alive" in get(client, "/runs/")


@pytest.mark.parametrize("place", ["/runs/", "/runs/{}/"])
def test_it_asks_again_only_while_work_remains(client: Client, run: Run, place: str) -> None:
    address = place.format(run.pk)
    assert "every" in get(client, address, HTMX)
    Run.objects.update(state=Run.State.DONE)
    assert "every" not in get(client, address, HTMX)


@pytest.mark.parametrize(("place", "part"), [("/runs/", "runs"), ("/runs/{}/", "run")])
def test_the_part_and_the_page_come_from_one_address(client: Client, run: Run, place: str, part: str) -> None:
    address = place.format(run.pk)
    assert get(client, address, HTMX).strip().startswith(f'<div id="{part}"')
    assert "<!doctype html>" in get(client, address, HISTORY_RESTORE)


def test_older_runs_are_a_page_away(client: Client) -> None:
    Run.objects.bulk_create(Run(kind=Run.Kind.SCAN, state=Run.State.DONE) for _ in range(60))
    first = get(client, "/runs/")
    newest = Run.objects.first()
    assert newest is not None
    assert f'href="?before={newest.pk - 49}"' in first
    assert "Older runs" not in get(client, f"/runs/?before={newest.pk - 49}")


def test_a_bad_number_is_explained(client: Client) -> None:
    response = client.get("/runs/?before=x")
    assert response.status_code == 400
    assert "is the number of a run" in response.content.decode()


def test_failures_have_their_reason_and_a_button(client: Client, run: Run) -> None:
    sound = add_sound(run.library or add_library(), state=Sound.State.FAILED, error="the file is empty", run=run)
    page = get(client, f"/runs/{run.pk}/")
    assert "the file is empty" in page
    assert f'action="/sounds/{sound.pk}/retry/"' in page


def test_all_failures_are_tried_again_at_once(client: Client, run: Run) -> None:
    add_sound(run.library or add_library(), state=Sound.State.FAILED, error="the file is empty", run=run)
    response = client.post(f"/runs/{run.pk}/retry/")
    again = Run.objects.exclude(pk=run.pk).get()
    assert response["Location"] == f"/runs/{again.pk}/"
    assert (again.profile, again.total) == ("fast", 1)


def test_a_scan_shows_what_it_found_and_what_it_left_out(client: Client) -> None:
    problems = [{"path": "private", "reason": "permission denied"}]
    findings = {"unreadable": 2, "new": 31}
    run = Run.objects.create(kind=Run.Kind.SCAN, state=Run.State.DONE, total=33, findings=findings, problems=problems)
    page = get(client, f"/runs/{run.pk}/")
    assert page.index("<dt>new</dt><dd>31</dd>") < page.index("<dt>unreadable</dt><dd>2</dd>")
    assert "permission denied" in page


@pytest.mark.parametrize("place", ["/runs/", "/runs/{}/"])
def test_the_number_of_queries_does_not_grow(client: Client, run: Run, place: str) -> None:
    assert run.library is not None
    few = queries_of(client, place.format(run.pk))
    for number in range(6):
        add_sound(run.library, f"{number}.wav", state=Sound.State.FAILED, error="odd", run=run)
        Run.objects.create(kind=Run.Kind.SCAN, state=Run.State.DONE, library=run.library)
    assert queries_of(client, place.format(run.pk)) == few


def test_a_run_is_cancelled_from_its_page(client: Client, run: Run) -> None:
    assert f'action="/runs/{run.pk}/cancel/"' in get(client, f"/runs/{run.pk}/")
    assert client.post(f"/runs/{run.pk}/cancel/")["Location"] == f"/runs/{run.pk}/"
    page = get(client, f"/runs/{run.pk}/")
    assert "Cancelled" in page
    assert "/cancel/" not in page
    assert "every" not in page


def test_it_tells_the_pace_and_the_time_left_while_a_run_goes_on(client: Client, run: Run) -> None:
    Run.objects.update(total=1205, done=599, started_at=timezone.now() - timedelta(minutes=10))
    assert "60 a minute, about 10 min left" in get(client, f"/runs/{run.pk}/")
    Run.objects.update(state=Run.State.DONE)
    assert "a minute" not in get(client, f"/runs/{run.pk}/")


def test_a_run_of_a_selection_shows_its_sounds(client: Client, run: Run) -> None:
    sound = add_sound(add_library("Other"), run=run)
    assert f'href="/sounds/{sound.pk}/"' not in get(client, f"/runs/{run.pk}/")
    Run.objects.update(library=None)
    assert f'href="/sounds/{sound.pk}/"' in get(client, f"/runs/{run.pk}/")
