"""How loud a sound is over time: levels, silence, attack, decay and fades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.samples import SAMPLE_RATE_HZ, Samples

STEP = 48  # samples: 1 ms, fine enough for an attack
LEVEL_STEPS = 50  # 50 ms: one period of 20 Hz, the lowest sound
BLOCK = STEP * 20_000
FLOOR_DBFS = -120.0  # what digital silence reads, since minus infinity is no number in JSON
SILENCE_DBFS = -60.0  # frames below are silence in a recording of usual level
SILENCE_BELOW_LOUDEST_DB = 30.0  # in a faint one silence begins so far below its loudest frame
ENVELOPE_POINTS = 200  # of the stored envelope: 50 ms steps up to ten seconds
DYNAMIC_FLOOR_DBFS = -80.0
ATTACK_LOW, ATTACK_HIGH = 0.1, 0.9  # of the largest 1 ms level, as synthesizers and MPEG-7 (LogAttackTime) count it
ATTACK_REACH_S = 2.0
DECAY_DB = 30.0
FADE_DB = 20.0  # a fade ends at least so far below the body of the sound
BODY_MARGIN_DB = 3.0
EDGE_STEPS = 10  # 10 ms: noise just under the threshold does not reach it by chance, as it may in 1 ms
DIGITAL_SILENCE_DBFS = -100.0  # 16 bits have -98 with dither: below it nothing was recorded
NOISE_FLOOR_PERCENTILE = 10
NOISE_FLOOR_LEAST_FRAMES = 10  # half a second


@dataclass(frozen=True, slots=True)
class Levels:
    """Loudness facts of a sound; levels in dB relative to full scale.

    Attributes
    ----------
    rms_dbfs, peak_dbfs, dynamic_range_db : float
    silence_ratio : float
        Share of 50 ms frames that are silent (see `silence_threshold_dbfs`).
    zero_crossings_per_s : float
    attack_s, decay_s : float
        10 % to 90 % before the loudest millisecond; from there down by 30 dB, or to the end.
    fade_in_s, fade_out_s : float
        Zero where the sound does not rise from, or sink to, 20 dB below its body.
    leading_silence_s, trailing_silence_s : float
        Up to the first and after the last millisecond that is not silent; all of a silent sound is leading.
    noise_floor_dbfs : float or None
        Level that a tenth of the 50 ms frames stay under, those of digital silence left out; None where half a second
        of frames is not there.
    envelope_step_s : float
    envelope_dbfs : float64, shape (n,)
        At most 200 levels, equally spaced.
    """

    rms_dbfs: float
    peak_dbfs: float
    dynamic_range_db: float
    silence_ratio: float
    zero_crossings_per_s: float
    attack_s: float
    decay_s: float
    fade_in_s: float
    fade_out_s: float
    leading_silence_s: float
    trailing_silence_s: float
    noise_floor_dbfs: float | None
    envelope_step_s: float
    envelope_dbfs: npt.NDArray[np.float64]


def measure_levels(samples: Samples) -> Levels:
    """Measure the loudness of a sound over time.

    Parameters
    ----------
    samples : Samples
        At least one.

    Returns
    -------
    Levels
        A sine of full scale reads -3.01 dBFS RMS and 0 dBFS peak.
    """
    squares, counts, peak, crossings = _walk(samples)
    mean_square = float(squares.sum() / counts.sum())
    step_levels = squares / counts
    frames_db = to_dbfs(_grouped(squares, LEVEL_STEPS) / _grouped(counts, LEVEL_STEPS))
    floored = np.maximum(frames_db, DYNAMIC_FLOOR_DBFS)
    low, high = np.percentile(floored, [10, 95])
    silence_dbfs = silence_threshold_dbfs(frames_db)
    fade_in_s, fade_out_s = _fades(frames_db)
    leading_s, trailing_s = _silent_ends(squares, counts, 10 ** (silence_dbfs / 10))
    points = max(LEVEL_STEPS, -(-len(squares) // ENVELOPE_POINTS))
    return Levels(
        rms_dbfs=float(to_dbfs(np.array(mean_square))),
        peak_dbfs=float(to_dbfs(np.array(peak**2))),
        dynamic_range_db=float(high - low),
        silence_ratio=float(np.mean(frames_db < silence_dbfs)),
        zero_crossings_per_s=crossings / samples.duration_s,
        attack_s=_attack_s(step_levels),
        decay_s=_decay_s(step_levels),
        fade_in_s=fade_in_s,
        fade_out_s=fade_out_s,
        leading_silence_s=leading_s,
        trailing_silence_s=trailing_s,
        noise_floor_dbfs=_noise_floor_dbfs(frames_db),
        envelope_step_s=points * STEP / SAMPLE_RATE_HZ,
        envelope_dbfs=to_dbfs(_grouped(squares, points) / _grouped(counts, points)),
    )


def silence_threshold_dbfs(frames_db: npt.NDArray[np.float64]) -> float:
    """Say below which level a frame is silent: -60 dBFS, in a faint recording 30 dB below its loudest frame.

    Parameters
    ----------
    frames_db : float64, shape (n,)
        Levels relative to full scale.

    Returns
    -------
    float
        Always above the floor, so that digital silence is silent.
    """
    return max(min(SILENCE_DBFS, float(frames_db.max()) - SILENCE_BELOW_LOUDEST_DB), FLOOR_DBFS + 1)


def to_dbfs(mean_square: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give mean squares as dB relative to full scale, not below -120."""
    return np.asarray(10 * np.log10(np.maximum(mean_square, 10 ** (FLOOR_DBFS / 10))))


