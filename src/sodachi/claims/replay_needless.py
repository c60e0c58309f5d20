"""Claim: no replay needed. Digits in sorted order, class after class, never shuffled or repeated.

All zeros, then all ones, to the nines, one at a time and once. What a learner loses against the
same digits shuffled is what the order cost it.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.digit_learners import KINDS, Recipe, digits, live, read
from sodachi.claims.statistics import Check, above, by_mean, paired

ORDERS = ("shuffled", "sorted")
#: Step sizes, the best of a grid for each order (Adam .00001 to .01, SGD .0001 to .3).
RATES = {
    "predictive coding, down; Adam": {"shuffled": 3e-3, "sorted": 3e-3},
    "predictive coding, down; SGD": {"shuffled": 0.1, "sorted": 0.01},
    "predictive coding, up; Adam": {"shuffled": 1e-3, "sorted": 3e-5},
    "twin; Adam": {"shuffled": 1e-3, "sorted": 3e-5},
    "twin; SGD": {"shuffled": 0.01, "sorted": 3e-4},
    "twin, softmax; Adam": {"shuffled": 3e-3, "sorted": 1e-4},
    "twin, softmax; SGD": {"shuffled": 0.03, "sorted": 1e-3},
}
MIXTURES = {
    "settling mixture": {},
    "settling mixture, births at random": {"lesion": "random-time", "birth_rate": 0.058},
}
OURS = ("predictive coding, down; Adam", "predictive coding, down; SGD", "settling mixture")
TWINS = ("twin; Adam", "twin; SGD", "twin, softmax; Adam", "twin, softmax; SGD")
LESION = {
    "predictive coding, up; Adam": "the direction turned round: the same net and energy, but "
    "pixels predict the label; all classes share the weights of the label",
    "settling mixture, births at random": "births at random times instead of when hungry",
}
QUICK_ROWS = (
    "predictive coding, down; Adam",
    "predictive coding, up; Adam",
    "twin; Adam",
    "twin, softmax; Adam",
)


def rows(seed: int, form: str):
    """Return the learners to be measured, each on the same digits in both orders."""
    wanted = QUICK_ROWS if form == "quick" else (*RATES, *MIXTURES)
    return {row: partial(both_orders, row, seed) for row in wanted}


def both_orders(row: str, seed: int) -> Figures:
    """Return the test accuracy after one pass in either order, and their difference."""
    name = row.partition("; ")[0]
    kind = KINDS.get(name, "mixture")
    data = digits(seed)
    order = {"shuffled": np.arange(len(data.y)), "sorted": np.argsort(data.y, kind="stable")}
    figures = {}
    for one in ORDERS:
        recipe = Recipe(MIXTURES[row] if kind == "mixture" else _net_options(row, one), batch=1)
        state = live(kind, recipe, data.X, data.y, order[one], seed)
        figures[one] = read(kind, state, data.X_test, data.y_test)
    return figures | {"loss": figures["shuffled"] - figures["sorted"]}


def _net_options(row: str, order: str) -> dict:
    optimiser = row.partition("; ")[2].lower()
    return {"optimiser": optimiser, "weight_rate": RATES[row][order]}


def check_full(m: Measured) -> list[Check]:
    """The target: a smaller loss than every twin's, and more right in sorted order."""
    checks = []
    for us in OURS:
        for twin in TWINS:
            words = f"{us}: loses less to the order than {twin}"
            checks.append(above(words, m(twin, "loss"), m(us, "loss")))
            words = f"{us}: sorted, more right than {twin}"
            checks.append(above(words, m(us, "sorted"), m(twin, "sorted")))
    for row in LESION:
        ours = OURS[2] if "mixture" in row else row.replace("up", "down")
        words = f"{row}: the order costs more than in {ours}"
        checks.append(above(words, m(row, "loss"), m(ours, "loss")))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    us, lesion = "predictive coding, down; Adam", "predictive coding, up; Adam"

    def more(row):
        seeds = sorted(m(us, "loss"))
        return dict(zip(seeds, paired(m(row, "loss"), m(us, "loss")), strict=True))

    return [
        by_mean(f"{row}: loses more than {us} by .2", more(row), 0.2)
        for row in ("twin; Adam", "twin, softmax; Adam", lesion)
    ]


RIVALS = {
    "twin; Adam": "backpropagation on the same graph turned upward, 64-64-10 tanh, squared error, "
    "its rate the best of a grid for each order by itself, as for every row",
    "twin; SGD": "the same with SGD",
    "twin, softmax; Adam": "the same with softmax and cross-entropy, the stronger loss",
    "twin, softmax; SGD": "the same with SGD",
}

CLAIM = Claim(
    name="replay-needless",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "Deep learning is slow and fragile: every example of the training set must be "
        "presented repeatedly, in an uncorrelated way, or it may forget and lose its plasticity.",
    },
    rows=rows,
    rivals=RIVALS,
    lesion=LESION,
    quick=Protocol(
        words="1,347 digits once, one at a time, sorted by class or shuffled; 450 of other "
        "writers for testing; judged on means of two seeds.",
        seeds=(0, 1),
        target="Predictive coding, label on top, loses at least .2 less to the order than either "
        "twin with Adam and than the lesion.",
        check=check_quick,
    ),
    full=Protocol(
        words="1,347 digits once, one at a time: all zeros first, all nines last, or shuffled; "
        "450 digits of other writers for testing. Predictive coding in both directions, 64-64-10 "
        "tanh, 20 ticks to learn and 100 to answer (downward), 10 (upward); a settling mixture of "
        "64 units; the twin, one forward and one backward sweep a sample. The rate of every row "
        "is the best for each order on tuning seeds, by validation on 300 of the digits for "
        "learning (Adam .00001 to .01, SGD .0001 to .3). 95 % t intervals over ten seeds, paired.",
        seeds=tuple(range(10)),
        target="Predictive coding, label on top and pixels predicted (Adam, SGD), and the "
        "settling mixture: each loses less to the order than each of four twins, and is more "
        "often right in sorted order, intervals apart; the direction turned round, or births at "
        "random, loses more.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=("shuffled", "sorted", "loss"),
)
