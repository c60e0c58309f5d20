"""Claim: a step size of its own at every synapse protects what is old while the new is learned."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.grid_lives import asking, built, live
from sodachi.claims.returning_figures import figures
from sodachi.claims.returning_world import GRID, GRID_ONE_STEP, VISITS, WORDS, world
from sodachi.claims.statistics import Check, above, by_mean

OURS, SAME, TUNED = "steps of their own", "one step size", "one step size, tuned"
BY_WEIGHT = ", utility by weight alone"
GRIDS: dict[str, dict[str, Any]] = {
    OURS: GRID,
    SAME: GRID | {"meta_rate": 0.0},
    TUNED: GRID_ONE_STEP,
    OURS + BY_WEIGHT: GRID | {"swing": 0.0},
    TUNED + BY_WEIGHT: GRID_ONE_STEP | {"swing": 0.0},
}


def rows(seed: int, form: str):
    """Return the grid with steps of their own and with one for all, by both kinds of utility."""
    wanted = {row: partial(measure, options, seed, form) for row, options in GRIDS.items()}
    if form == "quick":
        return {row: wanted[row] for row in (OURS, SAME)}
    return wanted


def measure(options: dict[str, Any], seed: int, form: str) -> Figures:
    """Return the usual figures, and how the steps of old units compare with those of young."""
    here = world(seed, VISITS[form])
    life = live(options, here, seed)
    found = figures(here, life.errors, life.after, asking(life.settings.levels)) | built(life)
    return found | {"old_step": old_step(life.after)}


def old_step(after) -> float:
    """Return the mean ratio of steps, the older half of units by the younger (geometric).

    A unit's step is the geometric mean over its synapses, onto it and from it to the output.
    """
    ages, live = after["cells"]["age"], after["structure"]["live"]
    units = ages.shape[1]
    onto = np.log(np.maximum(after["synapses"]["units"]["step"], 1e-12))
    from_it = np.log(np.maximum(after["synapses"]["output"]["step"][:, -units:], 1e-12))
    heard = after["structure"]["source"] >= 0
    steps = (np.where(heard, onto, 0.0).sum(2) + from_it.sum(2)) / (heard.sum(2) + 1)
    ratios = []
    for age, alive, step in zip(ages, live, steps, strict=True):
        old = alive & (age > np.median(age[alive])) if alive.any() else alive
        young = alive & ~old
        if old.any() and young.any():
            ratios.append(step[old].mean() - step[young].mean())
    return float(np.exp(np.mean(ratios))) if ratios else 1.0


def check_full(m: Measured) -> list[Check]:
    """The target: less error on returns and less interference, and the steps of the old smaller."""
    checks = []
    for metric, what in (("return", "errs less on returns"), ("interference", "interferes less")):
        for row in (SAME, TUNED):
            checks.append(above(f"{what} than {row}", m(row, metric), m(OURS, metric)))
    words = "errs less on returns than one step size, tuned, both by weight alone"
    tuned, own = (m(row + BY_WEIGHT, "return") for row in (TUNED, OURS))
    ones = dict.fromkeys(m(OURS, "old_step"), 1.0)
    return [
        *checks,
        above(words, tuned, own),
        above("old units have smaller steps than young ones", ones, m(OURS, "old_step")),
    ]


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(OURS, "drift")
    gain = {seed: value - ours[seed] for seed, value in m(SAME, "drift").items()}
    return [by_mean("drift: errs less than with one step size", gain, 0.0)]


CLAIM = Claim(
    name="step-size-protection",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "The backbone is our knowledge; it is to move slowly, and step-size "
        "optimisation brings that about: it learns small steps inside the backbone. By controlling "
        "step sizes catastrophic forgetting is prevented.",
    },
    rows=rows,
    rivals={
        TUNED: "no step size is adapted; the one for all, and what goes with it, the best of 30 "
        "settings (ours: of 44); a dozen of the 30 are within .02 of the best",
    },
    lesion={SAME: "the step sizes of synapses are not adapted: all keep that of their birth"},
    quick=Protocol(
        words="20 visits; judged on means of two seeds.",
        seeds=(0, 1),
        target="In the drift, errs less than with the same step for all.",
        check=check_quick,
    ),
    full=Protocol(
        words=f"{WORDS} 60 visits. Autostep in every synapse (Mahmood et al., 2012). `old_step` is "
        "the mean step of the older half of units by that of the younger.",
        seeds=tuple(range(10)),
        target="Less error on returns and less interference than with one step size, the same and "
        "tuned; on returns also where utility is by weight alone; the older half of units has the "
        "smaller steps. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=(
        "drift",
        "return",
        "previous",
        "interference",
        "forgot",
        "old_step",
        "weights",
        "births",
    ),
)
