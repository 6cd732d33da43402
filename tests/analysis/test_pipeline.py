"""From a file to a record, with a model of random weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.audio import DecodedAudio, decode
from analysis.errors import ModelUnavailable, UnknownProfile, UnreadableAudio, VocabularyError
from analysis.pipeline import Analyzer, MeasuredSound
from analysis.profiles import AnalysisProfile, Profiles
from analysis.records import AudioAnalysisRecord, parse_record
from analysis.vocabulary import Vocabulary, custom_vocabulary
from tests.analysis.signals import noise, sine

Write = Callable[..., Path]
SURE = AnalysisProfile(name="sure", min_confidence=0.0)


@pytest.fixture(scope="module")
def analyzer(
    profiles: Profiles, vocabulary: Vocabulary, random_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Analyzer:
    cache = tmp_path_factory.mktemp("cache")
    return Analyzer(profiles=profiles, vocabulary=vocabulary, cache_dir=cache, model_override=str(random_model))


def test_a_sound_becomes_a_record_with_vectors_peaks_and_hash(
    analyzer: Analyzer, write_sound: Write, random_model: Path
) -> None:
    analyzed = analyzer.analyze(write_sound(noise(4.0), "rain 01.wav"), "balanced")
    record, embeddings = analyzed.record, analyzed.embeddings
    assert (record.file_name, record.metadata.duration_s, record.metadata.channels) == ("rain 01.wav", 4.0, 1)
    assert record.primary_label == record.top_labels[0].label
    assert record.confidence == record.top_labels[0].score
    assert (embeddings.window_s, embeddings.hop_s, embeddings.windows.shape) == (2.0, 0.5, (5, 16))
    assert (embeddings.clip.dtype.name, embeddings.windows.dtype.name) == ("float32", "float16")
    assert np.linalg.norm(embeddings.clip) == pytest.approx(1, abs=1e-5)
    assert analyzed.waveform_peaks.values.shape == (800, 2)
    assert len(analyzed.content_hash) == 64
    provenance = record.analysis_provenance
    assert (provenance.profile_name, provenance.model_id) == ("balanced", str(random_model))
    assert provenance.precision in {"fp32", "bf16", "fp16"}
    assert not record.calibrated


def test_the_same_sound_gives_the_same_record(analyzer: Analyzer, write_sound: Write) -> None:
    path = write_sound(noise(12.3))
    first, second = (analyzer.analyze(path, "fast") for _ in range(2))
    np.testing.assert_array_equal(first.embeddings.clip, second.embeddings.clip)
    assert first.record.brief() == second.record.brief()


def test_the_whole_is_the_mean_of_its_stretches_by_their_length(analyzer: Analyzer, write_sound: Write) -> None:
    waveform = np.concatenate([noise(10.0), sine(440, 10.0), noise(2.5, seed=1)])
    clip = analyzer.analyze(write_sound(waveform, subtype="FLOAT"), "clip_only").embeddings.clip
    encoder = analyzer.encoder("clip_only")
    parts = [waveform[:480_000], waveform[480_000:960_000], waveform[960_000:]]
    mean = sum(encoder.embed_windows(part[None])[0] * len(part) for part in parts)
    np.testing.assert_allclose(clip, mean / np.linalg.norm(mean), atol=2e-3)


def test_silent_windows_are_not_placed_and_a_silent_tail_does_not_count(analyzer: Analyzer, write_sound: Write) -> None:
    sounding = noise(10.0)
    analyzed = analyzer.analyze(write_sound(np.concatenate([sounding, np.zeros(10 * 48_000)]), subtype="FLOAT"), "fast")
    assert not analyzed.embeddings.windows[-5:].any()
    alone = analyzer.analyze(write_sound(sounding, "b.wav", subtype="FLOAT"), "fast").embeddings.clip
    np.testing.assert_allclose(analyzed.embeddings.clip, alone, atol=2e-3)


def test_silence_is_told_by_measurement(analyzer: Analyzer, write_sound: Write) -> None:
    record = analyzer.analyze(write_sound(np.zeros(3 * 48_000)), "balanced").record
    assert (record.primary_label, record.primary_category, record.confidence) == ("silence", "background", 1.0)
    assert record.short_description == "Silence."
    assert record.events == []
    assert record.tags == ["silence", "background"]


@pytest.mark.parametrize(
    "waveform", [[0.5], [0.0], sine(440, 0.01), sine(440, 2.0)], ids=["one", "one of silence", "short", "a window"]
)
def test_the_shortest_sounds_have_records(analyzer: Analyzer, write_sound: Write, waveform: list[float]) -> None:
    analyzed = analyzer.analyze(write_sound(waveform, subtype="FLOAT"), "balanced")
    assert len(analyzed.embeddings.windows) == 1
    assert AudioAnalysisRecord.model_validate_json(analyzed.record.model_dump_json()) == analyzed.record


def test_every_profile_is_applied_to_one_decoding(
    analyzer: Analyzer, write_sound: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name for name in analyzer.profiles.names if name != "compact_model"]
    decoded: list[Path] = []

    def counted(path: Path) -> DecodedAudio:
        decoded.append(path)
        return decode(path)

    monkeypatch.setattr("analysis.hearing.decode", counted)
    together = analyzer.analyze_with(write_sound(noise(3.0)), names)
    assert len(decoded) == 1
    assert [each.record.analysis_provenance.profile_name for each in together] == names
    shapes = {each.record.analysis_provenance.profile_name: len(each.embeddings.windows) for each in together}
    assert (shapes["balanced"], shapes["micro_events"], shapes["clip_only"]) == (3, 11, 0)


def test_another_profile_is_applied_from_stored_vectors_alone(
    analyzer: Analyzer, write_sound: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sound(noise(4.0))
    stored = analyzer.analyze(path, "balanced")
    direct = analyzer.analyze(path, "broad_search").record
    path.unlink()
    monkeypatch.setattr("analysis.clap.AudioEncoder.embed_features", None)
    measured = MeasuredSound.from_record(stored.record, stored.embeddings)
    again = analyzer.interpret(measured, "broad_search")
    assert again.brief() == direct.brief()
    assert (again.events, again.top_labels) == (direct.events, direct.top_labels)


def test_vectors_of_other_windows_are_refused(analyzer: Analyzer, write_sound: Write) -> None:
    stored = analyzer.analyze(write_sound(noise(4.0)), "balanced")
    measured = MeasuredSound.from_record(stored.record, stored.embeddings)
    with pytest.raises(ValueError, match=r"want embeddings .* 2\.5, 1\.0"):
        analyzer.interpret(measured, "fast")


def test_label_vectors_are_computed_once_and_kept(
    profiles: Profiles, vocabulary: Vocabulary, random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fresh() -> Analyzer:
        return Analyzer(profiles=profiles, vocabulary=vocabulary, cache_dir=tmp_path, model_override=str(random_model))

    first = fresh().label_space("balanced")
    monkeypatch.setattr("analysis.pipeline.TextEncoder", None)
    np.testing.assert_array_equal(fresh().label_space("fast").vectors, first.vectors)
    assert len(list(tmp_path.iterdir())) == 1


def test_labels_given_by_hand_are_all_that_is_heard(profiles: Profiles, random_model: Path, write_sound: Write) -> None:
    analyzer = Analyzer(
        profiles=profiles, vocabulary=custom_vocabulary(["dog bark", "heavy rain"]), model_override=str(random_model)
    )
    record = analyzer.analyze(write_sound(noise(2.0)), SURE).record
    assert {label.label for label in record.top_labels} == {"dog bark", "heavy rain"}
    assert (record.primary_category, record.ucs) == ("custom", None)
    assert sum(label.score for label in record.top_labels) == pytest.approx(1, abs=1e-3)


def test_a_model_is_asked_only_for_labels_it_knows(
    profiles: Profiles, vocabulary: Vocabulary, random_model: Path, write_sound: Write, tmp_path: Path
) -> None:
    folder = shutil.copytree(random_model, tmp_path / "model")
    (folder / "timbre.json").write_text(json.dumps({"known_labels": ["thunder", "dog bark"], "template": "{}"}))
    analyzer = Analyzer(profiles=profiles, vocabulary=vocabulary, model_override=str(folder))
    record = analyzer.analyze(write_sound(noise(2.0)), "balanced").record
    assert {label.label for label in record.top_labels} == {"thunder", "dog bark"}
    assert record.ucs is not None
    (folder / "timbre.json").write_text(json.dumps({"known_labels": ["purple rain"]}))
    with pytest.raises(VocabularyError, match="knows no label"):
        Analyzer(profiles=profiles, vocabulary=vocabulary, model_override=str(folder)).label_space("balanced")


def test_what_is_missing_is_told_before_work(analyzer: Analyzer, tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio):
        analyzer.analyze(tmp_path / "gone.wav", "balanced")
    with pytest.raises(UnknownProfile):
        analyzer.analyze(tmp_path / "gone.wav", "best")
    with pytest.raises(ModelUnavailable):
        analyzer.analyze(tmp_path / "gone.wav", AnalysisProfile(name="mine", model_id="no/model"))


def test_what_was_odd_about_a_file_is_in_its_record(analyzer: Analyzer, write_sound: Write) -> None:
    waveform = noise(1.0)
    waveform[:7] = np.nan
    record = analyzer.analyze(write_sound(waveform, subtype="FLOAT"), "clip_only").record
    assert record.metadata.notes == ["7 of 48000 samples were not finite numbers and were replaced by silence"]


def test_no_integer_file_peaks_over_full_scale(analyzer: Analyzer, write_sound: Write) -> None:
    square = np.sign(sine(1000, 1.0, rate=44_100))
    facts = analyzer.analyze(write_sound(square, rate=44_100, subtype="PCM_16"), "clip_only").record.acoustic_summary
    assert facts.peak_dbfs == 0


def test_channels_that_cancel_in_the_mix_are_silence_with_a_peak(analyzer: Analyzer, write_sound: Write) -> None:
    tone = sine(440, 2.5)
    record = analyzer.analyze(write_sound(np.stack([tone, -tone], axis=1)), "balanced").record
    assert record.primary_label == "silence"
    assert record.acoustic_summary.peak_dbfs == pytest.approx(0, abs=0.1)


def test_a_written_record_reads_back(analyzer: Analyzer, write_sound: Write) -> None:
    record = analyzer.analyze(write_sound(noise(3.0)), SURE).record
    assert parse_record(record.model_dump_json()) == record
    assert parse_record(json.dumps(record.brief())).model_dump() == record.brief()
    assert list(record.brief()) == [
        "file_name", "short_description", "detailed_description", "tags", "sound_events", "confidence",
    ]  # fmt: skip
