"""The commands that work without a catalog: what they print and write, and their exit codes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from analysis.starter import MODEL_ID
from config.cli.analysis import main
from tests.analysis.conftest import write_random_model
from tests.analysis.signals import noise

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("cli") / "model")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TIMBRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Two sounds of one name in two folders, a hidden file, and a file that is no sound."""
    folder = tmp_path / "library"
    for number, place in enumerate(("a", "b")):
        (folder / place).mkdir(parents=True)
        soundfile.write(folder / place / "01.wav", noise(2.5, seed=number), 48_000)
    (folder / "b" / "notes.wav").write_text("hello")
    (folder / "b" / "notes.txt").write_text("hello")
    soundfile.write(folder / "b" / ".hidden.wav", noise(0.5), 48_000)
    return folder


def test_analyze_prints_a_record(run: Run, library: Path, model: Path) -> None:
    result = run("analyze", library / "a" / "01.wav", "--model", model)
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert record["file_name"] == "01.wav"
    assert "analysis_provenance" not in record
    assert "1 analyzed, 0 failed" in result.stderr


def test_analyze_prints_full_records_of_several_profiles_quietly(run: Run, library: Path, model: Path) -> None:
    profiles = ("-p", "fast", "-p", "clip_only")
    result = run("analyze", library / "a" / "01.wav", "--model", model, *profiles, "--full", "-q")
    names = [record["analysis_provenance"]["profile_name"] for record in json.loads(result.stdout)]
    assert names == ["fast", "clip_only"]


