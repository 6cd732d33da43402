"""The kinds of sound that can be made, by vocabulary label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.synth.signals import Rng, Signal

Maker = Callable[[Rng, int], Signal]


@dataclass(frozen=True, slots=True)
class Kind:
    """One vocabulary label and how to make a dry sound of it.

    Attributes
    ----------
    make : callable
        Random generator and number of samples to a signal of that many samples, any level.
    shortest_s, longest_s : float
        Range of lengths that sound natural, in seconds.
    as_is : bool
        Leave level and room alone, because the level is the sound (silence).
    """

    label: str
    make: Maker
    shortest_s: float
    longest_s: float
    as_is: bool = False


KINDS: dict[str, Kind] = {}


def kind(label: str, shortest_s: float, longest_s: float, *, as_is: bool = False) -> Callable[[Maker], Maker]:
    """Register the decorated function as the maker of a label.

    Raises
    ------
    ValueError
        The label has a maker already.
    """

    def register(make: Maker) -> Maker:
        if label in KINDS:
            raise ValueError(f"two makers for {label!r}")
        KINDS[label] = Kind(label, make, shortest_s, longest_s, as_is)
        return make

    return register
