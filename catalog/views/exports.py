"""The exports page, and the downloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django.db.models import Count, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from catalog.browse import InvalidFilters, SoundFilters
from catalog.exports import stream_export
from catalog.models import Sound
from catalog.views.addresses import Address
from catalog.views.listing import EXPORT_TITLES, in_words, listing, without_refused
from catalog.views.pages import refused, render_page

EXPLANATIONS: Mapping[str, str] = {
    "csv": "One row a sound with description, tags, category, confidence and measured facts. Opens in any spreadsheet.",
    "json": "The full records: every event, every measured fact, and what made them. For scripts.",
    "markdown": "A document to read and share: sounds grouped by category, with a table of contents that works.",
    "soundminer-csv": "Comma-separated with Soundminer's own field names, for “Import text into database”.",
    "soundminer-tab": "The same fields separated by tabs, for older versions and other tools that expect a .txt.",
}


COUNTED_UP_TO = 100_000
"""Sounds up to which equal file names are counted: that reads every row, and this page should open at once."""


@dataclass(frozen=True, slots=True)
class Format:
    title: str
    explanation: str
    address: Address


@require_GET
def export_list(request: HttpRequest) -> HttpResponse:
    try:
        filters, here, problems = SoundFilters.from_query(request.GET), Address.of(request), []
    except InvalidFilters as error:
        here, _ = without_refused(Address.of(request), error)
        filters, problems = SoundFilters.from_query(here.query), in_words(error)
    context = listing(here, filters, export_view="catalog:export-download")
    context |= {
        "problems": problems,
        "formats": [Format(link.title, EXPLANATIONS[link.name], link.address) for link in context["export_formats"]],
        "shared_names": shared_names(filters) if context["total"] <= COUNTED_UP_TO else 0,
    }
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    return render_page(request, "catalog/export_list.html", context, status=status)


def shared_names(filters: SoundFilters) -> int:
    """File names that stand in more than one folder: Soundminer matches by name alone, without case."""
    names = filters.apply(Sound.objects.order_by()).values(name=Lower("file_name")).annotate(count=Count("id"))
    return names.filter(count__gt=1).count()


@require_GET
def export_download(request: HttpRequest, format_name: str) -> HttpResponseBase:
    try:
        sounds = SoundFilters.from_query(request.GET).apply(Sound.objects.all())
    except InvalidFilters as error:
        return refused(request, in_words(error))
    return download(request, format_name, sounds)


def download(request: HttpRequest, format_name: str, sounds: QuerySet[Sound]) -> HttpResponseBase:
    if format_name not in EXPORT_TITLES:
        reason = f"There is no export format “{format_name}”. There are: {', '.join(EXPORT_TITLES)}."
        return refused(request, [reason], status=HTTPStatus.NOT_FOUND)
    content_type, file_name, lines = stream_export(format_name, sounds)
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response
