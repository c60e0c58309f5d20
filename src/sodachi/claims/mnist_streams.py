"""What the two claims about a million images share: the stream, a life's figures, the targets.

The set-up of UPGD (Elsayed & Mahmood, 2024): 5,000 images a task, 200 tasks, one image at a time,
and no task comes back. Every row's figures are made by `mnist_figures`.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from sodachi.claims.claim import Figures, Measured
from sodachi.claims.contestants import Contestant
from sodachi.claims.examined import examined_life
from sodachi.claims.lives import Life, count_floats, count_weights
from sodachi.claims.mnist_contestants import (
    CONTINUAL,
    LESIONS,
    LONG,
    NORMED,
    OURS_ROW,
    TWIN,
    UPGD,
    contestants,
)
from sodachi.claims.statistics import Check, above, ahead, by_mean, not_below
from sodachi.data import load_mnist
from sodachi.worlds import RewiredWorlds

TASKS, LENGTH = {"quick": 2, "full": 200}, {"quick": 1_000, "full": 5_000}
#: All rows live through the first tasks: ``early`` is over the last ``EDGE`` of them.
SHORT, EDGE = {"quick": 2, "full": 40}, {"quick": 1, "full": 20}
SOURCE = {
    "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
    "sentence": "Continual learning means always learning: every moment is training and test. "
    "Conventional deep learning loses its plasticity with time.",
}
SET_UP = (
    "The set-up of UPGD (Elsayed & Mahmood, 2024): 200 tasks of 5,000 images of MNIST's training "
    "set, drawn anew for each, one image at a time; no task is announced and none returns. "
    "Accuracy predicted before learned; `new_first` and `new_last`: 20 tasks at either end; "
    "`slope`: accuracy gained in 100 tasks; `head` and `tail`: first and last fifth of a task. "
    "Lesions and the rivals that stand beside live through 40 tasks: compare `early`, tasks 21 to "
    "40. 95 % t intervals over five seeds, paired by seed. About equal weights (205,000); two "
    "ticks an image for all; ours has the same settings in `permuted-mnist` and `label-permuted`."
)


def rows_of(mode: str):
    """Return ``rows(seed, form)`` of a claim: one life of each contestant in this mode."""

    def rows(seed: int, form: str):
        known = contestants(mode)
        wanted = (OURS_ROW, TWIN) if form == "quick" else tuple(known)
        return {row: partial(one_life, known[row], mode, seed, form, row in LONG) for row in wanted}

    return rows


def one_life(contestant: Contestant, mode: str, seed: int, form: str, long: bool) -> Figures:
    """Return the figures of one life in permuted MNIST; ``mode`` as in `RewiredWorlds`."""
    tasks = (TASKS if long else SHORT)[form]
    X, y = _images()
    stream = RewiredWorlds(X, y, seed, tasks, every=0, mode=mode, length=LENGTH[form])
    life, examined = examined_life(contestant, stream, seed, EDGE[form], form == "full")
    return mnist_figures(life, EDGE[form], SHORT[form]) | examined


@cache
def _images() -> tuple[np.ndarray, np.ndarray]:
    return load_mnist()


def mnist_figures(life: Life, edge: int, short: int) -> Figures:
    """Return accuracies predicted before learned, plasticity, and size.

    ``new_first``, ``new_last``: mean over the first and last ``edge`` tasks; ``early``: over the
    last ``edge`` of the first ``short``; ``slope``: of the straight line through all tasks, in
    accuracy per 100 tasks; ``head``, ``tail``: over the first and last fifth of all tasks.

    Examples
    --------
    >>> from sodachi.system import State
    >>> told = np.array([[1, 1], [1, 1], [1, 1]])
    >>> said = np.array([[0, 0], [0, 1], [1, 1]])[:, :, None]
    >>> figures = mnist_figures(Life(State({}, {}), said, told), edge=1, short=2)
    >>> figures["new_first"], figures["early"], figures["new_last"], round(figures["slope"], 6)
    (0.0, 0.5, 1.0, 50.0)
    """
    by_task = life.correct.mean(1)
    fifth = max(1, life.correct.shape[1] // 5)
    slope = np.polyfit(np.arange(len(by_task)), by_task, 1)[0] if len(by_task) > 1 else 0.0
    figures = {
        "accuracy": by_task.mean(),
        "new_first": by_task[:edge].mean(),
        "early": by_task[:short][-edge:].mean(),
        "new_last": by_task[-edge:].mean(),
        "slope": 100.0 * slope,
        "head": life.correct[:, :fifth].mean(),
        "tail": life.correct[:, -fifth:].mean(),
        "weights": count_weights(life.state),
        "floats": count_floats(life.state),
    }
    return {name: float(value) for name, value in figures.items()}


def check_full(mode: str, m: Measured) -> list[Check]:
    """The target: the last 20 tasks as good as any rival's, no decline, and lesions lose."""
    ours, early = m(OURS_ROW, "new_last"), m(OURS_ROW, "early")
    words = "last 20 tasks: not below the twin by .01 or more"
    checks = [not_below(words, ours, m(TWIN, "new_last"), 0.01)]
    for row in (CONTINUAL, NORMED, UPGD):
        words = f"tasks 21 to 40: not below {row} by .01 or more"
        checks.append(not_below(words, early, m(row, "early"), 0.01))
    words = "last 20 tasks not below the first 20 by .01 or more"
    checks.append(not_below(words, ours, m(OURS_ROW, "new_first"), 0.01))
    for row in LESIONS[mode]:
        words = f"{row}: tasks 21 to 40, below ours by more than .01"
        checks.append(above(words, early, m(row, "early"), 0.01))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    lead = ahead(m(OURS_ROW, "accuracy"), m(TWIN, "accuracy"))
    return [by_mean("above the twin over two tasks, by .01", lead, 0.01)]
