"""Whatever goes wrong in the API is told in one shape."""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from catalog import engine
from catalog.models import Embedding, Library, Sound


def error_of(client: Client, address: str) -> tuple[int, dict[str, object]]:
    response = client.get(address)
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    return response.status_code, body["error"]


def test_an_unknown_address_of_the_api(client: Client) -> None:
    status, error = error_of(client, "/api/nowhere")

    assert (status, error["code"]) == (404, "not_found")
    assert "/api/nowhere" in str(error["message"])


@pytest.mark.django_db
def test_a_sound_that_is_not_there(client: Client) -> None:
    status, error = error_of(client, "/api/sounds/1")

    assert (status, error["code"]) == (404, "not_found")


def test_a_number_that_is_none(client: Client) -> None:
    status, error = error_of(client, "/api/search?q=rain&limit=many")

    assert (status, error["code"]) == (422, "unprocessable_entity")
    assert "limit" in str(error["message"])


def test_a_filter_that_cannot_be(client: Client) -> None:
    status, error = error_of(client, "/api/sounds?state=asleep")

    assert status == 422
    assert "asleep" in str(error["message"])


def test_the_description_of_the_api_is_served(client: Client) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]

    assert {"/api/health", "/api/libraries", "/api/sounds", "/api/search", "/api/categories"} <= set(paths)


def test_a_form_of_another_site_is_refused(client: Client) -> None:
    response = client.post("/api/libraries", "{}", "application/json", headers={"Origin": "http://elsewhere.example"})

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "foreign_origin"


@pytest.mark.django_db
def test_health_tells_by_how_many_rows_the_index_lags(client: Client) -> None:
    library = Library.objects.create(name="Field", root="/sounds/field")
    sound = Sound.objects.create(library=library, path="a.wav", file_name="a.wav", size_bytes=1, modified_ns=1)
    model = engine.active_model()
    place = {"model_id": model.model_id, "model_revision": model.revision, "window_s": 1.0, "hop_s": 1.0}
    Embedding.objects.create(sound=sound, dim=4, clip=np.eye(4, dtype="<f4")[0].tobytes(), windows=b"", **place)

    assert client.get("/api/health").json()["index_lag"] == {"sounds": 1, "moments": 0}


@pytest.mark.django_db
def test_a_number_in_the_address_that_no_sound_can_have(client: Client) -> None:
    status, error = error_of(client, f"/api/sounds/{'9' * 40}/similar")

    assert (status, error["code"]) == (404, "not_found")
