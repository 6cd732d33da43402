"""Two ways to read a sound file block by block: libsndfile first, FFmpeg for what it does not know."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from analysis.errors import UnreadableAudio

BLOCK_FRAMES = 1 << 17

# FFmpeg opens playlists and network streams as gladly as sounds; only plain containers are wanted here
FFMPEG_FORMATS = (
    "aac,ac3,ac4,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,matroska,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,ogg,oma,"
    "rm,shn,tak,truehd,tta,voc,w64,wav,webm,wv,xwma"
)

BITS_OF_SUBTYPE = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64,
    "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What a container says of its sound.

    Attributes
    ----------
    format : str
        Container, upper case: WAV, AIFF, FLAC, OGG, MP3, MP4, ...
    duration_s : float
    sample_rate_hz, channels : int
    bit_depth : int or None
        None where the coding has none (MP3, Vorbis, AAC).
    n_samples : int
        Samples of one channel at the file's own rate.
    codec : str
        Coding of the samples, as the reader names it.
    """

    format: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    n_samples: int
    codec: str = ""


class Reader(Protocol):
    """An open sound file."""

    facts: AudioFacts

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield blocks of shape (n_frames, n_channels), full scale 1.0."""


class UnknownFormat(Exception):
    """The reader does not know this kind of file: ask the next one."""


class LibsndfileReader:
    """WAV, AIFF, FLAC, OGG, Opus, MP3, CAF, W64, RF64 and AU."""

    def __init__(self, file: BinaryIO) -> None:
        import soundfile

        self._error = soundfile.LibsndfileError
        try:
            self._sound = soundfile.SoundFile(os.dup(file.fileno()), closefd=True)  # no name: its suffix may be wrong
        except soundfile.LibsndfileError as error:
            raise UnknownFormat(error.error_string.strip().rstrip(".")) from error
        rate = self._sound.samplerate
        self.facts = AudioFacts(
            format="WAV" if self._sound.format == "WAVEX" else self._sound.format,
            duration_s=self._sound.frames / rate if rate > 0 else 0.0,
            sample_rate_hz=rate,
            channels=self._sound.channels,
            bit_depth=BITS_OF_SUBTYPE.get(self._sound.subtype),
            n_samples=self._sound.frames,
            codec=self._sound.subtype,
        )

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield blocks of shape (n_frames, n_channels), full scale 1.0."""
        frames = max(1, BLOCK_FRAMES // max(1, self.facts.channels // 2))
        while True:
            try:
                block = self._sound.read(frames, dtype="float32", always_2d=True)
            except self._error as error:
                raise UnreadableAudio(_damaged(error.error_string)) from error
            if not len(block):
                return
            yield block

    def close(self) -> None:
        """Let go of the file."""
        self._sound.close()


class FfmpegReader:
    """M4A, AAC, ALAC, WMA, AC-3, WavPack, Matroska, video with sound, and the rest that FFmpeg decodes."""

    def __init__(self, file: BinaryIO) -> None:
        import av

        self._error = av.FFmpegError
        file.seek(0)
        try:
            options = {"format_whitelist": FFMPEG_FORMATS, "protocol_whitelist": "file"}
            self._container = av.open(file, "r", options=options, metadata_errors="ignore")
        except av.FFmpegError as error:
            raise UnknownFormat(error.strerror) from error
        if not self._container.streams.audio:
            raise UnreadableAudio("holds no sound, only other streams; choose a file with an audio track")
        self._stream = self._container.streams.audio[0]
        self._stream.codec_context.thread_type = "AUTO"
        rate = self._stream.rate or 0
        duration_s = self._duration_s()
        self.facts = AudioFacts(
            format=self._container.format.name.split(",")[0].upper().replace("MOV", "MP4"),
            duration_s=duration_s,
            sample_rate_hz=rate,
            channels=self._stream.channels,
            bit_depth=None,
            n_samples=round(duration_s * rate),
            codec=self._stream.codec_context.name,
        )

    def _duration_s(self) -> float:
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        return (self._container.duration or 0) / 1_000_000  # FFmpeg counts a container in microseconds

    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield blocks of shape (n_frames, n_channels), full scale 1.0."""
        import av

        resampler = av.AudioResampler(format="fltp", layout=self._stream.layout, rate=self._stream.rate)
        waiting: list[npt.NDArray[np.float32]] = []
        try:
            for frame in self._container.decode(self._stream):
                waiting += [part.to_ndarray().astype(np.float32) for part in resampler.resample(frame)]
                if sum(part.shape[1] for part in waiting) >= BLOCK_FRAMES:
                    yield np.concatenate(waiting, axis=1).T
                    waiting = []
            waiting += [part.to_ndarray().astype(np.float32) for part in resampler.resample(None)]
        except (self._error, ValueError) as error:
            raise UnreadableAudio(_damaged(str(getattr(error, "strerror", None) or error))) from error
        if waiting:
            yield np.concatenate(waiting, axis=1).T

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()


def _damaged(said: str) -> str:
    said = said.strip().removeprefix("Error : ").rstrip(".")  # as libsndfile begins and ends what it says
    return f"breaks off or is damaged inside ({said}); copy it again from its source"


@contextmanager
def open_reader(path: Path) -> Iterator[LibsndfileReader | FfmpegReader]:
    """Open a sound file with the first reader that knows its kind.

    Parameters
    ----------
    path : Path

    Yields
    ------
    Reader

    Raises
    ------
    UnreadableAudio
        No file, no right to read it, empty, or not a sound; with what to do.
    """
    try:
        with _open_regular(path) as file:
            reader = _first_that_knows(file)
            try:
                yield reader
            finally:
                reader.close()
    except OSError as error:
        raise UnreadableAudio(_words_of(error, path)) from error


def _open_regular(path: Path) -> BinaryIO:
    if path.is_dir():
        raise UnreadableAudio("is a folder, not a sound; use `timbre batch` for a folder")
    if path.is_symlink() and not path.exists():
        raise UnreadableAudio("is a link to a file that does not exist; restore the file or remove the link")
    if not path.exists():
        raise UnreadableAudio("is not there (any more); check the path, or scan the folder again")
    if not path.is_file():
        raise UnreadableAudio("is not a regular file but a device, socket or pipe; leave it out of the library")
    if path.stat().st_size == 0:
        raise UnreadableAudio("is empty (0 bytes); copy it again from its source")
    return path.open("rb")


def _first_that_knows(file: BinaryIO) -> LibsndfileReader | FfmpegReader:
    try:
        return LibsndfileReader(file)
    except UnknownFormat as first:
        try:
            return FfmpegReader(file)
        except UnknownFormat as second:
            raise UnreadableAudio(
                "is not a sound file of a kind that can be read, whatever its name says, or its header is damaged"
                f" (libsndfile: {first}; FFmpeg: {second}); check that it plays elsewhere and copy it again"
            ) from second


def _words_of(error: OSError, path: Path) -> str:
    if isinstance(error, PermissionError):
        return "may not be read by this user; give read permission (chmod +r) on the file and its folders"
    if isinstance(error, FileNotFoundError):
        return "is not there (any more); check the path, or scan the folder again"
    return f"cannot be read: {error.strerror or error} ({path.name}); check the disk or the network share"
