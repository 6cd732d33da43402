"""Which address shows what."""

from __future__ import annotations

from django.urls import include, path, re_path

from config.api import api, unknown_address

urlpatterns = [
    path("api/", api.urls),
    re_path(r"^api/", unknown_address),
    path("search/", include("search.urls")),
    path("", include("catalog.urls")),
]
