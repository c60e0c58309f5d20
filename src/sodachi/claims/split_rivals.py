"""Rivals for a stream in sorted order: what can be made of sums, or of a sample of it, when asked.

Each is ``make(X, y, seed) -> (answer, floats)`` of all that came so far: ``answer(X)`` returns
labels, ``floats`` is how many numbers the learner keeps of the stream. They are made at once here;
kept one sample at a time, the sums and the sample are the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

Made = tuple[Callable[[Any], Any], int]
SHRINKAGE, RIDGE = 1e-4, 1e-5


def class_means(X, y, seed: int) -> Made:
    """Return the class whose mean is nearest.

    Examples
    --------
    >>> class_means(np.array([[0.0], [2.0], [4.0]]), np.array([0, 1, 1]), 0)[0]([[0.5], [9.0]])
    array([0, 1])
    """
    from sklearn.metrics import pairwise_distances_argmin

    classes = np.unique(y)
    means = np.stack([X[y == c].mean(0) for c in classes])
    return lambda X: classes[pairwise_distances_argmin(X, means)], means.size


def streaming_lda(X, y, seed: int) -> Made:
    """Return linear discriminant analysis: class means and one covariance (Hayes & Kanan, 2020)."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE).fit(X, y)
    d = X.shape[1]
    return lda.predict, len(np.unique(y)) * d + d * d


def random_features(X, y, seed: int, features: int) -> Made:
    r"""Return ridge regression on random ReLU features, ``(ΦᵀΦ + λ)⁻¹ Φᵀ T``, Φ = max(0, XR + b).

    Of the stream it keeps ΦᵀΦ and ΦᵀT; R is drawn from a seed again whenever it is needed.
    """
    rng = np.random.default_rng([seed, 41])
    d, classes = X.shape[1], int(y.max()) + 1
    R = rng.normal(0.0, d**-0.5, (d, features)).astype(np.float32)
    b = rng.uniform(-0.2, 0.2, features).astype(np.float32)
    gram, sums = np.zeros((features, features)), np.zeros((features, classes))
    for rows in np.array_split(np.arange(len(X)), max(1, len(X) // 5000)):
        phi = np.maximum(X[rows] @ R + b, 0.0)
        gram += phi.T @ phi
        sums += phi.T @ np.eye(classes, dtype=np.float32)[y[rows]]
    scale = np.trace(gram) / features
    gram[np.diag_indices(features)] += RIDGE * scale
    weight = np.linalg.solve(gram, sums)
    return lambda X: np.argmax(np.maximum(X @ R + b, 0.0) @ weight, 1), features**2 + sums.size


def balanced(y: np.ndarray, kept: int, seed: int) -> np.ndarray:
    """Return which samples a buffer keeps: as many of each class met, drawn by chance.

    Examples
    --------
    >>> rows = balanced(np.array([0] * 50 + [1] * 5), 4, 0)
    >>> len(rows), int((rows >= 50).sum())
    (4, 2)
    """
    rng, met = np.random.default_rng([seed, 42]), np.unique(y)
    share = kept // len(met)
    return np.concatenate([rng.permutation(np.flatnonzero(y == c))[:share] for c in met])


def nearest_kept(X, y, seed: int, kept: int) -> Made:
    """Return the label of the nearest image in a buffer balanced by class."""
    from sklearn.neighbors import KNeighborsClassifier

    rows = balanced(y, kept, seed)
    near = KNeighborsClassifier(1).fit(X[rows], y[rows])
    return near.predict, len(rows) * (X.shape[1] + 1)


def buffer_net(X, y, seed: int, kept: int) -> Made:
    """Return a net trained from scratch on a buffer balanced by class (Prabhu et al., 2020)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    rows = balanced(y, kept, seed)
    net = MLPClassifier((256,), alpha=0.01, max_iter=200, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as many epochs as are given
        net.fit(X[rows], y[rows])
    return net.predict, len(rows) * (X.shape[1] + 1)
