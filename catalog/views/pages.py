"""What every page shares: a full page or its live part, and the refusal of what cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request as the middleware of django-htmx leaves it."""

    htmx: HtmxDetails


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part. Going back in history asks for the page, or the reader would see a bare part."""
    htmx = cast(HtmxRequest, request).htmx
    return bool(htmx) and not htmx.history_restore_request


def asks_for(request: HttpRequest, element_id: str) -> bool:
    return wants_part(request) and cast(HtmxRequest, request).htmx.target == element_id


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    part: str = "",
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """Render a page, or the partial of its template where htmx asks for one."""
    shown = f"{template}#{part}" if part and wants_part(request) else template
    response = render(request, shown, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def refused(request: HttpRequest, problems: Sequence[str], *, status: int = HTTPStatus.BAD_REQUEST) -> HttpResponse:
    """Say what was wrong with a request that has no page of its own to say it on."""
    return render_page(request, "catalog/refused.html", {"problems": problems}, status=status)
