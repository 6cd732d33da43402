"""What the description of the API says of search beside its types: filters, refusals, examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.browse import LONGEST_TEXT, MAX_TAGS
from catalog.models import Sound

Described = Mapping[str, Any]

ERROR: Described = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string", "description": "What is wrong and what to do"},
                "details": {"type": "object"},
            },
        }
    },
}


def parameter(name: str, description: str, example: object, **schema: Any) -> Described:
    return {
        "in": "query",
        "name": name,
        "required": False,
        "description": description,
        "example": example,
        "schema": schema,
    }


SECONDS = {"type": "number", "minimum": 0}
FILTERS: Sequence[Described] = (
    parameter("category", "Only of this category", "weather", type="string", maxLength=LONGEST_TEXT),
    parameter(
        "tag",
        "Only with this tag; repeated, with all of them",
        ["rain"],
        type="array",
        items={"type": "string", "maxLength": LONGEST_TEXT},
        maxItems=MAX_TAGS,
    ),
    parameter("library", "Only of the library of this number", 1, type="integer", minimum=1, maximum=2**63 - 1),
    parameter("min_duration", "At least so many seconds long", 1, **SECONDS),
    parameter("max_duration", "At most so many seconds long", 10, **SECONDS),
    parameter("min_confidence", "With a label at least so sure", 0.6, type="number", minimum=0, maximum=1),
    parameter("state", "Only in this state", Sound.State.ANALYZED.value, type="string", enum=Sound.State.values),
    parameter("profile", "Only analyzed with this profile", "balanced", type="string", maxLength=LONGEST_TEXT),
)


def error(description: str, code: str, message: str, **details: object) -> Described:
    example = {"error": {"code": code, "message": message, "details": details}}
    return {"description": description, "content": {"application/json": {"schema": ERROR, "example": example}}}


WRONG_VALUE = error(
    "A parameter or filter is not what it can be",
    "unprocessable_entity",
    "limit: Input should be less than or equal to 500",
    errors=[{"where": ["query", "limit"], "problem": "Input should be less than or equal to 500"}],
)
NO_DATABASE = error("Something that Timbre needs is not there", "service_unavailable", "the database does not answer")
NO_REGION = error(
    "The sound has no such region",
    "bad_request",
    "Track 18.wav is 4.2 s long and has no region from 9 to 12 s; give one inside it",
)

ERRORS: Mapping[int, Described] = {
    400: error(
        "Nothing of the query could be understood",
        "bad_request",
        "Nothing stands after this minus: write what is not wanted right behind it.",
        query="-",
        problems=[
            {
                "message": "Nothing stands after this minus: write what is not wanted right behind it.",
                "start": 0,
                "end": 1,
            }
        ],
    ),
    422: WRONG_VALUE,
    503: NO_DATABASE,
}
LIKE_ERRORS: Mapping[int, Described] = {
    400: NO_REGION,
    404: error("No such sound", "not_found", "No Sound matches the given query."),
    422: WRONG_VALUE,
    503: NO_DATABASE,
}
UPLOAD_ERRORS: Mapping[int, Described] = {
    400: NO_REGION,
    413: error(
        "The upload is too large",
        "request_entity_too_large",
        "The file has 350 MB; an example may have 200. Cut out what matters, or save it as MP3.",
    ),
    422: error(
        "A parameter is not what it can be, or the file holds no sound that can be read",
        "unprocessable_entity",
        "notes.wav holds no audio that Timbre can read",
    ),
    503: error(
        "No model can be loaded", "service_unavailable", "the model is not on this machine; `timbre model install`"
    ),
}
MOMENTS_ANSWERED: Mapping[int, Described] = {
    200: {
        "description": "The moments, as JSON or as CSV",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "id,library,path,part,start_s,end_s,similarity,degree\r\n"
                "17,Field,dawn/village.wav,~dog bark,761.000,763.500,0.4100,0.8700\r\n",
            }
        },
    }
}


def described(
    errors: Mapping[int, Described],
    parameters: Sequence[Described],
    answers: Mapping[int, Described] | None = None,
) -> dict[str, Any]:
    """What is added to the description of one operation."""
    return {"responses": {**errors, **(answers or {})}, "parameters": [dict(one) for one in parameters]}
