"""From scores of labels to shares that come true: fitted by `timbre evaluate`, kept as JSON, applied in an analysis."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from analysis.checkpoints import ModelKey, ModelSource
from analysis.errors import ConfigurationError
from analysis.profiles import AnalysisProfile

Floats = npt.NDArray[np.float32]

TEMPERATURES = (0.02, 50.0)  # beyond them a score vector is one label alone, or all labels alike
BISECTIONS = 24  # halve that range, as logarithms, to a relative 5e-7: what float32 tells apart
LEAST_SCORE = 1e-30  # scores are float32, whose smallest normal number is 1e-38


class Calibration(BaseModel):
    """How sure a model may be; think of it as a function that sharpens or flattens the scores of one sound.

    It never changes the order of labels, a score of zero stays zero, and scores that add up to one still do.

    Attributes
    ----------
    method : str
        `temperature`: every sound's scores are taken to the power 1 / temperature. `isotonic`: a temperature is
        found for each sound so that its largest score becomes what `curve_shares` says of it.
    temperature : float
        Above 1 where the model is too sure of itself; 1 for `isotonic`.
    curve_scores, curve_shares : tuple of float
        For `isotonic`: largest score of a sound, increasing, and the share of such sounds that were named right,
        with straight lines between; empty for `temperature`.
    model_id, model_revision, vocabulary_sha256, template : str
        Whose scores it was fitted on; it says nothing about others.
    top_k_categories : int or None
        Of the profile; None where all categories were kept.
    data_fingerprint : str
        Of the sounds and labels it was fitted on.
    n_sounds : int
    error_before, error_after : float
        Expected calibration error on sounds it was not fitted on (cross-validated).
    timbre_version : str
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["temperature", "isotonic"]
    temperature: float = Field(default=1.0, ge=TEMPERATURES[0], le=TEMPERATURES[1])
    curve_scores: tuple[float, ...] = ()
    curve_shares: tuple[float, ...] = ()
    model_id: str
    model_revision: str
    vocabulary_sha256: str
    template: str
    top_k_categories: int | None
    data_fingerprint: str
    n_sounds: int
    error_before: float
    error_after: float
    timbre_version: str = ""

    @model_validator(mode="after")
    def _check(self) -> Calibration:
        if len(self.curve_scores) != len(self.curve_shares):
            raise ValueError(f"{len(self.curve_scores)} curve_scores and {len(self.curve_shares)} curve_shares")
        if (self.method == "isotonic") != bool(self.curve_scores):
            raise ValueError("a curve belongs to the method isotonic, and to it alone")
        if any(np.diff(self.curve_scores) < 0) or any(np.diff(self.curve_shares) < 0):
            raise ValueError("curve_scores and curve_shares must not decrease")
        return self

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits of all that changes scores, and of what they are scores of."""
        told = {"data_fingerprint", "n_sounds", "error_before", "error_after", "timbre_version"}
        return hashlib.sha256(self.model_dump_json(exclude=told).encode()).hexdigest()[:12]

    def apply(self, scores: Floats) -> Floats:
        """Give scores that say how often a label with such a score is right.

        Parameters
        ----------
        scores : float32, shape (n_labels,) or (n, n_labels)
            As `analysis.labels.score_labels` gives them; a row of zeros (silence) stays one.

        Returns
        -------
        float32, of the same shape
            In the same order within each row; rows add up to what they added up to.

        Notes
        -----
        Temperature scaling: Guo et al. 2017, arXiv:1706.04599; a power of a softmax is the softmax at that
        temperature. Isotonic: Zadrozny and Elkan 2002, on the largest score, whose rows are then completed by the
        temperature that gives it, because a curve for each label by itself has plateaus that lose the order.
        """
        rows = np.atleast_2d(np.asarray(scores, dtype=np.float64))
        temperatures = np.full(len(rows), self.temperature) if self.method == "temperature" else self._by_curve(rows)
        return scores_at_temperature(rows, temperatures).astype(np.float32).reshape(np.shape(scores))

    def _by_curve(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Find the temperature of each row at which its largest score is the curve's, shape (n,), by bisection."""
        totals = rows.sum(axis=1)
        wanted = np.interp(rows.max(axis=1), self.curve_scores, self.curve_shares) * totals
        low, high = (np.full(len(rows), np.log(end)) for end in TEMPERATURES)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            too_sure = scores_at_temperature(rows, np.exp(middle)).max(axis=1) > wanted
            low, high = np.where(too_sure, middle, low), np.where(too_sure, high, middle)
        return np.asarray(np.exp((low + high) / 2))


