"""One random cell moves at a time, always on fresh news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from sodachi.core.relax.method import (
    Settled,
    moved,
    numbered,
    positive,
    residuals,
    until_settled,
    whole,
)


@dataclass(frozen=True)
class OneAtATime:
    """Random coordinate descent: at each micro-step one cell, drawn uniformly, moves.

    ``x_i ← hold(x_i + rate · force_i(x), rate)``. It never raises the energy for a rate up to one
    over the cell's *own* curvature ``∂²E/∂x_i²``, which may be far above what moving together
    allows. A sweep is as many micro-steps as there are cells; each costs a whole force, so this
    is a test of needing no order rather than a fast solver.

    Parameters
    ----------
    rate
        Time per move.
    sweeps
        At most so many; `Settled.ticks` counts sweeps.
    tolerance
        On the residual, as for `Synchronous`, looked at after each sweep.

    Raises
    ------
    SpecError
        For a rate or sweeps that are not positive, or a negative tolerance.

    Notes
    -----
    Nesterov (2012), Efficiency of coordinate descent methods on huge-scale problems.

    Examples
    --------
    >>> OneAtATime(rate=0.5, sweeps=10).sweeps
    10
    """

    rate: Any = 0.1
    sweeps: int = 100
    tolerance: Any = 1e-4

    random: ClassVar[bool] = True

    def __post_init__(self):
        positive("OneAtATime.rate", self.rate)
        whole("OneAtATime.sweeps", self.sweeps)
        positive("OneAtATime.tolerance", self.tolerance, strict=False)

    def settle(self, force, activity, evidence, key) -> Settled:
        """Return where the activity ends."""
        number, cells = numbered(activity)

        def move(chosen, i, x):
            new = moved(x, force(x), evidence, self.rate)
            return {n: jnp.where(number[n] == chosen[i], new[n], x[n]) for n in x}

        def sweep(t, x):
            chosen = jax.random.randint(jax.random.fold_in(key, t), (cells,), 0, cells)
            return jax.lax.fori_loop(0, cells, lambda i, x: move(chosen, i, x), x)

        def measure(x):
            return residuals(force(x), x, evidence, self.rate)

        x, residual, sweeps = until_settled(
            sweep, measure, activity, limit=self.sweeps, tolerance=self.tolerance
        )
        return Settled(x, residual, sweeps)
