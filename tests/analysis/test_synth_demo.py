"""The demo library has names that say nothing, many formats and a known truth."""

from __future__ import annotations

from pathlib import Path

import soundfile

from analysis.synth import KINDS
from analysis.synth.demo import write_demo_library


def test_it_writes_readable_sounds_whose_names_tell_nothing(tmp_path: Path) -> None:
    sounds = write_demo_library(tmp_path, count=14)
    assert len({sound.path for sound in sounds}) == 14
    assert len({sound.path.suffix.lower() for sound in sounds}) >= 3
    words = {word for label in KINDS for word in label.split()}
    for sound in sounds:
        assert soundfile.info(tmp_path / sound.path).frames > 0
        assert not words & set(sound.path.stem.lower().replace("_", " ").split())


def test_it_holds_mixtures_and_a_long_ambience(tmp_path: Path) -> None:
    sounds = write_demo_library(tmp_path, count=10)
    assert any(len(sound.placed) == 2 for sound in sounds)
    longest = max(sounds, key=lambda sound: max(end for _, _, end in sound.placed))
    assert soundfile.info(tmp_path / longest.path).duration > 45


def test_the_same_seed_writes_the_same_sounds(tmp_path: Path) -> None:
    first = write_demo_library(tmp_path / "a", count=6)
    second = write_demo_library(tmp_path / "b", count=6)
    assert first == second
    wav = next(sound.path for sound in first if sound.path.suffix.lower() != ".ogg")
    assert (tmp_path / "a" / wav).read_bytes() == (tmp_path / "b" / wav).read_bytes()
