"""The end of the ladder: a firing rate, and the canonical cell whose leak is a logit."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.neurons.integration import toward


class RateState(NamedTuple):
    """The share of its highest rate at which a cell (or a population) fires."""

    activity: Any


class CanonicalState(NamedTuple):
    """The membrane ``v = σ⁻¹(x)``, in units of the f-I curve's width above its middle."""

    membrane: Any


@dataclass(frozen=True)
class RateCell:
    r"""A rate that follows its f-I curve (Wilson and Cowan, 1972).

    ``τ ẋ = −x + σ((I − θ)/s)``, exact for a current that is constant within a tick.

    Parameters
    ----------
    tau_ms
        τ.
    threshold, width
        θ, the current at half the highest rate, and s.
    highest_Hz
        What x = 1 stands for.

    Raises
    ------
    SpecError
        For a time constant, width or rate that is not positive, or a threshold that is not finite.

    Examples
    --------
    >>> cell = RateCell(tau_ms=10.0)
    >>> state, x = cell.step(cell.rest((1,)), jnp.zeros(1), dt_ms=1.0)
    >>> float(x[0])
    0.5
    """

    tau_ms: float = 100.0
    threshold: float = 0.0
    width: float = 1.0
    highest_Hz: float = 1.0

    def __post_init__(self):
        _check(self)

    def field(self, current):
        """Return ``(I − θ)/s``: the current in the curve's own units."""
        return (current - self.threshold) / self.width

    def rate_Hz(self, current):
        """Return the f-I curve ``f_max σ((I − θ)/s)``, the rate under a constant current."""
        return self.highest_Hz * jax.nn.sigmoid(self.field(jnp.asarray(current)))

    def rest(self, shape, dtype=jnp.float32) -> RateState:
        """Return cells that have long had no current."""
        return RateState(jax.nn.sigmoid(jnp.full(shape, self.field(0.0), dtype)))

    def step(self, state: RateState, current, dt_ms: float):
        """Return ``(state, x)`` one tick later; an activity that is not finite is put at ½."""
        goal = jax.nn.sigmoid(self.field(current))
        x = toward(state.activity, goal, 1.0 / self.tau_ms, dt_ms)
        x = jnp.where(jnp.isfinite(x), x, 0.5)
        return RateState(x), x


@dataclass(frozen=True)
class CanonicalCell:
    r"""The canonical cell: its rest is Bayes' rule (Isomura, Shimazaki and Friston, 2022).

    ``ẋ = (−σ⁻¹(x) + (I − θ)/s) · speed``, in one of two coordinates. ``"membrane"`` has
    ``speed = x(1 − x)/τ``, which is ``τ v̇ = −v + (I − θ)/s`` for ``v = σ⁻¹(x)``: what a slow
    current seen through a sigmoid f-I curve does. ``"activity"`` has ``speed = 1/(4τ)``, the
    equation as it is published. Both rest at the same place, lower the same energy, and have the
    same speed at x = ½.

    A tick is exact in the one, and in the other exact for the speed in its middle; neither leaves
    (0, 1), whatever dt. Parameters and errors as in `RateCell`; ``coordinate`` is one of the two.

    Examples
    --------
    >>> cell = CanonicalCell(tau_ms=10.0)
    >>> state = cell.rest((1,))
    >>> for _ in range(1000):
    ...     state, x = cell.step(state, jnp.array([2.0]), dt_ms=1.0)
    >>> round(float(x[0]), 4), round(float(jax.nn.sigmoid(2.0)), 4)
    (0.8808, 0.8808)
    """

    tau_ms: float = 100.0
    threshold: float = 0.0
    width: float = 1.0
    highest_Hz: float = 1.0
    coordinate: str = "membrane"

    def __post_init__(self):
        _check(self)
        if self.coordinate not in ("membrane", "activity"):
            raise SpecError("coordinate", "'membrane' or 'activity'", self.coordinate)

    def field(self, current):
        """Return ``(I − θ)/s``."""
        return (current - self.threshold) / self.width

    def rest(self, shape, dtype=jnp.float32) -> CanonicalState:
        """Return cells that have long had no current."""
        return CanonicalState(jnp.full(shape, self.field(0.0), dtype))

    def speed(self, membrane):
        """Return the rate, per ms, at which the membrane goes toward ``(I − θ)/s``."""
        if self.coordinate == "membrane":
            return jnp.full_like(membrane, 1.0 / self.tau_ms)
        x = jax.nn.sigmoid(membrane)
        return 1.0 / (4.0 * self.tau_ms * jnp.maximum(x * (1.0 - x), 1e-12))

    def step(self, state: CanonicalState, current, dt_ms: float):
        """Return ``(state, x)`` one tick later; a membrane that is not finite is put at 0."""
        v, goal = state.membrane, self.field(current)
        middle = toward(v, goal, self.speed(v), dt_ms / 2)
        v = toward(v, goal, self.speed(middle), dt_ms)
        v = jnp.where(jnp.isfinite(v), v, 0.0)
        return CanonicalState(v), jax.nn.sigmoid(v)


def _check(cell) -> None:
    for name in ("tau_ms", "width", "highest_Hz"):
        if not 0 < getattr(cell, name) < inf:
            raise SpecError(name, "a positive number", getattr(cell, name))
    if not isfinite(cell.threshold):
        raise SpecError("threshold", "a finite current", cell.threshold)
