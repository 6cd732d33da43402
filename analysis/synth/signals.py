"""Building blocks of sounds: noise, filters, envelopes, modes, oscillators, voices, strings, placing of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import signal as sps

SAMPLE_RATE_HZ = 48_000
HIGHEST_HZ = 23_000.0  # filters stay clear of the Nyquist frequency
FRAME = 1_024  # 21 ms: short enough for formant movement, long enough to separate formants
HOP = FRAME // 2

Signal = npt.NDArray[np.float64]
Rng = np.random.Generator
Frequency = float | Signal


def uniform(rng: Rng, low: float, high: float) -> float:
    """Draw one number between `low` and `high`."""
    return float(low + (high - low) * rng.random())


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draw one number between `low` and `high`, every octave equally likely."""
    return float(np.exp(uniform(rng, np.log(low), np.log(high))))


def chance(rng: Rng, probability: float) -> bool:
    """Toss a coin that lands on true with `probability`."""
    return bool(rng.random() < probability)


def samples(seconds: float) -> int:
    """Convert seconds to samples, at least one."""
    return max(int(seconds * SAMPLE_RATE_HZ), 1)


def times(n: int) -> Signal:
    """Time of each of `n` samples in seconds."""
    return np.arange(n) / SAMPLE_RATE_HZ


def noise(rng: Rng, n: int) -> Signal:
    """White Gaussian noise of unit deviation."""
    return rng.standard_normal(n)


def pink(rng: Rng, n: int) -> Signal:
    """Noise that falls by 3 dB an octave, about unit deviation (three-pole approximation by Kellet)."""
    filtered = sps.lfilter(
        [0.049922035, -0.095993537, 0.050612699, -0.004408786],
        [1.0, -2.494956002, 2.017265875, -0.522189400],
        noise(rng, n),
    )
    return normalize_rms(filtered)


def brown(rng: Rng, n: int) -> Signal:
    """Noise that falls by 6 dB an octave above 20 Hz, unit deviation."""
    return normalize_rms(highpass(sps.lfilter([1.0], [1.0, -0.998], noise(rng, n)), 20.0, 1))


def normalize_rms(x: Signal) -> Signal:
    """Scale to unit root mean square; silence stays silence."""
    return np.asarray(x / (np.sqrt(np.mean(x * x)) + 1e-12))


def normalize_peak(x: Signal) -> Signal:
    """Scale to a peak of one; silence stays silence."""
    return np.asarray(x / (np.abs(x).max(initial=0.0) + 1e-12))


def lowpass(x: Signal, cutoff_hz: float, order: int = 2) -> Signal:
    """Butterworth low pass."""
    cutoff_hz = min(max(cutoff_hz, 10.0), HIGHEST_HZ)
    return np.asarray(sps.sosfilt(sps.butter(order, cutoff_hz, "low", fs=SAMPLE_RATE_HZ, output="sos"), x))


def highpass(x: Signal, cutoff_hz: float, order: int = 2) -> Signal:
    """Butterworth high pass."""
    cutoff_hz = min(max(cutoff_hz, 10.0), HIGHEST_HZ)
    return np.asarray(sps.sosfilt(sps.butter(order, cutoff_hz, "high", fs=SAMPLE_RATE_HZ, output="sos"), x))


def bandpass(x: Signal, low_hz: float, high_hz: float, order: int = 2) -> Signal:
    """Butterworth band pass."""
    low_hz = min(max(low_hz, 10.0), HIGHEST_HZ * 0.9)
    high_hz = min(max(high_hz, low_hz * 1.05), HIGHEST_HZ)
    return np.asarray(sps.sosfilt(sps.butter(order, [low_hz, high_hz], "band", fs=SAMPLE_RATE_HZ, output="sos"), x))


def resonate(x: Signal, center_hz: float, bandwidth_hz: float) -> Signal:
    """Two-pole resonator of unit gain at its center."""
    radius = np.exp(-np.pi * bandwidth_hz / SAMPLE_RATE_HZ)
    angle = 2 * np.pi * min(center_hz, HIGHEST_HZ) / SAMPLE_RATE_HZ
    gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * angle) + radius * radius)
    return np.asarray(sps.lfilter([gain], [1.0, -2 * radius * np.cos(angle), radius * radius], x))


def decay(n: int, attack_s: float, decay_s: float) -> Signal:
    """Rise linearly over `attack_s`, then fall by 1/e every `decay_s`."""
    t = times(n)
    return np.asarray(np.minimum(t / max(attack_s, 1e-5), 1.0) * np.exp(-np.maximum(t - attack_s, 0.0) / decay_s))


