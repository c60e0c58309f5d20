"""Claim: after growth it is enough that the few synapses that matter go on learning.

A grid grows; then it is handed on to the same life twenty-fold, each time with other synapses
frozen for ever. What a synapse is worth is the utility that flows through it.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.grid_lives import Life, built, live
from sodachi.claims.returning_world import EARLY, GRID, WORDS, World, world
from sodachi.claims.statistics import Check, above, by_mean
from sodachi.models.grid import Wiring, synapse_utility
from sodachi.system import State

PERCENT = (1, 2, 5, 10, 20, 50)
CHOICES = ("top", "random", "bottom")
ALL, NONE = "all synapses", "no synapse"
CLAIMED = 20
#: Below that, a handful of synapses: which they are is chance.
JUDGED = (5, 10, 20, 50)
#: Visits until growth ends, and after it.
GROWTH = {"quick": 8, "full": 40}
AFTER = {"quick": 8, "full": 20}
ROWS = {ALL: ("top", 100), NONE: ("top", 0)} | {
    f"{choice} {k} %": (choice, k) for choice in CHOICES for k in PERCENT
}


def rows(seed: int, form: str):
    """Return every choice of synapses that go on learning."""
    names = ROWS if form == "full" else (NONE, f"top {CLAIMED} %")
    return {row: partial(measure, *ROWS[row], seed, form) for row in names}


def measure(choice: str, percent: int, seed: int, form: str) -> Figures:
    """Return errors after growth where so many per cent of synapses may change."""
    here, grown = _grown(seed, form)
    shared = jax.tree.map(lambda a: jnp.asarray(a[-1]), grown.after)
    free = chosen(worth(grown, shared), choice, percent, seed)
    # No rule lifts a step that is 0: autostep multiplies it.
    synapses = {
        name: part | {"step": jnp.where(free[name], part["step"], 0.0)}
        for name, part in shared["synapses"].items()
    }
    lane = {"activity": {"label": jnp.zeros(1)}, "key": jax.random.key(seed)}
    state = State(shared | {"synapses": synapses}, lane)
    later = World(*(a[GROWTH[form] :] for a in here))
    life = live(GRID | {"hunger": 1e9}, later, seed, state)
    errors, returns = life.errors, later.earlier >= 0
    return {
        "error": float(errors.mean()),
        "drift": float(errors[~returns].mean()),
        "return": float(errors[returns, :EARLY].mean()),
        "free": float(sum(mask.sum() for mask in free.values())),
        "weights": built(grown)["weights"],
    }


@cache
def _grown(seed: int, form: str) -> tuple[World, Life]:
    here = world(seed, GROWTH[form] + AFTER[form])
    return here, live(GRID, World(*(a[: GROWTH[form]] for a in here)), seed)


def worth(life: Life, shared) -> dict[str, Any]:
    """Return the utility through every synapse, NaN where there is none, in the weights' shapes."""
    s, wiring, w = life.settings, Wiring(**shared["structure"]), shared["weights"]
    onto, outputs = synapse_utility(s.levels, w["units"], wiring, w["output"], s.passed)
    nodes = jnp.concatenate([jnp.ones(1 + s.inputs, bool), wiring.live])
    there = wiring.live[:, None] & (wiring.source >= 0)
    return {"units": np.where(there, onto, np.nan),
            "output": np.where(nodes[:, None], outputs, np.nan)}  # fmt: skip


def chosen(values: dict[str, Any], choice: str, percent: int, seed: int) -> dict[str, Any]:
    """Return which synapses stay plastic: the ``percent`` highest, lowest, or any; ties by lot.

    Examples
    --------
    >>> values = {"a": np.array([[0.1, np.nan], [0.4, 0.2]]), "b": np.array([0.3])}
    >>> chosen(values, "top", 50, 0)["a"].tolist(), chosen(values, "bottom", 25, 0)["a"].sum()
    ([[False, False], [True, False]], np.int64(1))
    """
    flat = np.concatenate([np.ravel(v) for v in values.values()])
    there = np.flatnonzero(np.isfinite(flat))
    there = np.random.default_rng([seed, 59]).permutation(there)
    if choice != "random":
        sign = -1 if choice == "top" else 1
        there = there[np.argsort(sign * flat[there], kind="stable")]
    free = np.zeros(flat.size, bool)
    free[there[: round(len(there) * percent / 100)]] = True
    ends = np.cumsum([v.size for v in values.values()])[:-1]
    parts = zip(values.items(), np.split(free, ends), strict=True)
    return {name: mask.reshape(v.shape) for (name, v), mask in parts}


def check_full(m: Measured) -> list[Check]:
    """The target: most of what learning everywhere gains, and more than any other choice does."""
    row = f"top {CLAIMED} %"
    ours, none, every = m(row, "error"), m(NONE, "error"), m(ALL, "error")
    gained = {seed: none[seed] - value for seed, value in ours.items()}
    most = {seed: 0.8 * (none[seed] - value) for seed, value in every.items()}
    checks = [above(f"{row}: gains .8 of what all gain", gained, most)]
    for k in JUDGED:
        for other in CHOICES[1:]:
            words = f"top {k} %: errs less than {other} {k} %"
            checks.append(above(words, m(f"{other} {k} %", "error"), m(f"top {k} %", "error")))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(f"top {CLAIMED} %", "error")
    gain = {seed: value - ours[seed] for seed, value in m(NONE, "error").items()}
    return [by_mean(f"top {CLAIMED} %: errs less than where nothing learns", gain, 0.0)]


CLAIM = Claim(
    name="few-synapses",
    source={
        "document": "A conversation on canonical neural networks and the brain (seed document 000)",
        "sentence": "Not all synaptic weights need matter: if only the important ones are learned, "
        "there is less to learn.",
    },
    rows=rows,
    rivals={
        ALL: "all synapses go on learning",
        **{f"random {k} %": "as many, drawn by lot" for k in PERCENT},
    },
    lesion={
        NONE: "all synapses are frozen",
        **{f"bottom {k} %": "as many, through which least utility flows" for k in PERCENT},
    },
    quick=Protocol(
        words="8 visits of growth, 8 after; judged on means of two seeds.",
        seeds=(0, 1),
        target=f"With {CLAIMED} % of synapses plastic, errs less than with none.",
        check=check_quick,
    ),
    full=Protocol(
        words=f"{WORDS} 40 visits of growth, then 20 visits more without births. A frozen synapse "
        "has step size 0. `error` is that of all examples after growth, `free` the number of "
        "synapses that may change. Through a bias no utility flows: biases are at the bottom.",
        seeds=tuple(range(10)),
        target=f"Where only the top {CLAIMED} % may change, .8 of what all synapses gain over none "
        "is gained; from 5 to 50 % the top errs less than a random choice and than the bottom. "
        "All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=("error", "drift", "return", "free", "weights"),
)
