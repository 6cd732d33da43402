"""Where a request may come from and what a page may load: the browser's half of running without a login."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

Handler = Callable[[HttpRequest], HttpResponseBase]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
API_DOCS_PATH = "/api/docs"
API_DOCS_POLICY = f"{POLICY}; style-src 'self' 'unsafe-inline'"  # the OpenAPI viewer writes style attributes


class OriginMiddleware:
    """Refuses a change over the API that a page of another site asked the browser for.

    The API has no CSRF token, since scripts use it; scripts send no Origin, browsers always do.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith("/api/") and request.method not in SAFE_METHODS and not is_own_origin(request):
            origin = request.headers.get("Origin", "elsewhere")
            message = f"requests that change something are not accepted from {origin}"
            error = {"code": "foreign_origin", "message": message, "details": {}}
            return JsonResponse({"error": error}, status=403)
        return self.get_response(request)


def is_own_origin(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"}
    return origin in settings.CSRF_TRUSTED_ORIGINS or urlsplit(origin).netloc == request.get_host()


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        policy = API_DOCS_POLICY if request.path.startswith(API_DOCS_PATH) else POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response
