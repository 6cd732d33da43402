"""Addresses of the catalog's pages."""

from __future__ import annotations

from django.urls import path

from catalog.views import exports, libraries, regions, runs, settings, sounds

app_name = "catalog"

urlpatterns = [
    path("", sounds.sound_list, name="sound-list"),
    path("sounds/analyze/", sounds.sounds_analyze, name="sounds-analyze"),
    path("sounds/<int:sound_id>/", sounds.sound_detail, name="sound-detail"),
    path("sounds/<int:sound_id>/analyze/", sounds.sound_analyze, name="sound-analyze"),
    path("sounds/<int:sound_id>/analyses/<int:analysis_id>/use/", sounds.analysis_use, name="analysis-use"),
    path("sounds/<int:sound_id>/retry/", sounds.sound_retry, name="sound-retry"),
    path("sounds/<int:sound_id>/region.wav", regions.sound_region, name="sound-region"),
    path("sounds/<int:sound_id>/edit/", sounds.sound_edit, name="sound-edit"),
    path("libraries/", libraries.library_list, name="library-list"),
    path("libraries/add/", libraries.library_add, name="library-add"),
    path("libraries/<int:library_id>/scan/", libraries.library_scan, name="library-scan"),
    path("libraries/<int:library_id>/remove/", libraries.library_remove, name="library-remove"),
    path("runs/", runs.run_list, name="run-list"),
    path("runs/<int:run_id>/", runs.run_detail, name="run-detail"),
    path("runs/<int:run_id>/retry/", runs.run_retry, name="run-retry"),
    path("runs/<int:run_id>/cancel/", runs.run_cancel, name="run-cancel"),
    path("exports/", exports.export_list, name="export-list"),
    path("exports/<slug:format_name>/", exports.export_download, name="export-download"),
    path("settings/", settings.settings_page, name="settings"),
    path("settings/retag/", settings.settings_retag, name="settings-retag"),
]
