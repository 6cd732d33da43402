"""Rows for pages to show, without files and without a model, and a count of the queries a page takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pydantic import BaseModel

from analysis.records import AcousticSummary, AudioAnalysisRecord, BandEnergy, Provenance
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
    record = full_record(sound, profile, told).model_dump(mode="json")
    key = {"profile_fingerprint": profile, "model_id": "tests/small", "vocabulary_sha256": "v"}
    return Analysis.objects.create(sound=sound, profile=profile, record=record, **key, **told)


def full_record(sound: Sound, profile: str, told: Mapping[str, Any]) -> AudioAnalysisRecord:
    label, category = told["label"], told["category"]
    measured: dict[str, Any] = dict.fromkeys(required_fields(AcousticSummary), 0.25) | {
        "rms_dbfs": -23.45,
        "onset_count": 3,
        "tempo_bpm": None,
        "band_energy": dict.fromkeys(BandEnergy.model_fields, 0.1) | {"mid": 0.5},
        "envelope_dbfs": [],
    }
    file = {"format": "WAV", "duration_s": 4.0, "sample_rate_hz": 48_000, "channels": 2, "bit_depth": 24}
    made_by = dict.fromkeys(required_fields(Provenance), "v") | {
        "profile_name": profile,
        "model_id": "tests/small",
        "elapsed_s": 0.4,
    }
    return AudioAnalysisRecord.model_validate(
        {
            "file_name": sound.file_name,
            "short_description": told["description"],
            "detailed_description": "It goes on evenly for four seconds.",
            "tags": told["tags"],
            "sound_events": [label],
            "confidence": told["confidence"],
            "primary_category": category,
            "primary_label": label,
            "top_labels": [{"label": label, "category": category, "score": told["confidence"]}],
            "events": [{"label": label, "category": category, "start_s": 1.0, "end_s": 3.0, "confidence": 0.8}],
            "ucs": None,
            "metadata": file | {"n_samples": 192_000},
            "acoustic_summary": measured,
            "analysis_provenance": made_by,
        }
    )


def required_fields(part: type[BaseModel]) -> list[str]:
    return [name for name, field in part.model_fields.items() if field.is_required()]


def queries_of(client: Client, address: str, *, headers: dict[str, str] | None = None) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address, headers=headers or {})
    assert response.status_code == 200
    return len(captured)
