"""Claim: a membrane becomes a canonical cell, step by step, and each step's residual is known.

Four variables to two, two to a plane of FitzHugh's kind, a population of these behind a slow
synapse to a rate, and the rate to ``ẋ ∝ −σ⁻¹(x) + I + h``. Time courses under currents that nothing
was fitted to are compared, not fixed points.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from sodachi.claims import membrane_oracle as oracle
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.membrane_populations import KINDS, courses, residual
from sodachi.claims.statistics import Check, above, at_least, at_most, by_mean
from sodachi.neurons import FitzHughNagumo, HodgkinHuxley, ReducedHodgkinHuxley, firing_rates

#: By rung: the cell, the currents that are drawn from, the tick; time and warming up as the oracle.
RUNGS = {
    "four variables": (HodgkinHuxley(), (8.0, 40.0), 0.01),
    "two variables": (ReducedHodgkinHuxley(), (8.0, 40.0), 0.01),
    "FitzHugh-Nagumo": (FitzHughNagumo(), (0.4, 1.3), 0.05),
}
PREDICTED = ("canonical", "as published", "rate", "threshold-linear", "integrate-and-fire",
             "linear leak", "own curve")  # fmt: skip
QUIET = "no noise of its own"


def rates(name: str, currents, seconds: float = 1.0) -> np.ndarray:
    """Return the rate of a rung under each current, per 1,000 units of time."""
    cell, _, dt = RUNGS[name]
    _, warm, counted = oracle.CLOCKS[name]
    return 1000 * firing_rates(cell, currents, dt, seconds * counted, warm)


def rung(name: str, seed: int, form: str) -> Figures:
    """Return by how much a rung's rates differ from an independent integration, at most."""
    rng = np.random.default_rng([seed, 59])
    low, high = RUNGS[name][1]
    currents = rng.uniform(low, high, 2 if form == "quick" else 5)
    ours = rates(name, currents)
    truth = np.array([1000 * oracle.rate(name, current) for current in currents])
    return {"oracle_error": float(np.max(np.abs(ours / truth - 1)))}


def reduction(seed: int, form: str) -> Figures:
    """Return what two variables for four changes: onset, rates, and falling silent when driven."""
    rng = np.random.default_rng([seed, 61])
    onset = {}
    for name in ("four variables", "two variables"):
        grid = np.linspace(2.0, 9.0, 36) + rng.uniform(-0.1, 0.1)
        onset[name] = grid[np.argmax(rates(name, grid) > 0)]
    currents = rng.uniform(8.0, 40.0, 6)
    faster = rates("two variables", currents) / rates("four variables", currents) - 1
    strong = rng.uniform(90.0, 150.0, 2)
    return {
        "onset_four": float(onset["four variables"]),
        "onset_two": float(onset["two variables"]),
        "faster_least": float(faster.min()),
        "faster_most": float(faster.max()),
        "blocked_four": float(rates("four variables", strong).max()),
        "blocked_two": float(rates("two variables", strong).min()),
    }


@cache
def _residuals(kind: str, noisy: bool, seed: int, form: str) -> dict[str, float]:
    wanted = KINDS[kind] if noisy else KINDS[kind]._replace(noise=0.0)
    found = courses(wanted, seed, form)
    return {name: residual(found[name], found["population"]) for name in PREDICTED}


def predicted(kind: str, name: str, seed: int, form: str) -> Figures:
    """Return the residual of one prediction of a population's time course, in its deviations."""
    return {"residual": _residuals(kind, True, seed, form)[name]}


def quiet(kind: str, seed: int, form: str) -> Figures:
    """Return the residual of the canonical form for cells that all do the same."""
    return {"residual": _residuals(kind, False, seed, form)["canonical"]}


def rows(seed: int, form: str) -> dict[str, Callable[[], Figures]]:
    """Return what is measured: each rung, the reduction, and all that predicts a population."""
    wanted: dict[str, Callable[[], Figures]] = {
        name: partial(rung, name, seed, form) for name in RUNGS
    }
    if form == "full":
        wanted["four to two"] = partial(reduction, seed, form)
    for kind in KINDS if form == "full" else ("FitzHugh-Nagumo",):
        for name in PREDICTED:
            wanted[f"{kind}, {name}"] = partial(predicted, kind, name, seed, form)
        wanted[f"{kind}, {QUIET}"] = partial(quiet, kind, seed, form)
    return wanted


