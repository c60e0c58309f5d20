"""Fashion-MNIST in a seed's own order, class by class, for claims that learn a part of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from sodachi.claims.prospective_lives import Task
from sodachi.data import load_fashion_mnist
from sodachi.errors import ClaimError

CLASSES = 10
HELD = 100  # test images a class


class Fashion(NamedTuple):
    """Images [n, 784] with labels [n], rows of each class in a seed's order, and those of tests."""

    X: np.ndarray
    y: np.ndarray
    by_class: list[np.ndarray]
    tests: np.ndarray
    truth: np.ndarray


def fashion(seed: int, tuning: bool = False) -> Fashion:
    """Return Fashion-MNIST in a seed's order, with 100 test images a class.

    In tuning, these are training images, which are not among those to be learned then; the test
    set is not read.
    """
    rng = np.random.default_rng([seed, 20])
    X, y = load_fashion_mnist("train")
    X = X.reshape(len(X), -1)
    rows = [rng.permutation(np.flatnonzero(y == c)) for c in range(CLASSES)]
    if tuning:
        held = np.concatenate([r[-HELD:] for r in rows])
        return Fashion(X, y, [r[:-HELD] for r in rows], X[held], y[held])
    X_test, y_test = load_fashion_mnist("test")
    held = [rng.permutation(np.flatnonzero(y_test == c))[:HELD] for c in range(CLASSES)]
    chosen = np.concatenate(held)
    return Fashion(X, y, rows, X_test.reshape(len(X_test), -1)[chosen], y_test[chosen])


def some(
    seen: Fashion, each: int, skip: int = 0, classes: Iterable[int] = range(CLASSES)
) -> np.ndarray:
    """Return the rows of ``each`` images of every class, after the first ``skip``."""
    return np.concatenate([seen.by_class[c][skip : skip + each] for c in classes])


def batches(rng: np.random.Generator, rows: np.ndarray, batch: int, count: int) -> np.ndarray:
    """Return ``count`` batches [count, batch] of ``rows``, pass after pass in new orders.

    Rows that fill no batch at the end of a pass are left out of it.

    Examples
    --------
    >>> batches(np.random.default_rng(0), np.arange(5), 2, 4).shape
    (4, 2)
    """
    if len(rows) < batch:
        raise ClaimError("rows", f"at least {batch}", len(rows))
    whole = len(rows) // batch
    passes = [rng.permutation(rows)[: whole * batch] for _ in range(-(-count // whole))]
    return np.concatenate(passes).reshape(-1, batch)[:count]


def task_of(layers, seen: Fashion, rows: np.ndarray, names: np.ndarray, truth, start=None) -> Task:
    """Return the task of learning ``rows`` [N, batch] under ``names`` (labels by class [N, 10]).

    Only images that are used travel with it.
    """
    used, where = np.unique(rows, return_inverse=True)
    labels = np.take_along_axis(np.broadcast_to(names, (len(rows), CLASSES)), seen.y[rows], 1)
    return Task(
        tuple(layers),
        np.ascontiguousarray(seen.X[used]),
        where.reshape(rows.shape).astype(np.int32),
        labels.astype(np.int32),
        seen.tests,
        truth.astype(np.int32),
        start,
    )
