"""Claim: two tasks that share their outputs interfere less where activity is inferred first.

Fashion-MNIST in two tasks of five classes with the same five outputs, learned in turns of four
updates.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from sodachi.claims import prospective as p
from sodachi.claims import prospective_lives as lives
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.fashion import CLASSES, batches, fashion, some, task_of
from sodachi.claims.statistics import Check

LAYERS = (784, 32, 32, 32, 5)
EACH = 600  # images a class
BATCH = 500
TURN = 4  # updates with one task before the other comes
UPDATES = {"quick": 160, "full": 160}
FIRST = 21  # tests within the first 84 updates, which the source scores
LAST = 4  # tests in the final error
QUICK_ROWS = (p.OURS, p.TWIN, p.LESION)
LEFT_OUT = (p.HALF_MORE,)  # with three hidden layers, settling costs about as much as half more
RATES = p.Rates(
    {
        "sgd": (0.1, 0.14, 0.2, 0.25, 0.28, 0.3, 0.4, 0.56, 0.8),
        "adam": (0.0007, 0.0014, 0.0028, 0.0056, 0.0112, 0.0224),
    },
    {
        p.OURS: 0.4, p.TWIN: 0.28, p.HALF_MORE: 0.25, p.TWICE: 0.2, p.TICKS: 0.28,
        p.OURS_ADAM: 0.0056, p.TWIN_ADAM: 0.0056,
    },
)  # fmt: skip


def task(seed: int, updates: int, tuning: bool = False) -> lives.Task:
    """Return the two tasks in turns; tests are of both, after every turn."""
    seen, rng = fashion(seed, tuning), np.random.default_rng([seed, 22])
    order = rng.permutation(CLASSES)
    names = np.empty(CLASSES, int)
    names[order] = np.arange(CLASSES) % 5
    turns = [
        batches(rng, some(seen, EACH, classes=part), BATCH, updates // 2).reshape(-1, TURN, BATCH)
        for part in (order[:5], order[5:])
    ]
    rows = np.stack(turns, 1).reshape(updates, BATCH)
    return task_of(LAYERS, seen, rows, names, np.tile(names[seen.truth], (updates // TURN, 1)))


def rows(seed: int, form: str):
    """Return what is measured: every learner on the same two tasks."""
    learners = {row: one for row, one in p.contest(RATES).items() if row not in LEFT_OUT}
    if form == "quick":
        learners = {row: learners[row] for row in QUICK_ROWS}
    make = partial(task, seed, UPDATES[form])
    return lives.rows_of(learners, make, seed, LAST, also=_first_84)


def _first_84(life: lives.Life) -> Figures:
    return {"first_84_error": float(life.wrong[:FIRST].mean())}


def check_full(m: Measured) -> list[Check]:
    """The target: less error than backpropagation with SGD, apart."""
    return [
        p.lower("SGD: mean error lower, apart", m, p.OURS, p.TWIN),
        p.as_its_rival("lesion: within .03 of backprop's mean error", m, 0.03),
        *p.no_chance(m, 0.8),
    ]


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    return [p.lower_by_mean("SGD: mean error lower", m, p.OURS, p.TWIN)]


CLAIM = Claim(
    name="interference",
    source=p.SOURCE,
    rows=rows,
    rivals={row: words for row, words in p.RIVALS.items() if row != p.HALF_MORE},
    lesion=p.LESIONS,
    quick=Protocol(
        words="Three rows; judged on means of two seeds.",
        seeds=(0, 1),
        target="With SGD, test error averaged over training is lower.",
        check=check_quick,
    ),
    full=Protocol(
        words="Fashion-MNIST, 600 images a class, two tasks of five classes drawn by the seed, "
        "five shared outputs, 784-32-32-32-5, batches of 500, 160 updates, four of one task and "
        "four of the other in turn; asked about 1,000 test images of both after every turn; the "
        "first 84 updates, which the source scores, stand beside. " + p.COMMON,
        seeds=tuple(range(10)),
        target="Test error averaged over training lower than backpropagation's with SGD, apart, "
        "per weight update; the lesion is backpropagation again.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102, 103),
    shown=(*p.SHOWN, "first_84_error"),
)
