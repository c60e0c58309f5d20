"""Figures against their formulas in float64, in any grouping, and after a pause."""

import json

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from sodachi.errors import CheckpointError, SpecError
from sodachi.runner import Accuracy, SquaredError
from sodachi.runner.metrics import metrics_from_json

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 500)
ANSWERS = RNG.normal(size=(500, 3)) + np.eye(3)[LABELS]
REAL = RNG.normal(size=(500, 2)) * 3 + 5
GUESSES = REAL + RNG.normal(size=(500, 2))


def fading(values, window):
    weights = (1 - 1 / window) ** np.arange(len(values))[::-1]
    return (weights * values).sum() / weights.sum()


def test_accuracy_whole_lately_and_fading():
    accuracy = Accuracy(window=50)
    right = accuracy.update(ANSWERS, LABELS)
    expected = ANSWERS.argmax(1) == LABELS
    assert right.tolist() == expected.tolist()
    summary = accuracy.summary()
    assert summary["count"] == 500
    assert summary["accuracy"] == pytest.approx(expected.mean(), rel=1e-12)
    assert summary["window"] == pytest.approx(expected[-50:].mean(), rel=1e-12)
    assert summary["fading"] == pytest.approx(fading(expected, 50), rel=1e-12)


def test_squared_error_against_scikit_learn():
    error = SquaredError(window=50)
    each = error.update(GUESSES, REAL)
    assert each == pytest.approx(((GUESSES - REAL) ** 2).mean(1), rel=1e-12)
    summary = error.summary()
    assert summary["mse"] == pytest.approx(mean_squared_error(REAL, GUESSES), rel=1e-12)
    assert summary["mae"] == pytest.approx(mean_absolute_error(REAL, GUESSES), rel=1e-12)
    assert summary["fading"] == pytest.approx(fading(each, 50), rel=1e-12)
    one = SquaredError()
    one.update(GUESSES[:, :1], REAL[:, :1])
    assert one.summary()["r2"] == pytest.approx(r2_score(REAL[:, 0], GUESSES[:, 0]), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "answers", "labels"), [(Accuracy, ANSWERS, LABELS), (SquaredError, GUESSES, REAL)]
)
def test_no_bit_depends_on_grouping_or_on_a_pause(make, answers, labels):
    whole = make(window=30)
    whole.update(answers, labels)
    parts = make(window=30)
    for start, stop in ((0, 1), (1, 1), (1, 200), (200, 237), (237, 500)):
        parts.update(answers[start:stop], labels[start:stop])
        parts = metrics_from_json(json.loads(json.dumps(parts.to_json())))
    assert parts.to_json() == whole.to_json()
    assert parts.summary() == whole.summary()


def test_before_the_first_row_there_are_no_figures():
    assert Accuracy().summary() == {"count": 0, "accuracy": None, "window": None, "fading": None}
    assert SquaredError().summary()["mse"] is None
    assert SquaredError().summary()["r2"] is None


def test_answers_that_are_not_finite_are_wrong_and_spoil_no_sum():
    accuracy = Accuracy()
    answers = np.array([[np.nan, 0.0], [np.inf, 0.0], [1.0, 0.0]])
    assert accuracy.update(answers, np.zeros(3, int)).tolist() == [False, False, True]
    error = SquaredError()
    error.update(np.array([[np.nan], [np.inf], [2.0]]), np.ones((3, 1)))
    summary = error.summary()
    assert (summary["count"], summary["not_finite"], summary["mse"]) == (1, 2, 1.0)
    json.dumps(error.to_json(), allow_nan=False)


def test_damaged_figures_and_windows_are_refused():
    for saved in ({}, {"kind": "other"}, {"kind": "accuracy", "window": 3}, {"kind": "accuracy"}):
        with pytest.raises(CheckpointError, match="metrics"):
            metrics_from_json(saved)
    for window in (0, -1, 2.5):
        with pytest.raises(SpecError, match="window"):
            Accuracy(window)
