"""What is offered while somebody types a search."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from catalog.dictionary import refresh_dictionary
from catalog.models import Sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted(make_sound: Callable[..., Sound]) -> None:
    make_sound("rain roof.wav", category="weather", label="heavy rain", tags=["rain on roof"])
    make_sound("rain.wav", category="weather", label="heavy rain")
    make_sound("dog.wav", category="animals", label="dog bark")
    refresh_dictionary()


def offered(client: Client, q: str, at: int | None = None) -> list[dict[str, object]]:
    query = {"q": q} | ({} if at is None else {"at": str(at)})
    response = client.get("/search/complete/", query)
    assert response.status_code == 200
    found: list[dict[str, object]] = response.json()["suggestions"]
    return found


def test_fields_are_offered_by_their_beginning(client: Client) -> None:
    first = offered(client, "rain du")[0]
    assert (first["shown"], first["kind"], first["text"], first["cursor"]) == ("dur:", "field", "rain dur:", 9)


@pytest.mark.usefixtures("counted")
def test_values_are_offered_with_their_counts(client: Client) -> None:
    first, second = offered(client, "cat:")[:2]
    assert (first["shown"], first["note"]) == ("weather", "2 sounds")
    assert (second["shown"], second["note"]) == ("animals", "1 sound")
    assert [one["text"] for one in offered(client, "cat:an")] == ["cat:animals "]
    assert [one["text"] for one in offered(client, "tag:rain")] == ['tag:"rain on roof" ']


def test_a_number_has_an_example(client: Client) -> None:
    (only,) = offered(client, "dur:")
    assert (only["shown"], only["text"]) == ("<10", "dur:<10")


@pytest.mark.usefixtures("counted")
def test_words_of_the_sounds_and_labels_are_offered(client: Client) -> None:
    found = {one["shown"]: one for one in offered(client, "heavy ra")}
    assert found["rain"]["note"] == "2 sounds"
    assert found["rain"]["text"] == "heavy rain "
    labels = [one["shown"] for one in offered(client, "dog b") if one["kind"] == "label"]
    assert labels == [] or all(str(label).startswith("b") for label in labels)
    assert any(one["kind"] == "label" for one in offered(client, "thun"))


@pytest.mark.usefixtures("counted")
def test_the_middle_of_a_line_is_completed_in_its_place(client: Client) -> None:
    found = offered(client, "do wind", 2)
    assert ("dog wind", 3) in [(one["text"], one["cursor"]) for one in found]


@pytest.mark.parametrize("at", ["", "x", "-1", "999999999999", "3"])
@pytest.mark.parametrize("q", ["", "a", '"', "((", "cat:\0", "nofield:x", "𝄞𝄞 ra", "x" * 100_000, "like:", "tag:(ra"])
def test_whatever_is_typed_is_answered(client: Client, q: str, at: str) -> None:
    assert client.get("/search/complete/", {"q": q, "at": at}).status_code == 200


@pytest.mark.usefixtures("counted")
def test_an_accepted_completion_is_not_offered_again(client: Client) -> None:
    assert "animals" not in [one["shown"] for one in offered(client, "cat:animals")]
    assert "rain" not in [one["shown"] for one in offered(client, "rain")]