def test_analyze_writes_files_of_one_name_side_by_side(run: Run, library: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sounds = (library / "a" / "01.wav", library / "b" / "01.wav")
    result = run("analyze", *sounds, "-o", out, "--markdown", "--model", model, "-p", "clip_only")
    assert result.exit_code == 0
    assert result.stdout == ""
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert written == [
        "clip_only/json/a/01.wav.json",
        "clip_only/json/b/01.wav.json",
        "clip_only/markdown/a/01.wav.md",
        "clip_only/markdown/b/01.wav.md",
    ]


def test_batch_goes_on_after_a_bad_file_and_exits_with_one(
    run: Run, library: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run("batch", library, "-o", out, "--model", model, "--csv", "--catalog", "--no-windowed")
    assert result.exit_code == 1
    assert "failed: b/notes.wav: is not a sound file" in result.stderr
    results = json.loads((out / "balanced" / "batch_results.json").read_text())
    assert [sound["path"] for sound in results["sounds"]] == ["a/01.wav", "b/01.wav"]
    assert [failure["path"] for failure in results["failed"]] == ["b/notes.wav"]
    with (out / "balanced" / "catalog.csv").open(newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["a/01.wav", "b/01.wav"]
    assert "(#category-" in (out / "balanced" / "catalog.md").read_text()


def test_analyze_goes_on_with_the_files_that_are_there(run: Run, library: Path, model: Path) -> None:
    result = run("analyze", library / "gone.wav", library / "a" / "01.wav", "--model", model, "-p", "clip_only")
    assert result.exit_code == 1
    assert f"failed: {library / 'gone.wav'}: does not exist (check the path)" in result.stderr
    assert "1 analyzed, 1 failed" in result.stderr
    assert json.loads(result.stdout)["file_name"] == "01.wav"


def test_batch_stops_at_the_limit(run: Run, library: Path, model: Path, tmp_path: Path) -> None:
    result = run("batch", library, "-o", tmp_path / "out", "--model", model, "--limit", 1, "-p", "clip_only")
    assert result.exit_code == 0
    assert "1 analyzed, 0 failed" in result.stderr


def test_a_name_of_full_length_has_a_result(run: Run, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    for ending in ("a", "b"):
        soundfile.write(folder / f"{'x' * 250}{ending}.wav", np.zeros(100), 48_000)
    result = run("batch", folder, "-o", tmp_path / "out", "--model", model, "-p", "clip_only")
    assert result.exit_code == 0
    assert len(list((tmp_path / "out" / "clip_only" / "json").iterdir())) == 2


def test_labels_given_by_hand_replace_the_vocabulary(run: Run, library: Path, model: Path) -> None:
    sound = library / "a" / "01.wav"
    result = run("analyze", sound, "--model", model, "--labels", "dog bark, purple rain", "--full", "-q")
    assert {label["label"] for label in json.loads(result.stdout)["top_labels"]} == {"dog bark", "purple rain"}


def test_words_that_the_model_does_not_know_are_told_and_change_nothing(run: Run, library: Path) -> None:
    sound = library / "a" / "01.wav"
    result = run("analyze", sound, "--model", MODEL_ID, "--labels", "dog bark, zorp rain, zorp", "--full", "-q")
    assert result.stderr.splitlines() == [
        f"{MODEL_ID}: The model does not know “zorp”: listened for “rain” only.",
        f"{MODEL_ID}: The model does not know “zorp”: its score says nothing.",
    ]
    labels = {label["label"] for label in json.loads(result.stdout)["top_labels"]}
    assert labels == {"dog bark", "zorp rain", "zorp"}


def test_labels_of_known_words_are_taken_silently_and_without_djangos_settings(library: Path, tmp_path: Path) -> None:
    words = ["analyze", str(library / "a" / "01.wav"), "--model", MODEL_ID, "--labels", "dog bark, rain", "-q"]
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-m", "config.cli.analysis", *words],
        env=kept | {"TIMBRE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_all_profiles_leaves_out_the_one_whose_model_is_not_there(
    run: Run, library: Path, tmp_path: Path, model: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"profiles:\n  here: {{model_id: {model}, windowed: false}}\n  gone: {{model_id: no/model}}\n")
    result = run("analyze", library / "a" / "01.wav", "--all-profiles", "--config", config)
    assert result.exit_code == 1
    assert "profile gone is left out: model no/model is not here; run `timbre model install no/model`" in result.stderr
    assert json.loads(result.stdout)["file_name"] == "01.wav"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("analyze",), "no file given"),
        (("analyze", "NOWHERE", "FOLDER"), "does not exist (check the path); "),
        (("analyze", "FOLDER"), "is a folder (`timbre batch DIR` analyzes one)"),
        (("analyze", "SOUND", "-p", "best"), "no profile 'best'; there are: balanced"),
        (("analyze", "SOUND", "--model", "no/model"), "run `timbre model install no/model`"),
        (("analyze", "SOUND", "--vocabulary", "TWICE"), "'rain' stands twice"),
        (("analyze", "SOUND", "--labels", " , "), "no label given"),
        (("analyze", "SOUND", "--markdown"), "add -o DIR"),
        (("analyze", "SOUND", "--all-profiles", "-p", "fast"), "exclude each other"),
        (("batch", "NOWHERE"), "no folder"),
        (("vocab", "check", "--vocabulary", "TWICE"), "'rain' stands twice"),
        (("profile", "inspect", "best"), "no profile 'best'"),
        (("validate", "-i", "EMPTY"), "no records"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_is_told_in_one_line(
    run: Run, library: Path, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    twice = tmp_path / "twice.yaml"
    twice.write_text("categories:\n  a: {labels: {rain: {}}}\n  b: {labels: {rain: {}}}\n")
    (tmp_path / "empty").mkdir()
    places = {"SOUND": library / "a" / "01.wav", "FOLDER": library, "TWICE": twice}
    places |= {"NOWHERE": tmp_path / "x", "EMPTY": tmp_path / "empty"}
    result = run(*(places.get(word, word) for word in words))
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_profiles_are_listed_and_inspected(run: Run) -> None:
    assert len(run("profile", "list").stdout.splitlines()) == 10
    assert run("analyze", "--list-profiles").stdout == run("profile", "list").stdout
    assert len(json.loads(run("profile", "list", "--json").stdout)) == 9
    shown = json.loads(run("profile", "inspect", "fast", "--json").stdout)
    assert (shown["window_s"], shown["hop_s"], len(shown["fingerprint"])) == (2.5, 1.0, 12)


def test_the_vocabulary_is_checked_and_kept(run: Run, model: Path) -> None:
    checked = run("vocab", "check", "--model", model).stdout
    assert "199 labels in 13 categories" in checked
    assert "is asked about 198 of them" in checked
    assert "are kept now" in run("vocab", "cache", "--model", model).stdout
    assert "were kept already" in run("vocab", "cache", "--model", model).stdout
    assert "are kept now" in run("vocab", "cache", "--model", model, "--force").stdout


def test_written_records_are_valid_until_somebody_spoils_them(
    run: Run, library: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("analyze", library / "a" / "01.wav", "-o", out, "--model", model, "--full", "-p", "clip_only")
    assert run("validate", "-i", out).exit_code == 0
    path = next(out.rglob("*.json"))
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"primary_label": "purple rain"}))
    spoiled = run("validate", "-i", out)
    assert spoiled.exit_code == 1
    assert "label 'purple rain' is not in the vocabulary" in spoiled.stdout
    path.write_text(json.dumps(record | {"confidence": 3}))
    assert "confidence: Input should be less than or equal to 1" in run("validate", "-i", out, "--json").stdout


def test_help_waits_for_no_model() -> None:
    heavy = "{'torch', 'transformers', 'numpy', 'django'}"
    code = f"import sys, config.cli.analysis; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