def check_full(m: Measured) -> list[Check]:
    """The target: rungs exact, changes of the reduction as stated, the last step within bounds."""
    checks = [
        at_most(f"{name}: rates within .5 % of the oracle", m(name, "oracle_error"), 0.005)
        for name in RUNGS
    ]
    step = partial(m, "four to two")
    gap = {s: v - step("onset_two")[s] for s, v in step("onset_four").items()}
    checks += [
        at_least("four to two: fires from 1 µA/cm² less on", gap, 1.0),
        at_least("four to two: 20 % faster or more", step("faster_least"), 0.2),
        at_most("four to two: 45 % faster at most", step("faster_most"), 0.45),
        at_most("four variables: silent at 90 to 150 µA/cm²", step("blocked_four"), 1.0),
        at_least("two variables: not silent there", step("blocked_two"), 100.0),
    ]
    for kind, bound in (("FitzHugh-Nagumo", 0.15), ("Hodgkin-Huxley", 0.25)):
        ours = m(f"{kind}, canonical", "residual")
        checks.append(at_most(f"{kind}: residual of the time course below {bound}", ours, bound))
        for other in ("threshold-linear", "integrate-and-fire", "as published", "rate"):
            checks.append(above(f"{kind}: errs less than {other}",
                                m(f"{kind}, {other}", "residual"), ours))  # fmt: skip
        for lesion in ("linear leak", QUIET):
            lost = m(f"{kind}, {lesion}", "residual")
            checks.append(above(f"lesion: {kind}, {lesion}", lost, ours, 0.05))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m("FitzHugh-Nagumo, canonical", "residual")
    near = {seed: -value for seed, value in m("four variables", "oracle_error").items()}
    checks = [by_mean("four variables: within 1 % of the oracle", near, -0.01)]
    for other in ("linear leak", QUIET):
        lost = m(f"FitzHugh-Nagumo, {other}", "residual")
        gain = {seed: lost[seed] - value for seed, value in ours.items()}
        checks.append(by_mean(f"errs less than with {other}", gain, 0.03))
    return checks


#: By what is put in the canonical form's place, or taken from it, in cells of either kind.
RIVALS = {
    "threshold-linear": "the same slow current through a line between 0 and a highest rate, "
    "three numbers fitted to the same f-I points as the sigmoid's three",
    "integrate-and-fire": "the same through the closed f-I curve of a leaky integrate-and-fire "
    "cell, four numbers fitted to the same points",
    "rate": "Wilson and Cowan's τẋ = −x + σ(I), with the sigmoid of the canonical form",
    "as published": "the canonical equation read literally, 4τẋ = −σ⁻¹(x) + I, without the "
    "factor x(1 − x) that the averaging gives",
    "own curve": "no rival, the floor: the same slow current through the measured f-I points",
}
LESIONS = {
    "linear leak": "−σ⁻¹(x) replaced by its tangent at ½",
    QUIET: "cells without private noise fire together and keep their jump at the onset",
}


def of_both(words: dict[str, str]) -> dict[str, str]:
    """Return what is said of a row, for the row of each kind of cell."""
    return {f"{kind}, {row}": said for kind in KINDS for row, said in words.items()}


CLAIM = Claim(
    name="membrane-to-canon",
    source={
        "document": "T. Isomura, A unified theory of brain intelligence (talk, 2024)",
        "sentence": "Hodgkin and Huxley's equations reduce to two dimensions, to FitzHugh and "
        "Nagumo's model, and coupled to canonical neural networks, "
        "ẋ = −sig⁻¹(x) + (W₁ − W₀)o + h₁ − h₀.",
    },
    rows=rows,
    rivals=of_both(RIVALS),
    lesion=of_both(LESIONS),
    quick=Protocol(
        words="Two currents a rung; 100 FitzHugh cells over 100 bins; judged on means of two "
        "seeds.",
        seeds=(0, 1),
        target="Four variables within 1 % of the oracle; the canonical form errs less than with a "
        "linear leak, and than of cells without noise, by .03 deviations.",
        check=check_quick,
    ),
    full=Protocol(
        words="Rungs: rates at five currents a seed against SciPy's LSODA (float64). Last step: "
        "500 cells with noise of their own behind a synapse of some ten spikes; f-I curves are "
        "fitted to rates at 31 constant currents, then predict 400 bins of steps and waves that "
        "nothing was fitted to. The residual is the root mean squared error over the deviation of "
        "the population's rate. FitzHugh: −.8 to 1 (before the block), noise .3; Hodgkin and "
        "Huxley: −15 to 45 µA/cm², noise 5.",
        seeds=tuple(range(10)),
        target="Rates within .5 % of the oracle; with two variables the onset 1 µA/cm² lower, "
        "rates 20 to 45 % higher, no block. Time courses: residual below .15 (FitzHugh) and .25 "
        "(Hodgkin and Huxley), below each rival's, and .05 below each lesion's. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101),
    shown=("residual", "oracle_error"),
)
