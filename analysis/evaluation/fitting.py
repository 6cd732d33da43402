"""Calibrations fitted to answers, and how they do on sounds they were not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.calibration import TEMPERATURES, Calibration, scores_at_temperature
from analysis.checkpoints import ModelKey
from analysis.evaluation.metrics import Answers, Floats, ReliabilityBin, calibration_error, reliability_bins

Method = Literal["temperature", "isotonic"]
METHODS: tuple[Method, ...] = ("temperature", "isotonic")

LEAST_SOUNDS = 30  # below them a fit follows chance
LEAST_GROUPS = 2
PARTS = 5  # of the cross-validation, where the data set has no folds
CERTAIN = 1e-6  # a confidence is held that far from 0 and 1, so that one surprise has a finite cost
SHUFFLE_SEED = 0


@dataclass(frozen=True, slots=True)
class ScoredBy:
    """What the scores to be calibrated are of."""

    model: ModelKey
    vocabulary_sha256: str
    template: str
    top_k_categories: int | None
    data_fingerprint: str
    timbre_version: str


@dataclass(frozen=True, slots=True)
class FittedCalibration:
    """A calibration fitted on all sounds, and what fits on parts of them did to the sounds of the other parts.

    Attributes
    ----------
    calibration : Calibration
    before, after : tuple of ReliabilityBin
        On held-out sounds.
    """

    calibration: Calibration
    before: tuple[ReliabilityBin, ...]
    after: tuple[ReliabilityBin, ...]

    @property
    def helps(self) -> bool:
        """Whether scores come closer to the truth on sounds that it was not fitted on."""
        return self.calibration.error_after < self.calibration.error_before


def why_not_fitted(answers: Answers, groups: list[str]) -> str:
    """Say why no calibration can be fitted to answers, in groups as for `fit_calibration`; empty where one can."""
    right = _right(answers)
    if len(set(groups)) < LEAST_GROUPS:
        return f"{len(set(groups))} different recordings or folds are too few to hold some out"
    if len(right) < LEAST_SOUNDS:
        return f"{len(right)} sounds are too few to fit a calibration; give at least {LEAST_SOUNDS}"
    if right.all() or not right.any():
        return f"every answer is {'right' if right.all() else 'wrong'}, so nothing tells how sure to be"
    return ""


def fit_calibration(method: Method, answers: Answers, groups: list[str], scored: ScoredBy) -> FittedCalibration:
    """Fit a calibration, and measure it by cross-validation.

    Parameters
    ----------
    method : str
    answers : Answers
        For which `why_not_fitted` has nothing to say.
    groups : list of str
        One for each sound; sounds of a group are held out together (folds of the data set, or equal recordings).
    scored : ScoredBy

    Returns
    -------
    FittedCalibration

    """
    held_out = _held_out_scores(method, answers, groups, scored)
    right = _right(answers)
    before, after = answers.scores.max(axis=1), held_out.max(axis=1)
    errors = calibration_error(before, right), calibration_error(after, right)
    final = _fit(method, answers, scored).model_copy(update={"error_before": errors[0], "error_after": errors[1]})
    return FittedCalibration(final, tuple(reliability_bins(before, right)), tuple(reliability_bins(after, right)))


def _held_out_scores(method: Method, answers: Answers, groups: list[str], scored: ScoredBy) -> Floats:
    from sklearn.model_selection import GroupKFold

    parts = min(PARTS, len(set(groups)))
    calibrated = np.empty_like(answers.scores)
    for fitted, held in GroupKFold(parts, shuffle=True, random_state=SHUFFLE_SEED).split(groups, groups=groups):
        mask = np.isin(np.arange(len(groups)), fitted)
        calibrated[held] = _fit(method, answers.part(mask), scored).apply(answers.scores[held])
    return calibrated


def _fit(method: Method, answers: Answers, scored: ScoredBy) -> Calibration:
    fitted: dict[str, object]
    if method == "temperature":
        fitted = {"temperature": _fit_temperature(answers)}
    else:
        curve = _fit_curve(answers)
        fitted = {"curve_scores": curve[0], "curve_shares": curve[1]}
    facts = {
        "model_id": scored.model.model_id,
        "model_revision": scored.model.revision,
        "vocabulary_sha256": scored.vocabulary_sha256,
        "template": scored.template,
        "top_k_categories": scored.top_k_categories,
        "data_fingerprint": scored.data_fingerprint,
        "timbre_version": scored.timbre_version,
        "n_sounds": len(answers.truth),
        "error_before": 0.0,
        "error_after": 0.0,
    }
    return Calibration.model_validate({"method": method, **fitted, **facts})


def _fit_temperature(answers: Answers) -> float:
    """Find the temperature at which the largest scores are likeliest, given which answers are right.

    Guo et al. fit the score of the right label; here it is the largest, because it is what a record shows as its
    confidence, and because the right label has no score at all where its category was left out.
    """
    from scipy.optimize import minimize_scalar

    rows, right = answers.scores.astype(np.float64), _right(answers)

    def cost(log_temperature: float) -> float:
        temperatures = np.full(len(rows), np.exp(log_temperature))
        sure = np.clip(scores_at_temperature(rows, temperatures).max(axis=1), CERTAIN, 1 - CERTAIN)
        return -float(np.mean(np.where(right, np.log(sure), np.log1p(-sure))))

    found = minimize_scalar(cost, bounds=tuple(np.log(TEMPERATURES)), method="bounded", options={"xatol": 1e-4})
    return float(np.clip(np.exp(found.x), *TEMPERATURES))


def _fit_curve(answers: Answers) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    curve.fit(answers.scores.max(axis=1).astype(np.float64), _right(answers).astype(np.float64))
    scores, shares = (np.maximum.accumulate(values) for values in (curve.X_thresholds_, curve.y_thresholds_))
    return tuple(map(float, scores)), tuple(map(float, shares))


def _right(answers: Answers) -> npt.NDArray[np.bool_]:
    return np.asarray(answers.order[:, 0] == answers.truth)
