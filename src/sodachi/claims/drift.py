"""Claim: a world that drifts is followed better by inferring activity before learning.

Fashion-MNIST, 120 images a class; every 64 updates the labels of classes 5 to 9 change places.
Every net starts from the same weights, trained before the drift.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from sodachi.claims import prospective as p
from sodachi.claims import prospective_lives as lives
from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.fashion import CLASSES, batches, fashion, some, task_of
from sodachi.claims.statistics import Check

LAYERS = (784, 32, 32, 10)
EACH = 120  # images a class
BATCH = 32
DRIFT = 64  # updates from one change of labels to the next
ASKED = 16  # updates from one test to the next
UPDATES = {"quick": 1024, "full": 3008}
LAST = 20  # tests in the final error
QUICK_ROWS = (p.OURS, p.TWIN, p.LESION)
RATES = p.Rates(
    {
        "sgd": (0.1, 0.13, 0.16, 0.2, 0.25, 0.32, 0.4, 0.5, 0.63),
        "adam": (0.002, 0.0025, 0.0032, 0.004, 0.005, 0.0063, 0.0079, 0.01, 0.013, 0.016),
    },
    {
        p.OURS: 0.4, p.TWIN: 0.32, p.HALF_MORE: 0.32, p.TWICE: 0.4, p.TICKS: 0.2,
        p.OURS_ADAM: 0.0079, p.TWIN_ADAM: 0.0063,
    },
)  # fmt: skip


def task(seed: int, updates: int, tuning: bool = False) -> lives.Task:
    """Return the drifting task; tests follow the labels of the time.

    The start is 1,500 updates of backpropagation (Adam .001, batches of 60) on other images, as
    in the source.
    """
    seen, rng = fashion(seed, tuning), np.random.default_rng([seed, 21])
    names = np.tile(np.arange(CLASSES), (updates, 1))
    for start in range(0, updates, DRIFT):
        names[start : start + DRIFT, 5:] = rng.permutation(names[start, 5:])
    before = batches(rng, some(seen, 3000, skip=EACH), 60, 1500)
    first = task_of(LAYERS, seen, before, np.arange(CLASSES), seen.truth[None])
    weights = lives.live(lives.Learner("adam", 1e-3), first, seed).weights
    rows = batches(rng, some(seen, EACH), BATCH, updates)
    return task_of(LAYERS, seen, rows, names, names[ASKED - 1 :: ASKED][:, seen.truth], weights)


def rows(seed: int, form: str):
    """Return what is measured: every learner in the same drift, from the same start."""
    learners = p.contest(RATES)
    if form == "quick":
        learners = {row: learners[row] for row in QUICK_ROWS}
    return lives.rows_of(learners, partial(task, seed, UPDATES[form]), seed, LAST)


def check_full(m: Measured) -> list[Check]:
    """The target: three points below backpropagation with SGD, one and a half with Adam."""
    return [
        p.lower("SGD: mean error lower by .03", m, p.OURS, p.TWIN, 0.03),
        p.lower("Adam: mean error lower by .015", m, p.OURS_ADAM, p.TWIN_ADAM, 0.015),
        p.as_its_rival("lesion: within .015 of backprop's mean error", m, 0.015),
        *p.no_chance(m, 0.9),
    ]


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    return [p.lower_by_mean("SGD: mean error lower by .01", m, p.OURS, p.TWIN, 0.01)]


CLAIM = Claim(
    name="drift",
    source=p.SOURCE,
    rows=rows,
    rivals=p.RIVALS,
    lesion=p.LESIONS,
    quick=Protocol(
        words="1,024 updates, three rows; judged on means of two seeds.",
        seeds=(0, 1),
        target="With SGD, test error averaged over training is lower by 1 point.",
        check=check_quick,
    ),
    full=Protocol(
        words="Fashion-MNIST, 120 images a class, 784-32-32-10, batches of 32, 3,008 updates; "
        "every 64 the labels of classes 5 to 9 are shuffled, in training and test alike; asked "
        "every 16 about 1,000 test images; all from one pretrained start. " + p.COMMON,
        seeds=tuple(range(10)),
        target="Test error averaged over training lower than backpropagation's by 3 points with "
        "SGD and by 1.5 with Adam, per weight update; the lesion is backpropagation again.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102, 103),
    shown=p.SHOWN,
)
