"""Two variables in place of four: Hodgkin and Huxley's membrane reduced, and FitzHugh's model."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.neurons.hodgkin_huxley import (
    Membrane,
    REST_mV,
    crossed,
    gates,
    settled_or_rest,
)
from sodachi.neurons.integration import runge_kutta

#: The straight line near which h and n move in the whole membrane: h = HIGH − SLOPE·n.
HIGH, SLOPE = 0.89, 1.1


class ReducedState(NamedTuple):
    """Voltage in mV, and the recovery n."""

    voltage_mV: Any
    n: Any


class PlaneState(NamedTuple):
    """FitzHugh's voltage-like v and recovery w, without units."""

    v: Any
    w: Any


@dataclass(frozen=True)
class ReducedHodgkinHuxley(Membrane):
    r"""Hodgkin and Huxley's membrane with two variables (after Rinzel, 1985).

    The fast gate is taken as settled, ``m = m_∞(v)``, and the two slow ones as one,
    ``h = .89 − 1.1 n``. Then ``C v̇ = −g_Na m_∞³ h (v − V_Na) − g_K n⁴ (v − V_K) − g_L (v − V_L) +
    I`` and ``ṅ = α_n (1 − n) − β_n n``; Runge and Kutta's step. Units and errors as in
    `HodgkinHuxley`.

    It fires from lower currents on, 27 to 40 % faster, and never falls silent by depolarisation.

    Examples
    --------
    >>> cell = ReducedHodgkinHuxley()
    >>> state, fired = cell.rest((1,)), 0.0
    >>> for _ in range(300):
    ...     state, spike = cell.step(state, jnp.array([20.0]), dt_ms=0.01)
    ...     fired += float(spike[0])
    >>> fired
    1.0
    """

    def rest(self, shape, dtype=jnp.float32) -> ReducedState:
        """Return cells at −65 mV with the recovery at rest there."""
        v = jnp.full(shape, REST_mV, dtype)
        return ReducedState(v, gates(v)["n"].steady)

    def slope(self, state: ReducedState, current) -> ReducedState:
        """Return ``(v̇, ṅ)``, per ms."""
        v, n = state
        gate = gates(v)
        sodium = self.sodium * gate["m"].steady ** 3 * (HIGH - SLOPE * n)
        flow = (
            sodium * (v - self.sodium_mV)
            + self.potassium * n**4 * (v - self.potassium_mV)
            + self.leak * (v - self.leak_mV)
        )
        recovery = gate["n"].rate * (gate["n"].steady - n)
        return ReducedState((current - flow) / self.capacitance, recovery)

    def step(self, state: ReducedState, current, dt_ms: float):
        """Return ``(state, spike)`` one tick later; a spike is 1 where 0 mV was crossed upwards."""
        after = runge_kutta(lambda y: self.slope(y, current), state, dt_ms)
        v = state.voltage_mV
        return settled_or_rest(after, self.rest(v.shape, v.dtype)), crossed(v, after.voltage_mV)


@dataclass(frozen=True)
class FitzHughNagumo:
    r"""The plane in which a spike is one turn (FitzHugh, 1961; Nagumo et al., 1962).

    ``v̇ = v − v³/3 − w + I``, ``ẇ = φ (v + a − b w)``; no units. Runge and Kutta's step.

    Parameters
    ----------
    a, b, phi
        Where the recovery's line lies, how steep it is, and how slow recovery is.
    level
        A spike is counted where v comes up through it.

    Raises
    ------
    SpecError
        For a φ that is not positive, or numbers that are not finite.

    Examples
    --------
    >>> cell = FitzHughNagumo()
    >>> low, high = cell.oscillates_between()
    >>> round(low, 3), round(high, 3)
    (0.331, 1.419)
    """

    a: float = 0.7
    b: float = 0.8
    phi: float = 0.08
    level: float = 0.5

    def __post_init__(self):
        for name in ("a", "b", "level"):
            if not isfinite(getattr(self, name)):
                raise SpecError(name, "a finite number", getattr(self, name))
        if not 0 < self.phi < inf:
            raise SpecError("phi", "a positive number", self.phi)
        if not 0 < self.b < 1:
            raise SpecError("b", "0 < b < 1, so that there is one resting point", self.b)

    def rest(self, shape, dtype=jnp.float32) -> PlaneState:
        """Return cells where v̇ = ẇ = 0 without a current."""
        v = self.resting_v(0.0)
        return PlaneState(jnp.full(shape, v, dtype), jnp.full(shape, (v + self.a) / self.b, dtype))

    def resting_v(self, current: float) -> float:
        """Return the only root of ``v − v³/3 − (v + a)/b + I``, by Newton's steps from below."""
        v = -3.0
        for _ in range(100):
            value = v - v**3 / 3 - (v + self.a) / self.b + current
            v -= value / (1 - v**2 - 1 / self.b)
        return v

    def slope(self, state: PlaneState, current) -> PlaneState:
        """Return ``(v̇, ẇ)``."""
        v, w = state
        return PlaneState(v - v**3 / 3 - w + current, self.phi * (v + self.a - self.b * w))

    def step(self, state: PlaneState, current, dt: float):
        """Return ``(state, spike)`` one tick later; a spike is 1 where v came up to the level."""
        after = runge_kutta(lambda y: self.slope(y, current), state, dt)
        v = state.v
        spike = crossed(v, after.v, self.level)
        return settled_or_rest(after, self.rest(v.shape, v.dtype)), spike

    def oscillates_between(self) -> tuple[float, float]:
        """Return the currents at which rest loses and regains its stability.

        There the trace of the slope, ``1 − v² − φb``, is 0 (its determinant is positive for b < 1).
        """
        v = (1 - self.phi * self.b) ** 0.5

        def holds(v: float) -> float:
            return (v + self.a) / self.b - v + v**3 / 3

        return holds(-v), holds(v)
