"""Counting: a synapse that remembers how often, however large the number grows."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError


def counting(least: float = 1e-3) -> Rule:
    r"""Return the rule by which a synapse counts how often both its cells were active.

    ``n_ij ← max(n_ij + m y_j x_i, least)``: Dirichlet counts of a Bayesian learner, Hebbian and
    additive (Isomura, Shimazaki and Friston, 2022). The postsynaptic cell knows ``state`` (y), the
    presynaptic ``event`` (x).

    A small event vanishes beside a large count in floating point (1e7 + .3 is 1e7 in float32), so
    what was lost is carried to the next tick: the pair (count, carry) is Kahan's (1965) sum.

    Parameters
    ----------
    least
        Counts never fall below this, so that their logarithms stay finite.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic, start_synapses
    >>> rule, pair, n = counting(), Dense((1,), (1,)), jnp.full((1, 1), 1e8)
    >>> s, post, pre = start_synapses(rule, n), {"state": jnp.ones(1)}, {"event": jnp.ones(1)}
    >>> for _ in range(8):
    ...     n, s = plastic(rule, pair, n, s, post, pre, learn=True, clock=0.0)
    >>> float(n[0, 0]) - 1e8
    8.0
    """
    if not least > 0:
        raise SpecError("least", "above 0", least)

    def drives(post, pre):
        return (Drive(post["state"], pre["event"]),)

    def change(w, s, d, context):
        return d[0]

    def update(w, s, dw, context):
        added = dw + s["carry"]
        total = w + added
        carry = added - (total - w)
        low = total < least
        return jnp.where(low, least, total), {"carry": jnp.where(low, 0.0, carry)}

    return Rule("counting", drives, change, update, start=lambda w: {"carry": jnp.zeros_like(w)})
