"""Acoustic facts of a sound: what can be measured without knowing what it is."""

from __future__ import annotations

import numpy as np

from analysis.channels import ChannelFacts, measure_channels
from analysis.hum import measure_hum
from analysis.levels import measure_levels, silence_threshold_dbfs, to_dbfs
from analysis.onsets import measure_rhythm
from analysis.records import AcousticSummary, BandEnergy
from analysis.samples import SAMPLE_RATE_HZ, Samples
from analysis.spectral import BANDS_HZ, measure_spectra
from analysis.tonality import measure_key

BLOCK = 1 << 17  # samples: 3 s, 0.5 MB


def measure_features(samples: Samples, *, channels: ChannelFacts | None = None) -> AcousticSummary:
    """Measure the acoustic facts of a sound.

    Parameters
    ----------
    samples : Samples
        At least one; read block by block, so that hours need no more memory than minutes.
    channels : ChannelFacts, optional
        Measured on the file's own channels, since mixing hides what they hold and resampling changes it; those of
        `samples` where left out.

    Returns
    -------
    AcousticSummary
        Means of spectral facts are over frames that are not silent; all are zero in a silent file.
    """
    levels = measure_levels(samples)
    spectra = measure_spectra(samples)
    rhythm = measure_rhythm(spectra.flux_db)
    frames_db = to_dbfs(spectra.mean_square.astype(np.float64))
    sounding = frames_db >= silence_threshold_dbfs(frames_db)
    total = spectra.band_power.sum()
    shares = spectra.band_power / total if total > 0 else spectra.band_power
    count = len(rhythm.onset_times_s)
    channels = _mono_channel(samples) if channels is None else channels
    hum, key = measure_hum(samples), measure_key(samples)
    return AcousticSummary(
        rms_dbfs=round(levels.rms_dbfs, 2),
        peak_dbfs=round(_to_dbfs(channels.peak), 2) + 0.0,  # not -0.0
        crest_factor_db=round(levels.peak_dbfs - levels.rms_dbfs, 2),
        dynamic_range_db=round(levels.dynamic_range_db, 2),
        centroid_hz=_mean(spectra.centroid_hz[sounding], 1),
        rolloff_hz=_mean(spectra.rolloff_hz[sounding], 1),
        flatness=_mean(spectra.flatness[sounding], 6),
        zero_crossings_per_s=round(levels.zero_crossings_per_s, 1),
        onset_count=count,
        onsets_per_s=round(count / samples.duration_s, 3),
        strongest_onset_db=round(rhythm.strongest_rise_db, 2),
        tempo_bpm=None if rhythm.tempo_bpm is None else round(rhythm.tempo_bpm, 1),
        rhythm_regularity=round(rhythm.regularity, 3),
        band_energy=BandEnergy(**{name: round(float(share), 5) for name, share in zip(BANDS_HZ, shares, strict=True)}),
        silence_ratio=round(levels.silence_ratio, 4),
        tonal_ratio=round(spectra.tonal_power / spectra.total_power, 4),
        attack_s=round(levels.attack_s, 4),
        decay_s=round(levels.decay_s, 3),
        fade_in_s=round(levels.fade_in_s, 2),
        fade_out_s=round(levels.fade_out_s, 2),
        envelope_step_s=round(levels.envelope_step_s, 3),
        envelope_dbfs=[round(float(level), 1) for level in levels.envelope_dbfs],
        loudness_lufs=_rounded(channels.loudness_lufs, 2),
        true_peak_dbtp=_rounded(_to_dbfs(channels.true_peak), 2),
        clipped_stretches=channels.clipping.stretches,
        clipped_samples=channels.clipping.samples,
        clipped_share=round(channels.clipped_share, 6),
        dc_offset=_rounded(channels.dc_offset, 5),
        channel_relation=channels.relation,
        noise_floor_dbfs=_rounded(levels.noise_floor_dbfs, 1),
        hum_hz=hum.frequency_hz if hum else None,
        hum_db=round(hum.prominence_db, 1) if hum else None,
        leading_silence_s=round(levels.leading_silence_s, 3),
        trailing_silence_s=round(levels.trailing_silence_s, 3),
        key=key.name if key else None,
        key_strength=round(key.strength, 3) if key else None,
        audible=channels.audible,
    )


def _mono_channel(samples: Samples) -> ChannelFacts:
    return measure_channels((block[:, None] for block in samples.blocks(BLOCK)), SAMPLE_RATE_HZ, 1)


def _to_dbfs(magnitude: float) -> float:
    return float(to_dbfs(np.array(magnitude**2)))


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0  # not -0.0


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float32]], digits: int) -> float:
    return round(float(values.mean()), digits) if len(values) else 0.0
