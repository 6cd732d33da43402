"""A record to write out, made without a model."""

from __future__ import annotations

from analysis.features import measure_features
from analysis.records import AudioAnalysisRecord, LabelScore, Provenance, SoundEvent, SoundMetadata, UcsAssignment
from tests.analysis.signals import noise, samples_of


def make_record(*, file_name: str = "rain.wav", embedded: dict[str, str] | None = None) -> AudioAnalysisRecord:
    label = {"label": "heavy rain", "category": "weather"}
    return AudioAnalysisRecord(
        file_name=file_name,
        short_description="Heavy rain, continuous.",
        detailed_description="Heavy rain. It lasts.",
        tags=["heavy rain", "weather", "continuous"],
        sound_events=["heavy rain"],
        confidence=0.9,
        primary_category="weather",
        primary_label="heavy rain",
        top_labels=[LabelScore(**label, score=0.9)],
        events=[SoundEvent(**label, start_s=0.0, end_s=4.0, confidence=0.9)],
        ucs=UcsAssignment(cat_id="RAIN", category="RAIN", subcategory="GENERAL"),
        metadata=SoundMetadata(
            format="WAV",
            duration_s=4.0,
            sample_rate_hz=48_000,
            channels=2,
            bit_depth=24,
            n_samples=192_000,
            embedded=embedded or {},
        ),
        acoustic_summary=measure_features(samples_of(noise(0.2))),
        analysis_provenance=Provenance(
            profile_name="balanced",
            profile_fingerprint="0123456789ab",
            config_path="config.yaml",
            model_id="model",
            model_revision="r1",
            device="cpu",
            precision="fp32",
            vocabulary_sha256="0" * 64,
            timbre_version="1",
            elapsed_s=1.0,
        ),
    )
