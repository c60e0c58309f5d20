"""Prequential scores: every prediction is made before its truth is learned, and all count.

Each score stands beside what no network is needed for: the commonest class so far, or the mean
so far.
"""

from __future__ import annotations

from typing import Any


class Accuracy:
    """Share of right predictions, beside that of always saying the commonest class so far.

    Examples
    --------
    >>> score = Accuracy()
    >>> for prediction, truth in [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]:
    ...     score.add(prediction, truth)
    >>> score.count, score.value(), score.plain_value()
    (4, 0.75, 0.25)
    """

    name = "accuracy"

    def __init__(self):
        self.count = self.right = self.plain_right = 0
        self.seen: dict[str, int] = {}

    def add(self, prediction: str, truth: str) -> None:
        """Count one prediction and its truth."""
        commonest = max(self.seen, key=self.seen.__getitem__) if self.seen else None
        self.count += 1
        self.right += prediction == truth
        self.plain_right += commonest == truth
        self.seen[truth] = self.seen.get(truth, 0) + 1

    def value(self) -> float:
        """Return the share of right predictions so far."""
        return self.right / max(self.count, 1)

    def plain_value(self) -> float:
        """Return the share that the commonest class so far would have got right."""
        return self.plain_right / max(self.count, 1)

    def words(self) -> str:
        """Return the score in words."""
        return f"accuracy {self.value():.3f} (commonest class {self.plain_value():.3f})"

    def state(self) -> dict[str, Any]:
        """Return the counts as JSON values; `restore` takes them back."""
        return {**self.__dict__, "seen": dict(self.seen)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the counts that `state` gave."""
        self.__dict__.update(state, seen=dict(state["seen"]))


class Error:
    r"""Mean absolute error and ``R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)²``, beside the mean so far.

    Examples
    --------
    >>> score = Error()
    >>> for prediction, truth in [(0.0, 1.0), (2.0, 2.0), (3.0, 3.0)]:
    ...     score.add(prediction, truth)
    >>> round(score.value(), 3), round(score.plain_value(), 3), score.r2()
    (0.333, 1.167, 0.5)
    """

    name = "mean absolute error"

    def __init__(self):
        self.count = 0
        self.mean = self.spread = self.off = self.off_squared = self.plain_off = 0.0

    def add(self, prediction: float, truth: float) -> None:
        """Count one prediction and its truth."""
        self.off += abs(prediction - truth)
        self.off_squared += (prediction - truth) ** 2
        self.plain_off += abs(self.mean - truth)
        self.count += 1
        step = truth - self.mean
        self.mean += step / self.count
        self.spread += step * (truth - self.mean)

    def value(self) -> float:
        """Return the mean absolute error so far."""
        return self.off / max(self.count, 1)

    def plain_value(self) -> float:
        """Return the mean absolute error that the mean so far would have made."""
        return self.plain_off / max(self.count, 1)

    def r2(self) -> float:
        """Return the share of the truth's variance that the predictions explain."""
        return 1.0 - self.off_squared / self.spread if self.spread > 0 else 0.0

    def words(self) -> str:
        """Return the score in words."""
        return f"MAE {self.value():.4g} (mean so far {self.plain_value():.4g}), R² {self.r2():.3f}"

    def state(self) -> dict[str, Any]:
        """Return the sums as JSON values; `restore` takes them back."""
        return dict(self.__dict__)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the sums that `state` gave."""
        self.__dict__.update(state)
