"""`timbre evaluate`: what it measures, writes and keeps, and its exit codes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from analysis.calibration import Calibration, load_calibration, save_calibration
from analysis.checkpoints import ModelKey, resolve_model
from analysis.starter import MODEL_DIR as STARTER_DIR
from analysis.starter import MODEL_ID as STARTER
from analysis.synth import render
from analysis.vocabulary import custom_vocabulary, load_vocabulary
from config.cli.analysis import analyze
from config.cli.evaluating import evaluate

Run = Callable[..., Result]

CONFIG = Path(__file__).parents[2] / "config"
TEMPLATES = ("--template", "the sound of {}", "--template", "This is a sound of {}.")

LABELS = ("alarm beep", "church bell", "dog bark", "thunder")
SEEDS = range(3_000_000, 3_000_008)
MISPLACED_SEEDS = range(3_000_008, 3_000_012)
N_SOUNDS = len(LABELS) * len(SEEDS) + len(MISPLACED_SEEDS)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TIMBRE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(evaluate, ["--model", STARTER, *map(str, words)])


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight sounds of each of four labels that the starter knows, in a folder for each; underscores in their names.

    Four more are in the wrong folder, so that some answers are wrong whatever the model.
    """
    place = tmp_path_factory.mktemp("labeled") / "sounds"
    for label in LABELS:
        (place / label.replace(" ", "_")).mkdir(parents=True)
        for seed in SEEDS:
            path = place / label.replace(" ", "_") / f"{seed}.wav"
            soundfile.write(path, render(label, seed, duration_s=1.0), 48_000)
    for seed in MISPLACED_SEEDS:
        path = place / "church_bell" / f"{seed}.wav"
        soundfile.write(path, render("alarm beep", seed, duration_s=1.0), 48_000)
    return place


@pytest.fixture(scope="session")
def esc50(folders: Path) -> Path:
    """The same sounds as ESC-50 lays them out, in four folds."""
    place = folders.parent / "ESC-50-master"
    (place / "meta").mkdir(parents=True)
    (place / "audio").symlink_to(folders)
    rows = [
        f"{folder.name}/{path.name},{number % 4 + 1},{folder.name}"
        for folder in sorted(folders.iterdir())
        for number, path in enumerate(sorted(folder.iterdir()))
    ]
    (place / "meta/esc50.csv").write_text("\n".join(["filename,fold,category", *rows]) + "\n")
    return place


@dataclass(frozen=True, slots=True)
class Evaluated:
    place: Path
    result: Result

    @property
    def figures(self) -> Any:
        return json.loads((self.place / "out/evaluation.json").read_text())


