"""Claim: units born of hunger, imprinted on what hurt, for the hungriest, are better than others.

Three lesions, each by itself: what a newborn is made of, when it is born, and for whom. On the
returning world and, for short lives, on the flipping bits.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sodachi.claims import bit_flipping
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.grid_lives import built, live, measure
from sodachi.claims.returning_world import GRID, GRID_MASTERS, VISITS, WORDS, World
from sodachi.claims.statistics import Check, above, by_mean

IMPRINTED, DRAWN, ANY_TIME = "imprinted", "random newborns", "random times"
HUNGRIEST, ANYONE, LINEAR = "fringe, 2 levels", "fringe, any master", "no births"
GRIDS: dict[str, dict[str, Any]] = {
    IMPRINTED: GRID,
    DRAWN: GRID | {"lesion": "random-newborn"},
    ANY_TIME: GRID | {"lesion": "random-time"},
    HUNGRIEST: GRID_MASTERS,
    ANYONE: GRID_MASTERS | {"lesion": "random-master"},
    LINEAR: GRID | {"hunger": 1e9},
}
FLIPS = ", flipping bits"
EXAMPLES = 50_000
PAIRS = ((DRAWN, IMPRINTED), (ANY_TIME, IMPRINTED), (ANYONE, HUNGRIEST))


def rows(seed: int, form: str):
    """Return every grid in both worlds."""
    wanted = {row: partial(measure, options, seed, VISITS[form]) for row, options in GRIDS.items()}
    if form == "quick":
        return {row: wanted[row] for row in (IMPRINTED, LINEAR)}
    flips = {row + FLIPS: partial(flipping, options, seed) for row, options in GRIDS.items()}
    return wanted | flips


def flipping(options: dict[str, Any], seed: int) -> Figures:
    """Return the mean squared error of a short life on the flipping bits, and the births."""
    X, y = bit_flipping.world(seed, EXAMPLES)
    parts = X.reshape(50, -1, X.shape[1]), y.reshape(50, -1)
    life = live(options, World(*parts, None, None, None), seed)
    return {"drift": float(life.errors.mean())} | built(life)


def check_full(m: Measured) -> list[Check]:
    """The target: each lesion errs more, in both worlds."""
    checks = []
    for lesion, whole in PAIRS:
        for metric, where in (("drift", ""), ("return", ""), ("drift", FLIPS)):
            words = f"{lesion}{where}: errs more than {whole}, {metric}"
            checks.append(above(words, m(lesion + where, metric), m(whole + where, metric)))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(IMPRINTED, "drift")
    gain = {seed: value - ours[seed] for seed, value in m(LINEAR, "drift").items()}
    return [by_mean("drift: errs .02 less than without births", gain, 0.02)]


CLAIM = Claim(
    name="imprinting",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "At the moment of its creation a fringe unit is imprinted: it gets a master, a "
        "shadow weight by the sign of the master's hunger, and weights from the input pattern of "
        "that moment, positive where the input is 1 and negative where it is 0.",
    },
    rows=rows,
    rivals={
        LINEAR: "nobody is born: what the linear path does alone",
    },
    lesion={
        DRAWN: "newborns get random weights of the same norm and bias",
        ANY_TIME: "births come at random moments, as often as patience allows, not at hungry ones",
        ANYONE: "with a fringe of two levels: the master is drawn without regard to hunger",
    },
    quick=Protocol(
        words="20 visits; judged on means of two seeds.",
        seeds=(0, 1),
        target="In the drift, errs .02 less (squared) than without births.",
        check=check_quick,
    ),
    full=Protocol(
        words=f"{WORDS} 60 visits; and 50,000 examples of the world of `bit-flipping`, five "
        "contexts, where `drift` is the error over the life. The same settings in both worlds and "
        "for all lesions, tuned for the whole grid on seeds 100 and 101 of the first.",
        seeds=tuple(range(10)),
        target="Each lesion errs more: in the drift, on returns, and on the flipping bits. All "
        "apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=("drift", "return", "drift_last", "forgot", "weights", "births", "fringe"),
)
