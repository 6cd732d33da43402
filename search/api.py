"""The HTTP API of search."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import File, Form, Router, UploadedFile
from ninja.params import functions as params

from catalog.browse import SoundFilters
from catalog.models import Sound
from catalog.stretches import stretch_of
from catalog.uploads import check_upload_size, is_small_enough, stored_upload, upload_name
from search.answers import Answer, MomentsAnswer
from search.api_words import ERRORS, FILTERS, LIKE_ERRORS, MOMENTS_ANSWERED, UPLOAD_ERRORS, described
from search.moment_table import find_moments, moments_csv
from search.reading import Choices, Reading, refusal
from search.results import DEPTH, How
from search.search import search_sounds
from search.similar import similar_sounds, similar_to_audio

router = Router(tags=["search"])

MAX_ID = 2**63 - 1
MAX_OFFSET = 1_000_000
"""More than will ever be found, and few enough that sums with it stay small numbers."""


def told(description: str, example: object, **limits: Any) -> Any:
    return params.Query(description=description, example=example, **limits)


Line = Annotated[str, told("A line in the language of queries, or a sentence", 'rain -~thunder dur:<10 "on a roof"')]
Limit = Annotated[int, told(f"How many results, {DEPTH} at most", 20, ge=1, le=DEPTH)]
Offset = Annotated[int, told(f"How many of the best to leave out; {DEPTH} are found at most", 20, ge=0, le=MAX_OFFSET)]
Lexical = Annotated[bool, told("Search what is written: names, tags, descriptions", True)]
Semantic = Annotated[bool, told("Search what is heard", True)]
Synonyms = Annotated[bool, told("Also look up words that mean the same", True)]
Spelling = Annotated[bool, told("Look up the nearest word for one that stands nowhere", True)]
Different = Annotated[bool, told("Different ones first: no second take of what stands in the list already", True)]
SortName = Literal[
    "best", "name", "surest", "shortest", "longest", "newest", "oldest", "loudest", "quietest", "slowest", "fastest"
]
SortBy = Annotated[SortName, told("The order; what is only faintly like it stays behind all else", "best")]
ThisSound = Annotated[int | None, told('The sound that "like this one" means', 17, ge=1, le=MAX_ID)]
Start = Annotated[
    float | None, told("Where the region begins, in seconds; its beginning if absent", 3.2, ge=0, allow_inf_nan=False)
]
End = Annotated[
    float | None, told("Where the region ends, in seconds; the sound's end if absent", 5.0, ge=0, allow_inf_nan=False)
]


class NothingUnderstood(ValueError):
    """A query of which nothing is left to search with."""

    def __init__(self, message: str, reading: Reading) -> None:
        super().__init__(message)
        self.reading = reading


@router.get(
    "search",
    response=Answer,
    url_name="search",
    openapi_extra=described(ERRORS, FILTERS),
)
def search(
    request: HttpRequest,
    q: Line = "",
    limit: Limit = 50,
    offset: Offset = 0,
    lexical: Lexical = True,
    semantic: Semantic = True,
    synonyms: Synonyms = True,
    spelling: Spelling = True,
    different: Different = False,
    sort: SortBy = "best",
    this_sound: ThisSound = None,
) -> Answer:
    """Find sounds for a line: what is written and what is heard, merged, with the reasons and how it was understood.

    `rain thunder` both, `rain, hail` either, `-thunder` without the word, `"on a roof"` the phrase, `dur:<10` a field,
    `~"wind through a keyhole"` what is heard, `-~thunder` what is not to be heard, `like:17` or `like:17@3.2-5` a sound
    or a region as the example, `^2` behind a part to weigh it. What cannot be understood is among `parsed.problems`,
    and the rest is answered; where nothing is left, the answer is 400. Filters narrow what may be found.
    """
    how = How(lexical, semantic, different, Choices(synonyms, spelling, this_sound), sort)
    found = search_sounds(q, filters_of(request, without="q"), limit=limit, offset=offset, how=how)
    refuse_what_says_nothing(found.reading)
    return Answer.of(found)


@router.get(
    "search/moments",
    response=MomentsAnswer,
    url_name="search-moments",
    openapi_extra=described(ERRORS, FILTERS, MOMENTS_ANSWERED),
)
def search_moments(
    request: HttpRequest,
    q: Line = "",
    limit: Annotated[int, told("The moments of how many sounds", 50, ge=1, le=DEPTH)] = 50,
    lexical: Lexical = True,
    semantic: Semantic = True,
    synonyms: Synonyms = True,
    spelling: Spelling = True,
    this_sound: ThisSound = None,
    format: Annotated[Literal["json", "csv"], told("How to write them", "csv")] = "json",
) -> MomentsAnswer | HttpResponse | StreamingHttpResponse:
    """Every moment in the sounds that a search finds: where in which file, for how long, how sure.

    A moment is a stretch in which at least half as much of it is heard as in the best of its sound. A short sound that
    was heard as a whole is one moment. `sounds/{id}/region` gives its audio.
    """
    how = How(lexical, semantic, choices=Choices(synonyms, spelling, this_sound))
    found = find_moments(q, filters_of(request, without="q"), limit=limit, how=how)
    refuse_what_says_nothing(found.search.reading)
    if format == "csv":
        headers = {"Content-Disposition": 'attachment; filename="timbre-moments.csv"'}
        return HttpResponse("".join(moments_csv(found.moments)), "text/csv; charset=utf-8", headers=headers)
    return MomentsAnswer.of(found)


@router.get(
    "sounds/{int:sound_id}/similar",
    response=Answer,
    url_name="sound-similar",
    openapi_extra=described(LIKE_ERRORS, FILTERS),
)
def similar(request: HttpRequest, sound_id: int, limit: Limit = 20, start_s: Start = None, end_s: End = None) -> Answer:
    """Find sounds that sound like one of the catalog, or like a region of it; what is most like it is told with its
    time. A region that the sound does not have is refused with 400.
    """
    sound = get_object_or_404(Sound.objects.select_related("library"), pk=sound_id)
    filters = filters_of(request)
    return Answer.of(similar_sounds(sound, limit=limit, filters=filters, start_s=start_s, end_s=end_s))


@router.post(
    "search/by-audio",
    response=Answer,
    url_name="search-by-audio",
    auth=is_small_enough,
    openapi_extra=described(UPLOAD_ERRORS, FILTERS),
)
def search_by_audio(
    request: HttpRequest,
    file: Annotated[UploadedFile, File(description="Any sound that Timbre reads")],
    limit: Limit = 20,
    start_s: Start = None,
    end_s: End = None,
    start_of_form: Annotated[
        float | None, Form(alias="start_s", description="The same, in the form", ge=0, allow_inf_nan=False)
    ] = None,
    end_of_form: Annotated[
        float | None, Form(alias="end_s", description="The same, in the form", ge=0, allow_inf_nan=False)
    ] = None,
) -> Answer:
    """Find sounds that sound like an uploaded file, or like a region of it. The file is not kept."""
    check_upload_size(file.size or 0)
    filters, name = filters_of(request), upload_name(file)
    start = start_s if start_of_form is None else start_of_form
    end = end_s if end_of_form is None else end_of_form
    with stored_upload(file) as path, stretch_of(path, start, end) as heard:
        return Answer.of(similar_to_audio(heard, name=name, limit=limit, filters=filters))


def filters_of(request: HttpRequest, *, without: str = "") -> SoundFilters:
    query = request.GET.copy()
    query.pop(without, None)
    return SoundFilters.from_query(query)


def refuse_what_says_nothing(reading: Reading | None) -> None:
    if reading is not None and (message := refusal(reading)):
        raise NothingUnderstood(message, reading)
