"""A long short-term memory that forecasts online: what backpropagation through time gives."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sodachi.claims.online_forecasts import Series


class Memory(NamedTuple):
    """An LSTM: its cells, the window it sees and is unrolled over, and Adam's rate.

    It reads the last ``window`` values from rest, and answers the change that comes next: at every
    tick it foresees, then makes one update on this tick's error, through all of the window.
    """

    cells: int
    window: int
    rate: float

    def weights(self, units: int) -> int:
        """Return how many weights it has."""
        return 4 * self.cells * (self.cells + units + 1) + units * (self.cells + 1)


def born(memory: Memory, units: int, seed: int) -> dict[str, jax.Array]:
    """Return its weights at birth: Glorot's scale, forget gates open, no change foreseen."""
    n = memory.cells
    one, two = jax.random.split(jax.random.key(seed))
    bias = jnp.zeros(4 * n).at[n : 2 * n].set(1.0)
    return {
        "input": jax.random.normal(one, (units, 4 * n)) / (units + n) ** 0.5,
        "recurrent": jax.random.normal(two, (n, 4 * n)) / (2 * n) ** 0.5,
        "bias": bias,
        "out": jnp.zeros((n, units)),
        "out_bias": jnp.zeros(units),
    }


def foresee(weights, window):
    """Return the forecast after a window [K, n] (Hochreiter and Schmidhuber, 1997; with forget)."""
    n = len(weights["out"])

    def tick(carry, x):
        h, c = carry
        gates = x @ weights["input"] + h @ weights["recurrent"] + weights["bias"]
        enter, forget, fresh, leave = jnp.split(gates, [n, 2 * n, 3 * n])
        c = jax.nn.sigmoid(forget) * c + jax.nn.sigmoid(enter) * jnp.tanh(fresh)
        return (jax.nn.sigmoid(leave) * jnp.tanh(c), c), None

    (h, _), _ = jax.lax.scan(tick, (jnp.zeros(n), jnp.zeros(n)), window)
    return window[-1] + h @ weights["out"] + weights["out_bias"]


def recurrent_forecasts(memory: Memory, series: Series, passes: int, seed: int = 0) -> np.ndarray:
    """Return what it foresaw of the rest, after as many passes over the training part as others."""
    units = series.values.shape[1]
    padded = jnp.asarray(np.concatenate([np.zeros((memory.window, units)), series.values]),
                         jnp.float32)  # fmt: skip
    ticks = np.concatenate([np.tile(np.arange(series.train), passes),
                            np.arange(series.train, len(series.values))])  # fmt: skip
    seen = _life(memory)(born(memory, units, seed), padded, jnp.asarray(ticks))
    return np.asarray(seen, np.float64)[passes * series.train :]


@lru_cache(maxsize=16)
def _life(memory: Memory):
    optimiser = optax.adam(memory.rate)

    def cost(weights, window, target):
        answer = foresee(weights, window)
        return 0.5 * jnp.sum((answer - target) ** 2), answer

    def life(weights, padded, ticks):
        def tick(carry, t):
            weights, kept = carry
            window = jax.lax.dynamic_slice_in_dim(padded, t, memory.window)
            target = padded[t + memory.window]
            slope, answer = jax.grad(cost, has_aux=True)(weights, window, target)
            change, kept = optimiser.update(slope, kept)
            return (optax.apply_updates(weights, change), kept), answer

        return jax.lax.scan(tick, (weights, optimiser.init(weights)), ticks)[1]

    return jax.jit(life)
