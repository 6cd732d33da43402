"""Facts of a file's own channels, measured while it is decoded: before they are mixed and resampled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.clipping import Clipping, ClippingMeter
from analysis.loudness import LoudnessMeter
from analysis.records import ChannelRelation
from analysis.truepeak import TruePeakMeter

SILENT_SHARE = 1e-6  # of the power of the loudest channel: 60 dB below it nothing of its own is heard
PIECE_VALUES = 1 << 16  # 512 KB in float64, which a processor's cache holds
EQUAL_SHARE = 1e-4  # of the power: what differs is 40 dB below, as codecs and dither make it
STILL_DBFS = -84.0  # two steps of 16 bits: a constant that lies between two values moves so far with its dither
LEAST_SAMPLES = 10  # a quarter of a millisecond: fewer have no course that anything could be heard in


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What is measured at the file's own rate in each of its channels.

    Attributes
    ----------
    peak, true_peak : float
        Largest value of any channel on its samples, and between them; full scale 1.0.
    loudness_lufs : float or None
        Integrated; None where nothing is loud or long enough to be measured.
    clipping : Clipping
    clipped_share : float
        Of all samples of all channels.
    dc_offset : float
        Mean of the channel whose mean is farthest from zero; full scale 1.0.
    relation : ChannelRelation or None
        How the channels are like each other; None where there is one.
    audible : bool
        Whether some channel does more than hold one value, and for more than a few samples.
    """

    peak: float
    true_peak: float
    loudness_lufs: float | None
    clipping: Clipping
    clipped_share: float
    dc_offset: float
    relation: ChannelRelation | None
    audible: bool


class ChannelMeter:
    """Hears the channels of a file in blocks; think of it as a mixing desk's meters, read once at the end.

    Parameters
    ----------
    rate_hz : int
    channels : int
        At least one.
    bit_depth : int, optional
        How finely the file is quantized, where it is.
    """

    def __init__(self, rate_hz: int, channels: int, bit_depth: int | None = None) -> None:
        self._highest = np.full(channels, -np.inf)
        self._lowest = np.full(channels, np.inf)
        self._true_peak = TruePeakMeter(channels)
        self._loudness = LoudnessMeter(rate_hz, channels)
        self._clipping = [ClippingMeter(bit_depth) for _ in range(channels)]
        self._heard = 0
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))
        self._equal = True

    def add(self, block: npt.NDArray[np.float32]) -> None:
        """Hear the next samples.

        Parameters
        ----------
        block : float32, shape (n_samples, n_channels)
            Finite, full scale 1.0.
        """
        piece = max(1, PIECE_VALUES // block.shape[1])
        for start in range(0, len(block), piece):
            self._add(block[start : start + piece])

    def _add(self, block: npt.NDArray[np.float32]) -> None:
        channels = np.ascontiguousarray(block.T)
        exact = channels.astype(np.float64)
        self._heard += len(block)
        self._sum += exact.sum(axis=1)
        self._products += exact @ exact.T
        self._equal = self._equal and bool((channels[1:] == channels[:1]).all())
        np.maximum(self._highest, channels.max(axis=1), out=self._highest)
        np.minimum(self._lowest, channels.min(axis=1), out=self._lowest)
        self._true_peak.add(channels)
        self._loudness.add(exact)
        for meter, channel in zip(self._clipping, channels, strict=True):
            meter.add(channel)

    def finish(self) -> ChannelFacts:
        """Give what was measured."""
        counted = [meter.finish() for meter in self._clipping]
        clipping = Clipping(sum(each.stretches for each in counted), sum(each.samples for each in counted))
        means = self._sum / max(1, self._heard)
        return ChannelFacts(
            peak=max(0.0, float(self._highest.max()), -float(self._lowest.min())),
            true_peak=self._true_peak.finish(),
            loudness_lufs=self._loudness.integrated_lufs(),
            clipping=clipping,
            clipped_share=clipping.samples / max(1, self._heard * len(means)),
            dc_offset=float(means[np.argmax(np.abs(means))]),
            relation=self._relation(),
            audible=self._heard >= LEAST_SAMPLES and self._moves(),
        )

    def _moves(self) -> bool:
        """Whether some channel leaves the middle of its range by more than a constant with dither does."""
        swing = float((self._highest - self._lowest).max()) / 2
        return swing >= 10 ** (STILL_DBFS / 20)

    def _relation(self) -> ChannelRelation | None:
        """Compare all channels with the loudest, by the sums of products that a difference is made of."""
        power = np.diag(self._products)
        if len(power) < 2:
            return None
        if self._equal:
            return "identical"
        loudest = int(np.argmax(power))
        if power.min() <= SILENT_SHARE * power[loudest]:
            return "silent channel"
        together = self._products[loudest]
        unlike = 1 - together**2 / (power * power[loudest])  # share that no gain makes equal
        if (power + power[loudest] - 2 * together <= EQUAL_SHARE * power[loudest]).all():
            return "nearly identical"
        if (unlike <= EQUAL_SHARE).all():
            return "panned mono" if (together > 0).all() else "inverted"
        return "different"


def measure_channels(
    blocks: Iterable[npt.NDArray[np.float32]], rate_hz: int, channels: int, bit_depth: int | None = None
) -> ChannelFacts:
    """Measure the channels of a sound that is cut into blocks.

    Parameters
    ----------
    blocks : iterable of float32, shape (n_samples, n_channels)
        Finite, full scale 1.0.
    rate_hz, channels : int
    bit_depth : int, optional

    Returns
    -------
    ChannelFacts
    """
    meter = ChannelMeter(rate_hz, channels, bit_depth)
    for block in blocks:
        meter.add(block)
    return meter.finish()
