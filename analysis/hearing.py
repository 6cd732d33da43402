"""What is heard of a file before any model: its samples, its facts, and what is written in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.audio import decode
from analysis.features import measure_features
from analysis.metadata import read_metadata
from analysis.records import AcousticSummary, SoundMetadata
from analysis.samples import Samples
from analysis.ucs import UcsCategory
from analysis.waveform import Peaks, measure_peaks


@dataclass(frozen=True, slots=True)
class Heard:
    """One decoded file with all that does not depend on a profile.

    Attributes
    ----------
    path : Path
    file_name : str
    samples : Samples
    content_hash : str
        SHA-256 of the mono samples at 48 kHz.
    metadata : SoundMetadata
    facts : AcousticSummary
    peaks : Peaks
    decode_s, features_s : float
        Time of the processor, in the thread that heard it.
    elapsed_s : float
        Time that passed.
    """

    path: Path
    file_name: str
    samples: Samples
    content_hash: str
    metadata: SoundMetadata
    facts: AcousticSummary
    peaks: Peaks
    decode_s: float
    features_s: float
    elapsed_s: float


def hear(path: Path, ucs: Mapping[str, UcsCategory]) -> Heard:
    """Decode a file and measure it; several threads may do so at once.

    Parameters
    ----------
    path : Path
    ucs : mapping of str to UcsCategory
        What a file name's CatID is looked up in.

    Returns
    -------
    Heard

    Raises
    ------
    UnreadableAudio
        With the reason in words and what to do.
    """
    started, began = time.perf_counter(), time.thread_time()
    audio = decode(path)
    content_hash = audio.content_hash
    written = read_metadata(path, ucs)
    decoded = time.thread_time()
    facts = audio.facts
    metadata = SoundMetadata(
        format=facts.format,
        codec=facts.codec,
        duration_s=round(facts.duration_s, 6),
        sample_rate_hz=facts.sample_rate_hz,
        channels=facts.channels,
        bit_depth=facts.bit_depth,
        n_samples=facts.n_samples,
        embedded=written.embedded,
        name_words=written.name_words,
        ucs_name=written.ucs_name,
        notes=list(audio.notes),
    )
    measured = measure_features(audio.samples, channels=audio.channels)
    peaks = measure_peaks(audio.samples)
    ended = time.thread_time()
    return Heard(
        path=path,
        file_name=_readable_name(path),
        samples=audio.samples,
        content_hash=content_hash,
        metadata=metadata,
        facts=measured,
        peaks=peaks,
        decode_s=decoded - began,
        features_s=ended - decoded,
        elapsed_s=time.perf_counter() - started,
    )


def _readable_name(path: Path) -> str:
    """File name with bytes that are not UTF-8 replaced, so that it can be written as JSON."""
    return path.name.encode(errors="surrogateescape").decode(errors="replace")
