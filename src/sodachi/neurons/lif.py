"""The leaky integrate-and-fire cell: its exact propagator and its rate in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, isfinite, log
from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.errors import SpecError


class MembraneState(NamedTuple):
    """Membrane voltage in mV, and how many ticks the cell is still refractory."""

    voltage_mV: Any
    refractory_ticks: Any


@dataclass(frozen=True)
class LeakyIntegrateAndFire:
    r"""A leaky integrate-and-fire cell (Lapicque, 1907; Stein, 1965).

    ``τ dv/dt = (v_rest − v) + R I``; where v reaches the threshold the cell fires, v is put on
    the reset, and stays there for the refractory time. Between spikes the tick is exact for a
    current that is constant within it: ``v ← v_∞ + (v − v_∞) e^{−dt/τ}``, ``v_∞ = v_rest + R I``.

    Parameters
    ----------
    tau_membrane_ms, refractory_ms
        Time constants; the refractory time is rounded to whole ticks.
    rest_mV, threshold_mV, reset_mV
        Voltages; the threshold lies above rest and reset.
    resistance_megaohm
        R; currents are in nA.

    Raises
    ------
    SpecError
        For a time constant or resistance that is not positive, or a threshold that is not above.

    Examples
    --------
    >>> cell = LeakyIntegrateAndFire()
    >>> state = cell.rest((1,))
    >>> state, spike = cell.step(state, jnp.array([100.0]), dt_ms=1.0)
    >>> float(spike[0]), float(state.voltage_mV[0])
    (1.0, -65.0)
    """

    tau_membrane_ms: float = 20.0
    refractory_ms: float = 2.0
    rest_mV: float = -65.0
    threshold_mV: float = -50.0
    reset_mV: float = -65.0
    resistance_megaohm: float = 10.0

    def __post_init__(self):
        for name in ("tau_membrane_ms", "resistance_megaohm"):
            if not 0 < getattr(self, name) < inf:
                raise SpecError(name, "a positive number", getattr(self, name))
        if not 0 <= self.refractory_ms < inf:
            raise SpecError("refractory_ms", "0 or more", self.refractory_ms)
        highest = max(self.rest_mV, self.reset_mV)
        if not (isfinite(highest) and highest < self.threshold_mV < inf):
            raise SpecError("threshold_mV", f"above rest and reset ({highest})", self.threshold_mV)

    def rest(self, shape, dtype=jnp.float32) -> MembraneState:
        """Return cells at rest."""
        return MembraneState(jnp.full(shape, self.rest_mV, dtype), jnp.zeros(shape, jnp.int32))

    def target_mV(self, current_nA):
        """Return ``v_∞ = v_rest + R I``, where the voltage is drawn to."""
        return self.rest_mV + self.resistance_megaohm * current_nA

    def step(self, state: MembraneState, current_nA, dt_ms: float, jump_mV=0.0):
        """Return ``(state, spike)`` one tick later; spikes are 1 or 0.

        ``jump_mV`` is added at the start of the tick (a delta synapse). A voltage that is not
        finite is put at rest.
        """
        busy = state.refractory_ticks > 0
        target = self.target_mV(current_nA)
        voltage = target + (state.voltage_mV + jump_mV - target) * exp(
            -dt_ms / self.tau_membrane_ms
        )
        voltage = jnp.where(jnp.isfinite(voltage), voltage, self.rest_mV)
        voltage = jnp.where(busy, self.reset_mV, voltage)
        spike = (~busy & (voltage >= self.threshold_mV)).astype(voltage.dtype)
        left = jnp.maximum(state.refractory_ticks - 1, 0)
        return self.fired(MembraneState(voltage, left), spike, dt_ms), spike

    def fired(self, state: MembraneState, spike, dt_ms: float) -> MembraneState:
        """Return the cells reset and refractory where ``spike`` is 1."""
        ticks = round(self.refractory_ms / dt_ms)
        return MembraneState(
            jnp.where(spike > 0.5, self.reset_mV, state.voltage_mV),
            jnp.where(spike > 0.5, ticks, state.refractory_ticks),
        )

    def rate_Hz(self, current_nA: float) -> float:
        r"""Return the firing rate under a constant current, in Hz.

        ``f = 1 / (t_ref + τ ln((v_∞ − v_reset)/(v_∞ − v_threshold)))``, 0 below the rheobase.

        Examples
        --------
        >>> round(LeakyIntegrateAndFire(refractory_ms=0.0).rate_Hz(3.0), 2)
        72.13
        """
        target = self.target_mV(current_nA)
        if target <= self.threshold_mV:
            return 0.0
        climb = log((target - self.reset_mV) / (target - self.threshold_mV))
        return 1000.0 / (self.refractory_ms + self.tau_membrane_ms * climb)
