"""A record's facts as people read them: titled, rounded, with units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.models import Analysis, Sound
from catalog.templatetags.sounds import clock, percent


@dataclass(frozen=True, slots=True)
class Fact:
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    cells: Sequence[Cell]


def decibels(value: float) -> str:
    return f"{value:.1f} dB"


def full_scale(value: float) -> str:
    return f"{value:.1f} dBFS"


def hertz(value: float) -> str:
    return f"{value:,.0f} Hz" if value < 10_000 else f"{value / 1000:.1f} kHz"


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def rate(value: float) -> str:
    return f"{value:.1f} per second"


def bare(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"


CHANNELS_IN_WORDS: Mapping[str, str] = {
    "identical": "mono: all channels are the same",
    "nearly identical": "mono but for noise: channels differ by under 1 %",
    "panned mono": "mono: the same at different levels",
    "inverted": "mono with one channel inverted: cancels when mixed",
    "silent channel": "one channel is silent",
    "different": "different from each other",
}
MEASURED: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "loudness_lufs": ("Loudness (integrated)", lambda value: f"{value:.1f} LUFS"),
    "true_peak_dbtp": ("True peak", lambda value: f"{value:.1f} dBTP"),
    "peak_dbfs": ("Peak", full_scale),
    "rms_dbfs": ("Level (RMS)", full_scale),
    "noise_floor_dbfs": ("Noise floor", full_scale),
    "clipping": ("Clipping", str),
    "dc_offset": ("DC offset", lambda value: f"{value * 100:.2f} % of full scale"),
    "channel_relation": ("Channels", lambda value: CHANNELS_IN_WORDS[value]),
    "hum": ("Mains hum", str),
    "leading_silence_s": ("Silence before", seconds),
    "trailing_silence_s": ("Silence after", seconds),
    "key": ("Key", str),
    "tempo_bpm": ("Tempo", lambda value: f"{value:.0f} BPM"),
    "rhythm_regularity": ("Rhythm, regular", percent),
    "crest_factor_db": ("Crest factor", decibels),
    "dynamic_range_db": ("Dynamic range", decibels),
    "centroid_hz": ("Spectral centroid", hertz),
    "rolloff_hz": ("Rolloff (85 %)", hertz),
    "flatness": ("Flatness, 0 tone to 1 noise", bare),
    "tonal_ratio": ("Tonal share", percent),
    "zero_crossings_per_s": ("Zero crossings", rate),
    "onset_count": ("Onsets", bare),
    "onsets_per_s": ("Onset rate", rate),
    "strongest_onset_db": ("Strongest onset", decibels),
    "silence_ratio": ("Silence", percent),
    "attack_s": ("Attack", seconds),
    "decay_s": ("Decay", seconds),
    "fade_in_s": ("Fade in", seconds),
    "fade_out_s": ("Fade out", seconds),
}
BANDS: Mapping[str, str] = {
    "sub_bass": "Sub bass, 20 to 80 Hz",
    "bass": "Bass, 80 to 250 Hz",
    "low_mid": "Low mid, 250 Hz to 1 kHz",
    "mid": "Mid, 1 to 4 kHz",
    "high": "High, 4 to 12 kHz",
    "air": "Air, 12 to 20 kHz",
}


def measured_facts(summary: Mapping[str, Any]) -> list[Fact]:
    """Facts of an acoustic summary; what was not found, as a tempo where nothing repeats, has no line."""
    known = {**summary, **combined(summary)}
    return [Fact(title, write(known[name])) for name, (title, write) in MEASURED.items() if known.get(name) is not None]


def combined(summary: Mapping[str, Any]) -> dict[str, str | None]:
    """Facts that take more than one number to say."""
    stretches, key, hum_hz = (summary.get(name) for name in ("clipped_stretches", "key", "hum_hz"))
    clipped = f"{stretches:,} flat tops, {summary['clipped_share'] * 100:.2f} % of the samples" if stretches else "none"
    return {
        "clipping": None if stretches is None else clipped,
        "hum": f"{hum_hz} Hz, {summary['hum_db']:.0f} dB over its neighbors" if hum_hz else None,
        "key": f"{key}, strength {summary['key_strength']:.2f}" if key else None,
    }


def band_facts(summary: Mapping[str, Any]) -> list[tuple[str, float]]:
    shares = summary.get("band_energy") or {}
    return [(title, shares[name]) for name, title in BANDS.items() if name in shares]


def container_facts(sound: Sound) -> list[str]:
    facts = (
        clock(sound.duration_s),
        sound.format.upper(),
        f"{sound.sample_rate_hz / 1000:g} kHz" if sound.sample_rate_hz else "",
        f"{sound.bit_depth} bit" if sound.bit_depth else "",
        {None: "", 1: "mono", 2: "stereo"}.get(sound.channels, f"{sound.channels} channels"),
    )
    return [fact for fact in facts if fact]


def provenance_facts(provenance: Mapping[str, Any]) -> list[Fact]:
    if not provenance:
        return []
    facts = {
        "Profile": f"{provenance.get('profile_name', '')} ({provenance.get('profile_fingerprint', '')})",
        "Model": provenance.get("model_id", ""),
        "Revision": provenance.get("model_revision", ""),
        "Ran on": " ".join(filter(None, [provenance.get(key) for key in ("device", "precision", "backend")])),
        "Windows": f"spread, {seconds(spacing_s)} apart" if (spacing_s := provenance.get("window_spacing_s")) else "",
        "Calibrated with": provenance.get("calibration") or "nothing: confidence only orders sounds",
        "Vocabulary": str(provenance.get("vocabulary_sha256", ""))[:12],
        "Settings": provenance.get("config_path", ""),
        "Timbre": provenance.get("timbre_version", ""),
        "Took": seconds(provenance["elapsed_s"]) if provenance.get("elapsed_s") is not None else "",
    }
    return [Fact(title, str(value)) for title, value in facts.items() if value]


def embedded_facts(embedded: Mapping[str, Any]) -> list[Fact]:
    return [Fact(str(name), str(value)) for name, value in embedded.items() if value not in (None, "", [], {})]


COMPARED: Sequence[tuple[str, Callable[[Analysis], str]]] = (
    ("Label", lambda analysis: analysis.label),
    ("Category", lambda analysis: analysis.category),
    ("Confidence", lambda analysis: percent(analysis.confidence)),
    ("Description", lambda analysis: analysis.description),
    ("Tags", lambda analysis: ", ".join(analysis.tags)),
    ("Events", lambda analysis: events_in_words(analysis.record.get("events", []))),
    ("Model", lambda analysis: analysis.model_id),
)


def compare(analyses: Sequence[Analysis], current_id: int | None) -> list[Row]:
    """Analyses side by side; what differs from the current one is marked."""
    reference = next((analysis for analysis in analyses if analysis.pk == current_id), None)
    rows = []
    for title, read in COMPARED:
        expected = read(reference) if reference else None
        texts = [read(analysis) for analysis in analyses]
        rows.append(Row(title, [Cell(text, expected is not None and text != expected) for text in texts]))
    return rows


def events_in_words(events: Sequence[Mapping[str, Any]]) -> str:
    labels = list(dict.fromkeys(str(event["label"]) for event in events))
    return f"{len(events)}: {', '.join(labels)}" if events else "none"
