"""Claim: one image at a time is learned from better where activity is inferred first."""

from __future__ import annotations

from functools import partial

import numpy as np

from sodachi.claims import prospective as p
from sodachi.claims import prospective_lives as lives
from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.fashion import CLASSES, batches, fashion, some, task_of
from sodachi.claims.statistics import Check

LAYERS = (784, 32, 32, 10)
EACH = 5900  # images a class from which the stream is drawn
ASKED = 200  # updates from one test to the next
UPDATES = {"quick": 4000, "full": 12800}
LAST = 8  # tests in the final error
QUICK_ROWS = (p.OURS, p.TWIN, p.LESION)
RATES = p.Rates(
    {
        "sgd": (0.0125, 0.025, 0.05, 0.1, 0.14, 0.2, 0.4),
        "adam": (0.0001, 0.0003, 0.001, 0.003, 0.01),
    },
    {
        p.OURS: 0.1, p.TWIN: 0.1, p.HALF_MORE: 0.14, p.TWICE: 0.2, p.TICKS: 0.05,
        p.OURS_ADAM: 0.001, p.TWIN_ADAM: 0.001,
    },
)  # fmt: skip


def task(seed: int, updates: int, tuning: bool = False) -> lives.Task:
    """Return a stream of single images, none of which comes twice."""
    seen, rng = fashion(seed, tuning), np.random.default_rng([seed, 23])
    rows = batches(rng, some(seen, EACH), 1, updates)
    truth = np.tile(seen.truth, (updates // ASKED, 1))
    return task_of(LAYERS, seen, rows, np.arange(CLASSES), truth)


def rows(seed: int, form: str):
    """Return what is measured: every learner in the same stream."""
    learners = p.contest(RATES)
    if form == "quick":
        learners = {row: learners[row] for row in QUICK_ROWS}
    return lives.rows_of(learners, partial(task, seed, UPDATES[form]), seed, LAST)


def check_full(m: Measured) -> list[Check]:
    """The target: less error than backpropagation with SGD, apart."""
    return [
        p.lower("SGD: mean error lower, apart", m, p.OURS, p.TWIN),
        p.as_its_rival("lesion: within .01 of backprop's mean error", m, 0.01),
        *p.no_chance(m, 0.9),
    ]


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    return [p.lower_by_mean("SGD: mean error lower", m, p.OURS, p.TWIN)]


CLAIM = Claim(
    name="online",
    source=p.SOURCE,
    rows=rows,
    rivals=p.RIVALS,
    lesion=p.LESIONS,
    quick=Protocol(
        words="4,000 images, three rows; judged on means of two seeds.",
        seeds=(0, 1),
        target="With SGD, test error averaged over training is lower.",
        check=check_quick,
    ),
    full=Protocol(
        words="Fashion-MNIST, 784-32-32-10, one image an update, 12,800 different images; asked "
        "every 200 about 1,000 test images. " + p.COMMON,
        seeds=tuple(range(10)),
        target="Test error averaged over training lower than backpropagation's with SGD, apart, "
        "per weight update; the lesion is backpropagation again.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101),
    shown=p.SHOWN,
)
