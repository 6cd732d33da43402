"""Acoustic facts of a sound: what can be measured without knowing what it is."""

from __future__ import annotations

import numpy as np

from analysis.levels import measure_levels, silence_threshold_dbfs, to_dbfs
from analysis.onsets import measure_rhythm
from analysis.records import AcousticSummary, BandEnergy
from analysis.samples import Samples
from analysis.spectral import BANDS_HZ, measure_spectra


def measure_features(samples: Samples, *, peak: float | None = None) -> AcousticSummary:
    """Measure the acoustic facts of a sound.

    Parameters
    ----------
    samples : Samples
        At least one; read block by block, so that hours need no more memory than minutes.
    peak : float, optional
        Largest sample of the file's own channels, full scale 1.0; that of `samples` where left out. Mixing
        hides it and resampling may overshoot it.

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
    peak_dbfs = levels.peak_dbfs if peak is None else float(to_dbfs(np.array(peak**2)))
    return AcousticSummary(
        rms_dbfs=round(levels.rms_dbfs, 2),
        peak_dbfs=round(peak_dbfs, 2) + 0.0,  # not -0.0
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
    )


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float32]], digits: int) -> float:
    return round(float(values.mean()), digits) if len(values) else 0.0
