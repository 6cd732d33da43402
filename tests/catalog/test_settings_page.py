"""The settings page: the model that listens, the profiles, the vocabulary in use."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from analysis.checkpoints import ModelKey, ModelSource
from analysis.errors import ModelUnavailable
from catalog import engine
from tests.catalog.rows import add_heard, add_library, queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> None:
    known = frozenset({"heavy rain", "dog bark"})
    source = ModelSource(ModelKey(engine.STARTER_ID, "r1"), Path("unused"), known_labels=known)
    monkeypatch.setattr(engine, "active_source", lambda: source)


def get(client: Client, address: str = "/settings/") -> str:
    return client.get(address).content.decode()


def test_it_names_the_model_and_lists_the_profiles(client: Client) -> None:
    page = get(client)
    assert engine.active_model().model_id in page
    assert all(f'<th scope="row">{profile.name}</th>' in page for profile in engine.profiles())


def test_it_counts_the_sounds_of_each_label(client: Client) -> None:
    library = add_library()
    for number in range(3):
        add_heard(library, f"{number}.wav", label="heavy rain")
    assert '<a href="/?tag=heavy%20rain">heavy rain</a> <span class="faint">3</span>' in get(client)


@pytest.mark.usefixtures("starter")
def test_the_starter_model_is_named_on_every_page_with_what_to_do(client: Client) -> None:
    addresses = ("/", "/libraries/", "/runs/", "/exports/", "/search/")
    assert all("<strong>Starter model</strong>" in get(client, address) for address in addresses)
    page = get(client)
    assert ".venv/bin/timbre model install" in page
    assert "2 of 199" in page


def test_another_model_brings_no_notice(client: Client) -> None:
    assert 'class="notice' not in get(client)


def test_a_missing_model_breaks_no_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> ModelSource:
        raise ModelUnavailable("the bundled model is missing; reinstall Timbre")

    monkeypatch.setattr(engine, "active_source", missing)
    for address in ("/", "/settings/"):
        response = client.get(address)
        assert response.status_code == 200
        assert "reinstall Timbre" in response.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_sounds(client: Client) -> None:
    few = queries_of(client, "/settings/")
    library = add_library()
    for number in range(5):
        add_heard(library, f"{number}.wav")
    assert queries_of(client, "/settings/") == few
