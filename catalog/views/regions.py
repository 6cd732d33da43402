"""The download of a region of a sound."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from analysis.errors import UnreadableAudio
from analysis.regions import InvalidRegion, RegionNotWritten
from catalog.audio import AudioGone
from catalog.models import Sound
from catalog.regions import region_response
from catalog.turns import RETRY_AFTER_S, NoTurn
from catalog.views.pages import refused


@require_GET
def sound_region(request: HttpRequest, sound_id: int) -> HttpResponseBase:
    sound = get_object_or_404(Sound.objects.select_related("library").defer("search_vector"), pk=sound_id)
    try:
        start_s, end_s = seconds_of(request, "start"), seconds_of(request, "end")
        return region_response(sound, start_s=start_s, end_s=end_s)
    except InvalidRegion as error:
        return refused(request, [sentence(error)])
    except AudioGone as error:
        return refused(request, [sentence(error)], status=HTTPStatus.NOT_FOUND)
    except UnreadableAudio as error:
        return refused(request, [sentence(error)], status=HTTPStatus.UNPROCESSABLE_ENTITY)
    except NoTurn as error:
        response = refused(request, [sentence(error)], status=HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
    except RegionNotWritten as error:
        return refused(request, [sentence(error)], status=HTTPStatus.SERVICE_UNAVAILABLE)


def seconds_of(request: HttpRequest, name: str) -> float:
    text = request.GET.get(name, "").strip()
    try:
        return float(text)
    except ValueError as error:
        said = f"not {text[:40]!r}" if text else "and nothing is given"
        raise InvalidRegion(f"{name} has to be a number of seconds such as 3.2, {said}") from error


def sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
