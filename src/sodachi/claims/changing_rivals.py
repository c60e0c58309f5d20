"""Backpropagation, plain and with remedies, for the slowly changing regression.

A net of one hidden layer of ReLU units learns one example at a time; several recipes live through
the same world side by side, in one compiled scan.
"""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.models.continual_remedies import normal_like, protect

#: Of continual backpropagation as published: how fast utility forgets, and the age of eligibility.
DECAY, MATURITY = 0.99, 100
FIRST_MOMENT, SECOND_MOMENT, SMALL = 0.9, 0.999, 1e-8
#: How fast the utility of UPGD forgets.
TRACE = 0.999
REMEDIES = ("", "L2", "shrink and perturb", "UPGD")
#: Numbers in which recipes that live side by side may differ.
NUMBERS = ("rate", "replacement", "strength", "noise")


class Recipe(NamedTuple):
    """A rival: hidden units, step size, part of the mature units replaced at an example.

    With ``adam`` steps are scaled by moments of the gradient; with ``skip`` the output also hears
    the inputs, as the growing grid's does. The ``remedy`` "L2" adds ``strength`` w to the slope;
    "shrink and perturb" takes the part ``strength`` off every weight and adds ``noise`` ξ; "UPGD"
    slows and perturbs by utility (`sodachi.models.continual_remedies`), ``noise`` as there.
    """

    units: int
    rate: float
    replacement: float = 0.0
    adam: bool = False
    skip: bool = False
    remedy: str = ""
    strength: float = 0.0
    noise: float = 0.0

    @property
    def kind(self) -> Recipe:
        """What recipes must have in common to live side by side."""
        return self._replace(**dict.fromkeys(NUMBERS, 0.0))


def count_weights(recipe: Recipe, inputs: int) -> int:
    """Return how many numbers the net learns.

    Examples
    --------
    >>> count_weights(Recipe(5, 0.01), 20), count_weights(Recipe(5, 0.01, skip=True), 20)
    (111, 131)
    """
    return recipe.units * (inputs + 2) + 1 + inputs * recipe.skip


def tenths(recipe: Recipe, X, y, seed: int) -> np.ndarray:
    """Return the mean squared error of every tenth of a life [10]; see `life`."""
    rates = jnp.array([recipe.rate]), jnp.array([recipe.replacement])
    return np.asarray(life(recipe.units, recipe.adam, recipe.skip, X, y, *rates, seed))[:, 0]


@partial(jax.jit, static_argnums=(0, 1, 2))
def life(units: int, adam: bool, skip: bool, X, y, rate, replacement, seed):
    """Return mean squared errors before learning [10, r] of r rates, ``X`` [n, d] and ``y`` [n].

    The same newborn net lives with every ``rate`` [r] and ``replacement`` [r].
    """
    kind = Recipe(units, 0.0, adam=adam, skip=skip)
    none = jnp.zeros_like(rate)
    size = X.shape[0] // 10
    parts = X[: 10 * size].reshape(10, size, -1), y[: 10 * size].reshape(10, size)

    def summed(total, error):
        return total + error**2, None

    numbers = {"rate": rate, "replacement": replacement, "strength": none, "noise": none}
    return _scan(kind, numbers, parts, seed, summed, jnp.zeros(rate.shape))[0] / size


@partial(jax.jit, static_argnums=0)
def visits(kind: Recipe, numbers: dict, X, y, seed):
    """Return squared errors [v, n, r] and weights after every part [v, r, ...] of r recipes.

    ``numbers`` holds r values of each of `NUMBERS`; ``X`` [v, n, d] and ``y`` [v, n] are a life in
    v parts.
    """

    def listed(none, error):
        return none, error**2

    _, errors, weights = _scan(kind, numbers, (X, y), seed, listed, ())
    return errors, weights


def side_by_side(recipes, X, y, seed):
    """Return what `visits` does for recipes of one kind, in their order."""
    numbers = {name: jnp.array([getattr(r, name) for r in recipes]) for name in NUMBERS}
    return visits(recipes[0].kind, numbers, X, y, seed)


def _scan(kind: Recipe, numbers: dict, parts, seed, keep, nothing):
    """Live through the parts; ``keep(kept, error)`` says what stays of errors within a part."""
    inputs, r = parts[0].shape[-1], numbers["rate"].shape[0]
    start = _newborn(kind.units, inputs, seed)
    if kind.remedy == "UPGD":
        start = (*start, jax.tree.map(jnp.zeros_like, start[0]))
    states = jax.tree.map(lambda a: jnp.broadcast_to(a, (r, *a.shape)), start)
    own = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1), r)
    step = jax.vmap(partial(_step, kind), in_axes=(0, 0, 0, None, None))

    def one(carry, sample):
        (states, keys), kept = carry
        (states, keys), error = step(states, keys, numbers, *sample)
        kept, listed = keep(kept, error)
        return ((states, keys), kept), listed

    def part(states, examples):
        (states, kept), listed = jax.lax.scan(one, (states, nothing), examples)
        return states, (kept, listed, states[0][0])

    return jax.lax.scan(part, (states, own), parts)[1]


