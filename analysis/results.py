"""What comes out of an analysis: of one sound, of one file, or why there is nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.interpretation import SoundEmbeddings
    from analysis.records import AudioAnalysisRecord
    from analysis.waveform import Peaks


@dataclass(frozen=True, slots=True)
class AnalyzedSound:
    """What one profile says of a sound, and what it was measured by.

    Attributes
    ----------
    record : AudioAnalysisRecord
    embeddings : SoundEmbeddings
    waveform_peaks : Peaks
    content_hash : str
        SHA-256 of the mono samples at 48 kHz.
    """

    record: AudioAnalysisRecord
    embeddings: SoundEmbeddings
    waveform_peaks: Peaks
    content_hash: str


@dataclass(frozen=True, slots=True)
class AnalyzedFile:
    """What an analysis gives of one file.

    Attributes
    ----------
    path : Path
    sounds : tuple of AnalyzedSound
        In the order of the profiles.
    """

    path: Path
    sounds: tuple[AnalyzedSound, ...]

    @property
    def record(self) -> AudioAnalysisRecord:
        """The record of the first profile."""
        return self.sounds[0].record

    @property
    def embeddings(self) -> SoundEmbeddings:
        """The vectors of the first profile."""
        return self.sounds[0].embeddings


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be analyzed.

    Attributes
    ----------
    path : Path
    error : Exception
        UnreadableAudio where it is a permanent fact about the file, in words; anything else is not about the file.
    """

    path: Path
    error: Exception
