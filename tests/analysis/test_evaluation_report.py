"""The report of an evaluation: what it says, and that nothing in it breaks its tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.checkpoints import USUAL_MODEL_ID, ModelKey, ModelSource
from analysis.errors import ConfigurationError
from analysis.evaluation.evaluation import Evaluation, Facts, TemplateResult, check_templates, usual_templates
from analysis.evaluation.fitting import ScoredBy, fit_calibration
from analysis.evaluation.metrics import Answers, measure_answers, measure_labels
from analysis.evaluation.report import answers_csv, evaluation_json, report_lines, write_report
from analysis.evaluation.vectors import Unplaced

FACTS = Facts(
    dataset="ESC-50",
    layout="ESC-50 (meta/esc50.csv, audio/)",
    n_sounds=4,
    n_labels=3,
    against="dataset",
    raw_labels=False,
    model_id=USUAL_MODEL_ID,
    model_revision="ada0c23",
    own_template="This is a sound of {}.",
    device="cpu",
    precision="fp32",
    backend="torch",
    profile="balanced",
    top_k_categories=None,
    vocabulary_sha256="f" * 64,
    data_fingerprint="d" * 64,
    timbre_version="0.1.0",
)


@pytest.fixture
def evaluation() -> Evaluation:
    """Four sounds of two labels, one named wrong; a second template that is always right; two folds."""
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.5, 0.1], [0.3, 0.6, 0.1]], np.float32)
    answers = Answers(("a|b", "dog", "cat"), np.array([0, 0, 1, 1]), scores, scores)
    perfect = replace(answers, scores=np.eye(3, dtype=np.float32)[answers.truth])
    folds = {"1": measure_answers(answers.part(np.arange(4) < 2)), "2": measure_answers(answers.part(np.arange(4) > 1))}
    return Evaluation(
        facts=FACTS,
        templates=(
            TemplateResult("This is a sound of {}.", measure_answers(answers), folds),
            TemplateResult("{}", replace(measure_answers(perfect), accuracy_at_1=1.0), folds),
        ),
        labels=tuple(measure_labels(answers)),
        answers=answers,
        paths=("1.wav", "2.wav", "3, 4.wav", "b\udcffd.wav"),
        calibrations={},
        no_calibration="4 sounds are too few",
        failed=(Unplaced(Path("bad|name.wav"), "is not\na sound file"),),
        left_out=("5.wav: no label",),
    )


def with_calibration(evaluation: Evaluation) -> Evaluation:
    truth = np.arange(80) % 4 // 3
    scores = np.tile(np.array([[0.95, 0.05]], np.float32), (80, 1))
    answers = Answers(("a", "b"), truth, scores, scores)
    scored = ScoredBy(ModelKey(FACTS.model_id, FACTS.model_revision), "f" * 64, "{}", None, "d" * 64, "0")
    fitted = fit_calibration("temperature", answers, [str(number // 4) for number in range(80)], scored)
    return replace(evaluation, answers=answers, paths=("x",) * 80, calibrations={"temperature": fitted})


def test_the_report_has_these_lines(evaluation: Evaluation) -> None:
    lines = list(report_lines(evaluation))
    assert lines[0] == "# laion/larger\\_clap\\_general on ESC-50"
    assert lines[2].startswith("**75.0 %** of 4 sounds are named right among 3 labels, 100.0 % within five")
    assert lines[2].endswith("is `{}` with 100.0 %; chosen by these very sounds, that figure flatters.")
    assert "| `This is a sound of {}.` | 75.0 % | 100.0 % | 83.3 % | 87.5 % |" in "\n".join(lines)
    assert "Accuracy at 1 by fold, with the first template: 1 50.0 % of 2, 2 100.0 % of 2." in lines
    assert "| a\\|b | 2 | 50.0 % | 100.0 % | 66.7 % | 75.0 % | cat |" in lines
    assert "None was fitted: 4 sounds are too few." in lines
    assert "- bad\\|name.wav: is not a sound file" in lines
    assert "- 5.wav: no label" in lines


def test_the_report_compares_with_what_was_published(evaluation: Evaluation) -> None:
    lines = list(report_lines(evaluation))
    (published,) = [line for line in lines if line.startswith("| 90.5 % |")]
    assert "embeddings-benchmark/results@f4cc6c8" in published
    assert '--template "This is a sound of {}" --raw-labels' in published
    assert "Timbre aims at 92.0 % with clean labels and its own prompts." in lines
    other = replace(evaluation, facts=replace(FACTS, dataset="mine"))
    assert "## Published" not in list(report_lines(other))


def test_every_table_has_rows_of_one_width(evaluation: Evaluation) -> None:
    width = 0
    for line in report_lines(evaluation):
        cells = line.replace("\\|", "").count("|")
        assert cells in (0, width or cells), line
        width = cells


def test_answers_are_a_table_that_any_program_reads(evaluation: Evaluation) -> None:
    assert answers_csv(evaluation) == (
        "path,label,answer,score,place_of_label\n"
        "1.wav,a|b,a|b,0.7000,1\n"
        "2.wav,a|b,cat,0.6000,3\n"
        '"3, 4.wav",dog,dog,0.5000,1\n'
        "b\ufffdd.wav,dog,dog,0.6000,1\n"
    )


def test_the_same_evaluation_is_written_the_same_to_the_byte(evaluation: Evaluation, tmp_path: Path) -> None:
    sure = with_calibration(evaluation)
    for name in ("a", "b"):
        assert write_report(sure, tmp_path / name) == tmp_path / name / "report.md"
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    assert (tmp_path / "a/reliability.png").exists()
    write_report(evaluation, tmp_path / "a")
    assert not (tmp_path / "a/reliability.png").exists()  # it was of the earlier evaluation


def test_the_json_holds_the_confusions_and_the_failures(evaluation: Evaluation) -> None:
    figures = evaluation_json(evaluation)
    assert figures["confusion"] == {"labels": ["a|b", "dog", "cat"], "counts": [[1, 0, 1], [0, 2, 0], [0, 0, 0]]}
    assert figures["failed"] == [{"path": "bad|name.wav", "reason": "is not\na sound file"}]


def test_the_models_own_template_is_asked_first_and_once(tmp_path: Path) -> None:
    own = usual_templates(ModelSource(ModelKey("m", "r"), tmp_path, template="{}"))
    assert own[0] == "{}"
    assert sorted(own) == sorted(set(own))
    assert "This is a sound of {}." in own


@pytest.mark.parametrize("template", ["a sound", "{} and {}", "{0}", "a {sound}", "{} }"])
def test_a_template_has_one_place_for_the_label(template: str) -> None:
    with pytest.raises(ConfigurationError, match=r"one \{\} for the label"):
        check_templates([template])
