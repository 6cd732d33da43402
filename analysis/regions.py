"""A stretch of a sound as a WAV of its own, to the bit as the file has it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import numpy as np
import numpy.typing as npt

from analysis.audio import probe
from analysis.decoders import AudioFacts, FfmpegReader, LibsndfileReader, UnknownFormat
from analysis.errors import AnalysisError, UnreadableAudio

MAX_REGION_S = 600.0
MAX_REGION_BYTES = 2**31 - 2**16  # a WAV counts in 32 bits, and older programs read them as signed
MAX_FADE_S = 0.1
MAX_POSITION_S = 1e9  # 30 years; times any rate it stays a 64-bit number of samples
END_SLACK_S = 0.1  # what a header promises and what a codec gives differ by a few frames, and addresses are rounded
MAX_DECODE_S = 120.0  # nobody waits longer for an answer
ROOM_LEFT_BYTES = 1 << 26  # on the disk: the database may share it
BLOCK_VALUES = 1 << 17

Block = npt.NDArray[np.generic]
SampleType = Literal["int16", "int32", "float32", "float64"]


@dataclass(frozen=True, slots=True)
class Coding:
    """How samples stand in a WAV, and the narrowest numbers that carry them there unchanged."""

    subtype: str
    sample_type: SampleType
    sample_bytes: int


PCM_8 = Coding("PCM_U8", "int16", 1)
PCM_16 = Coding("PCM_16", "int16", 2)
PCM_24 = Coding("PCM_24", "int32", 3)
PCM_32 = Coding("PCM_32", "int32", 4)
FLOAT = Coding("FLOAT", "float32", 4)
DOUBLE = Coding("DOUBLE", "float64", 8)

# MP3, Vorbis and the like have no bit depth and go over full scale: float keeps all that they decode to
LIBSNDFILE_CODINGS = {
    "PCM_S8": PCM_8, "PCM_U8": PCM_8, "PCM_16": PCM_16, "PCM_24": PCM_24, "PCM_32": PCM_32, "DOUBLE": DOUBLE,
    "ALAC_16": PCM_16, "ALAC_20": PCM_24, "ALAC_24": PCM_24, "ALAC_32": PCM_32,
    "ULAW": PCM_16, "ALAW": PCM_16, "IMA_ADPCM": PCM_16, "MS_ADPCM": PCM_16, "GSM610": PCM_16,
}  # fmt: skip
FFMPEG_CODINGS = {"u8": PCM_8, "s16": PCM_16, "s32": PCM_32, "s64": PCM_32, "dbl": DOUBLE}
FFMPEG_FORMATS = {PCM_8: "s16", PCM_16: "s16", PCM_24: "s32", PCM_32: "s32", FLOAT: "flt", DOUBLE: "dbl"}


class InvalidRegion(AnalysisError):
    """A region that the sound does not have, or that is too long: whoever asked has to ask for another."""


class RegionNotWritten(AnalysisError):
    """No room for the region, or no right to write it: not the fault of the sound nor of who asked."""


@dataclass(frozen=True, slots=True)
class WrittenRegion:
    """What was written.

    Attributes
    ----------
    first_sample, n_samples : int
        Of one channel, at the sound's own rate.
    sample_rate_hz, channels : int
        As the sound has them.
    coding : Coding
        As the sound has it; float where its own has no bit depth (MP3, Vorbis, AAC).
    """

    first_sample: int
    n_samples: int
    sample_rate_hz: int
    channels: int
    coding: Coding


def check_region(start_s: float, end_s: float, *, fade_s: float = 0.0) -> None:
    """Refuse what can be no region of any sound.

    Parameters
    ----------
    start_s, end_s : float
        Seconds from the beginning of the sound.
    fade_s : float
        Length of the fade at both ends, seconds.

    Raises
    ------
    InvalidRegion
        With what was wanted and what came.
    """
    if not all(map(math.isfinite, (start_s, end_s, fade_s))):
        raise InvalidRegion(f"start, end and fade have to be numbers of seconds, not {start_s}, {end_s} and {fade_s}")
    if start_s < 0:
        raise InvalidRegion(f"a region starts at 0 s or later, not at {start_s:g} s")
    if end_s <= start_s:
        raise InvalidRegion(f"a region ends after its start; this one starts at {start_s:g} s and ends at {end_s:g} s")
    if start_s > MAX_POSITION_S:
        raise InvalidRegion(f"no sound reaches to {start_s:g} s")
    if end_s - start_s > MAX_REGION_S:
        raise InvalidRegion(
            f"a region is at most {MAX_REGION_S:g} s long, this one {end_s - start_s:g} s; export it in parts"
        )
    if not 0 <= fade_s <= MAX_FADE_S:
        raise InvalidRegion(f"a fade is 0 to {MAX_FADE_S * 1000:g} ms long, not {fade_s * 1000:g} ms")
    if 2 * fade_s > end_s - start_s:
        raise InvalidRegion(
            f"two fades of {fade_s * 1000:g} ms do not fit into a region of {(end_s - start_s) * 1000:g} ms"
        )


def write_region(path: Path, target: BinaryIO, *, start_s: float, end_s: float, fade_s: float = 0.0) -> WrittenRegion:
    """Write a stretch of a sound as a WAV with the sound's own rate, channels and bit depth.

    Memory does not grow with the length of the region. Without a fade every sample is the sound's own, to the bit.
    An end up to `END_SLACK_S` beyond the last sample is the last sample.

    Parameters
    ----------
    path : Path
        The sound.
    target : BinaryIO
        An empty file of the disk, open for writing; afterwards it stands at its beginning.
    start_s, end_s : float
        Seconds from the beginning; the sample nearest to the end is the first that is left out.
    fade_s : float
        Length of a straight fade at both ends, seconds; none by default.

    Returns
    -------
    WrittenRegion

    Raises
    ------
    InvalidRegion
        Outside the sound, empty, too long.
    UnreadableAudio
        With the reason in words and what to do.
    RegionNotWritten
        The disk is full.

    Notes
    -----
    libsndfile goes straight to the start. What only FFmpeg knows is decoded from its beginning: after a jump its
    decoders give other samples (AAC's noise substitution) or only know to the millisecond where they are (Matroska).
    """
    check_region(start_s, end_s, fade_s=fade_s)
    with _open_exact(path) as reader:
        start, end = _bounds(reader, start_s, end_s)
        rate = reader.facts.sample_rate_hz
        _check_room(target, (end - start) * reader.facts.channels * reader.coding.sample_bytes)
        blocks = _cut(reader.blocks_from(start), start, end)
        if fade := round(fade_s * rate):
            blocks = _faded(blocks, fade)
        written = _write(target, blocks, reader)
    if written < end - start - END_SLACK_S * rate or not written:
        raise InvalidRegion(
            f"the region reaches to {end_s:g} s, and only {(start + written) / rate:.3f} s of the sound can be decoded"
            if written
            else f"the region starts at {start_s:g} s, and the sound cannot be decoded that far"
        )
    target.seek(0)
    return WrittenRegion(start, written, rate, reader.facts.channels, reader.coding)


class _ExactReader(Protocol):
    """An open sound whose samples come as they are coded."""

    facts: AudioFacts
    coding: Coding
    length_is_known: bool

    def blocks_from(self, start: int) -> Iterator[tuple[int, Block]]:
        """Yield places and the blocks, shape (n_frames, n_channels), that begin there; the first not after `start`."""
        ...

    def close(self) -> None: ...


class _ExactLibsndfileReader(LibsndfileReader):
    length_is_known = True  # the reader itself ends there

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.coding = LIBSNDFILE_CODINGS.get(self.facts.codec, FLOAT)

    def blocks_from(self, start: int) -> Iterator[tuple[int, Block]]:
        frames = max(1, BLOCK_VALUES // self.facts.channels)
        try:
            place = self._sound.seek(start) if self._sound.seekable() else 0
            while len(block := self._sound.read(frames, dtype=self.coding.sample_type, always_2d=True)):
                yield place, block
                place += len(block)
        except self._error as error:
            raise UnreadableAudio(_damaged(error.error_string)) from error


class _ExactFfmpegReader(FfmpegReader):
    length_is_known = False  # a container's word, or FFmpeg's guess from the bit rate

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        decoded = self._stream.codec_context.format
        kind = decoded.packed.name if decoded is not None else "flt"
        is_24_bit = kind == "s32" and self.facts.codec.startswith("pcm_s24")  # of others FFmpeg tells no more
        self.coding = PCM_24 if is_24_bit else FFMPEG_CODINGS.get(kind, FLOAT)

    def blocks_from(self, start: int) -> Iterator[tuple[int, Block]]:
        import av

        packed = av.AudioResampler(
            format=FFMPEG_FORMATS[self.coding], layout=self._stream.layout, rate=self._stream.rate
        )
        place = 0
        try:
            for frame in chain(self._container.decode(self._stream), (None,)):
                for part in packed.resample(frame):
                    block = part.to_ndarray().reshape(-1, self.facts.channels)
                    yield place, block
                    place += len(block)
        except (self._error, ValueError) as error:
            raise UnreadableAudio(_damaged(str(getattr(error, "strerror", None) or error))) from error


@contextmanager
def _open_exact(path: Path) -> Iterator[_ExactReader]:
    probe(path)  # says in words what cannot be read
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableAudio("is not there (any more); check the path, or scan the folder again") from error
    with file:
        reader = _first_that_knows(file)
        try:
            yield reader
        finally:
            reader.close()


def _first_that_knows(file: BinaryIO) -> _ExactReader:
    try:
        return _ExactLibsndfileReader(file)
    except UnknownFormat:
        try:
            return _ExactFfmpegReader(file)
        except UnknownFormat as error:
            raise UnreadableAudio(_damaged(str(error))) from error


def _damaged(said: str) -> str:
    said = said.strip().removeprefix("Error : ").rstrip(".")  # as libsndfile begins and ends what it says
    return f"breaks off or is damaged inside ({said}); copy it again from its source"


def _bounds(reader: _ExactReader, start_s: float, end_s: float) -> tuple[int, int]:
    """First sample and the one after the last. Where nobody knows the length, decoding will tell."""
    facts = reader.facts
    start, end = round(start_s * facts.sample_rate_hz), round(end_s * facts.sample_rate_hz)
    if start == end:
        raise InvalidRegion(f"the region is shorter than one sample at {facts.sample_rate_hz} Hz")
    if reader.length_is_known:
        if start >= facts.n_samples or end > facts.n_samples + END_SLACK_S * facts.sample_rate_hz:
            raise InvalidRegion(
                f"the region {start_s:g} to {end_s:g} s lies outside the sound, which is {facts.duration_s:.3f} s long"
            )
        end = min(end, facts.n_samples)
    n_bytes = (end - start) * facts.channels * reader.coding.sample_bytes
    if n_bytes > MAX_REGION_BYTES:
        raise InvalidRegion(
            f"the region would be {n_bytes / 1e9:.1f} GB, a WAV holds {MAX_REGION_BYTES / 1e9:.1f} GB;"
            " export it in parts"
        )
    return start, end


def _check_room(target: BinaryIO, n_bytes: int) -> None:
    disk = os.fstatvfs(target.fileno())
    free = disk.f_bavail * disk.f_frsize
    if free < n_bytes + ROOM_LEFT_BYTES:
        raise RegionNotWritten(
            f"the region needs {n_bytes / 1e6:.0f} MB and the disk of the cache has {free / 1e6:.0f} MB left;"
            " make room there or export a shorter one"
        )


def _cut(placed: Iterator[tuple[int, Block]], start: int, end: int) -> Iterator[Block]:
    deadline = time.monotonic() + MAX_DECODE_S
    for place, block in placed:
        if time.monotonic() > deadline:
            raise UnreadableAudio(
                f"takes more than {MAX_DECODE_S:g} s to decode up to there; convert it to WAV or FLAC for regions"
            )
        part = block[max(0, start - place) : max(0, end - place)]
        if len(part):
            yield part
        if place + len(block) >= end:
            return


def _faded(blocks: Iterator[Block], fade: int) -> Iterator[Block]:
    """Straight ramps over the first and the last `fade` samples; where the last are is known only at the end."""
    rising = (np.arange(fade) + 0.5)[:, np.newaxis] / fade
    place, held = 0, None
    for block in blocks:
        rest = rising[place : place + len(block)]
        risen = np.concatenate([_scaled(block[: len(rest)], rest), block[len(rest) :]])
        place += len(block)
        held = risen if held is None else np.concatenate([held, risen])
        yield held[:-fade]
        held = held[-fade:]
    if held is not None:
        yield _scaled(held, rising[::-1][-len(held) :])


def _scaled(block: Block, gains: npt.NDArray[np.float64]) -> Block:
    scaled = block.astype(np.float64) * gains
    return (np.rint(scaled) if np.issubdtype(block.dtype, np.integer) else scaled).astype(block.dtype)


def _write(target: BinaryIO, blocks: Iterator[Block], reader: _ExactReader) -> int:
    import soundfile

    facts, coding = reader.facts, reader.coding
    file = os.dup(target.fileno())
    written = 0
    try:
        with soundfile.SoundFile(
            file, "w", facts.sample_rate_hz, facts.channels, coding.subtype, format="WAV", closefd=True
        ) as wav:
            for block in blocks:
                wav.write(block)
                written += len(block)
    except (soundfile.LibsndfileError, AssertionError) as error:  # it asserts that all of a block was written
        raise RegionNotWritten(f"the region could not be written ({error or 'no room'}); make room for it") from error
    if os.fstat(target.fileno()).st_size < written * facts.channels * coding.sample_bytes:
        raise RegionNotWritten("the region could not be written whole; make room on the disk of the cache")
    return written
