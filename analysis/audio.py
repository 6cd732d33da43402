"""From a file to sound: facts of the container, 48 kHz mono samples, and previews a browser can play."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.channels import ChannelFacts, ChannelMeter
from analysis.decoders import AudioFacts, open_reader
from analysis.errors import UnreadableAudio
from analysis.samples import SAMPLE_RATE_HZ, Samples

__all__ = ["AUDIO_SUFFIXES", "SAMPLE_RATE_HZ", "AudioFacts", "DecodedAudio", "decode", "probe", "write_preview"]

AUDIO_SUFFIXES = frozenset({
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".flac", ".ogg", ".oga", ".opus",
    ".mp3", ".mp2", ".m4a", ".m4b", ".aac", ".alac", ".wma", ".caf", ".au", ".snd", ".ac3", ".eac3", ".wv",
    ".ape", ".tta", ".tak", ".mpc", ".amr", ".dsf", ".mka", ".webm", ".mp4", ".mov",
})  # fmt: skip

PLAUSIBLE_RATES_HZ = (500, 4_000_000)  # 500 Hz: seismic recordings; 4 MHz: beyond every bat recorder
BROKEN_SAMPLE = 1e4  # 80 dB over full scale: no converter gives it, a damaged file does
WHOLE_SHARE = 0.98  # of the promised length
CODEC_DELAY_S = 0.1  # codecs lose up to a few frames at the ends
GUESSED_LENGTHS = {"MP3"}  # where a header may only guess from the bit rate, too little is odd and no proof
UNKNOWN_RIFF_SIZES = (0, 0x7FFFFFFF)  # what a recorder writes that cannot go back to the header, from here up
HASH_BLOCK = 1 << 20
PREVIEW_BLOCK_FRAMES = 48_000
PREVIEW_MAX_CHANNELS = 2
PREVIEW_RATE_HZ = 48_000
PREVIEW_FORMAT = {
    "format": "MP3",
    "subtype": "MPEG_LAYER_III",
    "compression_level": 0.5,  # about 120 kbit/s in stereo
    "bitrate_mode": "VARIABLE",
}


@dataclass(frozen=True)
class DecodedAudio:
    """A sound as the analysis hears it.

    Attributes
    ----------
    samples : Samples
        Mono, 48 kHz, full scale 1.0, at least one.
    facts : AudioFacts
        Of the file; its length is what was really decoded.
    channels : ChannelFacts
        Of the channels as the file has them, before they are mixed and resampled.
    notes : tuple of str
        What was odd about the file, in words.
    """

    samples: Samples
    facts: AudioFacts
    channels: ChannelFacts
    notes: tuple[str, ...] = ()

    @property
    def waveform(self) -> npt.NDArray[np.float32]:
        """All samples at once, shape (n_samples,)."""
        return self.samples.read()

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the samples as little-endian float32: equal for equal sound, whatever the container."""
        digest = hashlib.sha256()
        for block in self.samples.blocks(HASH_BLOCK):
            digest.update(block.astype("<f4", copy=False).tobytes())
        return digest.hexdigest()


def probe(path: Path) -> AudioFacts:
    """Read the header of a sound file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    AudioFacts
        As the header has them; only `decode` knows whether they are true.

    Raises
    ------
    UnreadableAudio
        With the reason in words and what to do.
    """
    with open_reader(path) as reader:
        return _plausible(reader.facts)


def decode(path: Path) -> DecodedAudio:
    """Decode a sound file to mono samples at 48 kHz.

    Channels are averaged; another rate is resampled by soxr's HQ filter, block by block, so that memory
    does not grow with the length of the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DecodedAudio

    Raises
    ------
    UnreadableAudio
        With the reason in words and what to do.
    """
    cleaner = _Cleaner()
    with open_reader(path) as reader:
        facts = _plausible(reader.facts)
        resampler = _Resampler(facts.sample_rate_hz)
        meter = ChannelMeter(facts.sample_rate_hz, facts.channels, facts.bit_depth)
        samples = Samples()
        n_samples = 0
        for block in reader.blocks():
            n_samples += len(block)
            clean = cleaner.clean(block)
            meter.add(clean)
            samples.append(resampler.add(_mono(clean)))
        samples.append(resampler.finish())
    _check_whole(path, facts, n_samples)
    cleaner.check()
    notes = (*cleaner.notes(), *_length_notes(facts, n_samples))
    if not len(samples):  # fewer samples than the resampler's filter gives back
        samples.append(np.zeros(1, np.float32))
    true_facts = replace(facts, duration_s=n_samples / facts.sample_rate_hz, n_samples=n_samples)
    return DecodedAudio(samples, true_facts, meter.finish(), notes)


def write_preview(path: Path, target: Path) -> None:
    """Write a copy that every browser plays: MP3, at most two channels, 48 kHz or the file's own lower rate.

    Parameters
    ----------
    path : Path
        The sound.
    target : Path
        The MP3 to write; it appears whole or not at all.

    Raises
    ------
    UnreadableAudio
        With the reason in words and what to do.
    """
    import soundfile

    unfinished = target.with_name(f"{target.name}.part")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open_reader(path) as reader:
            facts = _plausible(reader.facts)
            channels = min(facts.channels, PREVIEW_MAX_CHANNELS)
            with soundfile.SoundFile(unfinished, "w", PREVIEW_RATE_HZ, channels, **PREVIEW_FORMAT) as preview:
                for block in _resampled(reader.blocks(), facts.sample_rate_hz, channels):
                    for start in range(0, len(block), PREVIEW_BLOCK_FRAMES):
                        preview.write(block[start : start + PREVIEW_BLOCK_FRAMES])
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


