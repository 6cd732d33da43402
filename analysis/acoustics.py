"""Traits of a sound that follow from its measured facts, as tags and as adjectives."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.records import AcousticSummary

# Each threshold was set on signals whose trait is known (noises, tones, clicks, hits, ramps; tests/analysis).
SILENT_PEAK_DBFS = -66.0  # a peak below it drowns in the noise of any playback chain: the file is silent
SHORT_S, LONG_S = 1.0, 60.0  # a hit or a click; an ambience
PERCUSSIVE_ATTACK_S = 0.02  # slower beginnings are heard as swells
PERCUSSIVE_ONSET_DB = 8.0  # twice what noise does by itself
PERCUSSIVE_RANGE_DB = 15.0  # a hit stands so far over what is left after it; steady noise has under 6 dB
SHARP_ATTACK_S = 0.005
SHARP_ONSET_DB = 15.0
TONAL_RATIO = 0.5  # half of the power in steady partials: a pitch is heard
NOISE_FLATNESS = 0.1  # filtered noise of an octave has 0.01, white noise 0.56
NOISE_TONAL_RATIO = 0.1
LOW_SHARE = 0.7  # below 250 Hz
SUB_BASS_SHARE = 0.5  # below 80 Hz: felt rather than heard
HIGH_SHARE = 0.7  # over 4 kHz
CONTINUOUS_SILENCE = 0.05
CONTINUOUS_RANGE_DB = 20.0
STEADY_RANGE_DB = 6.0  # twice what the level of steady noise varies
INTERMITTENT_SILENCE = 0.2
INTERMITTENT_ONSETS = 3
RHYTHMIC_REGULARITY = 0.4
REVERB_DECAY_S = 0.6  # noise that needs longer to sink by 30 dB after a hit sounds in a room
LONG_DECAY_S = 1.0
DECAY_ONSETS = 2  # with more, what follows a hit is the next hit
DECAY_RANGE_DB = 30.0  # with less, what follows is the background
QUIET_RMS_DBFS = -45.0
DYNAMIC_RANGE_DB = 30.0
DYNAMIC_LEAST_S = 5.0
FADE_S = 0.5  # shorter ones are the natural end of a sound, as is the decay of a hit or of a short sound
FADE_LEAST_S = 3.0


@dataclass(frozen=True, slots=True)
class Trait:
    """A measured property: what it is filed under and how a sentence says it."""

    tag: str
    adjective: str | None = None


SHORT = Trait("short", "short")
SHARP = Trait("sharp transient", "sharp")
RHYTHMIC = Trait("rhythmic", "rhythmic")
INTERMITTENT = Trait("intermittent", "intermittent")
CONTINUOUS = Trait("continuous", "continuous")
STEADY = Trait("steady", "steady")
TONAL = Trait("tonal", "tonal")
BROADBAND = Trait("broadband noise", "broadband")
SUB_BASS = Trait("sub-bass", "very low")
LOW = Trait("low frequency", "low")
HIGH = Trait("high frequency", "bright")
REVERB = Trait("reverb", "reverberant")
LONG_DECAY = Trait("long decay", "long-ringing")
QUIET = Trait("quiet", "quiet")
PERCUSSIVE = Trait("percussive", "percussive")
DYNAMIC = Trait("high dynamic range")
FADE_IN = Trait("fades in")
FADE_OUT = Trait("fades out")
LONG = Trait("long")


def is_silent(facts: AcousticSummary) -> bool:
    """Whether nothing in the file can be heard: nothing is loud enough, or there is only an offset or a sample."""
    return is_faint(facts) or not facts.audible


def is_faint(facts: AcousticSummary) -> bool:
    """Whether nothing in the file is loud enough to be heard."""
    return mixed_peak_dbfs(facts) < SILENT_PEAK_DBFS


def mixed_peak_dbfs(facts: AcousticSummary) -> float:
    """Peak of the mono mix, which is what was heard; the file's own is higher where its channels differ."""
    return facts.rms_dbfs + facts.crest_factor_db


