"""What an analysis says of a sound, as it is written out and read back."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.errors import InvalidRecord

ChannelRelation = Literal["identical", "nearly identical", "panned mono", "inverted", "silent channel", "different"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BandEnergy(_Part):
    """Share of the power between 20 Hz and 20 kHz that falls into each band; the shares add up to 1."""

    sub_bass: float = Field(description="20 to 80 Hz")
    bass: float = Field(description="80 to 250 Hz")
    low_mid: float = Field(description="250 Hz to 1 kHz")
    mid: float = Field(description="1 to 4 kHz")
    high: float = Field(description="4 to 12 kHz")
    air: float = Field(description="12 to 20 kHz")


class AcousticSummary(_Part):
    """Measured facts; definitions and sources stand with the functions that measure them."""

    rms_dbfs: float = Field(description="root mean square of the whole file")
    peak_dbfs: float = Field(description="largest sample of any channel as the file has it")
    crest_factor_db: float = Field(description="peak over RMS, both of the mono mix at 48 kHz")
    dynamic_range_db: float = Field(description="95th less 10th percentile of the level of 50 ms, floored at -80 dBFS")
    centroid_hz: float = Field(description="center of the magnitude spectrum, mean over frames that sound")
    rolloff_hz: float = Field(description="85 % of the magnitude lies below, mean over frames that sound")
    flatness: float = Field(description="geometric over arithmetic mean of the power spectrum: 0 tone, 1 white noise")
    zero_crossings_per_s: float = Field(description="changes of sign")
    onset_count: int = Field(description="beginnings of sounds")
    onsets_per_s: float
    strongest_onset_db: float = Field(description="mean rise over 40 mel bands at the strongest onset")
    tempo_bpm: float | None = Field(description="null where nothing repeats regularly")
    rhythm_regularity: float = Field(description="share of the onset curve that returns after one beat, 0 to 1")
    band_energy: BandEnergy
    silence_ratio: float = Field(
        description="share of 50 ms frames below -60 dBFS, in a faint file below its loudest less 30 dB"
    )
    tonal_ratio: float = Field(description="share of the power from 94 Hz to 8 kHz that is in steady partials")
    attack_s: float = Field(description="10 % to 90 % before the loudest millisecond")
    decay_s: float = Field(description="from the loudest moment down by 30 dB, or to the end")
    fade_in_s: float
    fade_out_s: float
    envelope_step_s: float
    envelope_dbfs: list[float] = Field(description="level over time, at most 200 values")
    # Records made before these were measured have none of them.
    loudness_lufs: float | None = Field(
        default=None,
        description="integrated, ITU-R BS.1770-4, over the file's own channels; null under 400 ms and under -70 LUFS",
    )
    true_peak_dbtp: float | None = Field(
        default=None, description="largest value of any channel between its samples, four times oversampled"
    )
    clipped_stretches: int | None = Field(default=None, description="flat tops of three samples or more, all channels")
    clipped_samples: int | None = Field(default=None, description="samples in flat tops, all channels")
    clipped_share: float | None = Field(default=None, description="share of all samples that is in flat tops, 0 to 1")
    dc_offset: float | None = Field(
        default=None, description="mean of the channel whose mean is farthest from zero, full scale 1"
    )
    channel_relation: ChannelRelation | None = Field(
        default=None, description="how channels are like each other, such as mono in stereo; null in a mono file"
    )
    noise_floor_dbfs: float | None = Field(
        default=None,
        description="level of the quietest tenth of 50 ms frames that are not digital silence: what is heard in pauses"
        " where there are some, else the sound itself; null where less than half a second is left",
    )
    hum_hz: int | None = Field(default=None, description="mains frequency of a steady hum, 50 or 60; null where none")
    hum_db: float | None = Field(
        default=None, description="how far the strongest line of the hum stands over its neighbors, in bins of 1 Hz"
    )
    leading_silence_s: float | None = Field(
        default=None, description="before the first sound; all of a file that is silent"
    )
    trailing_silence_s: float | None = Field(default=None, description="after the last sound")
    key: str | None = Field(
        default=None, description="tonic and mode, such as A# minor; null where the sound has no key"
    )
    key_strength: float | None = Field(
        default=None, description="correlation of its pitch classes with the profile of the key, up to 1"
    )
    audible: bool = Field(
        default=True,
        exclude_if=bool,
        description="only written where false: every channel holds one value, or the file is but a few samples long",
    )


class SoundMetadata(_Part):
    """Facts of the file: its container, what was written into it, and what its name says."""

    format: str
    codec: str = ""
    duration_s: float
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    n_samples: int = Field(description="of one channel, at the file's own rate")
    embedded: dict[str, str] = Field(default={}, description="bext, iXML, INFO and tags, by the names Soundminer uses")
    name_words: list[str] = Field(default=[], description="words of the file name, without numbers")
    ucs_name: dict[str, str] = Field(default={}, description="the blocks of a file name that follows UCS")
    notes: list[str] = Field(default=[], description="what was odd about the file")


class LabelScore(_Part):
    """A label and how strongly the sound is like it."""

    label: str
    category: str
    score: float = Field(description="share of the softmax over the labels of the kept categories")


class SoundEvent(_Part):
    """A stretch of the sound in which a label is heard."""

    label: str
    category: str
    start_s: float
    end_s: float
    confidence: float = Field(description="largest score of the label in the windows of the event")


class UcsAssignment(_Part):
    """Where the sound stands in the Universal Category System, by the CatID of its label."""

    cat_id: str
    category: str = ""
    subcategory: str = ""
    alternatives: list[str] = Field(default=[], description="CatIDs of the next labels")


class Provenance(_Part):
    """What made the record, so that it can be made again."""

    profile_name: str
    profile_fingerprint: str
    config_path: str = Field(description="name of the configuration file")
    model_id: str
    model_revision: str
    device: str
    precision: str
    backend: str = Field(default="torch", description="what ran the model: torch or openvino")
    window_spacing_s: float | None = Field(
        default=None, description="how far apart windows lie where a long sound has fewer than its profile's hop gives"
    )
    vocabulary_sha256: str
    calibration: str | None = Field(default=None, description="fingerprint of what the confidence was calibrated with")
    timbre_version: str
    elapsed_s: float


class BriefRecord(_Part):
    """What a person wants to know of a sound."""

    file_name: str
    short_description: str
    detailed_description: str
    tags: list[str]
    sound_events: list[str] = Field(description="labels heard, in the order they begin")
    confidence: float = Field(
        ge=0,
        le=1,
        description="score of the primary label: its share of the softmax over labels of the kept categories",
    )


class AudioAnalysisRecord(BriefRecord):
    """All that one analysis says of one sound."""

    calibrated: bool = Field(default=False, description="whether the confidence was fitted to how often it is right")
    primary_category: str
    primary_label: str
    top_labels: list[LabelScore]
    events: list[SoundEvent]
    ucs: UcsAssignment | None
    metadata: SoundMetadata
    acoustic_summary: AcousticSummary
    analysis_provenance: Provenance

    def brief(self) -> dict[str, Any]:
        """Give the short form, ready for JSON."""
        return self.model_dump(mode="json", include=set(BriefRecord.model_fields))


def parse_record(text: str | bytes) -> BriefRecord:
    """Read a record, brief or full, from JSON.

    Parameters
    ----------
    text : str or bytes

    Returns
    -------
    BriefRecord
        An AudioAnalysisRecord where the text holds more than the short form.

    Raises
    ------
    InvalidRecord
        Naming the first field that is wrong.
    """
    try:
        tree = json.loads(text)
        full = isinstance(tree, dict) and not tree.keys() <= BriefRecord.model_fields.keys()
        return AudioAnalysisRecord.model_validate(tree) if full else BriefRecord.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRecord(f"{'.'.join(map(str, first['loc'])) or 'record'}: {first['msg']}") from error
    except ValueError as error:
        raise InvalidRecord(f"not JSON: {error}") from error
