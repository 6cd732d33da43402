"""The HTTP API: the routers of catalog and search under one roof, with one shape for every error."""

from __future__ import annotations

import logging
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.exceptions import ValidationError as RefusedValue
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from analysis.errors import AnalysisError, ConfigurationError, UnreadableAudio
from analysis.regions import InvalidRegion
from catalog import health
from catalog.api import router as catalog_router
from catalog.turns import RETRY_AFTER_S, NoTurn
from catalog.uploads import UploadTooLarge
from search.answers import Parsed
from search.api import NothingUnderstood
from search.api import router as search_router
from search.standing import index_lag

logger = logging.getLogger(__name__)

api = NinjaAPI(
    title="Timbre",
    version=version("timbre"),
    description="Libraries, sounds, analyses and search.",
    urls_namespace="api",  # pages link to the audio of sounds
)
api.add_router("", catalog_router)
api.add_router("", search_router)
health.tell_index_lag(index_lag)


def error_response(request: HttpRequest, status: int, message: str, details: object = None) -> HttpResponse:
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    error = {"code": code, "message": message, "details": details or {}}
    return api.create_response(request, {"error": error}, status=status)


@api.exception_handler(HttpError)
def tell_refusal(request: HttpRequest, error: HttpError) -> HttpResponse:
    return error_response(request, error.status_code, str(error))


@api.exception_handler(Http404)
def tell_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return error_response(request, HTTPStatus.NOT_FOUND, str(error) or "there is nothing here")


@api.exception_handler(ValidationError)
def tell_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    wrong: list[dict[str, Any]] = [
        {"where": [str(part) for part in one["loc"]], "problem": one["msg"]} for one in error.errors
    ]
    message = "; ".join(f"{one['where'][-1]}: {one['problem']}" for one in wrong)
    return error_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, message, {"errors": wrong})


@api.exception_handler(RefusedValue)
def tell_refused_value(request: HttpRequest, error: RefusedValue) -> HttpResponse:
    return error_response(request, HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(error.messages))


@api.exception_handler(SuspiciousOperation)
def tell_suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
    """What Django refuses to read: a body that is too big, too many fields or files."""
    return error_response(request, HTTPStatus.BAD_REQUEST, str(error))


@api.exception_handler(MultiPartParserError)
def tell_broken_form(request: HttpRequest, error: MultiPartParserError) -> HttpResponse:
    return error_response(request, HTTPStatus.BAD_REQUEST, f"the form cannot be read: {error}")


@api.exception_handler(OperationalError)
def tell_database(request: HttpRequest, error: OperationalError) -> HttpResponse:
    logger.warning("%s %s: the database does not answer: %s", request.method, request.path, error)
    message = "the database does not answer; `timbre doctor` tells more"
    return error_response(request, HTTPStatus.SERVICE_UNAVAILABLE, message)


@api.exception_handler(NothingUnderstood)
def tell_not_understood(request: HttpRequest, error: NothingUnderstood) -> HttpResponse:
    parsed = Parsed.of(error.reading).model_dump(mode="json")
    details = {name: parsed[name] for name in ("query", "problems", "dropped")}
    return error_response(request, HTTPStatus.BAD_REQUEST, str(error), details)


@api.exception_handler(UploadTooLarge)
def tell_too_large(request: HttpRequest, error: UploadTooLarge) -> HttpResponse:
    return error_response(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))


@api.exception_handler(InvalidRegion)
def tell_no_region(request: HttpRequest, error: InvalidRegion) -> HttpResponse:
    return error_response(request, HTTPStatus.BAD_REQUEST, str(error))


@api.exception_handler(NoTurn)
def tell_no_turn(request: HttpRequest, error: NoTurn) -> HttpResponse:
    response = error_response(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


@api.exception_handler(AnalysisError)
def tell_analysis_error(request: HttpRequest, error: AnalysisError) -> HttpResponse:
    theirs = isinstance(error, UnreadableAudio | ConfigurationError)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if theirs else HTTPStatus.SERVICE_UNAVAILABLE
    return error_response(request, status, str(error))


@api.exception_handler(Exception)
def tell_bug(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.error("%s %s", request.method, request.path, exc_info=error)
    return error_response(request, HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; the log tells more")


def unknown_address(request: HttpRequest) -> HttpResponse:
    return error_response(request, HTTPStatus.NOT_FOUND, f"the API has no {request.path}; see /api/docs")
