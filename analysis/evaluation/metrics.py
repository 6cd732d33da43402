"""How right a model is: measures of answers against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

RELIABILITY_BINS = 15  # as in Guo et al. 2017
RETRIEVAL_DEPTHS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said of labeled sounds.

    Attributes
    ----------
    labels : tuple of str
        That competed.
    truth : int64, shape (n,)
        Index of each sound's own label.
    scores : float32, shape (n, n_labels)
        As an analysis gives them; zero for labels of categories that it left out.
    cosines : float32, shape (n, n_labels)
    """

    labels: tuple[str, ...]
    truth: Indices
    scores: Floats
    cosines: Floats

    def part(self, chosen: npt.NDArray[np.bool_]) -> Answers:
        """Take some of the sounds, by a mask of shape (n,)."""
        return Answers(self.labels, self.truth[chosen], self.scores[chosen], self.cosines[chosen])

    @property
    def order(self) -> Indices:
        """Labels of each sound from the likeliest, shape (n, n_labels).

        Labels with a score come first; the cosine orders what a score of float32 no longer tells apart.
        """
        rated = self.cosines + 2.0 * (self.scores > 0)  # 2 is the distance of the farthest cosines
        return np.asarray(np.argsort(-rated, axis=1, kind="stable"), dtype=np.int64)

    @property
    def present(self) -> Indices:
        """Labels that some sound has, in order."""
        return np.asarray(np.unique(self.truth), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Measures of one set of answers; shares from 0 to 1.

    Attributes
    ----------
    n_sounds, n_labels : int
        Labels that competed.
    accuracy_at_1, accuracy_at_5 : float
        Sounds whose own label is the first, or among the first five.
    macro_f1 : float
        Mean over the labels that occur.
    mean_average_precision : float
        Mean over the labels that occur of the average precision of all sounds ordered by the label's score.
    recall_at_1, recall_at_5, recall_at_10 : float
        From text to sound: labels whose own text finds a right sound among the first k by cosine.
    calibration_error : float
        Expected calibration error of the largest score, 15 bins of equal width.
    """

    n_sounds: int
    n_labels: int
    accuracy_at_1: float
    accuracy_at_5: float
    macro_f1: float
    mean_average_precision: float
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Sounds whose largest score lies between two bounds: how sure, and how often right."""

    low: float
    high: float
    n_sounds: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class LabelResult:
    """How it went for the sounds of one label; `mistaken_for` is the most frequent wrong answer, or empty."""

    label: str
    n_sounds: int
    accuracy: float
    precision: float
    f1: float
    average_precision: float
    mistaken_for: str


def measure_answers(answers: Answers) -> Metrics:
    """Compute all measures.

    Parameters
    ----------
    answers : Answers
        Of at least one sound.

    Returns
    -------
    Metrics
    """
    order = answers.order
    right = order == answers.truth[:, None]
    found = [retrieval_recall(answers, depth) for depth in RETRIEVAL_DEPTHS]
    return Metrics(
        n_sounds=len(answers.truth),
        n_labels=len(answers.labels),
        accuracy_at_1=float(right[:, 0].mean()),
        accuracy_at_5=float(right[:, :5].any(axis=1).mean()),
        macro_f1=float(np.mean([result.f1 for result in measure_labels(answers)])),
        mean_average_precision=float(np.mean(average_precisions(answers))),
        recall_at_1=found[0],
        recall_at_5=found[1],
        recall_at_10=found[2],
        calibration_error=calibration_error(answers.scores.max(axis=1), right[:, 0]),
    )


def average_precisions(answers: Answers) -> list[float]:
    """Compute the average precision of each label that occurs, in order."""
    from sklearn.metrics import average_precision_score

    return [
        float(average_precision_score(answers.truth == label, answers.scores[:, label])) for label in answers.present
    ]


def retrieval_recall(answers: Answers, depth: int) -> float:
    """Compute the share of labels whose text finds a right sound among the `depth` nearest by cosine.

    One label has many right sounds, so that finding one of them is what a person who searches asks for. It is not
    the recall of caption sets such as Clotho, where one sound alone is right.
    """
    nearest = np.argsort(-answers.cosines, axis=0, kind="stable")[:depth]  # (depth, n_labels)
    return float(np.mean([np.any(answers.truth[nearest[:, label]] == label) for label in answers.present]))


def measure_labels(answers: Answers) -> list[LabelResult]:
    """Measure each label that occurs, in order.

    Parameters
    ----------
    answers : Answers

    Returns
    -------
    list of LabelResult
        A label that was never given has precision 0.
    """
    from sklearn.metrics import precision_recall_fscore_support

    given = answers.order[:, 0]
    measured = precision_recall_fscore_support(answers.truth, given, labels=answers.present, zero_division=0)
    results = []
    for label, precision, recall, f1, count, average in zip(
        answers.present, *measured, average_precisions(answers), strict=True
    ):
        wrong = Counter(int(answer) for answer in given[answers.truth == label] if answer != label)
        mistaken = answers.labels[wrong.most_common(1)[0][0]] if wrong else ""
        results.append(
            LabelResult(
                answers.labels[label], int(count), float(recall), float(precision), float(f1), average, mistaken
            )
        )
    return results


def calibration_error(confidences: npt.ArrayLike, right: npt.ArrayLike) -> float:
    """Compute the expected calibration error.

    Parameters
    ----------
    confidences : float, shape (n,)
        Largest score of each sound, from 0 to 1.
    right : bool, shape (n,)

    Returns
    -------
    float
        Mean over the bins, by their numbers of sounds, of |share right - mean confidence|: Guo et al. 2017,
        arXiv:1706.04599, equation 3.
    """
    bins = reliability_bins(confidences, right)
    total = sum(each.n_sounds for each in bins)
    return sum(each.n_sounds * abs(each.accuracy - each.confidence) for each in bins) / max(1, total)


def reliability_bins(confidences: npt.ArrayLike, right: npt.ArrayLike) -> list[ReliabilityBin]:
    """Group sounds by their largest score, in bins of equal width; empty bins are left out.

    Parameters
    ----------
    confidences : float, shape (n,)
        From 0 to 1.
    right : bool, shape (n,)

    Returns
    -------
    list of ReliabilityBin
        A score on a bound belongs to the bin below it, as in the paper.
    """
    sure, hit = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    edges = np.linspace(0, 1, RELIABILITY_BINS + 1)
    place = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, RELIABILITY_BINS - 1)
    return [
        ReliabilityBin(
            float(edges[at]),
            float(edges[at + 1]),
            int((place == at).sum()),
            float(sure[place == at].mean()),
            float(hit[place == at].mean()),
        )
        for at in np.unique(place)
    ]


def confusion_counts(answers: Answers) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Count answers by truth.

    Parameters
    ----------
    answers : Answers

    Returns
    -------
    labels : list of str
        That occur or were given, in order.
    counts : int64, shape (n, n)
        Rows are the truth, columns the answers.
    """
    given = answers.order[:, 0]
    shown = np.union1d(answers.truth, given)
    counts = np.zeros((len(shown), len(shown)), np.int64)
    np.add.at(counts, (np.searchsorted(shown, answers.truth), np.searchsorted(shown, given)), 1)
    return [answers.labels[label] for label in shown], counts


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Give the mean and the sample deviation (n - 1) of a measure over folds; 0 for a single fold."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
