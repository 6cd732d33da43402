"""Calibrations make scores come true on sounds they never saw, keep their order, and know whose scores they are for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.calibration import Calibration, load_calibration, save_calibration
from analysis.checkpoints import ModelKey
from analysis.errors import ConfigurationError
from analysis.evaluation.fitting import METHODS, Method, ScoredBy, fit_calibration, why_not_fitted
from analysis.evaluation.metrics import Answers, calibration_error

KEY = ModelKey("a/model", "abc")
SCORED = ScoredBy(KEY, "f" * 64, "{}", 5, "d" * 64, "0.1")
FACTS = {
    "model_id": KEY.model_id,
    "model_revision": KEY.revision,
    "vocabulary_sha256": "f" * 64,
    "template": "{}",
    "top_k_categories": 5,
    "data_fingerprint": "d" * 64,
    "n_sounds": 100,
    "error_before": 0.3,
    "error_after": 0.1,
}
CURVE = {"method": "isotonic", "curve_scores": (0.2, 0.5, 0.5001, 1.0), "curve_shares": (0.3, 0.3, 0.6, 0.8)}


def calibration(**changes: object) -> Calibration:
    return Calibration.model_validate({"method": "temperature", "temperature": 2.0, **FACTS, **changes})


def sounds_of_known_odds(n_sounds: int, *, too_sure: float, seed: int = 0) -> Answers:
    """Truth is drawn by a softmax; the model's logits are that softmax's, times `too_sure`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n_sounds, 6))
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)  # Gumbel's trick: a draw of the softmax
    told = too_sure * logits
    scores = np.exp(told - told.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    return Answers(tuple("abcdef"), truth, scores.astype(np.float32), (logits / 10).astype(np.float32))


def groups(answers: Answers) -> list[str]:
    return [str(number) for number in range(len(answers.truth))]


def test_temperature_is_the_softmax_at_that_temperature() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 4)) * 3
    at = {heat: np.exp(logits / heat) / np.exp(logits / heat).sum(axis=1, keepdims=True) for heat in (1.0, 2.0)}
    np.testing.assert_allclose(calibration().apply(at[1.0].astype(np.float32)), at[2.0], atol=1e-6)


def test_the_temperature_that_made_a_model_too_sure_is_found_again() -> None:
    answers = sounds_of_known_odds(20_000, too_sure=2.5)
    found = fit_calibration("temperature", answers, groups(answers), SCORED).calibration
    assert found.temperature == pytest.approx(2.5, rel=0.05)
    assert found.error_before > 0.15
    assert found.error_after < 0.015


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_makes_scores_come_true_on_other_sounds(method: Method) -> None:
    answers = sounds_of_known_odds(2_000, too_sure=3.0)
    others = sounds_of_known_odds(5_000, too_sure=3.0, seed=1)
    fitted = fit_calibration(method, answers, groups(answers), SCORED).calibration
    right = others.scores.argmax(axis=1) == others.truth
    before = calibration_error(others.scores.max(axis=1), right)
    after = calibration_error(fitted.apply(others.scores).max(axis=1), right)
    assert before > 0.2
    assert after < 0.05
    assert fitted.error_after == pytest.approx(after, abs=0.03)  # what cross-validation promised


@pytest.mark.parametrize("settings", [{"temperature": 0.3}, {"temperature": 4.0}, CURVE | {"temperature": 1.0}])
def test_order_sums_zeros_and_shape_are_kept(settings: dict[str, object]) -> None:
    rng = np.random.default_rng(2)
    scores = rng.dirichlet(np.full(8, 0.5), size=200).astype(np.float32)
    scores[:, :3] = 0
    scores[:50] = 0  # silence
    scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-9)
    found = calibration(**settings).apply(scores)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), scores.sum(axis=1), atol=1e-5)
    assert ((found > 0) <= (scores > 0)).all()
    ranked = np.take_along_axis(found, np.argsort(scores, axis=1), axis=1)
    assert (np.diff(ranked, axis=1) >= 0).all()
    np.testing.assert_array_equal(calibration(**settings).apply(scores[100]), found[100])


def test_the_largest_score_becomes_what_the_curve_says() -> None:
    scores = np.array([[0.9, 0.06, 0.04], [0.4, 0.35, 0.25]], np.float32)
    found = calibration(**CURVE, temperature=1.0).apply(scores)
    assert found[0].max() == pytest.approx(0.6 + 0.2 * (0.9 - 0.5001) / (1 - 0.5001), abs=1e-4)
    assert found[1].max() == pytest.approx(1 / 3, abs=0.01)  # three labels cannot all be below a third


