"""The HTTP API of search."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Query, Router, UploadedFile

from catalog.browse import SoundFilters
from catalog.models import Sound
from catalog.uploads import stored_upload, upload_name
from search.answers import Answer
from search.search import DEPTH, search_sounds, similar_sounds, similar_to_audio

router = Router(tags=["search"])

Limit = Annotated[int, Query(ge=1, le=DEPTH)]


@router.get("search", response=Answer, url_name="search")
def search(request: HttpRequest, q: str = "", limit: Limit = 50, lexical: bool = True, semantic: bool = True) -> Answer:
    """Find sounds for words: `lexical` searches what is written, `semantic` what is heard. Filters as of `sounds`:
    category, tag (repeatable), library, min_duration, max_duration, min_confidence, state, profile.
    """
    filters = SoundFilters.from_query(request.GET)
    return Answer.of(search_sounds(q, filters, limit=limit, lexical=lexical, semantic=semantic))


@router.get("sounds/{int:sound_id}/similar", response=Answer, url_name="sound-similar")
def similar(request: HttpRequest, sound_id: int, limit: Limit = 20) -> Answer:
    """Find sounds that sound like one of the catalog."""
    sound = get_object_or_404(Sound.objects.select_related("library"), pk=sound_id)
    return Answer.of(similar_sounds(sound, limit=limit))


@router.post("search/by-audio", response=Answer, url_name="search-by-audio")
def search_by_audio(request: HttpRequest, file: File[UploadedFile], limit: Limit = 20) -> Answer:
    """Find sounds that sound like an uploaded file, which is not kept."""
    with stored_upload(file) as path:
        return Answer.of(similar_to_audio(path, name=upload_name(file), limit=limit))