def _walk(samples: Samples) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float, int]:
    squares, counts = [], []
    peak, crossings, last = 0.0, 0, np.zeros(0, bool)
    for block in samples.blocks(BLOCK):
        exact = block.astype(np.float64)
        starts = np.arange(0, len(exact), STEP)
        squares.append(np.add.reduceat(exact**2, starts))
        counts.append(np.diff(starts, append=len(exact)).astype(np.float64))
        peak = max(peak, float(np.abs(exact).max()))
        negative = np.concatenate([last, np.signbit(exact)])
        crossings += int(np.count_nonzero(negative[1:] != negative[:-1]))
        last = negative[-1:]
    return np.concatenate(squares), np.concatenate(counts), peak, crossings


def _silent_ends(
    squares: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], threshold: float
) -> tuple[float, float]:
    """Seconds before the first and after the last sounding step, inside the first and the last sounding 10 ms."""
    sounding = np.flatnonzero(_grouped(squares, EDGE_STEPS) >= threshold * _grouped(counts, EDGE_STEPS))
    total = counts.sum() / SAMPLE_RATE_HZ
    if not len(sounding):
        return float(total), 0.0
    first, last = int(sounding[0]) * EDGE_STEPS, int(sounding[-1]) * EDGE_STEPS
    loud = squares >= threshold * counts
    begin = first + int(np.argmax(loud[first : first + EDGE_STEPS]))
    end = last + int(np.flatnonzero(loud[last : last + EDGE_STEPS])[-1]) + 1
    return begin * STEP / SAMPLE_RATE_HZ, max(0.0, float(total - counts[:end].sum() / SAMPLE_RATE_HZ))


def _noise_floor_dbfs(frames_db: npt.NDArray[np.float64]) -> float | None:
    recorded = frames_db[frames_db >= DIGITAL_SILENCE_DBFS]
    if len(recorded) < NOISE_FLOOR_LEAST_FRAMES:
        return None
    return float(np.percentile(recorded, NOISE_FLOOR_PERCENTILE))


def _grouped(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    return np.add.reduceat(values, np.arange(0, len(values), size))


def _attack_s(step_levels: npt.NDArray[np.float64]) -> float:
    amplitude = np.sqrt(step_levels)
    top = int(np.argmax(amplitude))
    before = amplitude[max(0, top - round(ATTACK_REACH_S * SAMPLE_RATE_HZ / STEP)) : top + 1]
    high = int(np.argmax(before >= ATTACK_HIGH * before[-1]))
    below = np.flatnonzero(before[: high + 1] < ATTACK_LOW * before[-1])
    low = int(below[-1]) if len(below) else -1
    return (high - low) * STEP / SAMPLE_RATE_HZ


def _decay_s(step_levels: npt.NDArray[np.float64]) -> float:
    smooth = step_levels if len(step_levels) < LEVEL_STEPS else np.convolve(step_levels, np.full(20, 1 / 20), "same")
    top = int(np.argmax(smooth))
    under = np.flatnonzero(smooth[top:] < smooth[top] * 10 ** (-DECAY_DB / 10))
    steps = int(under[0]) if len(under) else len(smooth) - top
    return steps * STEP / SAMPLE_RATE_HZ


def _fades(frames_db: npt.NDArray[np.float64]) -> tuple[float, float]:
    silence_dbfs = silence_threshold_dbfs(frames_db)
    sounding = frames_db[frames_db >= silence_dbfs]
    if len(sounding) < 4:
        return 0.0, 0.0
    body_db = float(np.percentile(sounding, 75)) - BODY_MARGIN_DB
    in_body = np.flatnonzero(frames_db >= body_db)
    step_s = LEVEL_STEPS * STEP / SAMPLE_RATE_HZ
    fade_in = _fade_frames(frames_db[: in_body[0]][::-1], body_db, silence_dbfs)
    fade_out = _fade_frames(frames_db[in_body[-1] + 1 :], body_db, silence_dbfs)
    return fade_in * step_s, fade_out * step_s


def _fade_frames(leaving: npt.NDArray[np.float64], body_db: float, silence_dbfs: float) -> int:
    """Count the frames from the body of the sound until it is gone; zero where it does not sink far enough."""
    gone = np.flatnonzero(leaving < silence_dbfs)
    fading = leaving[: gone[0]] if len(gone) else leaving
    sinks = len(gone) > 0 or (len(fading) > 0 and fading[-1] <= body_db - FADE_DB)
    return len(fading) if sinks else 0