@pytest.mark.parametrize(("sure", "helps"), [(0.95, True), (0.75, False)])
def test_only_a_fit_that_brings_scores_closer_to_the_truth_helps(sure: float, helps: bool) -> None:
    scores = np.tile(np.array([[sure, 1 - sure]], np.float32), (800, 1))
    answers = Answers(("a", "b"), np.arange(800) % 4 // 3, scores, scores)  # three of four are right
    fitted = fit_calibration("temperature", answers, [str(number // 4) for number in range(800)], SCORED)
    assert fitted.helps is helps
    assert fitted.calibration.temperature == pytest.approx(np.log(sure / (1 - sure)) / np.log(3), rel=0.01)


def test_copies_of_a_recording_are_held_out_together() -> None:
    answers = sounds_of_known_odds(400, too_sure=3.0)
    twice = [str(number // 2) for number in range(400)]
    whole = fit_calibration("temperature", answers, ["a"] * 200 + ["b"] * 200, SCORED).calibration
    assert whole.temperature == fit_calibration("temperature", answers, twice, SCORED).calibration.temperature
    assert whole.error_after != fit_calibration("temperature", answers, twice, SCORED).calibration.error_after


def test_it_says_why_nothing_can_be_fitted() -> None:
    answers = sounds_of_known_odds(40, too_sure=3.0)
    given = answers.scores.argmax(axis=1)
    assert why_not_fitted(answers, groups(answers)) == ""
    assert "too few" in why_not_fitted(answers.part(np.arange(40) < 20), groups(answers)[:20])
    assert "hold some out" in why_not_fitted(answers, ["same"] * 40)
    assert "every answer is right" in why_not_fitted(
        Answers(answers.labels, given, answers.scores, answers.cosines), groups(answers)
    )


@pytest.mark.parametrize("kept", [calibration(temperature=1 / 3), calibration(**CURVE, temperature=1.0)])
def test_a_calibration_is_read_back_as_it_was_written(tmp_path: Path, kept: Calibration) -> None:
    path = save_calibration(tmp_path / "calibration", kept)
    assert json.loads(path.read_text())["data_fingerprint"] == "d" * 64
    assert load_calibration(tmp_path / "calibration", KEY, "f" * 64) == kept
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_it_is_not_given_to_another_model_vocabulary_or_template(tmp_path: Path) -> None:
    save_calibration(tmp_path, calibration())
    assert load_calibration(tmp_path, KEY, "f" * 64, template="{}") is not None
    assert load_calibration(tmp_path, KEY, "f" * 64, template="the sound of {}") is None
    assert load_calibration(tmp_path, KEY, "e" * 64) is None
    assert load_calibration(tmp_path, ModelKey("a/model", "abd"), "f" * 64) is None
    assert load_calibration(tmp_path / "nowhere", KEY, "f" * 64) is None


def test_of_several_the_one_of_as_many_categories_is_taken(tmp_path: Path) -> None:
    for top_k, n_sounds in ((5, 100), (3, 50), (None, 70)):
        save_calibration(tmp_path, calibration(top_k_categories=top_k, n_sounds=n_sounds))
    found = [load_calibration(tmp_path, KEY, "f" * 64, top_k_categories=top_k) for top_k in (3, None, 7)]
    assert [each.n_sounds for each in found if each] == [50, 70, 100]


def test_a_later_fit_replaces_the_earlier_one(tmp_path: Path) -> None:
    save_calibration(tmp_path, calibration())
    save_calibration(tmp_path, calibration(temperature=3.0, n_sounds=2))
    found = load_calibration(tmp_path, KEY, "f" * 64)
    assert found is not None
    assert found.temperature == 3.0


def test_the_fingerprint_tells_what_changes_scores_and_nothing_else() -> None:
    assert calibration().fingerprint == calibration(n_sounds=7, data_fingerprint="0").fingerprint
    others = [calibration(temperature=2.1), calibration(template="a {}"), calibration(**CURVE, temperature=1.0)]
    assert len({calibration().fingerprint, *(other.fingerprint for other in others)}) == 4


@pytest.mark.parametrize(
    "text", ["{", "{}", calibration().model_dump_json().replace('"temperature":2.0', '"temperature":0.0')]
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "calibration-1.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"calibration-1\.json.*fit it again"):
        load_calibration(tmp_path, KEY, "f" * 64)


def test_a_curve_that_falls_is_refused() -> None:
    with pytest.raises(ValueError, match="must not decrease"):
        calibration(method="isotonic", curve_scores=(0.1, 0.9), curve_shares=(0.5, 0.4))


def test_reading_a_calibration_loads_nothing_heavy() -> None:
    code = "import sys; import analysis.calibration; print(*({'sklearn', 'scipy', 'torch'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []
