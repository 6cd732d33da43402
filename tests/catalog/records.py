"""Analyzed sounds with records of our choosing."""

from __future__ import annotations

from typing import Any

from analysis.records import AudioAnalysisRecord
from catalog.effective import refresh_sound
from catalog.models import Analysis, Edit, Library, Sound

SUMMARY = {
    "rms_dbfs": -20.5,
    "peak_dbfs": -1.0,
    "crest_factor_db": 19.5,
    "dynamic_range_db": 12.0,
    "centroid_hz": 1500.0,
    "rolloff_hz": 4000.0,
    "flatness": 0.25,
    "zero_crossings_per_s": 900.0,
    "onset_count": 2,
    "onsets_per_s": 0.8,
    "strongest_onset_db": 9.0,
    "tempo_bpm": None,
    "rhythm_regularity": 0.1,
    "band_energy": {"sub_bass": 0.1, "bass": 0.2, "low_mid": 0.3, "mid": 0.2, "high": 0.1, "air": 0.1},
    "silence_ratio": 0.0,
    "tonal_ratio": 0.2,
    "attack_s": 0.01,
    "decay_s": 1.0,
    "fade_in_s": 0.0,
    "fade_out_s": 0.5,
    "envelope_step_s": 0.05,
    "envelope_dbfs": [-20.0, -21.0],
}
PROVENANCE = {
    "profile_name": "balanced",
    "profile_fingerprint": "0123456789ab",
    "config_path": "config.yaml",
    "model_id": "tests/small",
    "model_revision": "r1",
    "device": "cpu",
    "precision": "fp32",
    "vocabulary_sha256": "f" * 64,
    "timbre_version": "0.1.0",
    "elapsed_s": 0.5,
}


def record_of(name: str, **fields: Any) -> AudioAnalysisRecord:
    label, category = fields.get("primary_label", "heavy rain"), fields.get("primary_category", "weather")
    metadata = {"format": "WAV", "duration_s": 2.5, "sample_rate_hz": 48_000, "channels": 1, "bit_depth": 24}
    tree: dict[str, Any] = {
        "file_name": name,
        "short_description": "Heavy rain.",
        "detailed_description": "Heavy rain, steady and bright.",
        "tags": ["heavy rain", "weather"],
        "sound_events": ["heavy rain"],
        "confidence": 0.75,
        "primary_category": category,
        "primary_label": label,
        "top_labels": [{"label": label, "category": category, "score": 0.75}],
        "events": [{"label": label, "category": category, "start_s": 0.0, "end_s": 2.5, "confidence": 0.75}],
        "ucs": {"cat_id": "RAINGen", "category": "RAIN", "subcategory": "GENERAL"},
        "metadata": {**metadata, "n_samples": 120_000, "embedded": fields.pop("embedded", {})},
        "acoustic_summary": SUMMARY,
        "analysis_provenance": PROVENANCE,
    }
    return AudioAnalysisRecord.model_validate(tree | fields)


def analyzed_sound(library: Library, path: str, *, said: dict[str, Any] | None = None, **fields: Any) -> Sound:
    record = record_of(path.rpartition("/")[2], **fields)
    facts = {"duration_s": 2.5, "format": "WAV", "state": "analyzed", "size_bytes": 1, "modified_ns": 1}
    sound = Sound.objects.create(library=library, path=path, file_name=record.file_name, **facts)
    sound.current_analysis = Analysis.objects.create(
        sound=sound,
        profile="balanced",
        profile_fingerprint="0123456789ab",
        model_id="tests/small",
        model_revision="r1",
        vocabulary_sha256="f" * 64,
        record=record.model_dump(mode="json"),
        category=record.primary_category,
        label=record.primary_label,
        confidence=record.confidence,
        description=record.short_description,
        tags=record.tags,
    )
    sound.save()
    Edit.objects.bulk_create(Edit(sound=sound, field=field, value=value) for field, value in (said or {}).items())
    refresh_sound(sound)
    return sound