def arch(n: int, power: float = 1.0) -> Signal:
    """Half a sine from zero over one to zero, to a power: below one it is a plateau, above one a peak."""
    return np.asarray(np.sin(np.pi * np.linspace(0, 1, n)) ** power)


def hold(n: int, attack_s: float, release_s: float) -> Signal:
    """Rise over `attack_s`, stay at one, fall over the last `release_s`."""
    t = times(n)
    return np.clip(np.minimum(t / max(attack_s, 1e-5), (n / SAMPLE_RATE_HZ - t) / max(release_s, 1e-5)), 0.0, 1.0)


def curve(n: int, *points: float) -> Signal:
    """Straight lines through evenly spaced points."""
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(points)), points)


def wander(rng: Rng, n: int, rate_hz: float) -> Signal:
    """Walk smoothly and at random between 0 and 1, turning about `rate_hz` times a second."""
    knots = max(int(n / SAMPLE_RATE_HZ * rate_hz) + 3, 4)
    position = np.linspace(0, knots - 2, n) + 0.999 * rng.random() * (knots > 4)
    index = np.minimum(position.astype(int), knots - 2)
    values = rng.random(knots)
    blend = position - index
    blend = np.clip(blend, 0.0, 1.0)
    blend = blend * blend * (3 - 2 * blend)
    return np.asarray(values[index] * (1 - blend) + values[index + 1] * blend)


def phase(n: int, frequency_hz: Frequency, start: float = 0.0) -> Signal:
    """Cycles counted up from `start`."""
    return np.asarray(np.cumsum(np.broadcast_to(frequency_hz, n)) / SAMPLE_RATE_HZ + start)


def sine(n: int, frequency_hz: Frequency, start: float = 0.0) -> Signal:
    """Sine whose frequency may change from sample to sample."""
    return np.asarray(np.sin(2 * np.pi * phase(n, frequency_hz, start)))


def fm(n: int, carrier_hz: Frequency, modulator_hz: Frequency, index: Frequency) -> Signal:
    """Frequency modulation of one sine by another; `index` is the deviation in radians."""
    return np.asarray(np.sin(2 * np.pi * phase(n, carrier_hz) + index * sine(n, modulator_hz)))


def _step(cycle: Signal, increment: Signal) -> Signal:
    low = cycle < increment
    high = cycle > 1 - increment
    correction = np.zeros_like(cycle)
    x = cycle[low] / increment[low]
    correction[low] = 2 * x - x * x - 1
    x = (cycle[high] - 1) / increment[high]
    correction[high] = x * x + 2 * x + 1
    return correction


def saw(n: int, frequency_hz: Frequency, start: float = 0.0) -> Signal:
    """Sawtooth with rounded steps (polynomial band-limited step), so that high pitches do not alias."""
    cycle = phase(n, frequency_hz, start) % 1
    increment = np.clip(np.broadcast_to(np.asarray(frequency_hz, dtype=float), n) / SAMPLE_RATE_HZ, 1e-7, 0.49)
    return np.asarray(2 * cycle - 1 - _step(cycle, increment))


def pulse(n: int, frequency_hz: Frequency, duty: float = 0.5, start: float = 0.0) -> Signal:
    """Rectangular wave with a duty cycle."""
    return np.asarray(saw(n, frequency_hz, start) - saw(n, frequency_hz, start + duty)) * 0.5


def modes(rng: Rng, n: int, frequencies_hz: npt.ArrayLike, decays_s: npt.ArrayLike, gains: npt.ArrayLike) -> Signal:
    """Sum of decaying sines, the ringing of a struck body."""
    y = np.zeros(n)
    frequencies, falls, loudnesses = np.broadcast_arrays(
        np.asarray(frequencies_hz, float), np.asarray(decays_s, float), np.asarray(gains, float)
    )
    t = times(n)
    for frequency, fall, gain in zip(frequencies, falls, loudnesses, strict=True):
        if frequency < HIGHEST_HZ:
            m = min(n, samples(7 * fall))
            y[:m] += gain * np.exp(-t[:m] / fall) * np.sin(2 * np.pi * (frequency * t[:m] + rng.random()))
    return y


def harmonics(n: int, frequency_hz: Frequency, gains: Sequence[float]) -> Signal:
    """Sum of overtones, made by Chebyshev recurrence from one cosine."""
    angle = 2 * np.pi * phase(n, frequency_hz)
    twice = 2 * np.cos(angle)
    before, now = np.zeros(n), np.sin(angle)
    top = float(np.max(frequency_hz))
    y = np.zeros(n)
    for k, gain in enumerate(gains, 1):
        if k * top > HIGHEST_HZ:
            break
        y += gain * now
        before, now = now, twice * now - before
    return y


