"""What sounds like a sound: one of the catalog, or a file that somebody gives as an example."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from analysis.errors import AnalysisError, UnreadableAudio
from catalog.models import Sound
from catalog.templatetags.sounds import sentence
from catalog.uploads import (
    MAX_UPLOAD_BYTES,
    UploadTooLarge,
    check_request_size,
    check_upload_size,
    stored_upload,
    upload_name,
)
from catalog.views.pages import render_page
from search.results import SearchResults
from search.similar import similar_sounds, similar_to_audio
from search.views.rows import similar_rows

SIMILAR_SHOWN = 12
EXAMPLE_SHOWN = 40


@require_GET
def similar(request: HttpRequest, sound_id: int) -> HttpResponse:
    sound = get_object_or_404(Sound.objects.select_related("library"), pk=sound_id)
    found = similar_sounds(sound, limit=SIMILAR_SHOWN)
    context = {"sound": sound, "rows": similar_rows(found.hits), "notice": found.notice}
    return render_page(request, "search/similar.html", context, part="similar")


@csrf_exempt  # the check reads the request, and what is too large is not read
@require_http_methods(["GET", "HEAD", "POST"])
def by_audio(request: HttpRequest) -> HttpResponse:
    try:
        check_request_size(request.META.get("CONTENT_LENGTH") or "")
    except UploadTooLarge as error:
        return by_audio_page(request, problem=str(error), status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    response: HttpResponse = answer_audio(request)
    return response


@csrf_protect
def answer_audio(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return by_audio_page(request)
    file = request.FILES.get("file")
    if file is None:
        return by_audio_page(request, problem="No file was chosen.", status=HTTPStatus.BAD_REQUEST)
    try:
        check_upload_size(file.size or 0)
        with stored_upload(file) as path:
            found = similar_to_audio(path, name=upload_name(file), limit=EXAMPLE_SHOWN)
    except UploadTooLarge as error:
        return by_audio_page(request, problem=str(error), status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except UnreadableAudio as error:
        problem = f"{upload_name(file)} cannot be heard: {sentence(str(error))}"
        return by_audio_page(request, problem=problem, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except AnalysisError as error:
        problem = f"The file cannot be listened to now: {sentence(str(error))}"
        return by_audio_page(request, problem=problem, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return by_audio_page(request, found)


def by_audio_page(
    request: HttpRequest, found: SearchResults | None = None, *, problem: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    context: dict[str, Any] = {"problem": problem, "max_upload_bytes": MAX_UPLOAD_BYTES}
    if found is not None:
        context |= {"name": found.query, "rows": similar_rows(found.hits), "notice": found.notice, "answered": True}
    return render_page(request, "search/by_audio.html", context, status=status)
