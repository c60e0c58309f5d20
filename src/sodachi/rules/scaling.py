"""Synaptic scaling: a cell keeps the total strength of its synapses, and their proportions."""

from __future__ import annotations

from math import inf

import jax.numpy as jnp

from sodachi.core.rule import Rule
from sodachi.errors import SpecError


def with_scaling(rule: Rule, total: float = 1.0, rate: float = 1e-2) -> Rule:
    r"""Return the rule with ``w ← w · (total / Σ_i |w_ij|)^rate`` after its step.

    The sum, of the weights before the tick, is declared: it runs over the cell's own synapses and
    no other. On its own the scaling brings the logarithm of the sum to that of the total, a share
    ``rate`` of the way in every tick that learns, and leaves all proportions (Turrigiano, 2008).
    A cell without any strength has nothing to scale and stays.

    Parameters
    ----------
    rule
        Any rule; sums that it declares itself stay in their places.
    total
        Σ|w| that a cell strives for, above 0.
    rate
        Share of the way in one tick, in (0, 1]; 1 normalises at once.

    Raises
    ------
    SpecError
        For a total that is not positive and finite or a rate outside (0, 1].

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> from sodachi.rules.hebb import hebb
    >>> silent = {"activity": jnp.zeros(1)}, {"activity": jnp.zeros(2)}
    >>> plastic(with_scaling(hebb(), total=1.0, rate=1.0), Dense((2,), (1,)),
    ...         jnp.array([[3.0], [1.0]]), {}, *silent, learn=True, clock=0.0)[0].tolist()
    [[0.75], [0.25]]
    """
    if not 0 < total < inf:
        raise SpecError("total", "above 0 and finite", total)
    if not 0 < rate <= 1:
        raise SpecError("rate", "0 < rate <= 1", rate)
    place = len(rule.sums)

    def strength(w, s):
        return jnp.abs(w)

    def update(w, s, dw, context):
        new, s_new = rule.update(w, s, dw, context)
        mine = context.sums[place]
        factor = jnp.where(mine > 0, (total / jnp.where(mine > 0, mine, 1.0)) ** rate, 1.0)
        return (new * factor).astype(w.dtype), s_new

    return rule._replace(name=f"{rule.name}+scaling", update=update, sums=(*rule.sums, strength))
