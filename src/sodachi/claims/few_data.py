"""Claim: few images teach more where activity is inferred before learning.

Fashion-MNIST with 60 to 1,200 images a class, the same pictures again and again; once with all.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from sodachi.claims import prospective as p
from sodachi.claims import prospective_lives as lives
from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.fashion import CLASSES, batches, fashion, some, task_of
from sodachi.claims.statistics import Check

LAYERS = (784, 32, 32, 10)
BATCH = 60
SIZES = (60, 120, 300, 600, 1200)  # images a class
ALL, ONCE = 6000, 0  # with every image, on one seed only
PASSES = {60: 64, 120: 64, 300: 64, 600: 64, 1200: 64, ALL: 16}
ONE_BY_ONE = {60: 16, 600: 8}  # passes of batch 1, by size
LAST = 4  # tests in the final error
PAIR = (p.OURS, p.TWIN)
#: Learners beside the pair, by size.
BESIDE = {
    60: (p.OURS_ADAM, p.TWIN_ADAM, p.LESION, p.HALF_MORE, p.TWICE, p.TICKS),
    600: (p.OURS_ADAM, p.TWIN_ADAM, p.TWICE, p.TICKS),
}
GRID = {
    "sgd": (0.05, 0.07, 0.1, 0.14, 0.2, 0.25, 0.28, 0.3, 0.35, 0.4, 0.56, 0.8),
    "adam": (0.0014, 0.0028, 0.0056, 0.0112, 0.0224),
}
BEST = {
    p.OURS: 0.28, p.TWIN: 0.28, p.HALF_MORE: 0.25, p.TWICE: 0.2, p.TICKS: 0.28,
    p.OURS_ADAM: 0.0056, p.TWIN_ADAM: 0.0056,
}  # fmt: skip
#: Where another step size is better than at 60 a class in batches of 60, by (size, batch).
OTHERWISE = {
    (600, BATCH): {p.OURS: 0.2},
    (1200, BATCH): {p.OURS: 0.2},
    (ALL, BATCH): {p.OURS: 0.2},
    (60, 1): {p.OURS: 0.1, p.TWIN: 0.2},
    (600, 1): {p.OURS: 0.14, p.TWIN: 0.2},
}


def task(seed: int, each: int, epochs: int, batch: int = BATCH, tuning: bool = False) -> lives.Task:
    """Return ``epochs`` passes over ``each`` images a class, asked after every one."""
    seen, rng = fashion(seed, tuning), np.random.default_rng([seed, 24, each])
    chosen = some(seen, each)
    rows = batches(rng, chosen, batch, epochs * (len(chosen) // batch))
    truth = np.tile(seen.truth, (epochs, 1))
    return task_of(LAYERS, seen, rows, np.arange(CLASSES), truth)


def name(row: str, each: int, batch: int = BATCH) -> str:
    """Return the name of a row at a size."""
    return f"{row}; {each:,} a class" + (", batch 1" if batch == 1 else "")


def rows(seed: int, form: str):
    """Return what is measured: the pair at every size, more learners at two of them."""

    @lru_cache(1)
    def made(each: int, batch: int) -> lives.Task:
        passes = PASSES[each] if batch == BATCH else ONE_BY_ONE[each]
        return task(seed, each, passes, batch)

    def one(row: str, each: int, batch: int):
        learner = p.contest(p.Rates(GRID, BEST | OTHERWISE.get((each, batch), {})))[row]
        return lives.rows_of({row: learner}, partial(made, each, batch), seed, LAST)[row]

    if form == "quick":
        wanted = [(row, 60, BATCH) for row in (*PAIR, p.LESION)]
    else:
        wanted = [(row, n, BATCH) for n in SIZES for row in (*PAIR, *BESIDE.get(n, ()))]
        wanted += [(row, n, 1) for n in ONE_BY_ONE for row in PAIR]
        wanted += [(row, ALL, BATCH) for row in PAIR if seed == ONCE]
    return {name(*which): one(*which) for which in wanted}


def check_full(m: Measured) -> list[Check]:
    """The target: less error than backpropagation with SGD at every size, apart."""
    sets = [(n, BATCH) for n in SIZES] + [(n, 1) for n in ONE_BY_ONE]
    checks = [
        p.lower(
            f"SGD, {n:,} a class, batch {batch}: mean error lower, apart",
            m,
            name(p.OURS, n, batch),
            name(p.TWIN, n, batch),
        )
        for n, batch in sets
    ]
    words = "lesion, 60 a class: within .01 of backprop's mean error"
    lesion = p.as_its_rival(words, m, 0.01, name(p.LESION, 60), name(p.TWIN, 60))
    return [*checks, lesion, *p.no_chance(m, 0.9)]


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours, twin = (name(row, 60) for row in PAIR)
    return [p.lower_by_mean("SGD, 60 a class: mean error lower", m, ours, twin)]


CLAIM = Claim(
    name="few-data",
    source=p.SOURCE,
    rows=rows,
    rivals={name(row, 60): words for row, words in p.RIVALS.items()},
    lesion={name(row, 60): words for row, words in p.LESIONS.items()},
    quick=Protocol(
        words="60 images a class, three rows; judged on means of two seeds.",
        seeds=(0, 1),
        target="With SGD, test error averaged over training is lower.",
        check=check_quick,
    ),
    full=Protocol(
        words="Fashion-MNIST, 60 to 1,200 images a class, 784-32-32-10, batches of 60 and 64 "
        "passes as in the source, asked after every pass about 1,000 test images; 6,000 a class "
        "on one seed, 16 passes; one image an update at 60 and 600 a class. Step sizes were "
        "searched at 60 and 600 a class. " + p.COMMON,
        seeds=tuple(range(10)),
        target="Test error averaged over training lower than backpropagation's with SGD at every "
        "size, apart, per weight update; the lesion is backpropagation again.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101),
    shown=p.SHOWN,
)
