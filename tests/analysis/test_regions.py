"""A region is the same slice of its source to the bit, and what is none is refused in words."""

from __future__ import annotations

import io
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from analysis import regions
from analysis.audio import decode
from analysis.errors import UnreadableAudio
from analysis.regions import InvalidRegion, RegionNotWritten, write_region

SEED = 7
RATE_HZ = 48_000
SAMPLE_TYPES = {"PCM_U8": "int16", "PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32", "DOUBLE": "float64"}
Samples = npt.NDArray[Any]


def noise(frames: int, channels: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(SEED).uniform(-1, 1, (frames, channels))


def region_of(path: Path, start_s: float, end_s: float, *, fade_s: float = 0.0) -> tuple[Samples, soundfile.SoundFile]:
    with TemporaryFile() as file:
        write_region(path, file, start_s=start_s, end_s=end_s, fade_s=fade_s)
        wav = soundfile.SoundFile(io.BytesIO(file.read()))
    return wav.read(dtype=SAMPLE_TYPES.get(wav.subtype, "float32"), always_2d=True), wav


@pytest.fixture
def minute(write_sound: Callable[..., Path]) -> Path:
    return write_sound(noise(60 * 8_000, 1), "minute.wav", rate=8_000, subtype="PCM_16")


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_region_is_the_same_slice_to_the_bit(
    write_sound: Callable[..., Path], subtype: str, channels: int, rate: int
) -> None:
    path = write_sound(noise(4 * rate, channels), rate=rate, subtype=subtype)
    start, end = 1 * rate + 7, 3 * rate + 1_001

    cut, wav = region_of(path, start / rate, end / rate)

    whole, _ = soundfile.read(path, dtype=SAMPLE_TYPES.get(subtype, "float32"), always_2d=True)
    assert (wav.format, wav.subtype, wav.samplerate, wav.channels) == ("WAV", subtype, rate, channels)
    assert cut.tobytes() == whole[start:end].tobytes()


def test_the_bytes_of_the_data_are_those_of_the_source(write_sound: Callable[..., Path]) -> None:
    path = write_sound(noise(RATE_HZ, 2), subtype="PCM_24")
    with TemporaryFile() as file:
        write_region(path, file, start_s=0.25, end_s=0.5)
        content = file.read()

    wanted = data_of(path.read_bytes())[6 * 12_000 : 6 * 24_000]
    assert data_of(content) == wanted


def data_of(wav: bytes) -> bytes:
    at = wav.index(b"data")
    return wav[at + 8 : at + 8 + int.from_bytes(wav[at + 4 : at + 8], "little")]


@pytest.mark.parametrize(
    ("name", "options", "coded"),
    [
        ("a.flac", {"subtype": "PCM_24"}, "PCM_24"),
        ("a.flac", {"subtype": "PCM_S8"}, "PCM_U8"),
        ("a.aiff", {"subtype": "PCM_S8"}, "PCM_U8"),
        ("a.aiff", {"subtype": "PCM_16"}, "PCM_16"),
        ("a.wav", {"subtype": "ULAW"}, "PCM_16"),
        ("a.wav", {"subtype": "IMA_ADPCM"}, "PCM_16"),
        ("a.wav", {"format": "WAVEX", "subtype": "PCM_24"}, "PCM_24"),
        ("a.w64", {"subtype": "FLOAT"}, "FLOAT"),
        ("a.caf", {"subtype": "ALAC_24"}, "PCM_24"),
        ("a.ogg", {"subtype": "VORBIS"}, "FLOAT"),
        ("a.ogg", {"subtype": "OPUS"}, "FLOAT"),
        ("a.mp3", {"subtype": "MPEG_LAYER_III"}, "FLOAT"),
    ],
)
def test_a_region_of_another_container_is_what_decodes_from_its_beginning(
    write_sound: Callable[..., Path], name: str, options: dict[str, str], coded: str
) -> None:
    # no longer than 6 s: libsndfile 1.2.2 writes beyond its memory after 76 large packets of ALAC (its issue 973)
    path = write_sound(noise(4 * RATE_HZ, 2) * 0.5, name, **options)

    cut, wav = region_of(path, 2.501, 3.5)

    whole, _ = soundfile.read(path, dtype=SAMPLE_TYPES.get(coded, "float32"), always_2d=True)
    assert wav.subtype == coded
    np.testing.assert_array_equal(cut, whole[round(2.501 * RATE_HZ) : round(3.5 * RATE_HZ)])


def test_what_is_no_number_in_a_float_file_stays_as_it_is(write_sound: Callable[..., Path]) -> None:
    loud = np.full(RATE_HZ, 3.5, np.float32)
    loud[30_000:30_002] = np.nan, np.inf
    path = write_sound(loud, subtype="FLOAT")

    cut, _ = region_of(path, 0.5, 1.0)

    np.testing.assert_array_equal(cut[:, 0], loud[24_000:])


def write_with_ffmpeg(path: Path, codec: str, sample_format: str, samples: npt.NDArray[Any]) -> None:
    """Samples of shape (n_frames, 2)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.format = av.AudioFormat(sample_format)
        planar = sample_format.endswith("p")
        for place in range(0, len(samples), 4096):
            part = samples[place : place + 4096]
            laid = np.ascontiguousarray(part.T if planar else part.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(laid, format=sample_format, layout="stereo")
            frame.sample_rate, frame.pts = RATE_HZ, place
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "codec", "sample_format", "dtype", "coded"),
    [
        ("a.m4a", "alac", "s16p", np.int16, "PCM_16"),
        ("a.m4a", "alac", "s32p", np.int32, "PCM_32"),
        ("a.mov", "pcm_s24le", "s32", np.int32, "PCM_24"),
        ("a.mka", "pcm_s16le", "s16", np.int16, "PCM_16"),
        ("a.mka", "pcm_f32le", "flt", np.float32, "FLOAT"),
        ("a.mka", "pcm_f64le", "dbl", np.float64, "DOUBLE"),
        ("a.wv", "wavpack", "s16p", np.int16, "PCM_16"),
    ],
)
def test_a_region_of_what_only_ffmpeg_knows_is_the_same_slice(
    tmp_path: Path, name: str, codec: str, sample_format: str, dtype: Any, coded: str
) -> None:
    full = {np.int16: 30_000, np.int32: 2**30}.get(dtype, 1)
    source = (noise(3 * RATE_HZ, 2) * full).astype(dtype)
    if dtype is np.int32:
        source = source >> 8 << 8  # 24 bits are what these codecs keep
    write_with_ffmpeg(tmp_path / name, codec, sample_format, source)

    cut, wav = region_of(tmp_path / name, 1.0001, 2.5)

    assert wav.subtype == coded
    np.testing.assert_array_equal(cut, source[round(1.0001 * RATE_HZ) : round(2.5 * RATE_HZ)])


def test_a_region_of_aac_lies_where_the_analysis_heard_it(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    write_with_ffmpeg(path, "aac", "fltp", (noise(4 * RATE_HZ, 2) * 0.3).astype(np.float32))

    cut, wav = region_of(path, 2.5, 3.5)

    heard = decode(path).waveform[120_000:168_000]
    assert wav.subtype == "FLOAT"
    np.testing.assert_array_equal((cut[:, 0] + cut[:, 1]) * np.float32(0.5), heard)


def test_whoever_writes_blocks_of_any_size_writes_the_same(minute: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large, _ = region_of(minute, 3, 57, fade_s=0.005)
    monkeypatch.setattr(regions, "BLOCK_VALUES", 13)
    small, _ = region_of(minute, 3, 57, fade_s=0.005)

    np.testing.assert_array_equal(small, large)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_fade_touches_the_ends_alone(write_sound: Callable[..., Path], subtype: str) -> None:
    path = write_sound(np.full((RATE_HZ, 2), 0.5), subtype=subtype)

    with TemporaryFile() as file:
        write_region(path, file, start_s=0.1, end_s=0.6, fade_s=0.005)
        cut, _ = soundfile.read(file, always_2d=True)

    ramp = (np.arange(240) + 0.5) / 240 * 0.5
    np.testing.assert_allclose(cut[:240, 1], ramp, atol=2**-15)
    np.testing.assert_array_equal(cut[240:-240], 0.5)
    np.testing.assert_allclose(cut[-240:, 0], ramp[::-1], atol=2**-15)


def test_a_rounded_end_is_the_end_of_the_sound(minute: Path) -> None:
    cut, _ = region_of(minute, 59.5, 60.05)
    assert len(cut) == 4_000


@pytest.mark.parametrize(
    ("start_s", "end_s", "said"),
    [
        (5, 3, "starts at 5 s and ends at 3 s"),
        (5, 5, "ends after its start"),
        (-1, 3, "0 s or later, not at -1 s"),
        (float("nan"), 3, "numbers of seconds, not nan"),
        (1, float("nan"), "numbers of seconds"),
        (1, float("inf"), "numbers of seconds"),
        (float("-inf"), 1, "numbers of seconds"),
        (60, 61, "outside the sound, which is 60.000 s long"),
        (59, 60.2, "outside the sound"),
        (1e300, 2e300, "no sound reaches"),
        (1e9, 1e9 + 1, "outside the sound"),
        (0, 601, "at most 600 s long, this one 601 s"),
        (1.00001, 1.00002, "shorter than one sample at 8000 Hz"),
    ],
)
def test_what_is_no_region_is_refused(minute: Path, start_s: float, end_s: float, said: str) -> None:
    with pytest.raises(InvalidRegion, match=said):
        region_of(minute, start_s, end_s)


@pytest.mark.parametrize(
    ("fade_s", "said"), [(-0.1, "0 to 100 ms"), (0.2, "not 200 ms"), (float("nan"), "numbers"), (0.06, "do not fit")]
)
def test_what_is_no_fade_is_refused(minute: Path, fade_s: float, said: str) -> None:
    with pytest.raises(InvalidRegion, match=said):
        region_of(minute, 1, 1.1, fade_s=fade_s)


def test_more_than_a_wav_can_count_is_refused(minute: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "MAX_REGION_BYTES", 15_000)
    with pytest.raises(InvalidRegion, match="export it in parts"):
        region_of(minute, 1, 2)


def test_a_start_beyond_the_end_of_what_only_ffmpeg_knows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mka"
    write_with_ffmpeg(path, "pcm_s16le", "s16", (noise(RATE_HZ, 2) * 1000).astype(np.int16))

    with pytest.raises(InvalidRegion, match="cannot be decoded that far"):
        region_of(path, 5, 6)
    with pytest.raises(InvalidRegion, match=r"only 1\.000 s"):
        region_of(path, 0.5, 6)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 100])
def test_what_is_no_sound_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(UnreadableAudio):
        region_of(path, 0, 1)


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="not there"):
        region_of(tmp_path / "gone.wav", 0, 1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.ogg", "a.aiff"])
def test_a_damaged_file_gives_a_region_or_an_error_of_ours(
    write_sound: Callable[..., Path], name: str, seed: int
) -> None:
    path = write_sound(noise(2 * RATE_HZ, 2) * 0.5, name)
    random = np.random.default_rng(seed)
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    content[random.integers(0, len(content), 40)] = random.integers(0, 256, 40)
    path.write_bytes(content[: random.integers(100, len(content))].tobytes())

    try:
        cut, wav = region_of(path, 0.5, 1.5)
    except (InvalidRegion, UnreadableAudio) as error:
        assert len(str(error)) > 10  # noqa: PT017  either outcome is right
    else:
        assert 0 < len(cut) <= wav.samplerate


def test_decoding_for_too_long_ends(minute: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "MAX_DECODE_S", -1)
    with pytest.raises(UnreadableAudio, match="convert it to WAV or FLAC"):
        region_of(minute, 0, 1)


def test_a_disk_without_room_is_told_before_it_is_full(minute: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "ROOM_LEFT_BYTES", 1 << 62)
    with pytest.raises(RegionNotWritten, match="disk of the cache"):
        region_of(minute, 0, 1)


@pytest.fixture
def no_large_files(minute: Path) -> Iterator[None]:
    """What a full disk does: a write ends early."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("no_large_files")
def test_a_disk_that_fills_while_writing_is_told(minute: Path) -> None:
    with pytest.raises(RegionNotWritten, match="could not be written"):
        region_of(minute, 0, 50)
