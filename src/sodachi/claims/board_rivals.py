"""Feedforward nets that read boards in one pass, taught by backpropagation on covered boards."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sodachi.claims.boards import Readings, pictured

BATCH = 50
#: Updates that are drawn on the host at a time.
BLOCK = 500


class Forward(NamedTuple):
    """A feedforward net: its hidden layers, Adam's first rate (it falls to 0), decay and updates.

    Without hidden layers and ``tied`` it has the connections of a machine of all-to-all couplings,
    one weight for both directions, and reads through them once.
    """

    hidden: tuple[int, ...]
    rate: float
    updates: int
    decay: float = 0.0
    tied: bool = False

    def weights(self, units: int) -> int:
        """Return how many weights and biases it has.

        Examples
        --------
        >>> Forward((), 0.01, 1, tied=True).weights(4), Forward((3,), 0.01, 1).weights(4)
        (10, 31)
        """
        if self.tied:
            return units * (units - 1) // 2 + units
        sizes = (units, *self.hidden, units)
        return sum((a + 1) * b for a, b in pairwise(sizes))


def born(net: Forward, units: int, seed: int) -> list[tuple[Any, Any]]:
    """Return weights (He's scale) and biases at birth."""
    rng, sizes = np.random.default_rng(seed), (units, *net.hidden, units)
    return [
        (jnp.asarray(rng.normal(0, (2 / a) ** 0.5, (a, b)), jnp.float32), jnp.zeros(b))
        for a, b in pairwise(sizes)
    ]


def through(net: Forward, weights, heard):
    """Return the field of every unit [n, cells, size], given readings of that shape.

    It reads probabilities, less those of a covered place, and what a place reads always reaches
    its own answer.
    """
    x = (jax.nn.softmax(heard) - 1 / heard.shape[-1]).reshape(len(heard), -1)
    for i, (w, b) in enumerate(weights):
        if net.tied:
            w = (w + w.T) / 2 * (1 - jnp.eye(len(w)))
        x = x @ w + b
        if i < len(weights) - 1:
            x = jax.nn.relu(x)
    return heard + x.reshape(heard.shape)


def forward_beliefs(net: Forward, full: np.ndarray, said: Readings, tests: np.ndarray, seed: int):
    """Return its beliefs [n, cells, size] of tests, after covered boards drawn anew at each update.

    ``full`` [n, cells] are boards to learn from, ``said`` readings of pictures to learn from.
    """
    cells, size = tests.shape[1:]
    units = cells * size
    schedule = optax.linear_schedule(net.rate, 0.0, net.updates)
    optimiser = optax.adamw(schedule, weight_decay=net.decay)

    def cost(weights, x, y):
        field = through(net, weights, x)
        return optax.softmax_cross_entropy_with_integer_labels(field, y).mean()

    @jax.jit
    def lessons(carry, X, Y):
        def one(carry, now):
            weights, kept = carry
            change, kept = optimiser.update(jax.grad(cost)(weights, *now), kept, weights)
            return (optax.apply_updates(weights, change), kept), None

        return jax.lax.scan(one, carry, (X, Y))[0]

    weights = born(net, units, seed)
    carry, rng = (weights, optimiser.init(weights)), np.random.default_rng(seed)
    for _ in range(0, net.updates, BLOCK):
        chosen = full[rng.integers(0, len(full), BLOCK * BATCH)]
        X = pictured(chosen, said, rng).reshape(BLOCK, BATCH, cells, size)
        carry = lessons(carry, jnp.asarray(X, jnp.float32), chosen.reshape(BLOCK, BATCH, cells))
    return np.asarray(through(net, carry[0], jnp.asarray(tests)))
