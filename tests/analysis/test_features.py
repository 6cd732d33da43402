"""Measurements on signals of known answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest

from analysis.audio import decode
from analysis.features import measure_features
from analysis.records import AcousticSummary
from tests.analysis.signals import Waveform, clicks, decaying, noise, samples_of, sine


def test_a_full_scale_sine_has_its_known_numbers() -> None:
    facts = measure_features(samples_of(sine(1000, 2.0)))
    assert facts.rms_dbfs == -3.01
    assert facts.peak_dbfs == 0.0
    assert facts.centroid_hz == pytest.approx(1000, abs=15)
    assert facts.rolloff_hz == pytest.approx(1000, abs=50)
    assert facts.flatness < 0.001
    assert facts.zero_crossings_per_s == pytest.approx(2000, abs=2)
    assert facts.tonal_ratio > 0.95
    assert facts.silence_ratio == 0.0
    assert facts.dynamic_range_db < 0.1


def test_white_noise_has_its_known_numbers() -> None:
    facts = measure_features(samples_of(noise(4.0, amplitude=0.1)))
    assert facts.rms_dbfs == pytest.approx(-20, abs=0.1)
    assert facts.centroid_hz == pytest.approx(12_000, rel=0.02)
    assert facts.rolloff_hz == pytest.approx(0.85 * 24_000, rel=0.02)
    assert facts.flatness == pytest.approx(np.exp(-np.euler_gamma), abs=0.02)
    assert facts.zero_crossings_per_s == pytest.approx(24_000, rel=0.02)
    assert facts.tonal_ratio < 0.01


@pytest.mark.parametrize(
    ("frequency_hz", "band"),
    [(50, "sub_bass"), (150, "bass"), (500, "low_mid"), (2000, "mid"), (8000, "high"), (15_000, "air")],
)
def test_a_tone_falls_into_its_band(frequency_hz: float, band: str) -> None:
    facts = measure_features(samples_of(sine(frequency_hz, 1.0)))
    assert getattr(facts.band_energy, band) > 0.95


def test_white_noise_fills_bands_by_their_widths() -> None:
    bands = measure_features(samples_of(noise(4.0))).band_energy
    assert bands.high == pytest.approx(8_000 / 19_980, rel=0.05)
    assert bands.mid == pytest.approx(3_000 / 19_980, rel=0.05)
    assert sum(bands.model_dump().values()) == pytest.approx(1, abs=1e-4)


def test_half_silence_is_half() -> None:
    facts = measure_features(samples_of(np.concatenate([noise(1.0), np.zeros(48_000)])))
    assert facts.silence_ratio == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("bpm", [60, 77, 90, 105, 120, 133, 150, 165, 180])
def test_clicks_give_their_onsets_and_tempo(bpm: float) -> None:
    times = list(np.arange(0, 12, 60 / bpm))
    facts = measure_features(samples_of(clicks(times, 12.1)))
    assert facts.onset_count == len(times)
    assert facts.tempo_bpm == pytest.approx(bpm, rel=0.01)
    assert facts.rhythm_regularity > 0.85


@pytest.mark.parametrize("bpm", [70, 120, 140])
def test_fainter_eighths_between_beats_do_not_double_the_tempo(bpm: float) -> None:
    waveform = clicks(list(np.arange(0, 12, 60 / bpm)), 12.1) + 0.15 * clicks(
        list(np.arange(30 / bpm, 12, 60 / bpm)), 12.1
    )
    assert measure_features(samples_of(waveform)).tempo_bpm == pytest.approx(bpm, rel=0.01)


def test_the_less_even_the_clicks_the_weaker_the_rhythm() -> None:
    shifts = np.random.default_rng(0).normal(0, 1, 20)
    strengths = []
    for spread_s in (0, 0.01, 0.02, 0.1):
        times = np.arange(20) * 0.5 + 1 + shifts * spread_s
        strengths.append(measure_features(samples_of(clicks(list(times), 12.0))).rhythm_regularity)
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] < 0.4


def test_noise_bursts_at_odd_times_have_onsets_and_no_tempo() -> None:
    waveform = noise(6.0, amplitude=1e-4)
    for start_s in (0.31, 1.17, 1.63, 2.94, 4.41, 5.02):
        start = round(start_s * 48_000)
        waveform[start : start + 9600] += decaying(noise(0.2, seed=start), db_per_s=100)
    facts = measure_features(samples_of(waveform))
    assert facts.onset_count == 6
    assert facts.tempo_bpm is None or facts.rhythm_regularity < 0.4


def test_the_end_of_a_tone_is_no_onset() -> None:
    waveform = np.concatenate([np.zeros(24_000), sine(440, 0.5), np.zeros(24_000)])
    assert measure_features(samples_of(waveform)).onset_count == 1


def test_steady_noise_begins_once() -> None:
    assert measure_features(samples_of(noise(5.0))).onset_count == 1


def test_attack_and_decay_of_a_hit_are_those_it_was_made_with() -> None:
    facts = measure_features(samples_of(np.concatenate([np.zeros(4800), decaying(sine(3000, 2.0), db_per_s=60)])))
    assert facts.attack_s <= 0.003
    assert facts.decay_s == pytest.approx(0.5, abs=0.05)


def test_a_ramp_has_its_slow_attack() -> None:
    facts = measure_features(samples_of(sine(3000, 1.0) * np.linspace(0, 1, 48_000)))
    assert facts.attack_s == pytest.approx(0.8, abs=0.02)


def test_fades_are_measured_and_not_asserted() -> None:
    waveform = noise(6.0)
    waveform[-96_000:] *= 10 ** (-np.linspace(0, 60, 96_000) / 20)
    facts = measure_features(samples_of(waveform))
    assert facts.fade_out_s == pytest.approx(1.4, abs=0.25)
    assert facts.fade_in_s == 0
    assert measure_features(samples_of(noise(6.0))).fade_out_s == 0


def test_silence_before_and_after_is_measured_to_the_millisecond() -> None:
    waveform = np.concatenate([np.zeros(48_000), noise(1.0), np.zeros(24_000)])
    facts = measure_features(samples_of(waveform))
    assert facts.leading_silence_s == pytest.approx(1.0, abs=0.001)
    assert facts.trailing_silence_s == pytest.approx(0.5, abs=0.001)
    assert measure_features(samples_of(noise(1.0))).trailing_silence_s == 0


def test_faint_noise_around_a_sound_is_silence_too() -> None:
    hiss = noise(3.0, amplitude=10 ** (-63 / 20))
    hiss[48_000:96_000] += noise(1.0, seed=1)
    facts = measure_features(samples_of(hiss))
    assert (facts.leading_silence_s, facts.trailing_silence_s) == pytest.approx((1.0, 1.0), abs=0.002)


def test_all_of_a_silent_file_is_leading() -> None:
    facts = measure_features(samples_of(np.zeros(72_000)))
    assert (facts.leading_silence_s, facts.trailing_silence_s) == (1.5, 0.0)


def test_the_noise_floor_is_what_is_heard_in_the_pauses() -> None:
    waveform = noise(10.0, amplitude=10 ** (-70 / 20))
    waveform[: 5 * 48_000] += sine(440, 5.0, amplitude=0.5)
    assert measure_features(samples_of(waveform)).noise_floor_dbfs == pytest.approx(-70, abs=0.5)


def test_digital_silence_is_no_noise_floor() -> None:
    waveform = np.concatenate([np.zeros(5 * 48_000), noise(5.0, amplitude=10 ** (-60 / 20))])
    assert measure_features(samples_of(waveform)).noise_floor_dbfs == pytest.approx(-60, abs=0.5)
    assert measure_features(samples_of(np.zeros(48_000))).noise_floor_dbfs is None


def test_facts_of_the_channels_are_those_of_the_samples_where_there_is_no_file() -> None:
    facts = measure_features(samples_of(np.clip(1.5 * sine(997, 2.0), -1, 1) * 0.5 + 0.01))
    assert facts.loudness_lufs == pytest.approx(facts.rms_dbfs, abs=1.0)
    assert facts.true_peak_dbtp is not None
    assert facts.true_peak_dbtp > facts.peak_dbfs
    assert facts.dc_offset == pytest.approx(0.01, abs=1e-4)
    assert facts.clipped_stretches == pytest.approx(2 * 997 * 2, rel=0.01)
    assert facts.channel_relation is None


def test_a_record_made_before_these_were_measured_still_parses() -> None:
    old = measure_features(samples_of(noise(0.5))).model_dump()
    new = {name for name, field in AcousticSummary.model_fields.items() if not field.is_required()}
    assert {"loudness_lufs", "true_peak_dbtp", "key", "hum_hz", "channel_relation"} <= new
    parsed = AcousticSummary.model_validate({name: value for name, value in old.items() if name not in new})
    assert parsed.loudness_lufs is None


STRANGE = {
    "one sample": ([0.5], 48_000, "FLOAT"),
    "one stereo sample": ([[0.5, -0.5]], 8_000, "FLOAT"),
    "silence": (np.zeros((48_000, 2)), 48_000, "PCM_16"),
    "silence of 8 bits": (np.zeros(48_000), 48_000, "PCM_U8"),
    "direct current": (np.ones(48_000), 48_000, "PCM_16"),
    "full-scale square": (np.sign(sine(100, 1.0) + 1e-6), 48_000, "PCM_16"),
    "every other sample": ((-1.0) ** np.arange(48_000), 48_000, "PCM_16"),
    "one click": ((np.arange(96_000) == 50_000) * 1.0, 48_000, "PCM_16"),
    "500 Hz": (noise(0.1), 500, "PCM_16"),
    "384 kHz": (noise(2.0), 384_000, "PCM_24"),
    "sixteen channels": (noise(8.0).reshape(-1, 16), 48_000, "PCM_24"),
    "80 dB over full scale": (9000 * noise(1.0), 48_000, "FLOAT"),
    "smaller than any number counts": (1e-40 * noise(1.0), 48_000, "DOUBLE"),
    "not finite": (np.where(np.arange(48_000) % 7, noise(1.0), np.nan), 48_000, "FLOAT"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", STRANGE)
def test_strange_files_have_facts_that_json_can_hold(write_sound: Callable[..., Path], kind: str) -> None:
    waveform, rate, subtype = STRANGE[kind]
    audio = decode(write_sound(waveform, rate=rate, subtype=subtype))
    facts = measure_features(audio.samples, channels=audio.channels)
    text = json.dumps(facts.model_dump(), allow_nan=False)
    assert AcousticSummary.model_validate_json(text) == facts
    assert (
        measure_features(audio.samples, channels=decode(write_sound(waveform, rate=rate, subtype=subtype)).channels)
        == facts
    )


@pytest.mark.parametrize("waveform", [[0.5], np.zeros(1), np.zeros(48_000), sine(440, 0.001), [1e-9] * 100])
def test_the_shortest_and_the_silent_have_finite_numbers(waveform: Waveform) -> None:
    facts = measure_features(samples_of(waveform))
    numbers = [value for value in facts.model_dump().values() if isinstance(value, float)]
    assert np.isfinite([*numbers, *facts.envelope_dbfs, *facts.band_energy.model_dump().values()]).all()


def test_a_faint_sound_is_measured_like_a_loud_one() -> None:
    faint = measure_features(samples_of(noise(2.0, amplitude=0.0004)))  # -68 dBFS
    assert faint.silence_ratio == 0
    assert faint.centroid_hz == pytest.approx(12_000, rel=0.02)


def test_silence_reads_the_floor() -> None:
    facts = measure_features(samples_of(np.zeros(48_000)))
    assert (facts.rms_dbfs, facts.peak_dbfs, facts.silence_ratio, facts.centroid_hz) == (-120, -120, 1.0, 0)


def test_spectral_facts_agree_with_librosa() -> None:
    waveform = noise(3.0) + sine(700, 3.0, amplitude=0.3)
    facts = measure_features(samples_of(waveform))
    magnitude = np.abs(librosa.stft(waveform, n_fft=2048, hop_length=512))
    centroid = librosa.feature.spectral_centroid(S=magnitude, sr=48_000).mean()
    rolloff = librosa.feature.spectral_rolloff(S=magnitude, sr=48_000).mean()
    flatness = librosa.feature.spectral_flatness(S=magnitude).mean()
    assert facts.centroid_hz == pytest.approx(centroid, rel=0.01)
    assert facts.rolloff_hz == pytest.approx(rolloff, rel=0.01)
    assert facts.flatness == pytest.approx(flatness, rel=0.02)


def test_blocks_do_not_show_in_the_numbers() -> None:
    long = noise(60.0)  # three blocks of spectra
    whole = measure_features(samples_of(long))
    assert whole.onset_count == 1
    assert whole.centroid_hz == pytest.approx(12_000, rel=0.01)
    assert len(whole.envelope_dbfs) <= 200
