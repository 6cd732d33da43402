"""Addresses of the search pages."""

from __future__ import annotations

from django.urls import path

from search.views import completion, moments, page, saved, similar

app_name = "search"

urlpatterns = [
    path("", page.search, name="search"),
    path("complete/", completion.complete, name="complete"),
    path("export/<slug:format_name>/", page.search_export, name="export"),
    path("moments.csv", moments.moments, name="moments"),
    path("heat/<int:sound_id>/", moments.heat, name="heat"),
    path("similar/<int:sound_id>/", similar.similar, name="similar"),
    path("by-audio/", similar.by_audio, name="by-audio"),
    path("saved/", saved.saved, name="saved"),
    path("saved/add/", saved.saved_add, name="saved-add"),
    path("saved/<int:saved_id>/remove/", saved.saved_remove, name="saved-remove"),
]
