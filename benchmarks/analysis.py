"""How fast sounds are analyzed, beside transformers' own ways on the same sounds in the same run.

Run it from the root of the repository: `make bench`, or `python -m benchmarks.analysis --help`.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click
import torch
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from analysis.audio import probe
from analysis.clap import choose_device
from analysis.engine import AnalyzedFile, Engine, FailedFile, StageTimes
from analysis.interpretation import SoundEmbeddings
from analysis.labels import scored_labels
from analysis.pipeline import Analyzer
from analysis.profiles import load_profiles
from analysis.vocabulary import load_vocabulary
from benchmarks.checkpoint import full_size_model
from benchmarks.clips import cut_clips, find_clips, spread
from benchmarks.memory import forget_peak, peak_bytes, resident_bytes
from benchmarks.references import LabelPipeline, Placed, WindowLoop, agreement

CONFIG = Path(__file__).parents[1] / "config"
CACHE = Path(tempfile.gettempdir()) / "timbre-benchmark"
PROFILE = "balanced"
ROUNDS = 3  # each has other sounds, and who begins changes: what else the machine does meets both
CUT_S = 5.0  # the clips of DESIGN.md 8
WARM_UP = 2  # sounds that the references hear before they are timed
MB = 1e6


@dataclass(slots=True)
class Pace:
    """Sounds that one way got through, and the time it took."""

    sounds: int = 0
    audio_s: float = 0.0
    elapsed_s: float = 0.0

    @property
    def sounds_per_minute(self) -> float:
        return 60 * self.sounds / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def audio_s_per_s(self) -> float:
        return self.audio_s / self.elapsed_s if self.elapsed_s else 0.0

    def add(self, sounds: int, audio_s: float, elapsed_s: float) -> None:
        self.sounds += sounds
        self.audio_s += audio_s
        self.elapsed_s += elapsed_s


@dataclass(slots=True)
class Comparison:
    """One set of sounds, through all three ways."""

    sounds: str
    windows: int = 0
    ours: Pace = field(default_factory=Pace)
    loop: Pace = field(default_factory=Pace)
    label_pipeline: Pace = field(default_factory=Pace)
    shares: dict[str, float] = field(default_factory=dict)
    peak_above_model_bytes: int | None = None
    cosines: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Contestants:
    """The three ways on one model and device."""

    analyzer: Analyzer
    loop: WindowLoop
    label_pipeline: LabelPipeline


@click.command()
@click.option("--clips", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of sounds.")
@click.option(
    "--limit", type=click.IntRange(1), default=48, show_default=True, help="Sounds of the folder, spread evenly."
)
@click.option(
    "--cut", "n_cut", type=click.IntRange(1), default=24, show_default=True, help=f"Clips of {CUT_S:g} s cut from them."
)
@click.option("--pipeline-sounds", type=click.IntRange(0), default=3, show_default=True, help="0 leaves that way out.")
@click.option("--device", help="cpu, cuda or mps; the best one of this machine where left out.")
@click.option("--backend", type=click.Choice(["torch", "openvino"]), help="The fastest one where left out.")
@click.option("--threads", type=int, help="Of torch; one for each core where left out.")
@click.option("--model", type=click.Path(path_type=Path), help="A ClapModel folder in place of random weights.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of tables.")
def main(
    clips: Path | None,
    limit: int,
    n_cut: int,
    pipeline_sounds: int,
    device: str | None,
    backend: str | None,
    threads: int | None,
    model: Path | None,
    as_json: bool,
) -> None:
    """Compare Timbre's analysis with transformers' own ways, in one run."""
    disable_progress_bar()  # type: ignore[no-untyped-call]
    set_verbosity_error()  # type: ignore[no-untyped-call]
    if threads:
        torch.set_num_threads(threads)
    device = device or choose_device()
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = model or full_size_model(CACHE / "full-size")
    found, told = find_clips(clips, CACHE)
    chosen = spread(found, limit)
    with tempfile.TemporaryDirectory(prefix="timbre-clips-") as cut_folder:
        cut = cut_clips(found, Path(cut_folder), length_s=CUT_S, count=n_cut)
        sets = {f"{len(chosen)} sounds of {told}": chosen, f"{n_cut} clips of {CUT_S:g} s": cut}
        _tell("loading the model and placing the labels, once")
        analyzer = _analyzer(folder, device=device, backend=backend)
        _tell("Timbre alone: memory and shares of time")
        loaded = resident_bytes()
        comparisons = [_alone(analyzer, name, paths, loaded) for name, paths in sets.items()]
        contestants = _contestants(analyzer, folder, device=device)
        for comparison, paths in zip(comparisons, sets.values(), strict=True):
            _tell(f"all ways in turn: {comparison.sounds}")
            _compare(contestants, comparison, paths, pipeline_sounds)
    facts = _facts(analyzer)
    click.echo(_as_json(facts, comparisons) if as_json else _as_text(facts, comparisons))


def _tell(progress: str) -> None:
    click.echo(f"... {progress}", err=True)


def _analyzer(folder: Path, *, device: str, backend: str | None) -> Analyzer:
    """Load our model and its label vectors: that is start-up, and is not timed."""
    analyzer = Analyzer(
        profiles=load_profiles(CONFIG / "config.yaml"),
        vocabulary=load_vocabulary(CONFIG / "vocabulary.yaml"),
        cache_dir=CACHE,
        model_override=str(folder),
        device=device,
        backend=backend,
    )
    analyzer.label_space(PROFILE)
    analyzer.encoder(PROFILE)
    return analyzer


def _contestants(analyzer: Analyzer, folder: Path, *, device: str) -> Contestants:
    profile = analyzer.profile(PROFILE)
    source = analyzer.source(profile)
    labels = [label.name for label in scored_labels(analyzer.vocabulary, source)]
    return Contestants(
        analyzer,
        WindowLoop(folder, profile, device=device),
        LabelPipeline(folder, labels, profile.prompt_template or source.template, device=device),
    )


def _alone(analyzer: Analyzer, name: str, paths: Sequence[Path], loaded: int | None) -> Comparison:
    """Run ours before any other model is loaded: memory, and where the time goes; it warms up too."""
    forget_peak()
    for result in Engine(analyzer).analyze(paths, PROFILE):
        _succeeded(result)
    peak = peak_bytes()
    engine = Engine(analyzer, decoders=0)  # stage after stage in one thread: shares add up
    started = time.perf_counter()
    for result in engine.analyze(paths, PROFILE):
        _succeeded(result)
    shares = _shares(engine.times, time.perf_counter() - started)
    comparison = Comparison(name, windows=engine.times.windows, shares=shares)
    if loaded is not None and peak is not None:
        comparison.peak_above_model_bytes = peak - loaded
    return comparison


def _shares(times: StageTimes, elapsed_s: float) -> dict[str, float]:
    stages = {
        "decode": times.decode_s,
        "features": times.features_s,
        "log-mel": times.log_mel_s,
        "encoder": times.encoder_s,
    }
    shares = {name: seconds / elapsed_s for name, seconds in stages.items()}
    return {**shares, "rest": 1 - sum(shares.values())}


def _compare(ways: Contestants, comparison: Comparison, paths: Sequence[Path], pipeline_sounds: int) -> None:
    for path in paths[:WARM_UP]:
        ways.loop.place(path)
    for number in range(ROUNDS):
        part = paths[number::ROUNDS]
        if number % 2:
            ours = _run_ours(ways, comparison.ours, part)
            reference = _run_loop(ways, comparison.loop, part)
        else:
            reference = _run_loop(ways, comparison.loop, part)
            ours = _run_ours(ways, comparison.ours, part)
        for path in part:
            comparison.cosines += agreement(ours[path], reference[path])
    comparison.loop.audio_s = comparison.ours.audio_s  # the same sounds
    if pipeline_sounds:
        _run_label_pipeline(ways, comparison.label_pipeline, spread(paths, pipeline_sounds + 1))


def _run_ours(ways: Contestants, pace: Pace, paths: Sequence[Path]) -> dict[Path, SoundEmbeddings]:
    engine = Engine(ways.analyzer)  # a new one: an engine knows again what it has heard
    started = time.perf_counter()
    results = [_succeeded(result) for result in engine.analyze(paths, PROFILE)]
    pace.add(len(paths), engine.times.audio_s, time.perf_counter() - started)
    return {result.path: result.embeddings for result in results}


def _succeeded(result: AnalyzedFile | FailedFile) -> AnalyzedFile:
    """Give what was analyzed: a sound that fails would make the others look fast."""
    if isinstance(result, FailedFile):
        raise RuntimeError(f"{result.path} failed") from result.error
    return result


def _run_loop(ways: Contestants, pace: Pace, paths: Sequence[Path]) -> dict[Path, Placed]:
    started = time.perf_counter()
    results = {path: ways.loop.place(path) for path in paths}
    pace.add(len(paths), 0.0, time.perf_counter() - started)
    return results


def _run_label_pipeline(ways: Contestants, pace: Pace, paths: Sequence[Path]) -> None:
    """Time all sounds but the first, which warms it up."""
    first, *others = paths
    ways.label_pipeline.name(first)
    lengths_s = [probe(path).duration_s for path in others]
    started = time.perf_counter()
    for path in others:
        ways.label_pipeline.name(path)
    pace.add(len(others), sum(lengths_s), time.perf_counter() - started)


def _facts(analyzer: Analyzer) -> dict[str, str]:
    encoder = analyzer.encoder(PROFILE)
    where = torch.cuda.get_device_name() if encoder.device.startswith("cuda") else f"{os.cpu_count()} cores"
    return {
        "model": encoder.model.model_id,
        "device": f"{encoder.device} ({where})",
        "precision": encoder.precision,
        "backend": encoder.backend,
        "batch": str(encoder.batch_size),
        "torch threads": str(torch.get_num_threads()),
        "profile": PROFILE,
    }


def _as_json(facts: dict[str, str], comparisons: Sequence[Comparison]) -> str:
    return json.dumps(
        {"facts": facts, "comparisons": [asdict(each) | _figures(each) for each in comparisons]}, indent=2
    )


def _figures(comparison: Comparison) -> dict[str, float | None]:
    """What the report compares."""
    return {
        "times_loop": _ratio(comparison.ours, comparison.loop),
        "times_label_pipeline": _ratio(comparison.ours, comparison.label_pipeline),
        "outside_encoder": 1 - comparison.shares["encoder"],
        "cosine_min": min(comparison.cosines),
        "cosine_median": statistics.median(comparison.cosines),
    }


def _ratio(ours: Pace, theirs: Pace) -> float | None:
    return ours.sounds_per_minute / theirs.sounds_per_minute if theirs.sounds else None


def _as_text(facts: dict[str, str], comparisons: Sequence[Comparison]) -> str:
    head = [", ".join(f"{name} {value}" for name, value in facts.items())]
    return "\n".join([*head, *(line for each in comparisons for line in _lines(each))])


def _lines(comparison: Comparison) -> Iterator[str]:
    ours = comparison.ours
    yield ""
    yield f"{comparison.sounds}: {ours.audio_s:.0f} s of audio, {comparison.windows} windows for the model"
    yield f"  {'way':<42}{'sounds/min':>11}{'audio s/s':>11}{'Timbre is':>11}"
    yield _row("Timbre", ours, None)
    yield _row("ClapProcessor + ClapModel, fp32, batch 1", comparison.loop, _ratio(ours, comparison.loop))
    others = comparison.label_pipeline
    if others.sounds:
        yield _row(f"label pipeline, whole only ({others.sounds} sounds)", others, _ratio(ours, others))
    yield "  time: " + ", ".join(f"{name} {share:.1%}" for name, share in comparison.shares.items())
    yield f"  outside the encoder: {1 - comparison.shares['encoder']:.1%}"
    if comparison.peak_above_model_bytes is not None:
        yield f"  peak memory above the loaded model: {comparison.peak_above_model_bytes / MB:.0f} MB"
    least, median = min(comparison.cosines), statistics.median(comparison.cosines)
    yield f"  cosine to the loop ({len(comparison.cosines)} vectors): min {least:.6f}, median {median:.6f}"


def _row(name: str, pace: Pace, times: float | None) -> str:
    told = "" if times is None else f"{times:.1f} x"
    return f"  {name:<42}{pace.sounds_per_minute:>11.1f}{pace.audio_s_per_s:>11.2f}{told:>11}"


if __name__ == "__main__":
    main()
