"""The HTTP API of the catalog: libraries, scans, runs, sounds, their audio, analyses, edits and exports."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Body, Query, Router, Status
from ninja.errors import HttpError

from analysis.regions import MAX_FADE_S, MAX_REGION_S, InvalidRegion
from analysis.waveform import Peaks
from catalog import actions
from catalog.answers import (
    AnalyzeBy,
    Category,
    FullSound,
    LibraryAnswer,
    NewLibrary,
    ProfileChoice,
    RunAnswer,
    SoundAnswer,
    SoundEdit,
    SoundsAnswer,
    Waveform,
)
from catalog.audio import AudioGone, audio_response, preview_response
from catalog.browse import MAX_PAGE_SIZE, PAGE_SIZE, SoundFilters, page_of_sounds
from catalog.counts import category_counts
from catalog.exports import UnknownFormat, stream_export
from catalog.health import router as health_router
from catalog.models import Library, Run, Sound
from catalog.predict import router as predict_router
from catalog.regions import region_response

router = Router(tags=["catalog"])
router.add_router("", health_router)
router.add_router("", predict_router)

RUNS_SHOWN = 50
REGION_DESCRIBED = {
    "responses": {
        200: {
            "description": "The region, as `<name of the sound> 3.200-5.000.wav`",
            "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
        },
        400: {
            "description": "The sound has no such region",
            "content": {
                "application/json": {
                    "example": {
                        "error": {
                            "code": "bad_request",
                            "message": "a region ends after its start; this one starts at 5 s and ends at 3.2 s",
                            "details": {},
                        }
                    }
                }
            },
        },
        404: {"description": "No such sound, or its file is gone"},
        422: {"description": "A parameter is no number, or the file cannot be read"},
        503: {
            "description": "Others are having regions cut: ask again after as many seconds as the header tells",
            "headers": {"Retry-After": {"schema": {"type": "integer"}}},
        },
    }
}


@router.get("libraries", response=list[LibraryAnswer], url_name="libraries")
def libraries(request: HttpRequest) -> list[LibraryAnswer]:
    return [LibraryAnswer.of(library) for library in Library.objects.all()]


@router.post("libraries", response={201: LibraryAnswer}, url_name="library-add")
def add_library(request: HttpRequest, wanted: NewLibrary) -> Status[LibraryAnswer]:
    """Add a folder; one that is there already is given back."""
    return Status(201, LibraryAnswer.of(actions.add_library(wanted.root, wanted.name, wanted.profile)))


@router.get("libraries/{int:library_id}", response=LibraryAnswer, url_name="library")
def library(request: HttpRequest, library_id: int) -> LibraryAnswer:
    return LibraryAnswer.of(get_object_or_404(Library, pk=library_id))


@router.delete("libraries/{int:library_id}", response={204: None}, url_name="library-remove")
def remove_library(request: HttpRequest, library_id: int) -> Status[None]:
    """Forget a library, its sounds, their analyses and what people said of them. No file is touched."""
    actions.remove_library(get_object_or_404(Library, pk=library_id))
    return Status(204, None)


@router.post("libraries/{int:library_id}/scan", response={202: RunAnswer}, url_name="library-scan")
def scan(request: HttpRequest, library_id: int) -> Status[RunAnswer]:
    """Find what is new, changed, moved or missing, and analyze what is new; one that runs already is given back."""
    return Status(202, RunAnswer.of(actions.start_scan(get_object_or_404(Library, pk=library_id))))


@router.get("runs", response=list[RunAnswer], url_name="runs")
def runs(request: HttpRequest, limit: Annotated[int, Query(ge=1, le=500)] = RUNS_SHOWN) -> list[RunAnswer]:
    """Scans, analyses and re-taggings, the newest first."""
    return [RunAnswer.of(run) for run in Run.objects.all()[:limit]]


@router.get("runs/{int:run_id}", response=RunAnswer, url_name="run")
def run(request: HttpRequest, run_id: int) -> RunAnswer:
    return RunAnswer.of(get_object_or_404(Run, pk=run_id))


@router.post("runs/{int:run_id}/cancel", response=RunAnswer, url_name="run-cancel")
def cancel(request: HttpRequest, run_id: int) -> RunAnswer:
    """End a run early: what waits is what it was before, what is being heard may finish; a finished run stays so."""
    return RunAnswer.of(actions.cancel(get_object_or_404(Run, pk=run_id)))


@router.get("sounds", response=SoundsAnswer, url_name="sounds")
def sounds(
    request: HttpRequest, cursor: str = "", limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = PAGE_SIZE
) -> SoundsAnswer:
    """Sounds, the surest first. Filters: category, tag (repeatable), library, min_duration, max_duration,
    min_confidence, state, profile, q. `next_cursor` is the `cursor` of the next page, empty on the last.
    """
    page = page_of_sounds(SoundFilters.from_query(request.GET), cursor, limit)
    return SoundsAnswer(sounds=[SoundAnswer.of(sound) for sound in page.sounds], next_cursor=page.next_cursor)


@router.get("sounds/{int:sound_id}", response=FullSound, url_name="sound")
def sound(request: HttpRequest, sound_id: int) -> FullSound:
    return FullSound.of(sound_of(sound_id))


@router.patch("sounds/{int:sound_id}", response=FullSound, url_name="sound-edit")
def edit_sound(request: HttpRequest, sound_id: int, edit: SoundEdit) -> FullSound:
    """Put your words over the analysis; null takes them back."""
    said = edit.model_dump(exclude_unset=True)
    withdrawn = [field for field, value in said.items() if value is None]
    actions.edit_sound(sound_of(sound_id), **said, withdraw=withdrawn)
    return FullSound.of(sound_of(sound_id))


@router.api_operation(["GET", "HEAD"], "sounds/{int:sound_id}/audio", url_name="sound-audio")
def audio(request: HttpRequest, sound_id: int, preview: bool = False) -> HttpResponseBase:
    """The file, whole or a byte range of it; with `preview` something that every browser plays."""
    try:
        return (preview_response if preview else audio_response)(request, sound_of(sound_id))
    except AudioGone as error:
        raise Http404(str(error)) from error


@router.get("sounds/{int:sound_id}/region", url_name="sound-region", openapi_extra=REGION_DESCRIBED)
def region(
    request: HttpRequest,
    sound_id: int,
    start_s: Annotated[float, Query(description="Seconds from the beginning of the sound", examples=[3.2])],
    end_s: Annotated[float, Query(description=f"At most {MAX_REGION_S:g} s after the start", examples=[5.0])],
    fade_ms: Annotated[float, Query(description=f"Fade at both ends, up to {MAX_FADE_S * 1000:g} ms")] = 0.0,
) -> HttpResponseBase:
    """A region of the sound as WAV, with the sound's own rate, channels and bit depth, to the bit as the file has it:
    `sounds/17/region?start_s=3.2&end_s=5.0`. What has no bit depth (MP3, Vorbis, AAC) comes as 32-bit float.
    """
    try:
        return region_response(sound_of(sound_id), start_s=start_s, end_s=end_s, fade_s=fade_ms / 1000)
    except InvalidRegion as error:
        raise HttpError(400, str(error)) from error
    except AudioGone as error:
        raise Http404(str(error)) from error


@router.get("sounds/{int:sound_id}/waveform", response=Waveform, url_name="sound-waveform")
def waveform(request: HttpRequest, sound_id: int) -> Waveform:
    """Lowest and highest sample of up to 800 stretches, -127 to 127; none before the first analysis."""
    found = sound_of(sound_id)
    pairs = Peaks.from_bytes(bytes(found.peaks)).values.tolist() if found.peaks else []
    return Waveform(duration_s=found.duration_s, peaks=pairs)


@router.post("sounds/{int:sound_id}/analyze", response={202: RunAnswer}, url_name="sound-analyze")
def analyze_sound(
    request: HttpRequest, sound_id: int, wanted: Annotated[ProfileChoice | None, Body()] = None
) -> Status[RunAnswer]:
    """Analyze a sound again, with its library's profile where none is named; from stored vectors where they fit it."""
    found = sound_of(sound_id)
    profile = (wanted.profile if wanted else None) or found.library.profile
    return Status(202, RunAnswer.of(actions.apply_profile(Sound.objects.filter(pk=found.pk), profile)))


