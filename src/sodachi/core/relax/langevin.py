"""Real activity as a sample of ``e^{−E/T}``: descent plus noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from sodachi.core.evidence import evidence_energy
from sodachi.core.relax.method import (
    Settled,
    held,
    key_of,
    moved,
    positive,
    residuals,
    whole,
)


@dataclass(frozen=True)
class Langevin:
    r"""Overdamped Langevin dynamics, Metropolis adjusted where the energy is given.

    ``x ← hold(x + rate · force(x), rate) + s·√(2·rate·T)·ξ`` with ``ξ ~ N(0, 1)`` and
    ``s = 1/(1 + rate·precision)``, 0 for a clamp. For small rates the law of x tends to
    ``e^{−E/T}``, E with the energy of the evidence.

    Unadjusted (Euler-Maruyama), a quadratic energy of curvature h without evidence gives the
    variance ``T/h · 1/(1 − rate·h/2)`` in place of ``T/h``, with the right mean; under a precision
    p it is ``T/(h + p) · 1/(1 + rate·(p − h)/2)``. Adjusted, the law is exact at any rate.

    Parameters
    ----------
    rate
        Time per tick, below 2/h of the largest curvature h without evidence.
    temperature
        T, in units of energy; 0 (unadjusted only) is plain descent.
    ticks
        How many; a sampler does not stop early, its residual is only reported.
    energy
        ``energy(activity) -> scalar`` whose force is relaxed, without evidence; None for no
        adjustment.

    Raises
    ------
    SpecError
        For a rate or ticks that are not positive, or a negative temperature (adjusted: zero too).

    Notes
    -----
    Roberts and Tweedie (1996), Exponential convergence of Langevin distributions.

    Examples
    --------
    >>> Langevin(rate=0.01, temperature=0.5, ticks=10).temperature
    0.5
    """

    rate: Any = 0.01
    temperature: Any = 1.0
    ticks: int = 100
    energy: Callable | None = None

    random: ClassVar[bool] = True

    def __post_init__(self):
        positive("Langevin.rate", self.rate)
        positive("Langevin.temperature", self.temperature, strict=self.energy is not None)
        whole("Langevin.ticks", self.ticks)

    def settle(self, force, activity, evidence, key) -> Settled:
        """Return a sample."""
        spread = self._spread(activity, evidence)

        def tick(t, carry):
            x, push = carry
            own = jax.random.fold_in(key, t)
            mean = moved(x, push, evidence, self.rate)
            noise = {
                n: jax.random.normal(key_of(own, n, x), a.shape, a.dtype) for n, a in x.items()
            }
            new = {n: mean[n] + spread[n] * noise[n] for n in x}
            ahead = force(new)
            if self.energy is None:
                return new, ahead
            gain = self._log_ratio((new, ahead), (x, push), evidence, spread)
            chance = jax.random.uniform(jax.random.fold_in(own, len(x)), dtype=gain.dtype)
            taken = jnp.log(chance) < gain
            return jax.tree.map(lambda a, b: jnp.where(taken, a, b), (new, ahead), (x, push))

        x, push = jax.lax.fori_loop(0, self.ticks, tick, (activity, force(activity)))
        return Settled(x, residuals(push, x, evidence, self.rate), jnp.int32(self.ticks))

    def _spread(self, activity, evidence):
        """The proposal's standard deviation: what `hold` leaves of the noise of one tick."""
        away = {n: e._replace(value=jnp.zeros_like(e.value), drive=jnp.zeros_like(e.drive))
                for n, e in evidence.items()}  # fmt: skip
        left = held({n: jnp.ones_like(x) for n, x in activity.items()}, away, self.rate)
        scale = jnp.sqrt(2.0 * jnp.asarray(self.rate * self.temperature))
        return {n: (s * scale).astype(s.dtype) for n, s in left.items()}

    def _log_ratio(self, new, old, evidence, spread):
        """Log of the Metropolis-Hastings ratio of the move from old to new."""

        def log_law(x):
            assert self.energy is not None
            known = sum(evidence_energy(x[n], e) for n, e in evidence.items())
            return -(self.energy(x) + known) / self.temperature

        def log_proposal(to, start):
            x, push = start
            mean = moved(x, push, evidence, self.rate)
            noise = {
                n: jnp.where(s > 0, (to[n] - mean[n]) / jnp.where(s > 0, s, 1.0), 0.0)
                for n, s in spread.items()
            }
            return -0.5 * sum(jnp.sum(z**2) for z in noise.values())

        forth, back = log_proposal(new[0], old), log_proposal(old[0], new)
        return log_law(new[0]) - log_law(old[0]) + back - forth
