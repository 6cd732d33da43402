"""Integrated loudness by ITU-R BS.1770-4, block by block at the file's own rate and channels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# The two filters of K-weighting as analog prototypes, so that they hold at any rate; at 48 kHz they give the
# coefficients that BS.1770-4 prints (De Man 2014, Evaluation of implementations of the EBU R128 loudness measurement).
SHELF_HZ, SHELF_GAIN_DB, SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
SHELF_BAND_EXPONENT = 0.4996667741545416
HIGH_PASS_HZ, HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773
HIGH_PASS_GAIN = 1.0049948987146884  # what the printed coefficients (1, -2, 1) come to
SHELF_LEAST_RATES = 2.1  # a shelf at or over half the rate cannot be, and nothing of the sound lies on it
OFFSET_LU = -0.691  # makes 997 Hz in one channel at full scale read -3.01
STEPS_PER_S = 10  # of 100 ms: blocks of 400 ms overlap by three quarters
STEPS_A_BLOCK = 4
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
FORGOTTEN = 1e-30  # filter states below sound at -600 dB: zero them before they become slow subnormal numbers

SURROUND = 1.41  # +1.5 dB for channels at the sides
# By number of channels, in the order of WAVE files; any other number is treated as so many microphones of weight 1.
WEIGHTS = {
    4: (1.0, 1.0, SURROUND, SURROUND),  # L R Ls Rs
    5: (1.0, 1.0, 1.0, SURROUND, SURROUND),  # L R C Ls Rs
    6: (1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND),  # L R C LFE Ls Rs
    8: (1.0, 1.0, 1.0, 0.0, 1.0, 1.0, SURROUND, SURROUND),  # L R C LFE, two at the back, two at the sides
}


class LoudnessMeter:
    """Hears a sound in blocks and says how loud it is as a whole; it keeps one number for each 100 ms.

    Parameters
    ----------
    rate_hz : int
    channels : int

    Notes
    -----
    Source: ITU-R BS.1770-4, Annex 1; checked with the signals of EBU Tech 3341.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._weights = np.array(WEIGHTS.get(channels, (1.0,) * channels))
        self._filters = k_weighting(rate_hz)
        self._state = np.zeros((len(self._filters), channels, 2))
        self._heard = 0  # samples of one channel
        self._begun = 0.0  # energy of the step that is not over yet
        self._steps: list[npt.NDArray[np.float64]] = []

    def add(self, block: npt.NDArray[np.float64]) -> None:
        """Hear the next samples.

        Parameters
        ----------
        block : float64, shape (n_channels, n_samples)
            At least one sample; full scale 1.0.
        """
        from scipy.signal import sosfilt  # half a second to import, which nobody should wait for who only reads headers

        weighted, self._state = sosfilt(self._filters, block, axis=1, zi=self._state)
        self._state[np.abs(self._state) < FORGOTTEN] = 0
        energy = self._weights @ np.square(weighted, out=weighted)
        first, last = self._step_at(self._heard), self._step_at(self._heard + len(energy))
        ends = self._edges(np.arange(first + 1, last + 1)) - self._heard
        starts = np.concatenate([[0], ends[ends < len(energy)]])
        sums = np.add.reduceat(energy, starts)
        sums[0] += self._begun
        self._begun = float(sums[-1]) if len(starts) > len(ends) else 0.0
        self._steps.append(sums[: len(ends)])
        self._heard += len(energy)

    def integrated_lufs(self) -> float | None:
        """Give the loudness of the whole; None where nothing passes the gate at -70 LUFS, or it ends within 400 ms."""
        energies = np.concatenate(self._steps) if self._steps else np.zeros(0)
        if len(energies) < STEPS_A_BLOCK:
            return None
        edges = self._edges(np.arange(len(energies) + 1))
        lengths = (edges[STEPS_A_BLOCK:] - edges[:-STEPS_A_BLOCK]).astype(np.float64)
        powers = np.convolve(energies, np.ones(STEPS_A_BLOCK), "valid") / lengths
        loud = powers[powers > _power(ABSOLUTE_GATE_LUFS)]
        if not len(loud):
            return None
        gated = loud[loud > loud.mean() * 10 ** (RELATIVE_GATE_LU / 10)]
        return float(OFFSET_LU + 10 * np.log10(gated.mean()))

    def _step_at(self, sample: int) -> int:
        """Count the steps that are over before a sample."""
        return (sample * STEPS_PER_S + STEPS_PER_S // 2 - 1) // self._rate_hz

    def _edges(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return (steps * self._rate_hz + STEPS_PER_S // 2) // STEPS_PER_S  # to the nearest sample


def k_weighting(rate_hz: int) -> npt.NDArray[np.float64]:
    """Design the filters that stand for the head and for the ear's deafness to the lowest tones.

    Parameters
    ----------
    rate_hz : int

    Returns
    -------
    float64, shape (n, 6)
        Second-order sections: the shelf, left out at rates too low for it, and the high-pass.
    """
    high_pass = _section(HIGH_PASS_HZ, HIGH_PASS_Q, rate_hz, (HIGH_PASS_GAIN, 0.0, 0.0))
    if rate_hz <= SHELF_LEAST_RATES * SHELF_HZ:
        return high_pass[None]
    top = 10 ** (SHELF_GAIN_DB / 20)
    shelf = _section(SHELF_HZ, SHELF_Q, rate_hz, (top, top**SHELF_BAND_EXPONENT, 1.0))
    return np.stack([shelf, high_pass])


def _section(corner_hz: float, q: float, rate_hz: int, gains: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """Map a filter with gains for what lies over, at and under its corner to a rate (bilinear transform)."""
    over, at, under = gains
    k = np.tan(np.pi * corner_hz / rate_hz)
    norm = 1 + k / q + k * k
    numerator = np.array(
        [over + at * k / q + under * k * k, 2 * (under * k * k - over), over - at * k / q + under * k * k]
    )
    denominator = np.array([norm, 2 * (k * k - 1), 1 - k / q + k * k])
    section: npt.NDArray[np.float64] = np.concatenate([numerator, denominator]) / norm
    return section


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LU) / 10))
