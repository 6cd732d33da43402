"""Many files at once: the same records as one by one, in any order, with bad files among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from analysis.clap import AudioEncoder
from analysis.engine import AnalyzedFile, Engine, FailedFile
from analysis.errors import UnknownProfile, UnreadableAudio
from analysis.pipeline import AnalyzedSound, Analyzer
from analysis.profiles import AnalysisProfile, Profiles
from analysis.vocabulary import Vocabulary
from tests.analysis.signals import noise, sine

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def analyzer(
    profiles: Profiles, vocabulary: Vocabulary, random_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Analyzer:
    cache = tmp_path_factory.mktemp("cache")
    return Analyzer(profiles=profiles, vocabulary=vocabulary, cache_dir=cache, model_override=str(random_model))


@pytest.fixture
def paths(write_sound: Write) -> list[Path]:
    lengths = [0.3, 2.0, 3.1, 11.7, 0.9, 4.5]
    return [write_sound(noise(length, seed=at), f"{at}.wav") for at, length in enumerate(lengths)]


def said(sound: AnalyzedSound) -> tuple[dict[str, object], bytes, bytes]:
    """All of an analysis but the time it took."""
    record = sound.record.model_dump(mode="json")
    del record["analysis_provenance"]["elapsed_s"]
    return record, sound.embeddings.clip.tobytes(), sound.embeddings.windows.tobytes()


def analyzed(results: Iterator[AnalyzedFile | FailedFile]) -> dict[Path, AnalyzedFile]:
    return {result.path: result for result in results if isinstance(result, AnalyzedFile)}


@pytest.mark.parametrize("decoders", [0, 1, 3])
def test_every_file_is_analyzed_as_it_is_alone(analyzer: Analyzer, paths: list[Path], decoders: int) -> None:
    together = analyzed(Engine(analyzer, decoders=decoders).analyze(paths, "balanced"))
    assert sorted(together) == sorted(paths)
    for path, result in together.items():
        assert said(result.sounds[0]) == said(analyzer.analyze(path, "balanced"))


def test_the_order_of_files_changes_nothing(analyzer: Analyzer, paths: list[Path]) -> None:
    forth = analyzed(Engine(analyzer).analyze(paths, "balanced"))
    back = analyzed(Engine(analyzer).analyze(reversed(paths), "balanced"))
    assert {path: said(one.sounds[0]) for path, one in forth.items()} == {
        path: said(one.sounds[0]) for path, one in back.items()
    }


def test_several_profiles_in_one_pass_say_what_each_says_alone(analyzer: Analyzer, paths: list[Path]) -> None:
    names = ["balanced", "fast", "clip_only", "broad_search", "micro_events"]
    for result in Engine(analyzer).analyze(paths[2:4], names):
        assert isinstance(result, AnalyzedFile)
        assert [said(sound) for sound in result.sounds] == [said(analyzer.analyze(result.path, name)) for name in names]


def test_bad_files_are_told_and_the_rest_goes_on(analyzer: Analyzer, paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    results = list(Engine(analyzer).analyze([*paths[:1], tmp_path / "text.wav", tmp_path / "gone.wav"], "fast"))
    failed = {one.path.name: one.error for one in results if isinstance(one, FailedFile)}
    assert sorted(failed) == ["gone.wav", "text.wav"]
    assert all(isinstance(error, UnreadableAudio) for error in failed.values())
    assert len(results) == 3


def test_the_model_hears_the_same_audio_once(
    analyzer: Analyzer, write_sound: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = np.round(noise(3.0) * 32_767).astype(np.int16)  # of 16 bits, which each container keeps as they are
    copies = [write_sound(steps, name, subtype="PCM_16") for name in ("a.wav", "b.wav", "c.flac")]
    heard = placed_rows(monkeypatch)
    together = analyzed(Engine(analyzer).analyze(copies, "balanced"))
    assert sum(heard) == 1 + 3  # the whole and its windows
    first, *others = (said(together[path].sounds[0])[1:] for path in copies)
    assert all(other == first for other in others)


def test_the_model_never_hears_silence_twice(
    analyzer: Analyzer, write_sound: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [write_sound(np.zeros(48_000 * length), f"{length}.wav") for length in (1, 3, 12)]
    heard = placed_rows(monkeypatch)
    results = analyzed(Engine(analyzer).analyze(silent, "balanced"))
    assert sum(heard) <= 1  # digital silence, once for each model
    assert {one.record.primary_label for one in results.values()} == {"silence"}
    assert not any(one.embeddings.windows.any() for one in results.values())


def test_batches_are_filled_across_files(
    analyzer: Analyzer, write_sound: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = analyzer.encoder("clip_only").batch_size
    short = [write_sound(sine(200 + 10 * at, 0.5), f"{at}.wav") for at in range(2 * size + 1)]
    heard = placed_rows(monkeypatch)
    assert len(analyzed(Engine(analyzer).analyze(short, "clip_only"))) == len(short)
    assert heard == [size, size, 1]


def test_a_caller_that_stops_early_leaves_nothing_half_done(analyzer: Analyzer, paths: list[Path]) -> None:
    engine = Engine(analyzer)
    results = engine.analyze(paths, "balanced")
    list(islice(results, 1))
    results.close()  # type: ignore[attr-defined]
    assert sorted(analyzed(engine.analyze(paths, "balanced"))) == sorted(paths)


def test_a_model_that_breaks_is_no_fact_about_the_file(
    analyzer: Analyzer, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(analyzer)
    with monkeypatch.context() as broken:
        broken.setattr(AudioEncoder, "embed_features", None)
        with pytest.raises(TypeError):
            list(engine.analyze(paths, "balanced"))
    assert sorted(analyzed(engine.analyze(paths, "balanced"))) == sorted(paths)


def test_what_is_wrong_with_the_profile_is_told_before_any_file_is_read(analyzer: Analyzer) -> None:
    with pytest.raises(UnknownProfile):
        Engine(analyzer).analyze([], "nonsense")


def test_windows_of_a_long_sound_are_spread(analyzer: Analyzer, write_sound: Write) -> None:
    sparse = AnalysisProfile(name="sparse", min_confidence=0.0, max_windows=4)
    (result,) = Engine(analyzer).analyze([write_sound(noise(12.0))], sparse)
    assert isinstance(result, AnalyzedFile)
    assert len(result.embeddings.windows) == 4
    assert result.record.analysis_provenance.window_spacing_s == pytest.approx(10 / 3, abs=1e-3)
    (whole,) = Engine(analyzer).analyze([result.path], "balanced")
    assert isinstance(whole, AnalyzedFile)
    assert whole.record.analysis_provenance.window_spacing_s is None


def placed_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows each call of the model places, from now on."""
    heard: list[int] = []
    place = AudioEncoder.embed_features

    def counted(self: AudioEncoder, features: object) -> object:
        heard.append(len(features))  # type: ignore[arg-type]
        return place(self, features)  # type: ignore[arg-type]

    monkeypatch.setattr(AudioEncoder, "embed_features", counted)
    return heard
