"""Clipping: stretches where a waveform was cut flat, at full scale or, turned down later, below it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_SAMPLES = 3  # one or two equal samples at the top are what any waveform has
FINEST_STEP = 2.0**-15  # of 16 bits: noise and dither hide finer ones
LEAST_TOP = 0.1  # -20 dBFS: what is turned down further is hard to tell from a plateau of faint sound
CUT_STEPS = 4  # where a smooth wave stays within one step of its top for three samples, it enters by at most three
LEAST_STRETCHES = 3  # below full scale, where one plateau at the very top may be chance
SQUARE_STEP = 0.75  # of the top: what jumps there at once is a pulse or a square by design, unless at full scale


@dataclass(frozen=True, slots=True)
class Clipping:
    """Flat tops of a sound.

    Attributes
    ----------
    stretches, samples : int
        Over all channels.
    """

    stretches: int
    samples: int


class ClippingMeter:
    """Hears one channel in blocks and counts its flat tops.

    Parameters
    ----------
    bit_depth : int, optional
        Of the file; 16 where left out or more.

    Notes
    -----
    A flat top is three samples or more that stay within one quantization step of the largest value of their sign,
    and that the waveform enters and leaves by more than four steps: a sine too slow for its quantization also stays
    at its top, but creeps there. Below full scale three of them are wanted, and none that is jumped to from zero or
    beyond, as in a square wave. A lossy codec or a resampler after the clipping rounds the tops off and hides them.
    """

    def __init__(self, bit_depth: int | None = None) -> None:
        step = max(FINEST_STEP, 2.0 ** -((bit_depth or 16) - 1))
        self._sides = (_Side(1, step), _Side(-1, step))
        self._last = np.zeros(0, np.float32)

    def add(self, block: npt.NDArray[np.float32]) -> None:
        """Hear the next samples, shape (n_samples,), at least one."""
        known = np.concatenate([self._last, block])
        for side in self._sides:
            side.add(known, len(self._last))
        self._last = known[-1:]

    def finish(self) -> Clipping:
        """Give what was counted."""
        clipped = [side for side in self._sides if side.is_full or side.stretches >= LEAST_STRETCHES]
        return Clipping(sum(side.stretches for side in clipped), sum(side.samples for side in clipped))


class _Side:
    """The tops of one sign; a stretch that a block breaks off is carried into the next."""

    def __init__(self, sign: int, step: float) -> None:
        self.stretches = self.samples = 0
        self._sign = np.float32(sign)
        self._step = step
        self._top = max(LEAST_TOP, CUT_STEPS * step)
        self._open = 0  # samples of the stretch that is not over yet
        self._entered = 0.0  # how far the waveform jumped into it

    @property
    def is_full(self) -> bool:
        """Whether the top is full scale."""
        return self._top >= 1 - self._step

    def add(self, known: npt.NDArray[np.float32], heard: int) -> None:
        """Count in new samples; the first `heard` of those given were there before."""
        top = float(known.max() if self._sign > 0 else -known.min())
        if top > self._top + self._step:
            self.stretches = self.samples = self._open = 0
        self._top = max(self._top, top)
        if top < self._top - self._step:  # and no stretch is open, since its last sample is one of those known
            return
        values = known * self._sign
        high = values[heard:] >= self._top - self._step
        edges = np.flatnonzero(np.diff(high, prepend=self._open > 0))  # begins and ends take turns
        jumps = np.abs(np.diff(values[heard:], prepend=values[:heard] if heard else values[:1]))
        if not len(edges):
            self._open += len(high) if self._open else 0
            return
        if self._open:
            self._open += int(edges[0])
            self._close(float(jumps[edges[0]]))
            edges = edges[1:]
        begins, ends = edges[::2], edges[1::2]
        if len(begins) > len(ends):
            self._open, self._entered = len(high) - int(begins[-1]), float(jumps[begins[-1]])
            begins = begins[:-1]
        cut = (ends - begins >= LEAST_SAMPLES) & self._is_cut(jumps[begins]) & self._is_cut(jumps[ends])
        self.stretches += int(np.count_nonzero(cut))
        self.samples += int((ends - begins)[cut].sum())

    def _close(self, left: float) -> None:
        both = self._is_cut(np.array([self._entered, left]))
        if self._open >= LEAST_SAMPLES and both.all():
            self.stretches += 1
            self.samples += self._open
        self._open = 0

    def _is_cut(self, jumps: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        return (jumps > CUT_STEPS * self._step) & (self.is_full | (jumps <= SQUARE_STEP * self._top))
