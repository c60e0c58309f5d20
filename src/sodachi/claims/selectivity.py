"""How well one unit alone tells a class from the others: chosen on some images, judged on more."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata


def areas(activity: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    r"""Return the area under the ROC curve of every unit for every class, [classes, units].

    ``P(a_i(x) > a_i(x'))`` for x of the class and x' of another, ties counted half (Mann and
    Whitney, 1947).

    Examples
    --------
    >>> areas(np.array([[0.1], [0.2], [0.3], [0.4]]), np.array([0, 1, 1, 1]), 2).tolist()
    [[0.0], [1.0]]
    """
    rank = rankdata(activity, axis=0)
    found = np.empty((classes, activity.shape[1]))
    for c in range(classes):
        own = y == c
        n, m = own.sum(), (~own).sum()
        found[c] = (rank[own].sum(0) - n * (n + 1) / 2) / (n * m)
    return found


def threshold(activity: np.ndarray, own: np.ndarray) -> float:
    """Return the least activity of those that a unit reports, where its F1 is largest.

    Examples
    --------
    >>> threshold(np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, False, True, True]))
    0.3
    """
    order = np.argsort(-activity, kind="stable")
    hits = np.cumsum(own[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + own.sum())
    return float(activity[order[f1.argmax()]])


def f1(activity: np.ndarray, own: np.ndarray, least: float) -> float:
    """Return the harmonic mean of precision and recall of "at least so active" as a detector.

    Examples
    --------
    >>> f1(np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, True, True, True]), 0.3)
    0.8
    """
    said = activity >= least
    return float(2 * (said & own).sum() / max(said.sum() + own.sum(), 1))


class Cells(NamedTuple):
    """Of each class the unit that tells it best, and how well it does on images not chosen on."""

    unit: np.ndarray
    """[classes]."""
    area: np.ndarray
    f1: np.ndarray
    best: int
    """The class of the most selective unit of all, by its F1 where it was chosen."""


def concept_cells(chosen_on, y_chosen, judged_on, y_judged, classes: int) -> Cells:
    """Return each class's most selective unit and its figures on other images.

    The largest of many noisy figures is too large: unit and threshold are chosen on the first
    images [n, units] and only judged on the second.

    Examples
    --------
    >>> y = np.array([0, 1, 0, 1])
    >>> cells = concept_cells(np.eye(2)[y], y, np.eye(2)[y], y, 2)
    >>> cells.unit.tolist(), cells.area.tolist(), cells.f1.tolist()
    ([0, 1], [1.0, 1.0], [1.0, 1.0])
    """
    unit = areas(chosen_on, y_chosen, classes).argmax(1)
    area = areas(judged_on[:, unit], y_judged, classes).diagonal()
    told, before = [], []
    for c in range(classes):
        first, second = chosen_on[:, unit[c]], judged_on[:, unit[c]]
        least = threshold(first, y_chosen == c)
        told.append(f1(second, y_judged == c, least))
        before.append(f1(first, y_chosen == c, least))
    return Cells(unit, area, np.array(told), int(np.argmax(before)))


def either_sign(activity: np.ndarray) -> np.ndarray:
    """Return components and their negatives, for those whose sign means nothing: [n, 2 units]."""
    return np.concatenate([activity, -activity], 1)
