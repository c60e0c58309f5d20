"""Prequential figures: every row is predicted before it is learned, so every row is a test.

Sums go row by row in float64, so the figures do not depend on how rows were grouped, and they are
plain JSON: they live in the checkpoint with the weights and go on after a kill.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from sodachi.errors import CheckpointError, SpecError


class Accuracy:
    r"""Accuracy of answers given before learning: whole, over a window, and fading.

    With c_t = 1 where the answer was right: whole ``Σ c / n``, ``window`` the mean of the last
    ``window`` rows, ``fading`` ``Σ a^(n−t) c_t / Σ a^(n−t)`` with ``a = 1 − 1/window``.

    Parameters
    ----------
    window
        Rows that "lately" means.

    References
    ----------
    Dawid (1984); fading factors: Gama, Sebastião & Rodrigues (2013).

    Examples
    --------
    >>> accuracy = Accuracy(window=2)
    >>> accuracy.update(np.eye(2)[[0, 1, 1]], np.array([1, 1, 1])).tolist()
    [False, True, True]
    >>> accuracy.summary()["accuracy"], accuracy.summary()["window"]
    (0.6666666666666666, 1.0)
    """

    def __init__(self, window: int = 1000):
        self.window = _positive(window)
        self.count = self.correct = 0
        self._recent: deque[bool] = deque(maxlen=window)
        self._faded = self._weight = 0.0

    def update(self, answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Count answers (n, classes) against labels (n,); return which were right.

        An answer with a number that is not finite is wrong.
        """
        right = (answers.argmax(-1) == labels) & np.isfinite(answers).all(-1)
        keep = 1.0 - 1.0 / self.window
        for hit in right.tolist():
            self._recent.append(hit)
            self._faded = keep * self._faded + hit
            self._weight = keep * self._weight + 1.0
        self.count += len(right)
        self.correct += int(right.sum())
        return right

    def summary(self) -> dict[str, Any]:
        """Return the figures; None before the first row."""
        recent = len(self._recent)
        return {
            "count": self.count,
            "accuracy": self.correct / self.count if self.count else None,
            "window": sum(self._recent) / recent if recent else None,
            "fading": self._faded / self._weight if self._weight else None,
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        recent = "".join("01"[hit] for hit in self._recent)
        return {"kind": "accuracy", "window": self.window, "count": self.count,
                "correct": self.correct, "recent": recent, "faded": self._faded,
                "weight": self._weight}  # fmt: skip

    @staticmethod
    def from_json(saved: Mapping[str, Any]) -> Accuracy:
        """Go on from what `to_json` returned."""
        new = Accuracy(saved["window"])
        new.count, new.correct = saved["count"], saved["correct"]
        new._recent.extend(mark == "1" for mark in saved["recent"])
        new._faded, new._weight = saved["faded"], saved["weight"]
        return new


class SquaredError:
    r"""Errors of answers given before learning, for real labels: whole and fading, with R².

    ``mse = Σ e_t / n`` with ``e_t`` the mean over the label's entries of ``(answer − label)²``;
    ``fading`` as in `Accuracy`; ``r2 = 1 − Σ e_t / Σ v_t`` with v_t the same error of the mean
    label so far (Welford's sum: the variance of all labels seen).

    Examples
    --------
    >>> error = SquaredError(window=2)
    >>> error.update(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])).tolist()
    [1.0, 1.0]
    >>> error.summary()["mse"], error.summary()["r2"]
    (1.0, 0.0)
    """

    def __init__(self, window: int = 1000):
        self.window = _positive(window)
        self.count = self.not_finite = 0
        self._squared = self._absolute = self._faded = self._weight = self._spread = 0.0
        self._mean: list[float] = []

    def update(self, answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Count answers against labels, both (n, ...); return each row's mean squared error.

        Answers that are not finite are counted in ``not_finite`` alone.
        """
        rows, entries = len(labels), prod(labels.shape[1:])
        labels = labels.reshape(rows, entries).astype(float)
        with np.errstate(over="ignore", invalid="ignore"):
            off = answers.reshape(rows, entries).astype(float) - labels
            errors, absolute = np.square(off).mean(-1), np.abs(off).mean(-1)
        keep = 1.0 - 1.0 / self.window
        for error, size, label in zip(errors.tolist(), absolute.tolist(), labels, strict=True):
            if not math.isfinite(error):
                self.not_finite += 1
                continue
            self.count += 1
            self._squared += error
            self._absolute += size
            self._faded = keep * self._faded + error
            self._weight = keep * self._weight + 1.0
            self._welford(label)
        return errors

    def _welford(self, label: np.ndarray) -> None:
        mean = np.array(self._mean or [0.0] * len(label))
        new = mean + (label - mean) / self.count
        self._spread += float(((label - mean) * (label - new)).mean())
        self._mean = new.tolist()

    def summary(self) -> dict[str, Any]:
        """Return the figures; None before the first row (``r2`` also while labels are equal)."""
        n = self.count
        return {
            "count": n,
            "mse": self._squared / n if n else None,
            "mae": self._absolute / n if n else None,
            "fading": self._faded / self._weight if n else None,
            "r2": 1.0 - self._squared / self._spread if self._spread > 0 else None,
            "not_finite": self.not_finite,
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything needed to go on."""
        fields = {name.strip("_"): value for name, value in vars(self).items()}
        return {"kind": "squared_error", **fields}

    @staticmethod
    def from_json(saved: Mapping[str, Any]) -> SquaredError:
        """Go on from what `to_json` returned."""
        new = SquaredError(saved["window"])
        for name in vars(new):
            setattr(new, name, saved[name.strip("_")])
        return new


Metrics = Accuracy | SquaredError


def metrics_for(kind: str, window: int = 1000) -> Metrics:
    """Return the figures that fit a label of this kind: `Accuracy` for categorical ones."""
    return Accuracy(window) if kind == "categorical" else SquaredError(window)


def metrics_from_json(saved: Mapping[str, Any]) -> Metrics:
    """Go on with saved figures; `CheckpointError` if they are not what ``to_json`` gives."""
    kinds = {"accuracy": Accuracy, "squared_error": SquaredError}
    try:
        return kinds[saved["kind"]].from_json(saved)
    except (KeyError, TypeError, SpecError) as error:
        raise CheckpointError("metrics", f"one of {sorted(kinds)}, whole", repr(error)) from error


def _positive(window: int) -> int:
    if type(window) is not int or window < 1:
        raise SpecError("window", "a positive integer", window)
    return window
