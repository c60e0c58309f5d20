"""What the settling estimators share: standardised inputs, the network's state, random orders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from sodachi.errors import SpecError
from sodachi.face.moments import Moments
from sodachi.face.network import Network, input_scale, widened

#: How inputs are checked: real numbers, NaN where an entry is missing.
RULES: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}


class SettlingEstimator(BaseEstimator, ABC):
    """What both estimators share: standardised inputs, the network's state, shuffled epochs."""

    units: int
    epochs: int
    sharpness: float
    random_state: Any
    n_features_in_: int

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # a missing entry is absent evidence
        return tags

    def _checked(self, X) -> np.ndarray:
        return np.asarray(validate_data(self, X, reset=False, **RULES))

    def _checked_pair(self, X, y, *, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        numeric = isinstance(self, RegressorMixin)
        X, y = validate_data(self, X, y, reset=reset, y_numeric=numeric, **RULES)
        return np.asarray(X), np.asarray(y)

    def _check_parameters(self) -> None:
        for name in ("units", "epochs"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise SpecError(name, "a positive integer", value)
        if not self.sharpness > 0:
            raise SpecError("sharpness", "a positive number", self.sharpness)

    @abstractmethod
    def _network(self) -> Network:
        """Return the compiled network of this table's shape (shared by all estimators)."""

    def _born(self, X):
        """Start a new life: moments and network; return the random source for what follows."""
        random = check_random_state(self.random_state)
        self.moments_ = Moments.over(X)
        self.shared_ = to_numpy(self._network().start(int(random.randint(2**31 - 1))))
        return random

    def _live(self, network: Network, X, targets, orders) -> None:
        """Live through the samples, once for each order, each predicted and then learned."""
        values = self._inputs(X, network)
        shared = self.shared_
        for order in orders:
            shared, _ = network.learn(shared, values[order], targets[order])
        self.shared_ = to_numpy(shared)

    def _inputs(self, X, network: Network) -> np.ndarray:
        scale = input_scale(self.n_features_in_, self.sharpness)
        return widened(scale * self.moments_.standardised(X), network.inputs)

    def _answers(self, X, network: Network) -> np.ndarray:
        return network.answer(self.shared_, self._inputs(X, network))

    def _orders(self, random, samples: int) -> list[np.ndarray]:
        return [random.permutation(samples) for _ in range(self.epochs)]


def to_numpy(tree):
    """Copy a tree of arrays to NumPy, so that an estimator can be copied and stored."""
    if isinstance(tree, dict):
        return {name: to_numpy(leaf) for name, leaf in tree.items()}
    return np.array(tree)