def _newborn(units: int, inputs: int, seed):
    weights = {
        "in": _kaiming(jax.random.key(seed), inputs, (inputs, units)),
        "bias": jnp.zeros(units),
        "out": jnp.zeros(units),
        "constant": jnp.zeros(()),
        "skip": jnp.zeros(inputs),
    }
    none = jax.tree.map(jnp.zeros_like, weights)
    cells = {name: jnp.zeros(units) for name in ("age", "utility", "mean")}
    return weights, (none, none, none), cells, jnp.zeros(())


def _kaiming(key, inputs: int, shape: tuple[int, ...]):
    bound = (6.0 / inputs) ** 0.5
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


def _step(kind: Recipe, state, key, numbers: dict, x, y):
    weights, moments, cells, due, *worth_of_weights = state
    rate, strength, noise = numbers["rate"], numbers["strength"], numbers["noise"]
    hidden = jax.nn.relu(x @ weights["in"] + weights["bias"])
    answer = hidden @ weights["out"] + weights["constant"] + x @ weights["skip"]
    error = answer - y
    back = jnp.where(hidden > 0, error * weights["out"], 0.0)
    slope = {
        "in": jnp.outer(x, back),
        "bias": back,
        "out": error * hidden,
        "constant": error,
        "skip": error * x if kind.skip else jnp.zeros_like(x),
    }
    full = slope
    if kind.remedy == "L2":
        full = jax.tree.map(lambda g, w: g + strength * w, slope, weights)
    moments, change = _adam(moments, full) if kind.adam else (moments, full)
    moved: Any = jax.tree.map(lambda d: -rate * d, change)
    if kind.remedy == "UPGD":
        key, chance = jax.random.split(key)
        # The product of its rate and noise is all that counts there.
        s = SimpleNamespace(upgd_trace=TRACE, rate=rate * noise, upgd_noise=1.0, noise_table=0)
        useful, moved = protect(s, worth_of_weights[0], weights, slope, moved, chance)
        worth_of_weights = [useful]
    weights = jax.tree.map(lambda w, d: w + d, weights, moved)
    if kind.remedy == "shrink and perturb":
        key, chance = jax.random.split(key)
        xi = normal_like(weights, chance)
        weights = jax.tree.map(lambda w, z: (1 - strength) * w + noise * z, weights, xi)
    if not kind.skip:
        weights = weights | {"skip": jnp.zeros_like(x)}

    # Continual backpropagation (Dohare et al., 2024): the least useful mature unit is reborn.
    age = cells["age"] + 1
    old = 1 - DECAY**age
    mean = DECAY * cells["mean"] + (1 - DECAY) * hidden
    usual = mean / old
    worth = jnp.abs(weights["out"]) * jnp.abs(hidden - usual) / jnp.abs(weights["in"]).mean(0)
    utility = DECAY * cells["utility"] + (1 - DECAY) * worth
    able = age > MATURITY
    due = due + numbers["replacement"] * able.sum()
    now = (due >= 1) & able.any()
    least = jnp.argmin(jnp.where(able, utility / old, jnp.inf))
    reborn = (jnp.arange(age.shape[0]) == least) & now
    key, fresh = jax.random.split(key)
    lost = jnp.sum(jnp.where(reborn, weights["out"] * usual, 0.0))
    weights = weights | {
        "in": jnp.where(reborn, _kaiming(fresh, len(x), (len(x), 1)), weights["in"]),
        "bias": jnp.where(reborn, 0.0, weights["bias"]),
        "out": jnp.where(reborn, 0.0, weights["out"]),
        "constant": weights["constant"] + lost,
    }
    own = {"in", "bias", "out"}
    moments = tuple(
        {k: jnp.where(reborn, 0.0, m) if k in own else m for k, m in part.items()}
        for part in moments
    )
    cells = {"age": age, "utility": utility, "mean": mean}
    cells = {name: jnp.where(reborn, 0.0, value) for name, value in cells.items()}
    state = (weights, moments, cells, jnp.where(now, due - 1, due), *worth_of_weights)
    return (state, key), error


def _adam(moments, slope):
    """Return ``(moments, change)``; every weight counts its own steps, since it may be reborn."""
    first, second, steps = moments
    tree = jax.tree.map
    first = tree(lambda m, g: FIRST_MOMENT * m + (1 - FIRST_MOMENT) * g, first, slope)
    second = tree(lambda m, g: SECOND_MOMENT * m + (1 - SECOND_MOMENT) * g**2, second, slope)
    steps = tree(lambda n: n + 1, steps)

    def corrected(m, v, n):
        return m / _begun(FIRST_MOMENT, n) / (jnp.sqrt(v / _begun(SECOND_MOMENT, n)) + SMALL)

    return (first, second, steps), tree(corrected, first, second, steps)


def _begun(decay: float, steps):
    """``1 − decay^steps``, by the exponential: a power costs several times as much."""
    return -jnp.expm1(steps * math.log(decay))
