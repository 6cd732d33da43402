"""Memory and time for one very long file: 24-bit stereo at 96 kHz, written here block by block and removed afterwards.

Run it from the root of the repository: `python -m benchmarks.long_file --minutes 120`, which needs 4.2 GB of disk for
the file and 1.4 GB for the samples that the analysis keeps.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import soundfile

from analysis.engine import AnalyzedFile, Engine
from analysis.pipeline import Analyzer
from analysis.profiles import load_profiles
from analysis.starter import MODEL_ID as STARTER_ID
from analysis.vocabulary import load_vocabulary
from benchmarks.memory import forget_peak, peak_bytes, resident_bytes

CONFIG = Path(__file__).parents[1] / "config"
RATE_HZ, CHANNELS, BYTES_PER_SAMPLE = 96_000, 2, 3
BLOCK_S = 10
WAV_LIMIT_BYTES = 1 << 32  # the size in a WAV header has 32 bits; RF64 has 64
SAMPLES_BYTES_PER_S = 48_000 * 4  # what the analysis keeps on disk of a sound: 48 kHz mono in float32
MB = 1e6


@click.command()
@click.option("--minutes", default=120, show_default=True)
@click.option("--model", default=STARTER_ID, show_default=True, help="Of the analysis.")
@click.option("--profile", "profiles", multiple=True, default=("clip_only", "balanced"), show_default=True)
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where the file is written.")
def main(minutes: int, model: str, profiles: tuple[str, ...], folder: Path | None) -> None:
    """Analyze one long file and print the peak of memory above the loaded model."""
    with tempfile.TemporaryDirectory(prefix="timbre-long-", dir=folder) as directory:
        _check_disk(Path(directory), minutes)
        path = write_long_file(Path(directory) / "long.wav", minutes)
        click.echo(f"{minutes} min, {RATE_HZ} Hz, {CHANNELS} channels, 24 bits: {path.stat().st_size / 1e9:.2f} GB")
        analyzer = _analyzer(model, profiles)
        loaded = resident_bytes()
        for profile in profiles:
            click.echo(_measured(analyzer, path, profile, loaded))


def write_long_file(path: Path, minutes: int) -> Path:
    """Write bursts of noise over a tone that is never twice as loud as before."""
    n_blocks = minutes * 60 // BLOCK_S
    size = n_blocks * BLOCK_S * RATE_HZ * CHANNELS * BYTES_PER_SAMPLE
    container = "RF64" if size >= WAV_LIMIT_BYTES - 4096 else "WAV"
    rng = np.random.default_rng(0)
    times = np.arange(BLOCK_S * RATE_HZ) / RATE_HZ
    tone = 0.1 * np.sin(2 * np.pi * 440 * times)
    bursts = 0.2 * rng.standard_normal(len(times)) * np.exp(-3 * (times % 1))
    with soundfile.SoundFile(path, "w", RATE_HZ, CHANNELS, subtype="PCM_24", format=container) as file:
        for gain, shift in zip(rng.uniform(0.1, 1, n_blocks), rng.integers(0, len(times), n_blocks), strict=True):
            left = tone * gain + np.roll(bursts, shift)
            file.write(np.stack([left, 0.7 * left], axis=1))
    return path


def _check_disk(folder: Path, minutes: int) -> None:
    needed = minutes * 60 * (RATE_HZ * CHANNELS * BYTES_PER_SAMPLE + SAMPLES_BYTES_PER_S)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise click.ClickException(f"{folder} has {free / 1e9:.1f} GB left, {needed / 1e9:.1f} GB are needed")


def _analyzer(model: str, profiles: tuple[str, ...]) -> Analyzer:
    analyzer = Analyzer(
        profiles=load_profiles(CONFIG / "config.yaml"),
        vocabulary=load_vocabulary(CONFIG / "vocabulary.yaml"),
        model_override=model,
    )
    for profile in profiles:
        analyzer.label_space(profile)
        analyzer.encoder(profile)
    return analyzer


def _measured(analyzer: Analyzer, path: Path, profile: str, loaded: int | None) -> str:
    forget_peak()
    started = time.perf_counter()
    (result,) = Engine(analyzer).analyze([path], profile)
    elapsed_s = time.perf_counter() - started
    peak = peak_bytes()
    if not isinstance(result, AnalyzedFile):
        raise click.ClickException(str(result.error))
    windows, spacing = len(result.embeddings.windows), result.record.analysis_provenance.window_spacing_s
    told = f"{profile}: {elapsed_s:.0f} s, {windows} windows" + (f" every {spacing} s" if spacing else "")
    if peak is None or loaded is None:
        return told
    return f"{told}, peak {(peak - loaded) / MB:.0f} MB above the loaded model ({loaded / MB:.0f} MB)"


if __name__ == "__main__":
    main()
