"""Rows for pages to show, without files and without a model, and a count of the queries a page takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.effective import refresh_sound
from catalog.models import Analysis, Library, Sound

SLOPE = np.stack([np.linspace(0, -127, 400), np.linspace(0, 127, 400)], axis=1).astype(np.int8)
HTMX = {"HX-Request": "true"}
HISTORY_RESTORE = HTMX | {"HX-History-Restore-Request": "true"}


def add_library(name: str = "Field") -> Library:
    return Library.objects.create(name=name, root=f"/sounds/{name.lower()}")


def add_sound(library: Library, path: str = "Track 18.wav", **columns: Any) -> Sound:
    """A sound that a scan has found and nobody has analyzed."""
    facts = {"format": "WAV", "duration_s": 4.0, "sample_rate_hz": 48_000, "channels": 2, "bit_depth": 24}
    known = {"file_name": path.rpartition("/")[2], "size_bytes": 1000, "modified_ns": 10**18}
    return Sound.objects.create(library=library, path=path, **(facts | known | columns))


def add_heard(library: Library, path: str = "Track 18.wav", **said: Any) -> Sound:
    """A sound with an analysis; `said` are columns of the analysis."""
    sound = add_sound(library, path, state=Sound.State.ANALYZED, peaks=SLOPE.tobytes())
    sound.current_analysis = add_analysis(sound, **said)
    sound.save()
    refresh_sound(sound)
    return sound


def add_analysis(sound: Sound, profile: str = "balanced", **said: Any) -> Analysis:
    told = {"category": "weather", "label": "heavy rain", "confidence": 0.72} | said
    told = {"description": f"A dense {told['label']}.", "tags": [told["label"], "broadband noise"]} | told
    event = {"label": told["label"], "category": told["category"], "start_s": 1.0, "end_s": 3.0, "confidence": 0.8}
    record = {
        "detailed_description": "It goes on evenly for four seconds.",
        "events": [event],
        "top_labels": [{"label": told["label"], "category": told["category"], "score": told["confidence"]}],
        "acoustic_summary": {"rms_dbfs": -23.45, "tempo_bpm": None, "band_energy": {"mid": 0.5}},
        "analysis_provenance": {"profile_name": profile, "profile_fingerprint": "abc", "model_id": "tests/small"},
    }
    key = {"profile_fingerprint": profile, "model_id": "tests/small", "vocabulary_sha256": "v"}
    return Analysis.objects.create(sound=sound, profile=profile, record=record, **key, **told)


def queries_of(client: Client, address: str, *, headers: dict[str, str] | None = None) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address, headers=headers or {})
    assert response.status_code == 200
    return len(captured)
