"""The nets of a streaming actor-critic: policy and value, each kept as one long vector.

`s` is the `Settings` of `sodachi.models.backprop_actor`.
"""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from sodachi.core.names import named_key
from sodachi.models.layered import forward, newborn

NETS = ("value", "policy")
SPARSE = 0.9  # part of the synapses of a cell that begin at 0


class Net(NamedTuple):
    """A layered net; with ``layer_norm`` before its activations."""

    layers: tuple[int, ...]
    layer_norm: bool
    activation = "leaky_relu"
    dtype = "float32"


@cache
def shaped(net: Net):
    """Return the function that makes a net's weights of one long vector.

    They are kept as one, so that a step is a few operations whatever the number of layers.
    """
    shapes = jax.eval_shape(lambda: newborn(net, jax.random.key(0)))
    blank = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    with jax.ensure_compile_time_eval():
        return ravel_pytree(blank)[1]


def answers(s, name: str, weights, x):
    """Return the output of one of the two nets (value: 1, policy: A) for a normalised input."""
    net = s.net(name)
    return forward(net, shaped(net)(weights[name]), x)[-1]


def newborn_net(s, name: str, key):
    """Return weights at birth; with ObGD uniform within 1/√fan-in, and most of them 0."""
    weights = newborn(s.net(name), key)
    if s.optimiser == "adam":
        # A policy that begins without a preference, and a value of nothing.
        last = f"weight_{len(s.hidden)}"
        return weights | {last: 0.1 * weights[last]}
    for part, w in weights.items():
        if part.startswith("weight"):
            below = w.shape[0]
            lots, drawn = (jax.random.uniform(named_key(key, part + k), w.shape) for k in "ab")
            rank = jnp.argsort(jnp.argsort(lots, axis=0), axis=0)
            silent = min(ceil(SPARSE * below), below - 1)
            weights[part] = jnp.where(rank < silent, 0.0, (2.0 * drawn - 1.0) / below**0.5)
    return weights


class Spread(NamedTuple):
    """Welford's running count, mean and sum of squared distances from it."""

    count: Any
    mean: Any
    square: Any

    def fed(self, x) -> Spread:
        """Return it with one more number."""
        count = self.count + 1.0
        mean = self.mean + (x - self.mean) / count
        return Spread(count, mean, self.square + (x - self.mean) * (x - mean))

    @property
    def size(self):
        """The standard deviation; 1 before there are two numbers."""
        variance = self.square / jnp.maximum(self.count - 1.0, 1.0)
        return jnp.where(self.count > 1.0, jnp.sqrt(variance + 1e-8), 1.0)
