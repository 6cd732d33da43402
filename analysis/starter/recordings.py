"""The few recordings that training may hear: those in the public domain (CC0) whose names tell what they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.starter.clips import spectrogram_of
from analysis.starter.evaluate import SONIC_PI_TRUTH, read_mono

# Interface Sounds by Kenney and further samples of Sonic Pi. What a name leaves open is left out.
MORE_TRUTH: tuple[tuple[str, str], ...] = (
    ("click_0*", "interface click"),
    ("select_0*", "interface click"),
    ("switch_0*", "interface click"),
    ("tick_0*", "interface click"),
    ("toggle_0*", "interface click"),
    ("scroll_0*", "interface click"),
    ("confirmation_0*", "notification chime"),
    ("bong_0*", "notification chime"),
    ("question_0*", "notification chime"),
    ("error_0*", "error buzzer"),
    ("glitch_*", "glitch"),
    ("scratch_0*", "scraping"),
    ("elec_tick", "interface click"),
    ("elec_beep", "alarm beep"),
    ("elec_chime", "notification chime"),
    ("elec_bell", "notification chime"),
    ("elec_cymbal", "cymbal crash"),
    ("elec_*kick", "kick drum"),
    ("elec_fuzz_tom", "tom drum"),
    ("elec_wood", "wood impact"),
    ("ride_*", "cymbal crash"),
    ("perc_door", "door slam"),
    ("perc_swoosh", "whoosh"),
    ("perc_swash", "whoosh"),
    ("ambi_swoosh", "whoosh"),
    ("misc_cineboom", "explosion"),
    ("loop_compus", "drum loop"),
    ("loop_mika", "drum loop"),
    ("loop_industrial", "drum loop"),
    ("loop_electric", "drum loop"),
    ("arovane_beat_*", "drum loop"),
    ("ambi_haunted_hum", "drone"),
    ("ambi_glass_hum", "drone"),
)


def read_recordings(folder: Path, labels: Sequence[str]) -> tuple[list[npt.NDArray[np.float16]], list[int]]:
    """Read the recordings under a folder that mean one of the labels.

    Parameters
    ----------
    folder : Path
        With the folders `sonic-pi` and `kenney-interface` of `shared/audio`.
    labels : sequence of str
        What can be trained on.

    Returns
    -------
    spectrograms : list of float16, shape (n_frames, n_mels)
        The first ten seconds of each.
    truth : list of int
        Index of each one's label.
    """
    found = [(path, label) for path in sorted(folder.rglob("*")) for label in _meanings(path.stem) if label in labels]
    return [spectrogram_of(read_mono(path)) for path, _ in found], [labels.index(label) for _, label in found]


def _meanings(name: str) -> Iterator[str]:
    """Yield the label that a recording's name tells, if it tells one."""
    truth = [*MORE_TRUTH, *((pattern, right[0]) for pattern, right in SONIC_PI_TRUTH)]
    yield from [label for pattern, label in truth if fnmatch(name, pattern)][:1]
