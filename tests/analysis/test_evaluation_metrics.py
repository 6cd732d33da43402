"""Measures of an evaluation, by hand and by naive loops."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.evaluation.metrics import (
    Answers,
    calibration_error,
    confusion_counts,
    mean_and_deviation,
    measure_answers,
    measure_labels,
    reliability_bins,
    retrieval_recall,
)


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def random_answers(n_sounds: int = 60, n_labels: int = 7, *, seed: int = 0) -> Answers:
    rng = np.random.default_rng(seed)
    truth = rng.integers(n_labels - 1, size=n_sounds)  # the last label never occurs
    cosines = rng.normal(size=(n_sounds, n_labels)) * 0.1
    cosines[np.arange(n_sounds), truth] += 0.1
    names = tuple(f"label {number}" for number in range(n_labels))
    return Answers(names, truth, softmax(10 * cosines).astype(np.float32), cosines.astype(np.float32))


@pytest.fixture
def four() -> Answers:
    """Four sounds of two labels out of three; one is taken for the label that no sound has."""
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.4, 0.5, 0.1], [0.3, 0.6, 0.1]], np.float32)
    return Answers(("a", "b", "c"), np.array([0, 0, 1, 1]), scores, scores)


def test_measures_of_four_sounds_are_those_by_hand(four: Answers) -> None:
    found = measure_answers(four)
    assert (found.n_sounds, found.n_labels) == (4, 3)
    assert found.accuracy_at_1 == 0.75
    assert found.accuracy_at_5 == 1.0
    assert found.macro_f1 == pytest.approx((2 * 1.0 * 0.5 / 1.5 + 1.0) / 2)
    assert found.mean_average_precision == pytest.approx(((1 / 1 + 2 / 4) / 2 + 1.0) / 2)
    assert (found.recall_at_1, found.recall_at_5) == (1.0, 1.0)
    assert found.calibration_error == pytest.approx((0.3 + 0.5 + 2 * 0.1) / 4)  # those of 0.6 share a bin


def test_labels_are_measured_by_themselves(four: Answers) -> None:
    first, second = measure_labels(four)
    assert (first.label, first.n_sounds, first.accuracy, first.precision) == ("a", 2, 0.5, 1.0)
    assert first.mistaken_for == "c"
    assert (second.f1, second.average_precision, second.mistaken_for) == (1.0, 1.0, "")


def test_confusions_count_answers_by_truth(four: Answers) -> None:
    labels, counts = confusion_counts(four)
    assert labels == ["a", "b", "c"]
    assert counts.tolist() == [[1, 0, 1], [0, 2, 0], [0, 0, 0]]


def test_accuracy_f1_and_average_precision_are_those_of_naive_loops() -> None:
    answers = random_answers()
    found = measure_answers(answers)
    given = answers.scores.argmax(axis=1)
    assert found.accuracy_at_1 == pytest.approx(np.mean(given == answers.truth))
    ranks = [(row > row[label]).sum() for row, label in zip(answers.scores, answers.truth, strict=True)]
    assert found.accuracy_at_5 == pytest.approx(np.mean(np.array(ranks) < 5))
    f1, precisions = [], []
    for label in range(6):
        hits = ((given == label) & (answers.truth == label)).sum()
        f1.append(2 * hits / ((given == label).sum() + (answers.truth == label).sum()))
        relevant = (answers.truth == label)[np.argsort(-answers.scores[:, label])]
        precisions.append(np.mean([relevant[: place + 1].mean() for place in np.flatnonzero(relevant)]))
    assert found.macro_f1 == pytest.approx(np.mean(f1))
    assert found.mean_average_precision == pytest.approx(np.mean(precisions))


def test_retrieval_finds_a_right_sound_among_the_first_by_cosine() -> None:
    cosines = np.array([[0.3, 0.25, 0.7], [0.2, 0.2, 0.8], [0.4, 0.3, 0.9]], np.float32)
    answers = Answers(("a", "b", "c"), np.array([0, 1, 2]), cosines, cosines)
    assert retrieval_recall(answers, 1) == pytest.approx(1 / 3)  # the third sound is the nearest to all
    assert retrieval_recall(answers, 2) == pytest.approx(2 / 3)
    assert retrieval_recall(answers, 3) == 1.0


def test_labels_left_out_by_the_first_stage_come_last() -> None:
    cosines = np.array([[0.1, 0.3, 0.2]], np.float32)
    scores = np.array([[1.0, 0.0, 0.0]], np.float32)
    assert Answers(("a", "b", "c"), np.array([0]), scores, cosines).order.tolist() == [[0, 1, 2]]


def test_scores_that_come_true_have_no_calibration_error() -> None:
    right = np.arange(1000) % 4 != 0
    assert calibration_error(np.full(1000, 0.75), right) == pytest.approx(0)
    assert calibration_error(np.full(1000, 0.95), right) == pytest.approx(0.2)


def test_the_calibration_error_is_that_of_a_naive_loop() -> None:
    rng = np.random.default_rng(1)
    sure = np.append(rng.random(500), [0.0, 1.0, 1 / 15, 2 / 15])
    right = rng.random(len(sure)) < 0.5
    total = 0.0
    for number in range(15):
        inside = (sure > number / 15) & (sure <= (number + 1) / 15) | ((number == 0) & (sure == 0))
        if inside.any():
            total += inside.sum() / len(sure) * abs(sure[inside].mean() - right[inside].mean())
    assert calibration_error(sure, right) == pytest.approx(total)
    assert sum(each.n_sounds for each in reliability_bins(sure, right)) == len(sure)


def test_deviation_over_folds_is_that_of_a_sample() -> None:
    assert mean_and_deviation([0.9, 1.0, 0.8]) == pytest.approx((0.9, 0.1))
    assert mean_and_deviation([0.5]) == (0.5, 0.0)