def pluck(rng: Rng, n: int, frequency_hz: float, *, brightness: float, damping: float, position: float = 0.2) -> Signal:
    """Plucked string (Karplus and Strong 1983), computed one period at a time.

    Parameters
    ----------
    n : int
        Samples.
    brightness : float
        0 to 1: how much treble the pluck has.
    damping : float
        Loss per period, such as 0.002 for a ringing string and 0.05 for a muted one.
    position : float
        Where the string is plucked, as a part of its length.
    """
    period = max(int(SAMPLE_RATE_HZ / frequency_hz), 3)
    start = lowpass(noise(rng, period * 2), 600 + 14_000 * brightness * brightness, 1)[period:]
    start -= np.roll(start, max(int(period * position), 1))
    y = np.zeros(n + period + 1)
    y[1 : period + 1] = start / (np.abs(start).max() + 1e-9)
    blend = 0.5 - 0.42 * brightness
    for i in range(period + 1, n + period + 1, period):
        m = min(period, n + period + 1 - i)
        y[i : i + m] = (1 - damping) * (
            (1 - blend) * y[i - period : i - period + m] + blend * y[i - period - 1 : i - period - 1 + m]
        )
    return y[1 : n + 1]


def bubble(rng: Rng, frequency_hz: float, *, rise: float = 4.0, decay_s: float = 0.015) -> Signal:
    """One bubble: a short sine whose pitch rises while it dies (after Minnaert and van den Doel 2005)."""
    n = samples(min(decay_s * 5, 0.25))
    t = times(n)
    swing = np.sin(2 * np.pi * frequency_hz * (t + rise * t * t / 2))
    return np.asarray(swing * np.minimum(t / 0.0008, 1.0) * np.exp(-t / decay_s) * uniform(rng, 0.3, 1.0))


def grain(rng: Rng, length_s: float, decay_s: float, low_hz: float, high_hz: float) -> Signal:
    """Make a click: a very short burst of noise within a band."""
    n = samples(length_s)
    return bandpass(noise(rng, n) * decay(n, 0.0001, decay_s), low_hz, high_hz, 1)


def scattered(rng: Rng, n: int, rate_hz: float) -> Signal:
    """Moments in seconds of events that do not know of one another."""
    seconds = n / SAMPLE_RATE_HZ
    return np.sort(rng.random(int(rng.poisson(rate_hz * seconds)))) * seconds


def steady(rng: Rng, n: int, period_s: float, jitter: float = 0.05) -> Signal:
    """Moments in seconds of a repeated event; `jitter` is the deviation as a part of the period."""
    count = int(n / SAMPLE_RATE_HZ / period_s) + 2
    steps = period_s * np.clip(1 + jitter * rng.standard_normal(count), 0.3, 2.0)
    moments = rng.random() * min(period_s, 0.25, 0.3 * n / SAMPLE_RATE_HZ) + np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(moments[moments < n / SAMPLE_RATE_HZ - 0.01])


def place(n: int, moments_s: npt.ArrayLike, make: Callable[[], Signal]) -> Signal:
    """Make a new event for every moment and add it there; what passes the end is cut."""
    y = np.zeros(n)
    for moment in np.atleast_1d(np.asarray(moments_s, float)):
        if samples(moment) <= n:
            add_at(y, float(moment), make())
    return y


def add_at(y: Signal, moment_s: float, event: Signal) -> None:
    """Add one event to `y` in place; what passes the end is cut."""
    start = samples(moment_s) - 1
    if start < len(y):
        y[start : start + len(event)] += event[: len(y) - start]


def sprinkle(rng: Rng, n: int, moments_s: Signal, bank: Sequence[Signal], spread: float = 0.8) -> Signal:
    """Place events drawn from a small bank, each with its own loudness; for events by the hundred."""
    y = np.zeros(n)
    starts = (moments_s * SAMPLE_RATE_HZ).astype(int)
    choices = rng.integers(0, len(bank), len(starts))
    gains = np.exp(spread * rng.standard_normal(len(starts)))
    for start, choice, gain in zip(starts.tolist(), choices.tolist(), gains.tolist(), strict=True):
        event = bank[choice][: n - start]
        y[start : start + len(event)] += gain * event
    return y


def dust(rng: Rng, n: int, rate_hz: float, spread: float = 0.8) -> Signal:
    """Single-sample impulses at random moments, loudness spread log-normally; filter it to make a texture."""
    count = int(rng.poisson(rate_hz * n / SAMPLE_RATE_HZ))
    y = np.zeros(n)
    sign = rng.choice([-1.0, 1.0], count)
    np.add.at(y, rng.integers(0, n, count), sign * np.exp(spread * rng.standard_normal(count)))
    return y


