"""Makes sounds for the labels of the vocabulary, so that the starter model can learn without recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.synth import kinds as _kinds  # noqa: F401  fills the registry
from analysis.synth import rooms
from analysis.synth import signals as s
from analysis.synth.registry import KINDS, Kind
from analysis.synth.signals import SAMPLE_RATE_HZ

__all__ = ["KINDS", "SAMPLE_RATE_HZ", "Kind", "render", "render_dry", "render_mixture"]

SHORTEST_S, LONGEST_S = 0.2, 10.0
SOFT_BEDS = (
    "room tone",
    "soft wind",
    "crowd murmur",
    "city traffic",
    "light rain",
    "crickets",
    "fan",
    "flowing stream",
)
BED_CHANCE = 0.08

Waveform = npt.NDArray[np.float32]
Placed = tuple[str, float, float]


def _rng(*parts: object) -> s.Rng:
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _pick_duration_s(rng: s.Rng, kind: Kind) -> float:
    return s.log_uniform(rng, kind.shortest_s, kind.longest_s)


def _make(kind: Kind, rng: s.Rng, n: int) -> s.Signal:
    dry = np.nan_to_num(kind.make(rng, n))[:n]
    edge = min(n // 8, s.samples(0.004))
    dry[n - edge :] *= np.linspace(1, 0, edge)
    return np.pad(dry, (0, n - len(dry)))


def render_dry(label: str, seed: int, *, duration_s: float | None = None) -> Waveform:
    """Make a sound of a label without room, background or random level.

    Parameters
    ----------
    label : str
        A key of `KINDS`.
    seed : int
        The same label and seed give the same samples.
    duration_s : float, optional
        0.2 to 10 seconds; without it a length that suits the label.

    Returns
    -------
    float32, shape (n,)
        Mono, 48 kHz, peak 0.9 (for silence its own level).

    Raises
    ------
    KeyError
        Nothing makes this label.
    """
    kind = KINDS[label]
    rng = _rng("dry", label, seed)
    dry = _make(kind, rng, s.samples(duration_s or _pick_duration_s(rng, kind)))
    return (dry if kind.as_is else 0.9 * s.normalize_peak(dry)).astype(np.float32)


def render(label: str, seed: int, *, duration_s: float | None = None) -> Waveform:
    """Make a sound of a label as it would lie in a library: in a room, recorded, at some level.

    Parameters
    ----------
    label : str
        A key of `KINDS`.
    seed : int
        The same label and seed give the same samples.
    duration_s : float, optional
        0.2 to 10 seconds; without it a length that suits the label.

    Returns
    -------
    float32, shape (n,)
        Mono, 48 kHz, peak at most 1.

    Raises
    ------
    KeyError
        Nothing makes this label.
    """
    kind = KINDS[label]
    rng = _rng(label, seed)
    n = s.samples(duration_s or _pick_duration_s(rng, kind))
    dry = _make(kind, rng, n)
    if kind.as_is:
        return np.clip(dry, -1, 1).astype(np.float32)
    bed = None
    if s.chance(rng, BED_CHANCE):
        bed = _make(KINDS[SOFT_BEDS[int(rng.integers(len(SOFT_BEDS)))]], rng, n)
    return np.clip(rooms.capture(rng, dry, bed), -1, 1).astype(np.float32)


def render_mixture(labels: Sequence[str], seed: int) -> tuple[Waveform, list[Placed]]:
    """Make one clip of two sounds, one after the other or one over the other.

    Parameters
    ----------
    labels : sequence of str
        Two keys of `KINDS`.
    seed : int
        The same labels and seed give the same samples.

    Returns
    -------
    waveform : float32, shape (n,)
        Mono, 48 kHz, peak at most 1, at most ten seconds.
    placed : list of (label, start_s, end_s)
        What sounds when.

    Raises
    ------
    KeyError
        Nothing makes one of the labels.
    ValueError
        Not two labels.
    """
    if len(labels) != 2:
        raise ValueError(f"a mixture takes two labels, got {len(labels)}")
    rng = _rng("mixture", *labels, seed)
    parts = []
    for label in labels:
        kind = KINDS[label]
        n = s.samples(min(_pick_duration_s(rng, kind), LONGEST_S / 2))
        dry = _make(kind, rng, n)
        parts.append((dry if kind.as_is else s.normalize_peak(dry)) * s.log_uniform(rng, 0.35, 1.0))
    first, second = parts
    if s.chance(rng, 0.5):
        start = len(first) + s.samples(s.uniform(rng, 0.0, 0.4))
    else:
        start = int(s.uniform(rng, 0.0, 0.5) * len(first))
    n = min(max(len(first), start + len(second)), s.samples(LONGEST_S))
    start = min(start, n - 1)
    mixed = np.zeros(n)
    mixed[: len(first)] += first
    mixed[start : start + len(second)] += second[: n - start]
    placed = [
        (labels[0], 0.0, len(first) / SAMPLE_RATE_HZ),
        (labels[1], start / SAMPLE_RATE_HZ, min(start + len(second), n) / SAMPLE_RATE_HZ),
    ]
    return np.clip(rooms.capture(rng, mixed), -1, 1).astype(np.float32), placed