def scores_at_temperature(
    rows: npt.NDArray[np.float64], temperatures: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Take scores to the power 1 / temperature.

    Parameters
    ----------
    rows : float64, shape (n, n_labels)
        Not negative.
    temperatures : float64, shape (n,)

    Returns
    -------
    float64, shape (n, n_labels)
        Rows add up to what they added up to; zeros stay zeros.
    """
    largest = np.maximum(rows.max(axis=1, keepdims=True), LEAST_SCORE)
    powers = np.where(rows > 0, (rows / largest) ** (1 / temperatures[:, None]), 0.0)
    totals = np.maximum(powers.sum(axis=1, keepdims=True), LEAST_SCORE)
    return np.asarray(powers / totals * rows.sum(axis=1, keepdims=True))


def save_calibration(folder: Path, calibration: Calibration) -> Path:
    """Keep a calibration; one of the same model, vocabulary, template and categories is replaced.

    Parameters
    ----------
    folder : Path
        Made where it is not there.
    calibration : Calibration

    Returns
    -------
    Path
        Of the file; a reader sees the old one or the new one, never half of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"calibration-{_scored_by(calibration)}.json"
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(calibration.model_dump_json(indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)
    return path


def load_calibration(
    folder: Path,
    model: ModelKey,
    vocabulary_sha256: str,
    *,
    template: str | None = None,
    top_k_categories: int | None = None,
) -> Calibration | None:
    """Find the calibration of a model's scores of a vocabulary.

    Parameters
    ----------
    folder : Path
        Need not be there.
    model : ModelKey
    vocabulary_sha256 : str
        Of the labels that are scored.
    template : str, optional
        Sentence around a label; any where it is left out.
    top_k_categories : int, optional
        Of the profile; where several calibrations differ by it, the one with this number comes first, because the
        labels of categories that are left out have the smallest scores and hardly count.

    Returns
    -------
    Calibration or None
        None where nothing was fitted for them. Of several, the one with the most sounds.

    Raises
    ------
    ConfigurationError
        A file in the folder cannot be read or holds something else.
    """
    found = [_read(path) for path in sorted(folder.glob("calibration-*.json"))]
    wanted = (model.model_id, model.revision, vocabulary_sha256)
    fitting = [
        each
        for each in found
        if (each.model_id, each.model_revision, each.vocabulary_sha256) == wanted and template in (None, each.template)
    ]
    return max(fitting, key=lambda each: (each.top_k_categories == top_k_categories, each.n_sounds), default=None)


def calibration_for(
    folder: Path, profile: AnalysisProfile, source: ModelSource, vocabulary_sha256: str
) -> Calibration | None:
    """Find the calibration in force for what a profile says with a model.

    Parameters
    ----------
    folder : Path
        Need not be there.
    profile : AnalysisProfile
    source : ModelSource
        That the profile runs on.
    vocabulary_sha256 : str

    Returns
    -------
    Calibration or None
        As `load_calibration`.

    Raises
    ------
    ConfigurationError
        A file in the folder cannot be read or holds something else.
    """
    return load_calibration(
        folder,
        source.key,
        vocabulary_sha256,
        template=profile.prompt_template or source.template,
        top_k_categories=profile.top_k_categories,
    )


def _read(path: Path) -> Calibration:
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"calibration {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "file"
        raise ConfigurationError(f"calibration {path}: {place}: {first['msg']}; delete it or fit it again") from error


def _scored_by(calibration: Calibration) -> str:
    """Give sixteen hex digits of what the scores are of; a file is named by them."""
    parts = [calibration.model_id, calibration.model_revision, calibration.vocabulary_sha256]
    text = json.dumps([*parts, calibration.template, calibration.top_k_categories])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