class _Resampler:
    """One channel to 48 kHz, block by block."""

    def __init__(self, rate_hz: int, channels: int = 1) -> None:
        import soxr

        self._stream = None
        if rate_hz != SAMPLE_RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, channels, dtype="float32", quality="HQ")
        self._empty = np.zeros(0, np.float32) if channels == 1 else np.zeros((0, channels), np.float32)

    def add(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return block if self._stream is None else self._stream.resample_chunk(block)

    def finish(self) -> npt.NDArray[np.float32]:
        return self._empty if self._stream is None else self._stream.resample_chunk(self._empty, last=True)


class _Cleaner:
    """Puts silence where a sample is no number, and counts them."""

    def __init__(self) -> None:
        self._broken = 0
        self._total = 0

    def clean(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        good = np.abs(block) <= BROKEN_SAMPLE  # false for NaN too
        self._total += good.size
        missing = good.size - int(np.count_nonzero(good))
        self._broken += missing
        return np.where(good, block, np.float32(0)) if missing else block

    def check(self) -> None:
        if not self._total:
            raise UnreadableAudio("holds no samples, only a header; copy it again from its source")
        if self._broken == self._total:
            raise UnreadableAudio("holds no sound: not one sample is a finite number; export it again")

    def notes(self) -> tuple[str, ...]:
        if not self._broken:
            return ()
        return (f"{self._broken} of {self._total} samples were not finite numbers and were replaced by silence",)


def _mono(block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Average the channels; of one or two without a loop over samples, to the same bits."""
    if block.shape[1] <= 2:
        return (block[:, 0] + block[:, -1]) * np.float32(0.5)
    averaged: npt.NDArray[np.float32] = block.mean(axis=1, dtype=np.float32)
    return averaged


def _resampled(
    blocks: Iterator[npt.NDArray[np.float32]], rate_hz: int, channels: int
) -> Iterator[npt.NDArray[np.float32]]:
    resampler = _Resampler(rate_hz, channels)
    for block in blocks:
        mixed = block
        if block.shape[1] > PREVIEW_MAX_CHANNELS:
            mixed = np.repeat(block.mean(axis=1, keepdims=True), channels, axis=1)
        clean = np.clip(np.nan_to_num(mixed), -1, 1).astype(np.float32)
        yield resampler.add(clean[:, 0] if channels == 1 else clean)
    yield resampler.finish()


def _plausible(facts: AudioFacts) -> AudioFacts:
    lowest, highest = PLAUSIBLE_RATES_HZ
    if not lowest <= facts.sample_rate_hz <= highest:
        raise UnreadableAudio(
            f"has a sample rate of {facts.sample_rate_hz} Hz in its header, wanted {lowest} to {highest} Hz:"
            " the header is damaged"
        )
    if facts.channels < 1:
        raise UnreadableAudio("has no channel in its header: the header is damaged")
    return facts


def _check_whole(path: Path, facts: AudioFacts, n_samples: int) -> None:
    """Refuse a file that ends before its header says it does."""
    promised, have = _promised_bytes(path)
    if have < promised * WHOLE_SHARE:
        raise UnreadableAudio(
            f"breaks off: {have:,} bytes of the {promised:,} its header promises; copy it again from its source"
        )
    if facts.format not in GUESSED_LENGTHS and _is_short(facts, n_samples):
        raise UnreadableAudio(
            f"breaks off: {n_samples / facts.sample_rate_hz:.2f} s of the {facts.duration_s:.2f} s its header promises"
            " can be decoded; copy it again from its source"
        )


def _length_notes(facts: AudioFacts, n_samples: int) -> tuple[str, ...]:
    if facts.format not in GUESSED_LENGTHS or not _is_short(facts, n_samples):
        return ()
    seconds, promised = n_samples / facts.sample_rate_hz, facts.duration_s
    return (f"its header promises {promised:.2f} s and {seconds:.2f} s could be decoded: it may break off",)


def _is_short(facts: AudioFacts, n_samples: int) -> bool:
    return n_samples < facts.n_samples * WHOLE_SHARE - facts.sample_rate_hz * CODEC_DELAY_S


def _promised_bytes(path: Path) -> tuple[int, int]:
    """Size that a RIFF or AIFF header gives, and the size that is there; libsndfile corrects the first in silence."""
    try:
        have = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:  # deleted after it was decoded: there is nothing left to compare
        return 0, 0
    if len(head) < 8 or head[:4] not in {b"RIFF", b"FORM"}:
        return 0, have
    (size,) = struct.unpack("<I" if head[:4] == b"RIFF" else ">I", head[4:])
    unknown = size == UNKNOWN_RIFF_SIZES[0] or size >= UNKNOWN_RIFF_SIZES[1] - 4096
    return (0 if unknown else size + 8), have
