"""Generalised coordinates of motion: numbers, error cells, forces, and the shift by one tick.

Nothing here learns; see `sodachi.models.motion`.
"""

from __future__ import annotations

from math import factorial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.connections import Dense, backward

#: Orders beyond the last that a tick of motion reckons with, as the transition continues them.
CLOSURE = 5
RUNAWAY = 1e12  # nothing is so large unless it diverges


class Settings(NamedTuple):
    """The factory's numbers (see `moving_net`)."""

    inputs: int
    states: int
    order: int
    samples: int
    settle_ticks: int
    rate: float
    precision: float
    motion_precision: float
    rest: float
    weight_rate: float
    scale: float
    dtype: str

    @property
    def likelihood(self) -> Dense:
        """States to inputs."""
        return Dense((self.states,), (self.inputs,))

    @property
    def transition(self) -> Dense:
        """States to the motion of states."""
        return Dense((self.states,), (self.states,))

    @property
    def shift(self) -> np.ndarray:
        """``e^D``, one tick of motion, ``x⁽ⁱ⁾ ← Σ_k x⁽ⁱ⁺ᵏ⁾/k!``: (order, order + CLOSURE)."""
        n = self.order
        return np.array(
            [
                [1 / factorial(j - i) if j >= i else 0.0 for j in range(n + CLOSURE)]
                for i in range(n)
            ]
        )

    @property
    def embedding(self) -> np.ndarray:
        """What makes motion out of the last samples: rows of the inverse of ``(−k)ⁱ/i!``."""
        n = self.memory
        said = [[(-k) ** i / factorial(i) for i in range(n)] for k in range(n)]
        return np.linalg.inv(np.array(said, np.float64))[: self.order]

    @property
    def memory(self) -> int:
        """Samples that an input cell keeps: the static form needs no other than the newest."""
        return self.samples if self.order > 1 else 1

    @property
    def precisions(self) -> np.ndarray:
        """π_i, the precision of y⁽ⁱ⁾ if every sample has noise of precision ``precision``."""
        return self.precision / np.sum(self.embedding**2, 1)


class Errors(NamedTuple):
    """Error cells by order: of the input (order, inputs), of motion (order − 1, states)."""

    seen: Any
    motion: Any


def error_cells(s: Settings, weights, x, y, known) -> Errors:
    """Return ``π_i (y⁽ⁱ⁾ − Wx⁽ⁱ⁾)`` where known, and ``π_x (x⁽ⁱ⁺¹⁾ − Ax⁽ⁱ⁾)``."""
    said = jax.vmap(s.likelihood.apply, (None, 0))(weights["likelihood"], x)
    said = said.at[0].add(weights["1>input"][0])
    pi = jnp.asarray(s.precisions, x.dtype)[:, None]
    seen = jnp.where(known > 0, pi * known * (y - said), 0.0)
    if s.order == 1:
        return Errors(seen, jnp.zeros((0, s.states), x.dtype))
    goes = jax.vmap(s.transition.apply, (None, 0))(weights["transition"], x[:-1])
    goes = goes.at[0].add(weights["1>motion"][0])
    return Errors(seen, s.motion_precision * (x[1:] - goes))


def force(s: Settings, weights, x, y, known):
    """Return ``−∂F/∂x̃`` from explicit error cells, (order, states)."""
    error = error_cells(s, weights, x, y, known)
    back = jax.vmap(lambda e: backward(s.likelihood, weights["likelihood"], e))(error.seen)
    back = back - s.rest * x
    if s.order == 1:
        return back
    later = jax.vmap(lambda e: backward(s.transition, weights["transition"], e))(error.motion)
    return back.at[:-1].add(later).at[1:].add(-error.motion)


def moved(s: Settings, weights, x):
    """Return ``e^D x̃``; orders beyond the last are ``A^k x⁽ⁿ⁻¹⁾``, as the transition goes on."""
    if s.order == 1:
        return x
    beyond = [x[-1]]
    for _ in range(CLOSURE):
        beyond.append(s.transition.apply(weights["transition"], beyond[-1]))
    return jnp.asarray(s.shift, x.dtype) @ jnp.concatenate([x[:-1], jnp.stack(beyond)])


def energy_of(s: Settings, weights, x, y, known):
    """Return F (of evidence that is there)."""
    error = error_cells(s, weights, x, y, known)
    pi = jnp.asarray(s.precisions, x.dtype)[:, None]
    weight = jnp.where((known > 0) & (pi > 0), pi * known, 1.0)
    total = 0.5 * jnp.sum(error.seen**2 / weight) + 0.5 * s.rest * jnp.sum(x**2)
    motion = s.motion_precision
    return total + (0.5 * jnp.sum(error.motion**2) / motion if motion > 0 else 0.0)


def motion_of(s: Settings, values, there):
    """The input's own motion from its last samples, and how far each order is known."""
    y = jnp.asarray(s.embedding, values.dtype) @ values
    whole = jnp.min(there, 0)  # a derivative needs all samples, the value only the newest
    return y, jnp.concatenate([there[:1], jnp.repeat(whole[None], s.order - 1, 0)])