def strikes(
    rng: Rng, n: int, make: Callable[[], Signal], *, single: float = 0.5, period_s: tuple[float, float]
) -> Signal:
    """Hit once or again and again: short clips get one hit, longer ones a loose or strict rhythm."""
    start = 0.0 if chance(rng, 0.5) else uniform(rng, 0.005, min(0.2, 0.2 * n / SAMPLE_RATE_HZ))
    period = log_uniform(rng, *period_s)
    if chance(rng, single) or n / SAMPLE_RATE_HZ < period * 1.3:
        return place(n, start, make)
    return place(
        n, start + steady(rng, n, period, float(rng.choice([0.0, 0.02, 0.15]))), lambda: uniform(rng, 0.5, 1) * make()
    )


def frame_times(n: int) -> Signal:
    """Place of each frame of `shape_spectrum` as a part of the clip, 0 to 1."""
    return np.linspace(0, 1, n // HOP + 2)


def shape_spectrum(x: Signal, gains: Signal) -> Signal:
    """Filter by a gain that changes over time and frequency.

    Parameters
    ----------
    x : float64, shape (n,)
        The sound.
    gains : float64, shape (n // HOP + 2, FRAME // 2 + 1)
        Gain of each frame and frequency bin.
    """
    n = len(x)
    frames = n // HOP + 2
    padded = np.zeros((frames + 1) * HOP)
    padded[HOP : HOP + n] = x
    window = np.sqrt(np.hanning(FRAME + 1)[:FRAME])
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP] * window
    filtered = np.fft.irfft(np.fft.rfft(cut, axis=1) * gains, FRAME, axis=1) * window
    y = np.zeros_like(padded).reshape(-1, HOP)
    y[:-1] += filtered[:, :HOP]
    y[1:] += filtered[:, HOP:]
    return np.asarray(y.reshape(-1)[HOP : HOP + n])


def resonances(n: int, tracks: Sequence[tuple[Frequency, float, Frequency]], floor: float = 0.003) -> Signal:
    """Make gains for `shape_spectrum` with moving peaks: (center_hz, bandwidth_hz, gain), a number or one per frame."""
    frequencies = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE_HZ)[None, :]
    gains = np.full((n // HOP + 2, FRAME // 2 + 1), floor)
    for center, bandwidth, gain in tracks:
        offset = (frequencies - np.reshape(center, (-1, 1))) / bandwidth
        gains += np.reshape(gain, (-1, 1)) / (1 + offset * offset)
    return gains


def formants(x: Signal, tracks: Sequence[tuple[Frequency, float, Frequency]], floor: float = 0.003) -> Signal:
    """Send a sound through a throat whose resonances may move."""
    return shape_spectrum(x, resonances(len(x), tracks, floor))


def throat(rng: Rng, x: Signal, tracks: Sequence[tuple[Frequency, float, Frequency]], floor: float = 0.003) -> Signal:
    """Send a sound through a throat of wider or narrower resonances, with further ones above and breath beside them.

    Recorded voices of animals and people reach much higher than the resonances that name them: `formants` alone
    sounds like a voice behind a wall.
    """
    width = log_uniform(rng, 0.8, 2.2)
    upper = [(log_uniform(rng, 3_000, 11_000), uniform(rng, 400, 1_500), log_uniform(rng, 0.02, 0.4)) for _ in range(3)]
    wider = [(center, bandwidth * width, gain) for center, bandwidth, gain in tracks]
    return formants(x, [*wider, *upper], max(floor, log_uniform(rng, 0.002, 0.06)))


def glottis(rng: Rng, pitch_hz: Signal, *, breath: float = 0.05, rough: float = 0.0, tilt_hz: float = 900.0) -> Signal:
    """Buzz of vocal folds: jittered pulses with breath noise; `rough` adds a subharmonic growl."""
    n = len(pitch_hz)
    tilt_hz *= log_uniform(rng, 0.7, 5.0)  # pressed voices are brighter by far than lazy ones
    breath *= log_uniform(rng, 0.5, 2.5)
    jitter = 1 + (0.01 + 0.06 * rough) * (2 * wander(rng, n, 60.0) - 1)
    buzz = lowpass(saw(n, pitch_hz * jitter), tilt_hz, 1)
    if rough:
        growl = 1 - rough * 0.5 * (1 + sine(n, pitch_hz * 0.5)) * (0.5 + wander(rng, n, 40.0))
        buzz = buzz * growl
    return normalize_rms(buzz) + breath * noise(rng, n)