def written(tmp_path: Path, folder: str = "timbre-evaluation") -> Any:
    return json.loads((tmp_path / folder / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def evaluated(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """One run over the folders, for the tests that look at what it left behind."""
    place = tmp_path_factory.mktemp("evaluated")
    words = ["--model", STARTER, str(folders), "-o", str(place / "out"), *TEMPLATES, "--save-calibration"]
    words += ["--method", "isotonic", "--calibration-dir", str(place / "calibration")]
    return Evaluated(place, CliRunner().invoke(evaluate, words))


def test_it_measures_a_folder_of_labels_and_writes_a_report(evaluated: Evaluated) -> None:
    assert evaluated.result.exit_code == 0, evaluated.result.output
    names = {"report.md", "evaluation.json", "answers.csv", "confusion.png", "reliability.png"}
    assert {path.name for path in (evaluated.place / "out").iterdir()} == names
    with (evaluated.place / "out/answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = [row["label"] == row["answer"] for row in rows]
    assert len(rows) == N_SOUNDS
    assert evaluated.figures["templates"][0]["metrics"]["accuracy_at_1"] == pytest.approx(np.mean(right))
    assert np.mean(right) > 0.5  # the starter knows these four
    assert [row["place_of_label"] == "1" for row in rows] == right
    assert np.sum(evaluated.figures["confusion"]["counts"]) == N_SOUNDS


def test_the_confusion_matrix_is_a_picture(evaluated: Evaluated) -> None:
    picture = matplotlib.image.imread(evaluated.place / "out/confusion.png")
    assert min(picture.shape[:2]) >= 500
    assert picture.std() > 0.05  # something is drawn


def test_the_report_says_how_the_figures_came_about(evaluated: Evaluated) -> None:
    report = (evaluated.place / "out/report.md").read_text()
    facts = evaluated.figures["facts"]
    assert report.startswith("# timbre-starter on sounds\n")
    for told in ("a folder for each label", facts["model_revision"], facts["data_fingerprint"], facts["precision"]):
        assert told in report
    assert f"| SHA-256 of the labels | {custom_vocabulary(LABELS).sha256} |" in report
    assert f"| sounds | {N_SOUNDS} |" in report
    assert "| church bell | 12 |" in report
    assert "| `This is a sound of {}.` |" in report
    assert "## Published" not in report


def test_a_calibration_that_helps_is_kept_for_the_labels_it_was_fitted_on(evaluated: Evaluated) -> None:
    facts = evaluated.figures["facts"]
    fitted = evaluated.figures["calibrations"]["isotonic"]["calibration"]
    model = ModelKey(STARTER, facts["model_revision"])
    kept = load_calibration(evaluated.place / "calibration", model, facts["vocabulary_sha256"])
    if fitted["error_after"] < fitted["error_before"]:  # depends on the starter at hand
        assert kept == Calibration.model_validate(fitted)
        assert "holds for exactly these labels" in evaluated.result.output
    else:
        assert kept is None
        assert "no calibration is kept: on held-out sounds it does not help" in evaluated.result.output
    assert (fitted["n_sounds"], fitted["template"]) == (N_SOUNDS, "the sound of {}")
    assert fitted["data_fingerprint"] == facts["data_fingerprint"]


def test_a_kept_calibration_is_used_for_the_confidence_of_records(folders: Path, tmp_path: Path, run: Run) -> None:
    source = resolve_model(STARTER)
    vocabulary = load_vocabulary(CONFIG / "vocabulary.yaml")
    kept = Calibration(
        method="temperature", temperature=3.0, model_id=STARTER, model_revision=source.key.revision,
        vocabulary_sha256=vocabulary.sha256, template=source.template, top_k_categories=5, data_fingerprint="d",
        n_sounds=100, error_before=0.3, error_after=0.1,
    )  # fmt: skip
    words = [str(folders / "thunder" / f"{SEEDS[0]}.wav"), "--model", STARTER, "-p", "clip_only", "--full", "-q"]
    before = json.loads(CliRunner().invoke(analyze, words).stdout)
    save_calibration(tmp_path / "home/calibration", kept)
    after = json.loads(CliRunner().invoke(analyze, words).stdout)
    assert (before["calibrated"], before["analysis_provenance"]["calibration"]) == (False, None)
    assert (after["calibrated"], after["analysis_provenance"]["calibration"]) == (True, kept.fingerprint)
    assert after["primary_label"] == before["primary_label"]
    assert after["confidence"] < before["confidence"]


def test_folds_of_esc50_are_measured_by_themselves(run: Run, esc50: Path, evaluated: Evaluated, tmp_path: Path) -> None:
    result = run(esc50, *TEMPLATES[:2], "-q")
    assert result.exit_code == 0, result.output
    facts = written(tmp_path)["facts"]
    assert facts["data_fingerprint"] == evaluated.figures["facts"]["data_fingerprint"]  # the same sounds and labels
    (found,) = written(tmp_path)["templates"]
    folds = found["folds"]
    assert [folds[name]["n_sounds"] for name in ("1", "2", "3", "4")] == [9, 9, 9, 9]
    mean = np.mean([fold["accuracy_at_1"] for fold in folds.values()])
    assert mean == pytest.approx(found["metrics"]["accuracy_at_1"])  # as the folds are of one size
    deviation = np.std([fold["accuracy_at_1"] for fold in folds.values()], ddof=1)
    report = (tmp_path / "timbre-evaluation/report.md").read_text()
    assert f"| {100 * mean:.1f} ± {100 * deviation:.1f} %" in report.split("over the 4 folds")[1]


def test_urbansound_is_read_by_its_folds(run: Run, folders: Path, tmp_path: Path) -> None:
    place = tmp_path / "UrbanSound8K"
    (place / "metadata").mkdir(parents=True)
    rows = []
    for number, label in enumerate(LABELS):
        fold = place / f"audio/fold{number % 2 + 1}"
        fold.mkdir(parents=True, exist_ok=True)
        (fold / f"{number}.wav").symlink_to(folders / label.replace(" ", "_") / f"{SEEDS[0]}.wav")
        rows.append(f"{number}.wav,{number % 2 + 1},{label.replace(' ', '_')}")
    (place / "metadata/UrbanSound8K.csv").write_text("\n".join(["slice_file_name,fold,class", *rows]) + "\n")
    assert run(place, "-q", "--raw-labels", *TEMPLATES[:2]).exit_code == 0
    assert {label["label"] for label in written(tmp_path)["labels"]} == {label.replace(" ", "_") for label in LABELS}
    assert (written(tmp_path)["facts"]["dataset"], written(tmp_path)["facts"]["n_sounds"]) == ("UrbanSound8K", 4)
    assert "too few" in str(written(tmp_path)["no_calibration"])


def test_files_that_cannot_be_read_are_listed_and_the_rest_is_measured(run: Run, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_text("hello")
    sound = folders / "thunder" / f"{SEEDS[0]}.wav"
    (tmp_path / "list.csv").write_text(f"file,kind\n{sound},thunder\nbroken.wav,thunder\ngone.wav,dog bark\n")
    result = run("list.csv", "--path-column", "file", "--label-column", "kind", *TEMPLATES[:2])
    assert result.exit_code == 1
    failed = {Path(each["path"]).name: each["reason"] for each in written(tmp_path)["failed"]}
    assert set(failed) == {"broken.wav", "gone.wav"}
    assert "is not a sound file" in failed["broken.wav"]
    report = (tmp_path / "timbre-evaluation/report.md").read_text()
    assert "## Files that cannot be read (2)" in report
    assert written(tmp_path)["facts"]["n_sounds"] == 1


def test_nothing_readable_is_wrong_use(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\ngone.wav,dog bark\n")
    result = run("list.csv", "-q")
    assert result.exit_code == 2
    assert "no sound of the data set could be read" in result.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no data set given"),
        (["nowhere"], "nowhere does not exist"),
        (["list.csv", "--label-column", "kind"], "list.csv has no column 'kind'; it has: path, label"),
        ([".", "--names", "list.csv"], "list.csv has no column 'pattern'"),
        (["."], "no labeled sound in ."),
        (["list.csv", "--template", "a sound"], "a template needs one {}"),
        (["--synthesized", "2", "list.csv"], "leave DATASET out"),
        ([".", "--csv", "list.csv", "--labels-from-name"], "--csv and --labels-from-name exclude each other"),
        (["list.csv", "-p", "nothing"], "no profile 'nothing'"),
    ],
)
def test_wrong_use_is_told_in_one_line(run: Run, tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "list.csv").write_text("path,label\na.wav,dog\n")
    result = run(*words)
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert told in line
    assert not (tmp_path / "timbre-evaluation").exists()


def test_against_the_vocabulary_labels_are_matched_and_the_rest_told(run: Run, folders: Path, tmp_path: Path) -> None:
    bark, bell = (folders / name / f"{SEEDS[0]}.wav" for name in ("dog_bark", "church_bell"))
    (tmp_path / "list.csv").write_text(f"path,label\n{bark},Dog_Bark\n{bell},warp core\n")
    result = run("list.csv", "--against", "vocabulary", "--template", "the sound of {}")
    assert result.exit_code == 0
    figures = written(tmp_path)
    assert figures["facts"]["n_sounds"] == 1
    assert int(str(figures["facts"]["n_labels"])) > 50
    assert list(figures["left_out"]) == [
        "1 sounds of 'warp core': the model is asked about no label of that name or synonym"
    ]


def test_a_calibration_that_cannot_be_fitted_is_told(run: Run, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"path,label\n{folders / 'thunder' / f'{SEEDS[0]}.wav'},thunder\n")
    result = run("list.csv", "--save-calibration", *TEMPLATES[:2])
    assert result.exit_code == 0
    assert "no calibration is kept: 1 different recordings or folds are too few" in result.output
    assert not (tmp_path / "home/calibration").exists()


def test_labels_in_other_letters_are_one_and_those_without_a_word_are_left_out(run: Run, tmp_path: Path) -> None:
    for seed, label in enumerate(("Dog_Bark", "dog bark", "thunder", "_")):
        (tmp_path / "own" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "own" / label / "a.wav", render("dog bark", seed, duration_s=1.0), 48_000)
    result = run("own", "-o", "out", "--template", "{}", "--json", "-q")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["facts"]["n_sounds"], found["facts"]["n_labels"]) == (3, 2)
    assert [(label["label"], label["n_sounds"]) for label in found["labels"]] == [("Dog Bark", 2), ("thunder", 1)]
    assert found["left_out"] == ["1 sounds: their label holds no word"]


def test_synthesized_sounds_need_no_files(run: Run, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for path in STARTER_DIR.iterdir():
        (model / path.name).symlink_to(path)
    facts = json.loads((STARTER_DIR / "timbre.json").read_text()) | {"known_labels": ["thunder", "dog bark", "silence"]}
    (model / "timbre.json").unlink()
    (model / "timbre.json").write_text(json.dumps(facts))
    result = run("--synthesized", "2", "--model", model, "--json", "-q")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert [label["label"] for label in figures["labels"]] == ["dog bark", "thunder"]
    assert figures["facts"]["n_sounds"] == 4
    assert figures == written(tmp_path)
