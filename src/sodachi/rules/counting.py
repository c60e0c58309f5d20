"""Counting: a synapse that remembers how often, however large the number grows."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError


def counting(least: float = 1e-3, forgetting: float = 0.0) -> Rule:
    r"""Return the rule by which a synapse counts how often both its cells were active.

    ``n_ij ← max(n_ij + m y_j x_i + f (n⁰_ij − n_ij), least)``: Dirichlet counts of a Bayesian
    learner, Hebbian and additive (Isomura, Shimazaki and Friston, 2022). The postsynaptic cell
    knows ``state`` (y), the presynaptic ``event`` (x).

    A small event vanishes beside a large count in floating point (1e7 + .3 is 1e7 in float32), so
    what was lost is carried to the next tick: the pair (count, carry) is Kahan's (1965) sum.

    Parameters
    ----------
    least
        Counts never fall below this, so that their logarithms stay finite.
    forgetting
        f, the share of what was learned that fades at every tick of learning: about the last 1/f
        ticks are remembered, the others' counts fall back to the prior count n⁰. 0 forgets nothing.

    Raises
    ------
    SpecError
        If ``least`` is not above 0, or ``forgetting`` not within [0, 1).

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
    if not 0 <= forgetting < 1:
        raise SpecError("forgetting", "0 <= forgetting < 1", forgetting)

    def drives(post, pre):
        return (Drive(post["state"], pre["event"]),)

    def change(w, s, d, context):
        return d[0] + forgetting * (s["prior"] - w) if forgetting else d[0]

    def update(w, s, dw, context):
        added = dw + s["carry"]
        total = w + added
        carry = added - (total - w)
        low = total < least
        return jnp.where(low, least, total), s | {"carry": jnp.where(low, 0.0, carry)}

    def start(w):
        own = {"carry": jnp.zeros_like(w)}
        return own | {"prior": w} if forgetting else own

    return Rule("counting", drives, change, update, start)
