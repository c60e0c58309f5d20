"""Who else completes the lower half of an image from its upper, and who reads the result."""

from __future__ import annotations

from typing import Any

import numpy as np


def nearest_average(U, L, seen, neighbours: int, batch: int = 500) -> np.ndarray:
    """Return the mean lower half of the images whose upper halves are nearest to ``seen``.

    Examples
    --------
    >>> U, L = np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [0.5], [1.0]])
    >>> nearest_average(U, L, np.array([[0.9]]), 2).tolist()
    [[0.25]]
    """
    length, parts = (U**2).sum(1), []
    for start in range(0, len(seen), batch):
        far = length - 2 * seen[start : start + batch] @ U.T
        nearest = np.argpartition(far, neighbours - 1, 1)[:, :neighbours]
        parts.append(L[nearest].mean(1))
    return np.concatenate(parts)


def ridge(U, L, seen, strength: float) -> np.ndarray:
    """Return the lower halves by linear regression with a penalty, within [0, 1].

    Examples
    --------
    >>> U = np.array([[0.0], [1.0]])
    >>> ridge(U, U, np.array([[0.5], [9.0]]), 0.0).tolist()
    [[0.5], [1.0]]
    """
    from sklearn.linear_model import Ridge

    given: dict[str, Any] = {"alpha": strength, "solver": "cholesky"}
    return np.clip(Ridge(**given).fit(U, L).predict(seen).reshape(len(seen), -1), 0, 1)


def backprop(U, L, seen, *, hidden: int, passes: int, rate: float, seed: int) -> np.ndarray:
    """Return the lower halves by a net of one hidden layer (ReLU, squared error, Adam).

    Examples
    --------
    >>> U = np.eye(4, dtype=np.float32)
    >>> backprop(U, U, U[:1], hidden=8, passes=1, rate=0.01, seed=0).shape
    (1, 4)
    """
    from sklearn.neural_network import MLPRegressor

    given: dict[str, Any] = {
        "hidden_layer_sizes": (hidden,), "batch_size": min(100, len(U)), "max_iter": passes,
        "learning_rate_init": rate, "random_state": seed, "n_iter_no_change": passes,
    }  # fmt: skip
    return np.clip(_quietly(MLPRegressor(**given), U, L).predict(seen), 0, 1)


def judge_of(X, y, passes: int, seed: int):
    """Return an independent reader of whole images, scikit-learn's net of 256 hidden units.

    Examples
    --------
    >>> X = np.repeat(np.eye(2, dtype=np.float32), 50, 0)
    >>> judge_of(X, np.repeat([0, 1], 50), 60, 0)(np.eye(2)).tolist()
    [0, 1]
    """
    from sklearn.neural_network import MLPClassifier

    given: dict[str, Any] = {
        "hidden_layer_sizes": (256,), "batch_size": min(100, len(X)), "max_iter": passes,
        "random_state": seed, "n_iter_no_change": passes,
    }  # fmt: skip
    return _quietly(MLPClassifier(**given), X, y).predict


def _quietly(net, X, y):
    """Fit for the passes that are given; that they are few is no news."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return net.fit(X, y)
