"""A page of another site cannot change anything over the API, and our pages load nothing from elsewhere."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.origin import ContentSecurityPolicyMiddleware, OriginMiddleware


def view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:8000"}, 200),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://localhost:9000"}, 403),
    ],
)
def test_only_our_own_pages_and_scripts_change_something(headers: dict[str, str], status: int) -> None:
    request = RequestFactory(headers={"Host": "localhost:8000", **headers}).post("/api/libraries")

    assert OriginMiddleware(view)(request).status_code == status


def test_reading_is_open() -> None:
    request = RequestFactory(headers={"Host": "localhost", "Origin": "http://elsewhere.example"}).get("/api/sounds")

    assert OriginMiddleware(view)(request).status_code == 200


def test_pages_load_from_here_alone() -> None:
    response = ContentSecurityPolicyMiddleware(view)(RequestFactory().get("/"))

    assert response.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in response.headers["Content-Security-Policy"]
