"""Numerics that all cells share: Runge and Kutta's step, the exact gate, and a rate without 0/0."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp

Tree = TypeVar("Tree")


def runge_kutta(slope: Callable[[Tree], Tree], y: Tree, dt: float) -> Tree:
    r"""Return ``y(t + dt)`` of ``ẏ = slope(y)`` by the classical fourth-order step (Kutta, 1901).

    Examples
    --------
    >>> import math
    >>> abs(float(runge_kutta(lambda y: -y, 1.0, 0.1)) - math.exp(-0.1)) < 1e-7
    True
    """

    def moved(slope_there, share):
        return jax.tree.map(lambda a, k: a + share * dt * k, y, slope_there)

    k1 = slope(y)
    k2 = slope(moved(k1, 0.5))
    k3 = slope(moved(k2, 0.5))
    k4 = slope(moved(k3, 1.0))
    return jax.tree.map(
        lambda a, b, c, d, e: a + dt / 6 * (b + 2 * c + 2 * d + e), y, k1, k2, k3, k4
    )


def toward(x, goal, rate, dt: float):
    r"""Return ``x`` after ``dt`` of ``ẋ = rate · (goal − x)``, exact for a constant goal and rate.

    Examples
    --------
    >>> round(float(toward(0.0, 1.0, 2.0, 0.5)), 4)
    0.6321
    """
    return goal + (x - goal) * jnp.exp(-rate * dt)


def linoid(x):
    r"""Return ``x / (1 − e^{−x})``, which is 1 at 0 and has no 0/0 there, nor in its slope.

    Examples
    --------
    >>> [round(float(linoid(x)), 4) for x in (-1.0, 0.0, 1.0)]
    [0.582, 1.0, 1.582]
    """
    near = jnp.abs(x) < 1e-4
    safe = jnp.where(near, 1.0, x)
    return jnp.where(near, 1.0 + x / 2, safe / -jnp.expm1(-safe))
