"""Many cells behind one slow synapse: what is seen of them from outside is a rate."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.neurons.integration import toward


class PopulationState(NamedTuple):
    """The cells' own states, the slow current they share, each one's noise, a key and a clock."""

    cells: Any
    slow: Any
    noise: Any
    key: Any
    tick: Any


@dataclass(frozen=True)
class Population:
    r"""Cells that share a slow synaptic current, each with a noise of its own.

    ``τ u̇ = −u + I``; cell i gets ``u + ξ_i``, where ``ξ_i`` has deviation ``noise`` and forgets
    itself within ``tau_noise_ms`` (Ornstein and Uhlenbeck, exact at every tick). The signal is the
    share of the cells that spiked within the tick.

    Parameters
    ----------
    cell
        Any cell of this room: ``rest(shape)`` and ``step(state, current, dt)``.
    cells
        How many.
    tau_synapse_ms
        τ; 0 hands the current on at once.
    noise, tau_noise_ms
        Deviation of each cell's noise, in the cell's own unit of current, and its time constant.

    Raises
    ------
    SpecError
        For no cells, a time constant that is not positive, or a negative deviation.

    Examples
    --------
    >>> from sodachi.neurons.lif import LeakyIntegrateAndFire
    >>> many = Population(LeakyIntegrateAndFire(), cells=5, tau_synapse_ms=0.0, noise=0.0)
    >>> state, share = many.step(many.rest(jax.random.key(0)), 100.0, dt_ms=1.0)
    >>> float(share)
    1.0
    """

    cell: Any
    cells: int = 100
    tau_synapse_ms: float = 100.0
    noise: float = 5.0
    tau_noise_ms: float = 5.0

    def __post_init__(self):
        if isinstance(self.cells, bool) or not isinstance(self.cells, int) or self.cells < 1:
            raise SpecError("cells", "1 or more", self.cells)
        if not 0 <= self.tau_synapse_ms < inf:
            raise SpecError("tau_synapse_ms", "0 or more", self.tau_synapse_ms)
        if not 0 < self.tau_noise_ms < inf:
            raise SpecError("tau_noise_ms", "a positive number", self.tau_noise_ms)
        if not 0 <= self.noise < inf:
            raise SpecError("noise", "0 or more", self.noise)

    def rest(self, key, current: Any = 0.0, dtype=jnp.float32) -> PopulationState:
        """Return cells at rest behind a synapse that has long had ``current``.

        Leading axes of ``current`` are populations beside one another: signals have its shape.
        """
        slow = jnp.asarray(current, dtype)
        shape = (*slow.shape, self.cells)
        begin, live = jax.random.split(key)
        noise = self.noise * jax.random.normal(begin, shape, dtype)
        return PopulationState(self.cell.rest(shape, dtype), slow, noise, live, jnp.int32(0))

    def step(self, state: PopulationState, current, dt_ms: float):
        """Return ``(state, share)`` one tick later."""
        slow = jnp.broadcast_to(jnp.asarray(current, state.slow.dtype), state.slow.shape)
        if self.tau_synapse_ms:
            slow = toward(state.slow, slow, 1.0 / self.tau_synapse_ms, dt_ms)
        kept = exp(-dt_ms / self.tau_noise_ms)
        fresh = jax.random.normal(
            jax.random.fold_in(state.key, state.tick), state.noise.shape, state.noise.dtype
        )
        noise = kept * state.noise + self.noise * (1.0 - kept**2) ** 0.5 * fresh
        cells, spikes = self.cell.step(state.cells, slow[..., None] + noise, dt_ms)
        after = PopulationState(cells, slow, noise, state.key, state.tick + 1)
        return after, spikes.mean(-1)


def firing_rates(
    cell, currents, dt: float, time: float, warm: float, dtype=jnp.float32
) -> np.ndarray:
    r"""Return the rate under each constant current: spikes between the first and last, per time.

    ``f = (n − 1)/(t_n − t_1)`` of the n spikes after the warming up; 0 for fewer than two. The
    rates are per unit of ``dt`` (per ms, for a cell that counts in ms).

    Parameters
    ----------
    cell
        Any cell with ``rest`` and ``step``.
    currents
        One cell for each, [n].
    dt, time, warm
        Length of a tick, of what is measured, and of what is not.

    Examples
    --------
    >>> from sodachi.neurons.lif import LeakyIntegrateAndFire
    >>> cell = LeakyIntegrateAndFire(refractory_ms=0.0)
    >>> f = firing_rates(cell, [1.0, 3.0], dt=0.01, time=500.0, warm=50.0)
    >>> [round(1000 * float(rate), 1) for rate in f], round(cell.rate_Hz(3.0), 1)
    ([0.0, 72.1], 72.1)
    """
    current = jnp.asarray(currents, dtype)

    def tick(carry, now):
        state, count, first, last = carry
        state, spike = cell.step(state, current, dt)
        fired = spike > 0.5
        first = jnp.where(fired & (count == 0), now, first)
        return (state, count + fired, first, jnp.where(fired, now, last)), None

    @jax.jit
    def live():
        none = jnp.zeros(current.shape, jnp.int32)
        before, _ = jax.lax.scan(
            lambda s, _: (cell.step(s, current, dt)[0], None),
            cell.rest(current.shape, dtype),
            None,
            round(warm / dt),
        )
        ticks = jnp.arange(round(time / dt), dtype=jnp.int32)
        (_, count, first, last), _ = jax.lax.scan(tick, (before, none, none, none), ticks)
        return count, last - first

    count, length = (np.asarray(a, np.float64) for a in live())
    return np.where(count > 1, (count - 1) / np.maximum(length * dt, dt), 0.0)
