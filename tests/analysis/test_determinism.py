"""The same sound says the same, to the byte, whatever it is analyzed beside, in whatever order, however often."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from analysis.checkpoints import resolve_model
from analysis.clap import AudioEncoder, choose_precision
from analysis.engine import AnalyzedFile, Engine
from analysis.pipeline import Analyzer
from analysis.profiles import Profiles
from analysis.vocabulary import Vocabulary
from tests.analysis.signals import clicks, noise, sine

Write = Callable[..., Path]

PROFILES = ["balanced", "clip_only"]
STARTER = "timbre-starter"


@pytest.fixture(scope="module")
def analyzer(profiles: Profiles, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    cache = tmp_path_factory.mktemp("cache")
    return Analyzer(profiles=profiles, vocabulary=vocabulary, cache_dir=cache, model_override=STARTER, device="cpu")


@pytest.fixture
def paths(write_sound: Write) -> list[Path]:
    """Sounds of many lengths, so that batches hold parts of several, and one that is silent."""
    return [
        write_sound(noise(2.7), "noise.wav"),
        write_sound(sine(440, 0.4), "short.wav"),
        write_sound(np.zeros(96_000), "silent.wav"),
        write_sound(clicks([0.5, 1.5, 4.0], 5.3), "clicks.flac"),
        write_sound(np.stack([noise(1.9, seed=2), sine(90, 1.9)], axis=1), "stereo.wav", rate=44_100),
    ]


def everything(result: AnalyzedFile) -> tuple[bytes, ...]:
    """All bytes of an analysis but the time it took."""
    said = []
    for sound in result.sounds:
        record = sound.record.model_dump(mode="json")
        del record["analysis_provenance"]["elapsed_s"]
        embeddings = sound.embeddings
        said += [json.dumps(record).encode(), embeddings.clip.tobytes(), embeddings.windows.tobytes()]
    return tuple(said)


def analyze(analyzer: Analyzer, paths: Iterable[Path], *, decoders: int = 2) -> dict[str, tuple[bytes, ...]]:
    results = Engine(analyzer, decoders=decoders).analyze(paths, PROFILES)
    return {result.path.name: everything(result) for result in results if isinstance(result, AnalyzedFile)}


def test_a_file_says_the_same_twice(analyzer: Analyzer, paths: list[Path]) -> None:
    assert analyze(analyzer, paths) == analyze(analyzer, paths)


def test_a_file_says_alone_what_it_says_among_others(analyzer: Analyzer, paths: list[Path]) -> None:
    together = analyze(analyzer, paths)
    assert len(together) == len(paths)
    for path in paths:
        assert analyze(analyzer, [path])[path.name] == together[path.name]


@pytest.mark.parametrize("decoders", [0, 1, 4])
def test_order_and_decoders_change_nothing(analyzer: Analyzer, paths: list[Path], decoders: int) -> None:
    order = np.random.default_rng(decoders).permutation(len(paths))
    assert analyze(analyzer, [paths[at] for at in order], decoders=decoders) == analyze(analyzer, paths)


def test_one_pass_with_several_profiles_says_what_each_says_alone(analyzer: Analyzer, paths: list[Path]) -> None:
    (together,) = Engine(analyzer).analyze(paths[3:4], PROFILES)
    alone = [next(Engine(analyzer).analyze(paths[3:4], name)) for name in PROFILES]
    assert isinstance(together, AnalyzedFile)
    assert everything(together) == sum((everything(each) for each in alone if isinstance(each, AnalyzedFile)), ())


def test_the_same_audio_in_another_container_has_the_same_vectors(analyzer: Analyzer, write_sound: Write) -> None:
    samples = np.round(noise(2.7) * 32_000).astype(np.int16)  # from floats, writers round differently
    copies = [write_sound(samples, f"copy.{suffix}", subtype="PCM_16") for suffix in ("wav", "flac", "aiff", "caf")]
    engine = Engine(analyzer)
    results = [result for result in engine.analyze(copies, "balanced") if isinstance(result, AnalyzedFile)]
    assert len({result.sounds[0].content_hash for result in results}) == 1
    assert len({result.embeddings.windows.tobytes() for result in results}) == 1
    assert engine.times.windows == 1 + len(results[0].embeddings.windows)  # the model heard one of the four


@pytest.mark.parametrize("precision", sorted({"fp32", choose_precision("cpu")}))
@pytest.mark.parametrize("model", [STARTER, "random"])
def test_a_window_has_the_same_bits_whatever_stands_beside_it(random_model: Path, model: str, precision: str) -> None:
    source = resolve_model(str(random_model) if model == "random" else model)
    encoder = AudioEncoder(source, device="cpu", precision=precision, backend="torch")
    size = encoder.batch_size
    features = encoder.log_mel(np.stack([noise(1.0, seed=seed) for seed in range(size + 2)]))
    alone = encoder.embed_features(features[:1]).tobytes()
    for count in (2, 3, 5, size, size + 2):
        among_others = features[:count].roll(count // 2, dims=0)  # it stands in the middle
        assert encoder.embed_features(among_others)[count // 2].tobytes() == alone
