"""Claim: a grid that grows and recycles goes on following a target of which a bit flips at times.

The slowly changing regression of Dohare et al.: of twenty bits five are drawn anew for every
example, and one of the other fifteen flips after every 10,000. The learner is far smaller than the
target, so that it has to follow for ever.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.anatomy import SAMPLE, anatomy
from sodachi.claims.changing_rivals import Recipe, count_weights, life
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.statistics import Check, above, by_mean
from sodachi.models import growing_grid
from sodachi.system import Evidence, Observation, System

SLOW, RANDOM, FLIP, HIDDEN, BETA = 15, 5, 10_000, 100, 0.7
INPUTS = SLOW + RANDOM
LIFE = {"quick": 100_000, "full": 1_000_000}
#: Every row lives at least through this much, and "short" is its error over that.
SHORT = {"quick": 100_000, "full": 300_000}

#: The best of 43 settings on tuning seeds; before, 130 with utility by weight alone.
GRID: dict[str, Any] = {
    "units": 5, "levels": 1, "fan_in": 20, "swing": 0.01, "zeros": 1.0, "rate": 0.031,
    "meta_rate": 0.01, "hunger": 0.01, "patience": 580, "maturity": 7400, "idle": 0.05,
    "margin": 0.65,
}  # fmt: skip
#: The best of 13.
WIDE: dict[str, Any] = GRID | {
    "units": 20, "rate": 0.02, "meta_rate": 0.04, "patience": 300, "maturity": 3000, "idle": 0.03,
    "margin": 0.7,
}  # fmt: skip
NEVER = 2**31 - 1
OURS, OURS_WIDE = "growing grid", "growing grid, 20 units"
WEIGHTS = "utility by weight alone"
#: Ablations of ours, over the shorter life.
ABLATIONS: dict[str, dict[str, Any]] = {
    "random newborns": {"lesion": "random-newborn"},
    "one step size": {"meta_rate": 0.0},
    "random recycling": {"lesion": "random-utility"},
    "no recycling": {"maturity": NEVER},
    WEIGHTS: {"swing": 0.0},
    "fringe": {"fringe": True, "shy": 0.5, "proven": 0.5},
}
#: The best of 30 or 35 settings each: rates .0003 to .08, replacement 0 and .00001 to .001.
RECIPES: dict[str, Recipe] = {
    "backprop": Recipe(5, 0.003),
    "backprop, Adam": Recipe(5, 0.003, adam=True),
    "continual backprop": Recipe(5, 0.02, 1e-4),
    "continual backprop, Adam": Recipe(5, 0.01, 3e-4, adam=True),
    "continual backprop, skip": Recipe(5, 0.02, 3e-4, skip=True),
    "continual backprop, Adam, skip": Recipe(5, 0.01, 1e-3, adam=True, skip=True),
    "backprop, 20 units": Recipe(20, 0.01),
    "continual backprop, 20 units": Recipe(20, 0.03, 3e-4),
    "continual backprop, Adam, skip, 20 units": Recipe(20, 0.003, 1e-3, adam=True, skip=True),
}
#: All at the width of ours.
EQUAL = tuple(row for row in RECIPES if not row.endswith("units"))


def target_net(rng: np.random.Generator, hidden: int = HIDDEN):
    """Return the function from inputs [n, 20] to targets [n] that a net drawn by ``rng`` computes.

    It sums so many threshold units, ``y = Σ_k v_k 1[Σ_i w_ik x_i + w_0k > θ_k]``, all weights ±1,
    ``θ_k = .7 (20 + 1) − (number of w_ik = −1)``.
    """
    w = rng.choice([-1.0, 1.0], size=(INPUTS + 1, hidden))
    v = rng.choice([-1.0, 1.0], size=hidden)
    threshold = BETA * (INPUTS + 1) - (w < 0).sum(0)

    def target(X) -> np.ndarray:
        # Only so many different examples occur: each is put through the target once.
        seen, which = np.unique(X, axis=0, return_inverse=True)
        drives = np.concatenate([seen, np.ones((len(seen), 1))], 1) @ w
        return ((drives > threshold) @ v)[which.ravel()].astype(np.float32)

    return target


def world(seed: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs [n, 20] of zeros and ones and targets [n] (see `target_net`).

    Examples
    --------
    >>> X, y = world(0, 20_000)
    >>> X.shape, y.shape, int((X[0, :15] != X[-1, :15]).sum())
    ((20000, 20), (20000,), 1)
    """
    rng = np.random.default_rng([seed, 57])
    target = target_net(rng)
    flips = np.zeros((-(-examples // FLIP), SLOW), int)
    flips[0] = rng.integers(2, size=SLOW)
    flips[np.arange(1, len(flips)), rng.integers(SLOW, size=len(flips) - 1)] = 1
    slow = np.repeat(np.cumsum(flips, 0) % 2, FLIP, 0)[:examples]
    X = np.concatenate([slow, rng.integers(2, size=(examples, RANDOM))], 1).astype(np.float32)
    return X, target(X)


def live(system: System, X, y, seed: int):
    """Return each tenth's mean squared error, births, and mean share of the fringe [10]."""
    parts = _parts(X, y)
    (state, _), kept = _life(system)(system.init(seed), *parts)
    return state, {name: np.asarray(value, np.float64) for name, value in kept.items()}


def _parts(X, y):
    size = len(X) // 10
    return X[: 10 * size].reshape(10, size, -1), y[: 10 * size].reshape(10, size)


@cache
def _life(system: System):
    def one(carry, sample):
        state, total = carry
        state, out = system.step(state, seen(*sample))
        error = (sample[1] - out["label"][0]) ** 2
        return (state, total + error), (out["live"], out.get("fringe", 0), out["birth"])

    def tenth(carry, part):
        (state, total), (units, fringe, born) = jax.lax.scan(one, (carry[0], jnp.zeros(())), part)
        kept = {
            "error": total / part[1].shape[0],
            "births": jnp.sum(born),
            "fringe": jnp.mean(fringe / jnp.maximum(units, 1)),
        }
        return (state, total), kept

    return jax.jit(lambda state, X, y: jax.lax.scan(tenth, (state, jnp.zeros(())), (X, y)))


def seen(x, y) -> Observation:
    """Return what is observed of one example, ``x`` (20,) and ``y`` ()."""

    def clamp(v):
        return Evidence(v, jnp.full_like(v, jnp.inf), jnp.zeros_like(v))

    evidence = {"input": clamp(x), "label": clamp(jnp.atleast_1d(y))}
    return Observation(evidence, {"weights": jnp.ones(())}, jnp.asarray(True), jnp.asarray(False))


def rows(seed: int, form: str):
    """Return ours at both widths, its ablations, and the rivals."""
    ours = {OURS: GRID, OURS_WIDE: WIDE} | {k: GRID | v for k, v in ABLATIONS.items()}
    wanted = {row: partial(measure, options, seed, form, row) for row, options in ours.items()}
    wanted |= {row: partial(rival, row, seed, form) for row in RECIPES}
    if form == "quick":
        return {row: wanted[row] for row in (OURS, "no recycling", *EQUAL[:3])}
    return wanted


def measure(options: dict[str, Any], seed: int, form: str, row: str) -> Figures:
    """Return errors of one grid, and how much of it is fringe."""
    examples = SHORT[form] if row in ABLATIONS else LIFE[form]
    X, y = world(seed, examples)
    system = growing_grid(inputs=INPUTS, **options)
    state, kept = live(system, X, y, seed)
    figures = _errors(kept["error"], examples, form)
    figures["births"] = float(kept["births"].sum())
    figures["weights"] = float(count_grid(state.shared["structure"]["source"]))
    if options.get("fringe"):
        figures |= {"fringe_first": float(kept["fringe"][0]),
                    "fringe_last": float(kept["fringe"][-1])}  # fmt: skip
    return anatomy(system, state, X[-SAMPLE:]) | figures


def count_grid(source) -> int:
    """Return how many weights a grid of one label uses whose terminals hear ``source`` (U, T)."""
    return int((np.asarray(source) >= 0).sum()) + 1 + INPUTS + len(source)


def rival(row: str, seed: int, form: str) -> Figures:
    """Return the errors of one rival."""
    recipe = RECIPES[row]
    found = _side_by_side(recipe._replace(rate=0.0, replacement=0.0), seed, form)[row]
    return _errors(found, LIFE[form], form) | {"weights": float(count_weights(recipe, INPUTS))}


@cache
def _side_by_side(kind: Recipe, seed: int, form: str) -> dict[str, np.ndarray]:
    """Rivals that differ in their rates alone live in one scan."""
    same = {k: r for k, r in RECIPES.items() if r._replace(rate=0.0, replacement=0.0) == kind}
    rates = (jnp.array([getattr(r, name) for r in same.values()])
             for name in ("rate", "replacement"))  # fmt: skip
    X, y = world(seed, LIFE[form])
    found = np.asarray(life(kind.units, kind.adam, kind.skip, X, y, *rates, seed), np.float64)
    return dict(zip(same, found.T, strict=True))


def _errors(tenths: np.ndarray, examples: int, form: str) -> Figures:
    short = tenths[: round(10 * SHORT[form] / examples)].mean()
    figures = {"short": float(short)}
    if examples == LIFE[form]:
        figures |= {"error": float(tenths.mean()), "first": float(tenths[0]),
                    "last": float(tenths[-1])}  # fmt: skip
    return figures


def check_full(m: Measured) -> list[Check]:
    """The target: less error than every rival of the same width, over the life and at its end."""
    checks = []
    for row in EQUAL:
        for metric, when in (("error", "over the life"), ("last", "in the last tenth")):
            words = f"errs less than {row}, {when}"
            checks.append(above(words, m(row, metric), m(OURS, metric)))
    for row in (row for row in RECIPES if row not in EQUAL):
        words = f"20 units: errs less than {row}, over the life"
        checks.append(above(words, m(row, "error"), m(OURS_WIDE, "error")))
    for row in LESION:
        words = f"lesion, {row}: errs more over 300,000 examples"
        checks.append(above(words, m(row, "short"), m(OURS, "short")))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(OURS, "short")
    gain = {seed: value - ours[seed] for seed, value in m("backprop", "short").items()}
    return [by_mean("errs .1 less than backprop", gain, 0.1)]


LESION = {
    "no recycling": "nobody ever makes room: five births and no more",
    WEIGHTS: "who is worth least is judged by weights alone, so that a unit which never fires "
    "keeps its place",
    "one step size": "the step sizes of synapses are not adapted",
    "random newborns": "newborns get random weights of the same norm instead of the imprint",
    "random recycling": "what a unit is worth is drawn at random whenever one is to make room",
}
OWN = "published utility (contribution), the reborn unit's optimiser state reset with it"
CLAIM = Claim(
    name="bit-flipping",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "Deep learning loses its plasticity; more than half of the units are dead at "
        "the end. A network that goes on learning grows unit by unit, and the fringe seeks what "
        "its backbone lacks.",
    },
    rows=rows,
    rivals={
        "backprop": "stochastic gradient descent, 5 hidden units",
        "backprop, Adam": "the same with Adam",
        "continual backprop": f"gradient descent and {OWN} (Dohare et al., 2024)",
        "continual backprop, Adam": "the same with Adam",
        "continual backprop, skip": "with the linear path from input to output that ours has",
        "continual backprop, Adam, skip": "both: the same number of weights as ours",
        "backprop, 20 units": "gradient descent, four times as wide",
        "continual backprop, 20 units": "the same, with replacement",
        "continual backprop, Adam, skip, 20 units": "with Adam and the linear path: the same "
        "number of weights as ours of 20 units (the best of six settings)",
    },
    lesion=LESION,
    quick=Protocol(
        words="100,000 examples, ten flips; judged on means of two seeds.",
        seeds=(0, 1),
        target="Errs .1 less (squared) than backprop.",
        check=check_quick,
    ),
    full=Protocol(
        words="The slowly changing regression of Dohare et al. (2024): a million examples of 20 "
        "bits, one at a time; 5 bits are drawn anew for each, one of the other 15 flips after "
        "every 10,000; the target is a net of 100 threshold units. Mean squared error of the "
        "prediction before learning, 5 hidden ReLU units (and 20). Tuned on seeds 100 to 102 over "
        "300,000 examples, rivals and ours. Ablations live through the first 300,000: compare "
        "their `short` with that of the others. The row `fringe` is no lesion: newborns serve "
        "one master through a shadow weight.",
        seeds=tuple(range(10)),
        target="At 5 units less error than backprop and continual backprop, with SGD and Adam, "
        "with and without a linear path, over the life and in its last tenth; at 20 units than "
        "all three rivals of that width; each lesion errs more. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=("short", "error", "first", "last", "weights", "births", "fringe_first", "fringe_last"),
)
