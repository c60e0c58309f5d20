"""Backpropagation and continual backpropagation for the slowly changing regression.

A net of one hidden layer of ReLU units learns one example at a time; several recipes live through
the same world side by side, in one compiled scan.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

#: Of continual backpropagation as published: how fast utility forgets, and the age of eligibility.
DECAY, MATURITY = 0.99, 100
FIRST_MOMENT, SECOND_MOMENT, SMALL = 0.9, 0.999, 1e-8


class Recipe(NamedTuple):
    """A rival: hidden units, step size, part of the mature units replaced at an example.

    With ``adam`` steps are scaled by moments of the gradient; with ``skip`` the output also hears
    the inputs, as the growing grid's does.
    """

    units: int
    rate: float
    replacement: float = 0.0
    adam: bool = False
    skip: bool = False


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
    start = _newborn(units, X.shape[1], seed)
    states = jax.tree.map(lambda a: jnp.broadcast_to(a, (*rate.shape, *a.shape)), start)
    own = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1), rate.shape[0])
    step = jax.vmap(partial(_step, adam, skip), in_axes=(0, 0, 0, 0, None, None))

    def tenth(states, part):
        def one(carry, sample):
            (states, keys), total = carry
            (states, keys), error = step(states, keys, rate, replacement, *sample)
            return ((states, keys), total + error**2), None

        (states, total), _ = jax.lax.scan(one, (states, jnp.zeros(rate.shape)), part)
        return states, total / part[1].shape[0]

    size = X.shape[0] // 10
    parts = X[: 10 * size].reshape(10, size, -1), y[: 10 * size].reshape(10, size)
    return jax.lax.scan(tenth, (states, own), parts)[1]


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


def _step(adam: bool, skip: bool, state, key, rate, replacement, x, y):
    weights, moments, cells, due = state
    hidden = jax.nn.relu(x @ weights["in"] + weights["bias"])
    answer = hidden @ weights["out"] + weights["constant"] + x @ weights["skip"]
    error = answer - y
    back = jnp.where(hidden > 0, error * weights["out"], 0.0)
    slope = {
        "in": jnp.outer(x, back),
        "bias": back,
        "out": error * hidden,
        "constant": error,
        "skip": error * x if skip else jnp.zeros_like(x),
    }
    moments, change = _adam(moments, slope) if adam else (moments, slope)
    weights = jax.tree.map(lambda w, d: w - rate * d, weights, change)

    # Continual backpropagation (Dohare et al., 2024): the least useful mature unit is reborn.
    age = cells["age"] + 1
    old = 1 - DECAY**age
    mean = DECAY * cells["mean"] + (1 - DECAY) * hidden
    usual = mean / old
    worth = jnp.abs(weights["out"]) * jnp.abs(hidden - usual) / jnp.abs(weights["in"]).mean(0)
    utility = DECAY * cells["utility"] + (1 - DECAY) * worth
    able = age > MATURITY
    due = due + replacement * able.sum()
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
    return ((weights, moments, cells, jnp.where(now, due - 1, due)), key), error


def _adam(moments, slope):
    """Return ``(moments, change)``; every weight counts its own steps, since it may be reborn."""
    first, second, steps = moments
    tree = jax.tree.map
    first = tree(lambda m, g: FIRST_MOMENT * m + (1 - FIRST_MOMENT) * g, first, slope)
    second = tree(lambda m, g: SECOND_MOMENT * m + (1 - SECOND_MOMENT) * g**2, second, slope)
    steps = tree(lambda n: n + 1, steps)
    change = tree(
        lambda m, v, n: m
        / (1 - FIRST_MOMENT**n)
        / (jnp.sqrt(v / (1 - SECOND_MOMENT**n)) + SMALL),
        first, second, steps,
    )  # fmt: skip
    return (first, second, steps), change
