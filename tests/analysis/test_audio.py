"""Reading sounds: formats, rates, channels, and what is wrong with bad files."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from analysis.audio import decode, probe, write_preview
from analysis.errors import UnreadableAudio
from tests.analysis.signals import noise, sine

Write = Callable[..., Path]


def write_m4a(path: Path, waveform: np.ndarray) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = 48_000, Fraction(1, 48_000), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "settings", "format_", "depth"),
    [
        ("a.wav", {"subtype": "PCM_24"}, "WAV", 24),
        ("a.aiff", {"subtype": "PCM_16"}, "AIFF", 16),
        ("a.flac", {}, "FLAC", 16),
        ("a.ogg", {}, "OGG", None),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}, "OGG", None),
        ("a.mp3", {}, "MP3", None),
    ],
)
def test_it_reads_the_usual_formats(
    write_sound: Write, name: str, settings: dict[str, str], format_: str, depth: int | None
) -> None:
    audio = decode(write_sound(sine(1000, 1.0, amplitude=0.5), name, **settings))
    assert (audio.facts.format, audio.facts.bit_depth) == (format_, depth)
    assert audio.facts.duration_s == pytest.approx(1.0, abs=0.06)
    assert np.sqrt(np.mean(audio.waveform**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_it_reads_what_only_ffmpeg_knows(tmp_path: Path) -> None:
    audio = decode(write_m4a(tmp_path / "a.m4a", sine(1000, 1.0, amplitude=0.5)))
    assert (audio.facts.format, audio.facts.codec) == ("MP4", "aac")
    assert audio.facts.duration_s == pytest.approx(1.0, abs=0.06)
    assert np.sqrt(np.mean(audio.waveform[4800:-4800] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000, 192_000])
def test_a_tone_keeps_its_pitch_length_and_level_at_any_rate(write_sound: Write, rate: int) -> None:
    audio = decode(write_sound(sine(1000, 2.0, amplitude=0.5, rate=rate), rate=rate, subtype="FLOAT"))
    middle = audio.waveform[24_000:72_000]
    assert len(audio.samples) == pytest.approx(96_000, abs=2)
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 1000
    assert np.max(np.abs(middle)) == pytest.approx(0.5, abs=0.001)


def test_resampling_lets_nothing_fold_back(write_sound: Write) -> None:
    audio = decode(write_sound(sine(30_000, 1.0, rate=96_000), rate=96_000, subtype="FLOAT"))
    assert np.max(np.abs(audio.waveform[4800:-4800])) < 1e-4


def test_twelve_channels_are_averaged(write_sound: Write) -> None:
    waveform = np.zeros((4800, 12))
    waveform[:, 3] = 0.6
    audio = decode(write_sound(waveform, subtype="FLOAT"))
    assert audio.facts.channels == 12
    np.testing.assert_allclose(audio.waveform, 0.05, atol=1e-6)


def test_equal_sound_has_an_equal_hash_whatever_the_container(write_sound: Write) -> None:
    waveform = np.round(sine(440, 0.5) * 20_000) / 32_768
    hashes = {decode(write_sound(waveform, name)).content_hash for name in ("a.wav", "a.flac", "a.aiff")}
    assert len(hashes) == 1


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff"])
def test_the_peak_is_of_the_files_own_samples(write_sound: Write, name: str) -> None:
    loud = np.sign(sine(1000, 1.0, rate=44_100))  # resampled and mixed it would peak elsewhere
    audio = decode(write_sound(np.stack([loud, 0 * loud], axis=1), name, rate=44_100, subtype="PCM_16"))
    assert audio.channels.peak == pytest.approx(1.0, abs=1e-4)
    assert audio.channels.peak <= 1.0
    assert np.max(np.abs(audio.waveform)) > 0.505


def test_one_sample_is_a_sound(write_sound: Write) -> None:
    for rate in (8_000, 48_000, 192_000):
        audio = decode(write_sound([0.5], rate=rate, subtype="FLOAT"))
        assert audio.facts.n_samples == 1
        assert len(audio.samples) >= 1


def test_samples_that_are_no_numbers_become_silence_with_a_note(write_sound: Write) -> None:
    waveform = sine(440, 0.1)
    waveform[10:20] = [np.nan, np.inf, -np.inf, 1e30, np.nan] * 2
    audio = decode(write_sound(waveform, subtype="FLOAT"))
    assert np.isfinite(audio.waveform).all()
    assert audio.notes == ("10 of 4800 samples were not finite numbers and were replaced by silence",)


def test_a_long_sound_is_kept_in_a_file_and_reads_the_same(write_sound: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sound(noise(3.0), subtype="FLOAT")
    in_memory = decode(path)
    monkeypatch.setattr("analysis.samples.IN_MEMORY_SAMPLES", 1000)
    on_disk = decode(path)
    np.testing.assert_array_equal(on_disk.waveform, in_memory.waveform)
    assert on_disk.content_hash == in_memory.content_hash


def test_probe_reads_the_header_only(write_sound: Write) -> None:
    facts = probe(write_sound(np.zeros((44_100, 2)), rate=44_100, subtype="PCM_24"))
    assert (facts.format, facts.duration_s, facts.sample_rate_hz) == ("WAV", 1.0, 44_100)
    assert (facts.channels, facts.bit_depth, facts.n_samples) == (2, 24, 44_100)


def zero_bytes(folder: Path) -> Path:
    (folder / "zero.wav").touch()
    return folder / "zero.wav"


def text_named_as_sound(folder: Path) -> Path:
    (folder / "text.wav").write_text("not a sound at all\n" * 50)
    return folder / "text.wav"


def playlist_named_as_sound(folder: Path) -> Path:
    (folder / "list.mp3").write_text("#EXTM3U\n#EXTINF:1,\n/etc/hostname\n")
    return folder / "list.mp3"


def truncated(folder: Path, name: str, keep: float) -> Path:
    whole = folder / f"whole-{name}"
    soundfile.write(whole, noise(2.0), 48_000)
    cut = folder / name
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * keep)])
    return cut


def header_only(folder: Path) -> Path:
    soundfile.write(folder / "header.wav", np.zeros(0), 48_000)
    return folder / "header.wav"


def all_nan(folder: Path) -> Path:
    soundfile.write(folder / "nan.wav", np.full(1000, np.nan), 48_000, subtype="FLOAT")
    return folder / "nan.wav"


def broken_link(folder: Path) -> Path:
    (folder / "link.wav").symlink_to(folder / "nowhere.wav")
    return folder / "link.wav"


def link_loop(folder: Path) -> Path:
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    return folder / "loop.wav"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.wav")
    return folder / "pipe.wav"


def impossible_rate(folder: Path) -> Path:
    soundfile.write(folder / "rate.wav", np.zeros(100), 48_000)
    content = bytearray((folder / "rate.wav").read_bytes())
    content[24:28] = struct.pack("<I", 7)
    (folder / "rate.wav").write_bytes(content)
    return folder / "rate.wav"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (zero_bytes, "empty"),
        (text_named_as_sound, "not a sound file"),
        (playlist_named_as_sound, "not a sound file"),
        pytest.param(lambda folder: truncated(folder, "cut.wav", 0.5), "breaks off", id="cut.wav"),
        pytest.param(lambda folder: truncated(folder, "cut.aiff", 0.5), "breaks off", id="cut.aiff"),
        pytest.param(
            lambda folder: truncated(folder, "cut.flac", 0.5),
            r"\(flac decoder lost sync\); copy it again",
            id="cut.flac",
        ),
        pytest.param(lambda folder: truncated(folder, "stub.wav", 0.0001), "not a sound file", id="stub.wav"),
        (header_only, "no samples"),
        (all_nan, "not one sample is a finite number"),
        (broken_link, "link to a file that does not exist"),
        (link_loop, "link to a file that does not exist"),
        (pipe, "not a regular file"),
        pytest.param(lambda folder: folder, "is a folder", id="folder"),
        pytest.param(lambda folder: folder / "gone.wav", "not there", id="gone.wav"),
        (impossible_rate, "sample rate of 7 Hz"),
    ],
)
def test_a_bad_file_has_its_reason_in_words(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    with pytest.raises(UnreadableAudio, match=reason) as caught:
        decode(make(tmp_path))
    assert "\n" not in str(caught.value)
    assert "Error :" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_an_mp3_that_breaks_off_is_read_with_a_note(tmp_path: Path) -> None:
    audio = decode(truncated(tmp_path, "cut.mp3", 0.5))
    assert audio.facts.duration_s == pytest.approx(1.0, abs=0.1)
    assert audio.notes[0].startswith("its header promises 2.0")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(write_sound: Write) -> None:
    path = write_sound(sine(440, 0.1))
    path.chmod(0)
    with pytest.raises(UnreadableAudio, match="may not be read by this user"):
        decode(path)


def test_a_recorder_that_never_wrote_the_length_is_read_all_the_same(write_sound: Write) -> None:
    path = write_sound(sine(440, 0.5), subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert decode(path).facts.duration_s == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["emoji 🎧.wav", "two\nlines.wav", "x" * 250 + ".wav", "http:evil.wav"])
def test_odd_names_are_names(write_sound: Write, name: str) -> None:
    assert decode(write_sound(sine(440, 0.1), name)).facts.format == "WAV"


def test_a_name_that_is_not_utf8_is_a_name(write_sound: Write, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    write_sound(sine(440, 0.1)).rename(path)
    assert decode(path).facts.format == "WAV"


def test_a_preview_plays_in_every_browser(write_sound: Write, tmp_path: Path) -> None:
    preview = tmp_path / "cache" / "preview.mp3"
    write_preview(write_sound(np.tile(sine(440, 1.0)[:, None], (1, 6)), "a.aiff", subtype="PCM_24"), preview)
    facts = probe(preview)
    assert (facts.format, facts.channels, facts.sample_rate_hz) == ("MP3", 2, 48_000)
    assert facts.duration_s == pytest.approx(1.0, abs=0.1)


def test_a_preview_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio):
        write_preview(zero_bytes(tmp_path), tmp_path / "preview.mp3")
    assert [path.name for path in tmp_path.iterdir()] == ["zero.wav"]
