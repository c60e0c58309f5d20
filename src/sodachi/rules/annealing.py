"""Annealing: steps that shrink to nothing by a given age, for a net that is to be finished."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Rule
from sodachi.errors import SpecError


def with_annealing(rule: Rule, ticks: int) -> Rule:
    r"""Return the rule with its whole step, decay included, shrunk by ``max(1 − t/ticks, 0)``.

    ``w ← w + (1 − t/ticks) · (update(w) − w)`` with t the population's clock: after ``ticks`` ticks
    of learning no weight moves. For a train/test score; a life that goes on has no last tick.

    Raises
    ------
    SpecError
        For fewer than one tick.

    References
    ----------
    Robbins and Monro (1951), on why steps must shrink for a stochastic rule to come to rest.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.rule import Context
    >>> from sodachi.rules.delta import delta
    >>> move = with_annealing(delta(rate=1.0), 4).update
    >>> [float(move(jnp.float32(0.0), {}, jnp.float32(1.0), Context(t))[0]) for t in (0, 3, 9)]
    [1.0, 0.25, 0.0]
    """
    if ticks < 1:
        raise SpecError("ticks", "1 or more", ticks)

    def update(w, s, dw, context):
        new, s_new = rule.update(w, s, dw, context)
        share = jnp.maximum(1.0 - context.clock / ticks, 0.0)
        return (w + share * (new - w)).astype(w.dtype), s_new

    return rule._replace(name=f"{rule.name}+annealing", update=update)
