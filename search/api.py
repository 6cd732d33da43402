"""The HTTP API of search."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Query, Router, UploadedFile

from catalog.browse import SoundFilters
from catalog.models import Sound
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
    name = Path(file.name or "upload").name
    with tempfile.TemporaryDirectory(prefix="timbre-") as folder:
        path = Path(folder) / f"upload{Path(name).suffix.lower()}"
        with path.open("wb") as target:
            target.writelines(file.chunks())
        return Answer.of(similar_to_audio(path, name=name, limit=limit))