def find_traits(facts: AcousticSummary, duration_s: float) -> list[Trait]:
    """Name the traits of a sound.

    Parameters
    ----------
    facts : AcousticSummary
    duration_s : float

    Returns
    -------
    list of Trait
        The most telling first: how it is in time, then how it is in frequency, then the rest. Empty for silence.
    """
    if is_silent(facts):
        return []
    in_time = _in_time(facts, duration_s)
    dying_away = in_time[PERCUSSIVE] and facts.onset_count <= DECAY_ONSETS and facts.dynamic_range_db >= DECAY_RANGE_DB
    found = {
        **in_time,
        **_in_frequency(facts),
        REVERB: dying_away and facts.tonal_ratio < TONAL_RATIO and facts.decay_s >= REVERB_DECAY_S,
        LONG_DECAY: dying_away and facts.tonal_ratio >= TONAL_RATIO and facts.decay_s >= LONG_DECAY_S,
        QUIET: facts.rms_dbfs < QUIET_RMS_DBFS and facts.peak_dbfs < QUIET_RMS_DBFS / 2,
        DYNAMIC: facts.dynamic_range_db >= DYNAMIC_RANGE_DB and duration_s >= DYNAMIC_LEAST_S,
        FADE_IN: duration_s >= FADE_LEAST_S and facts.fade_in_s >= FADE_S,
        FADE_OUT: duration_s >= FADE_LEAST_S and not in_time[PERCUSSIVE] and facts.fade_out_s >= FADE_S,
        LONG: duration_s >= LONG_S,
    }
    return _held(found)


def _in_time(facts: AcousticSummary, duration_s: float) -> dict[Trait, bool]:
    rhythmic = facts.tempo_bpm is not None and facts.rhythm_regularity >= RHYTHMIC_REGULARITY
    dense = duration_s < SHORT_S or rhythmic  # no time to sink between hits: the peaks alone tell
    standing_out_db = max(facts.dynamic_range_db, facts.crest_factor_db if dense else 0.0)
    percussive = (
        facts.attack_s <= PERCUSSIVE_ATTACK_S
        and facts.strongest_onset_db >= PERCUSSIVE_ONSET_DB
        and standing_out_db >= PERCUSSIVE_RANGE_DB
    )
    lasting = duration_s >= SHORT_S and facts.silence_ratio < CONTINUOUS_SILENCE
    intermittent = facts.silence_ratio >= INTERMITTENT_SILENCE and facts.onset_count >= INTERMITTENT_ONSETS
    steady = lasting and facts.dynamic_range_db <= STEADY_RANGE_DB
    return {
        SHORT: duration_s < SHORT_S,
        SHARP: percussive and facts.attack_s <= SHARP_ATTACK_S and facts.strongest_onset_db >= SHARP_ONSET_DB,
        RHYTHMIC: rhythmic,
        INTERMITTENT: intermittent,
        CONTINUOUS: lasting and facts.dynamic_range_db < CONTINUOUS_RANGE_DB,
        STEADY: steady,
        PERCUSSIVE: percussive,
    }


def _in_frequency(facts: AcousticSummary) -> dict[Trait, bool]:
    bands = facts.band_energy
    sub_bass = bands.sub_bass >= SUB_BASS_SHARE
    return {
        TONAL: facts.tonal_ratio >= TONAL_RATIO,
        BROADBAND: facts.flatness >= NOISE_FLATNESS and facts.tonal_ratio < NOISE_TONAL_RATIO,
        SUB_BASS: sub_bass,
        LOW: not sub_bass and bands.sub_bass + bands.bass >= LOW_SHARE,
        HIGH: bands.high + bands.air >= HIGH_SHARE,
    }


def _held(found: dict[Trait, bool]) -> list[Trait]:
    return [trait for trait, holds in found.items() if holds]
