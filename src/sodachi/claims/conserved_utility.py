"""Claim: utility that is conserved and handed down tells who may go; by output weights it does not.

Two levels, so that some units serve only others. Who makes room is judged by utility alone; that
nobody who is used goes, which protects such units beside it, is another row.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.grid_lives import measure
from sodachi.claims.returning_world import GRID_DEEP, VISITS, WORDS
from sodachi.claims.statistics import Check, above, at_most, by_mean

OURS, DIRECT, SWING, RANDOM = "handed down", "not handed down", "weight x activity", "random"
CLOSED = ", the used protected"
LINEAR = "no births"
GRIDS: dict[str, dict[str, Any]] = {
    OURS: GRID_DEEP,
    DIRECT: GRID_DEEP | {"passed": 0.0},
    SWING: GRID_DEEP | {"swing": 0.01},
    RANDOM: GRID_DEEP | {"lesion": "random-utility"},
    OURS + CLOSED: GRID_DEEP | {"negligible": 1e-3},
    DIRECT + CLOSED: GRID_DEEP | {"negligible": 1e-3, "passed": 0.0},
    LINEAR: GRID_DEEP | {"hunger": 1e9},
}


def rows(seed: int, form: str):
    """Return the same grid by every kind of utility."""
    wanted = {row: partial(measure, options, seed, VISITS[form]) for row, options in GRIDS.items()}
    if form == "quick":
        return {row: wanted[row] for row in (OURS, LINEAR)}
    return wanted


def check_full(m: Measured) -> list[Check]:
    """The target: less error than without handing down and than at random, and a constant sum."""
    checks = []
    for row in (DIRECT, RANDOM):
        for metric in ("drift", "return", "forgot"):
            words = f"{metric}: less than {row}"
            checks.append(above(words, m(row, metric), m(OURS, metric)))
    sums = m(OURS, "unbalanced")
    return [*checks, at_most("utility sums to 1 within .0001 all along the life", sums, 1e-4)]


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(OURS, "drift")
    gain = {seed: value - ours[seed] for seed, value in m(LINEAR, "drift").items()}
    spare = {seed: 1e-4 - value for seed, value in m(OURS, "unbalanced").items()}
    return [
        by_mean("drift: errs .02 less than without births", gain, 0.02),
        by_mean("utility sums to 1 within .0001", spare, 0.0),
    ]


CLAIM = Claim(
    name="conserved-utility",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "A backbone unit passes part of its utility on to those it uses, by weights "
        "alone. What matters is that utility is conserved: who passes it on loses as much.",
    },
    rows=rows,
    rivals={
        SWING: "shares of weight times how far the activity swings: what is silent has none",
    },
    lesion={
        DIRECT: "a unit's utility is what outputs give it directly, and it passes nothing on",
        RANDOM: "what a unit is worth is drawn whenever one is to make room",
    },
    quick=Protocol(
        words="20 visits; judged on means of two seeds.",
        seeds=(0, 1),
        target="In the drift, errs .02 less (squared) than without births; utility sums to 1.",
        check=check_quick,
    ),
    full=Protocol(
        words=f"{WORDS} 60 visits. 20 units on two levels, half of its utility passed on by every "
        "unit. `unbalanced` is the largest distance of the sum of utility from 1 after a visit.",
        seeds=tuple(range(10)),
        target="Less error in the drift and on returns, and less forgotten, than with nothing "
        "passed on and than at random; the sum stays within .0001 of 1. Weight times activity is "
        "reported beside. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=("drift", "return", "drift_last", "forgot", "forgot_1", "forgot_2", "unbalanced",
           "weights", "births"),
)  # fmt: skip
