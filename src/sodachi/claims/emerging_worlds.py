"""Streams in which inputs and classes emerge, vanish, are replaced and change places."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from sodachi.data import load_digits

ROOM = 80  # inputs of the digits' stream: 64 pixels, and 16 sensors that come later


class Epoch(NamedTuple):
    """What is there between two changes.

    ``source`` [inputs] is the column that an input shows, −1 where it is absent; a ``turned``
    input shows 1 − x. ``classes`` are those that come.
    """

    name: str
    source: np.ndarray
    turned: np.ndarray
    classes: tuple[int, ...]


def digit_epochs(seed: int) -> list[Epoch]:
    """Return eight epochs of the digits, seven changes.

    Examples
    --------
    >>> [(epoch.name, int((epoch.source >= 0).sum())) for epoch in digit_epochs(0)][:4]
    [('half', 32), ('pixels emerge', 64), ('classes emerge', 64), ('pixels vanish', 40)]
    """
    rng = np.random.default_rng([seed, 71])
    source, turned = np.full(ROOM, -1), np.zeros(ROOM, bool)
    epochs: list[Epoch] = []

    def then(name: str, classes) -> None:
        epochs.append(Epoch(name, source.copy(), turned.copy(), tuple(classes)))

    source[:32] = np.arange(32)
    then("half", range(5))
    source[32:64] = np.arange(32, 64)
    then("pixels emerge", range(5))
    then("classes emerge", range(10))
    lost = rng.choice(64, 24, replace=False)
    source[lost] = -1
    then("pixels vanish", range(10))
    source[64:], turned[64:] = lost[:16], True
    then("sensors replaced", range(10))
    moved = rng.choice(np.flatnonzero(source[:64] >= 0), 20, replace=False)
    source[moved] = source[np.roll(moved, 1)]
    then("sensors swap", range(10))
    then("classes vanish", range(3, 10))
    then("classes return", range(10))
    return epochs


def table_epochs(seed: int) -> list[Epoch]:
    """Return five epochs of the breast cancer table: its three groups of ten columns come and go.

    Examples
    --------
    >>> [(epoch.name, int((epoch.source >= 0).sum())) for epoch in table_epochs(0)]
    [('errors', 10), ('means emerge', 20), ('worst emerge', 30), ('means vanish', 20), \
('errors vanish', 10)]
    """
    groups = {"means": range(10), "errors": range(10, 20), "worst": range(20, 30)}
    there, epochs = {"errors"}, []
    for name in ("errors", "means emerge", "worst emerge", "means vanish", "errors vanish"):
        group, _, verb = name.partition(" ")
        there = there - {group} if verb == "vanish" else there | {group}
        source = np.full(30, -1)
        for one in there:
            source[list(groups[one])] = groups[one]
        epochs.append(Epoch(name, source, np.zeros(30, bool), (0, 1)))
    return epochs


@cache
def load_cancer() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's breast cancer table: 569 rows, 30 columns, two classes.

    Examples
    --------
    >>> X, y = load_cancer()
    >>> X.shape, np.bincount(y).tolist()
    ((569, 30), [212, 357])
    """
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    return np.asarray(X, np.float64), np.asarray(y, np.int32)


class Task(NamedTuple):
    """A data set and its epochs, each so many samples long; ``standardised`` by running moments."""

    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    epochs: Callable[[int], list[Epoch]]
    samples: int
    labels: int
    standardised: bool = False


DIGITS = Task(load_digits, digit_epochs, 1800, 10)
CANCER = Task(load_cancer, table_epochs, 1000, 2, True)


def stream(task: Task, epochs: list[Epoch], seed: int, past: int = 0):
    """Return ``X`` [epochs, n, inputs], NaN where absent, and ``y`` [epochs, n].

    Samples are drawn with replacement; the first ``past`` epochs draw others than without.
    """
    data, labels = task.load()
    X, y = [], []
    for place, epoch in enumerate(epochs):
        rng = np.random.default_rng([seed, 72, int(place < past), place])
        rows = rng.choice(np.flatnonzero(np.isin(labels, epoch.classes)), task.samples)
        shown = data[rows][:, np.maximum(epoch.source, 0)]
        shown = np.where(epoch.turned, 1.0 - shown, shown)
        X.append(np.where(epoch.source >= 0, shown, np.nan))
        y.append(labels[rows])
    X = np.stack(X)
    if task.standardised:
        X = standardised(X.reshape(-1, X.shape[-1])).reshape(X.shape)
    return X.astype(np.float32), np.stack(y)


def standardised(X: np.ndarray) -> np.ndarray:
    """Return columns [n, d] by the mean and deviation of what came before, within ±10.

    NaN stays NaN; every column begins when it first comes.

    Examples
    --------
    >>> standardised(np.array([[np.nan], [1.0], [3.0], [4.0]])).ravel().tolist()
    [nan, 0.0, 2.0, 2.0]
    """
    mean, count = _before(X)
    square, _ = _before(X**2)
    variance = square - mean**2
    deviation = np.sqrt(np.where(variance > 1e-12 * square, variance, 1.0))
    return np.clip(np.where(count > 0, (X - mean) / deviation, X * 0.0), -10, 10)


def filled(X: np.ndarray, how: str) -> np.ndarray:
    """Return ``X`` [n, d] with ``"zeros"`` or the ``"running mean"`` in place of NaN.

    Examples
    --------
    >>> X = np.array([[1.0], [3.0], [np.nan]])
    >>> filled(X, "running mean").ravel().tolist(), filled(X, "zeros").ravel().tolist()
    ([1.0, 3.0, 2.0], [1.0, 3.0, 0.0])
    """
    instead = _before(X)[0] if how == "running mean" else 0.0
    return np.where(np.isnan(X), instead, X).astype(X.dtype)


def _before(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of what was known in the rows before, and how many they were, [n, d]."""
    known = ~np.isnan(X)
    total = np.cumsum(np.where(known, X, 0.0), 0, dtype=np.float64)
    count = np.cumsum(known, 0)
    first = np.zeros((1, X.shape[1]))
    total, count = np.concatenate([first, total[:-1]]), np.concatenate([first, count[:-1]])
    return total / np.maximum(count, 1), count