@router.post("analyze", response={202: RunAnswer}, url_name="analyze")
def analyze(request: HttpRequest, wanted: AnalyzeBy) -> Status[RunAnswer]:
    """Analyze sounds again: those of `ids`, or those that `filter` (the query of a sound list) leaves.

    Where stored vectors fit the profile, no audio is read: the answer is then a run of the kind `retag`, whose
    `followers` name the analysis of the sounds that have to be heard. `findings` count both.
    """
    if (wanted.ids is None) == (wanted.filter is None):
        raise HttpError(422, "give either ids or filter")
    if wanted.ids is not None:
        chosen = Sound.objects.filter(pk__in=wanted.ids)
    else:
        chosen = SoundFilters.from_string((wanted.filter or "").lstrip("?")).apply(Sound.objects.all())
    return Status(202, RunAnswer.of(actions.apply_profile(chosen, wanted.profile)))


@router.get("categories", response=list[Category], url_name="categories")
def categories(request: HttpRequest) -> list[Category]:
    """Categories with their number of sounds, under the filters of a sound list."""
    counts = category_counts(SoundFilters.from_query(request.GET))
    return [Category(name=name, count=count) for name, count in counts.items()]


@router.get("exports/{format_name}", url_name="export")
def export(
    request: HttpRequest, format_name: str, ids: Annotated[list[int] | None, Query()] = None
) -> HttpResponseBase:
    """The catalog, what the filters of a sound list leave of it, or the sounds of `ids` (repeatable), as a file."""
    chosen = SoundFilters.from_query(request.GET).apply(Sound.objects.all())
    if ids:
        chosen = chosen.filter(pk__in=ids)
    try:
        content_type, name, parts = stream_export(format_name, chosen)
    except UnknownFormat as error:
        raise Http404(str(error)) from error
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(parts, content_type=content_type, headers=headers)


def sound_of(sound_id: int) -> Sound:
    sounds = Sound.objects.select_related("library", "current_analysis").defer("search_vector")
    return get_object_or_404(sounds, pk=sound_id)
