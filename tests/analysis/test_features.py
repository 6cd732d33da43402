"""Measurements on signals of known answer."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from analysis.features import measure_features
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


@pytest.mark.parametrize("bpm", [60, 90, 120, 150])
def test_clicks_give_their_onsets_and_tempo(bpm: float) -> None:
    times = list(np.arange(0, 12, 60 / bpm))
    facts = measure_features(samples_of(clicks(times, 12.1)))
    assert facts.onset_count == len(times)
    assert facts.tempo_bpm == pytest.approx(bpm, rel=0.01)


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
