"""No common clock: cells move when they like, on news of others that may be old."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from sodachi.core.relax.method import (
    Settled,
    key_of,
    moved,
    positive,
    residuals,
    until_settled,
    whole,
)
from sodachi.errors import SpecError


@dataclass(frozen=True)
class Asynchronous:
    """Each cell moves with a probability, and signals travel for a random number of ticks.

    ``x_i ← hold(x_i + rate · force_i(x̂), rate)`` for the cells that a Bernoulli mask chose, where
    ``x̂_j(t) = x_j(t − d_j)`` and every signal's delay ``d_j`` is drawn uniformly from 0 to
    ``max_delay`` at every tick, from a ring buffer. Whatever it does at equilibrium is what
    `Synchronous` does there; on the way, delays ask for ``rate · L · (1 + max_delay)`` below 1.

    Parameters
    ----------
    rate, ticks, tolerance
        As for `Synchronous`; the residual is taken at the true, undelayed activity.
    probability
        That a cell moves in a tick, in (0, 1].
    max_delay
        In ticks; 0 for news that are never old.

    Raises
    ------
    SpecError
        For settings outside their ranges.

    Notes
    -----
    Bertsekas and Tsitsiklis (1989), Parallel and Distributed Computation, chapter 7 (partially
    asynchronous gradient descent).

    Examples
    --------
    >>> Asynchronous(probability=0.5, max_delay=3).max_delay
    3
    """

    rate: Any = 0.05
    ticks: int = 1000
    tolerance: Any = 1e-4
    probability: Any = 0.5
    max_delay: int = 0

    random: ClassVar[bool] = True

    def __post_init__(self):
        positive("Asynchronous.rate", self.rate)
        whole("Asynchronous.ticks", self.ticks)
        positive("Asynchronous.tolerance", self.tolerance, strict=False)
        positive("Asynchronous.probability", self.probability)
        if isinstance(self.probability, int | float) and self.probability > 1:
            raise SpecError("Asynchronous.probability", "at most 1", self.probability)
        whole("Asynchronous.max_delay", self.max_delay, least=0)

    def settle(self, force, activity, evidence, key) -> Settled:
        """Return where the activity ends."""
        slots = self.max_delay + 1

        def tick(t, carry):
            x, push, ring = carry
            # One key a tick: a lane's course never depends on how long other lanes take.
            move_key, delay_key = jax.random.split(jax.random.fold_in(key, t))
            if self.max_delay:
                push = force(_old_news(delay_key, ring, t, slots))
            new = moved(x, push, evidence, self.rate)
            x = {n: jnp.where(self._moves(move_key, n, x), new[n], x[n]) for n in x}
            return x, force(x), _remember(ring, x, t + 1, slots)

        def measure(carry):
            x, push, _ = carry
            return residuals(push, x, evidence, self.rate)

        ring = {n: jnp.broadcast_to(a, (slots, *a.shape)) for n, a in activity.items()}
        start = (activity, force(activity), ring)
        (x, _, _), residual, ticks = until_settled(
            tick, measure, start, limit=self.ticks, tolerance=self.tolerance
        )
        return Settled(x, residual, ticks)

    def _moves(self, key, name, activity):
        own = key_of(key, name, activity)
        return jax.random.bernoulli(own, self.probability, activity[name].shape)


def _old_news(key, ring, t, slots: int):
    """Every cell's activity as it stood a random number of ticks ago."""

    def delayed(name):
        past = ring[name]
        delay = jax.random.randint(key_of(key, name, ring), past.shape[1:], 0, slots)
        return jnp.take_along_axis(past, ((t - delay) % slots)[None], axis=0)[0]

    return {name: delayed(name) for name in ring}


def _remember(ring, activity, t, slots: int):
    return {n: ring[n].at[t % slots].set(activity[n]) for n in ring}
