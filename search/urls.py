"""Addresses of the search pages."""

from __future__ import annotations

from django.urls import path

from search import views

app_name = "search"

urlpatterns = [
    path("", views.search, name="search"),
    path("export/<slug:format_name>/", views.search_export, name="export"),
    path("similar/<int:sound_id>/", views.similar, name="similar"),
]
