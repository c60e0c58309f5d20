"""Hodgkin and Huxley's membrane: four variables, from which all the simpler cells descend."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.neurons.integration import linoid, toward

#: A spike is counted where the voltage comes up through this.
SPIKE_mV = 0.0
REST_mV = -65.0


class ConductanceState(NamedTuple):
    """Voltage in mV; sodium activation m and inactivation h, potassium activation n, in [0, 1]."""

    voltage_mV: Any
    m: Any
    h: Any
    n: Any


class Gates(NamedTuple):
    """A gate's opening and closing rates, per ms, and what it tends to."""

    opening: Any
    closing: Any

    @property
    def rate(self):
        """1/τ, per ms."""
        return self.opening + self.closing

    @property
    def steady(self):
        """The share that is open at rest, ``α/(α + β)``."""
        return self.opening / (self.opening + self.closing)


def gates(voltage_mV) -> dict[str, Gates]:
    """Return the rates of the three gates at a voltage (Hodgkin and Huxley, 1952; rest at −65)."""
    v = voltage_mV - REST_mV
    return {
        "m": Gates(linoid((v - 25) / 10), 4 * jnp.exp(-v / 18)),
        "h": Gates(0.07 * jnp.exp(-v / 20), 1 / (1 + jnp.exp((30 - v) / 10))),
        "n": Gates(0.1 * linoid((v - 10) / 10), 0.125 * jnp.exp(-v / 80)),
    }


@dataclass(frozen=True)
class Membrane:
    """The constants of the squid's axon, at rest at −65 mV; `SpecError` for what cannot be.

    Units: mV, mS/cm² (conductances), µF/cm² (capacitance).
    """

    sodium: float = 120.0
    potassium: float = 36.0
    leak: float = 0.3
    sodium_mV: float = 50.0
    potassium_mV: float = -77.0
    leak_mV: float = -54.387
    capacitance: float = 1.0

    def __post_init__(self):
        for name in ("sodium", "potassium"):
            if not 0 <= getattr(self, name) < inf:
                raise SpecError(name, "0 or more", getattr(self, name))
        for name in ("leak", "capacitance"):  # without a leak the cell would have no rest
            if not 0 < getattr(self, name) < inf:
                raise SpecError(name, "a positive number", getattr(self, name))
        for name in ("sodium_mV", "potassium_mV", "leak_mV"):
            if not isfinite(getattr(self, name)):
                raise SpecError(name, "a finite voltage", getattr(self, name))


@dataclass(frozen=True)
class HodgkinHuxley(Membrane):
    r"""The squid's giant axon, one patch of membrane (Hodgkin and Huxley, 1952).

    ``C v̇ = −g_Na m³h (v − V_Na) − g_K n⁴ (v − V_K) − g_L (v − V_L) + I``, and each gate
    ``ẋ = α(v)(1 − x) − β(v) x``. A tick moves the gates exactly at a fixed voltage, then the
    voltage exactly at fixed gates. The gates stand half a tick ahead of the voltage (they were at
    rest when it began), so the error of a tick falls with dt².

    Units: mV, ms, µA/cm², mS/cm², µF/cm².

    Parameters
    ----------
    sodium, potassium, leak
        Conductances g.
    sodium_mV, potassium_mV, leak_mV
        Reversal voltages V.
    capacitance
        C.

    Raises
    ------
    SpecError
        For a conductance that is negative, a capacitance that is not positive, or a voltage that is
        not finite.

    Examples
    --------
    >>> cell = HodgkinHuxley()
    >>> state = cell.rest((1,))
    >>> fired = 0.0
    >>> for _ in range(300):
    ...     state, spike = cell.step(state, jnp.array([20.0]), dt_ms=0.01)
    ...     fired += float(spike[0])
    >>> fired
    1.0
    """

    def rest(self, shape, dtype=jnp.float32) -> ConductanceState:
        """Return cells at −65 mV with the gates at rest there."""
        v = jnp.full(shape, REST_mV, dtype)
        return ConductanceState(v, **{name: gate.steady for name, gate in gates(v).items()})

    def step(self, state: ConductanceState, current, dt_ms: float):
        """Return ``(state, spike)`` one tick later; a spike is 1 where 0 mV was crossed upwards.

        A cell whose state would not be finite is put at rest.
        """
        v = state.voltage_mV
        moved = {
            name: toward(getattr(state, name), gate.steady, gate.rate, dt_ms)
            for name, gate in gates(v).items()
        }
        sodium = self.sodium * moved["m"] ** 3 * moved["h"]
        potassium = self.potassium * moved["n"] ** 4
        total = sodium + potassium + self.leak
        drawn = sodium * self.sodium_mV + potassium * self.potassium_mV + self.leak * self.leak_mV
        new = toward(v, (drawn + current) / total, total / self.capacitance, dt_ms)
        after = ConductanceState(new, **moved)
        return settled_or_rest(after, self.rest(v.shape, v.dtype)), crossed(v, new)


def crossed(before, after, level: float = SPIKE_mV):
    """Return 1 where a voltage came up through the level, else 0."""
    return ((before < level) & (after >= level)).astype(after.dtype)


def settled_or_rest(state, rest):
    """Return the state, and at rest the cells of which any variable is not finite."""
    fine = jnp.ones(jnp.shape(state[0]), bool)
    for part in state:
        fine &= jnp.isfinite(part)
    return type(state)(*(jnp.where(fine, a, b) for a, b in zip(state, rest, strict=True)))
