"""Counting by spikes: the canonical network's Hebbian counts, read through traces."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError
from sodachi.rules.stdp import SPIKE, TRACE


def timed_counting(total: float, least: float = 1e-3) -> Rule:
    r"""Return the counting rule of cells that spike: the weight is the log-odds of two counts.

    A canonical synapse keeps ``Hebb += x oᵀ`` and ``Home += x 1ᵀ``; its weight is
    ``W = ln(Hebb/(Home − Hebb))``, its strength ``p = σ(W) = Hebb/Home``. With spikes, a synapse
    can tell that both cells were active only by what is left of an earlier spike:

    - a post spike at a lag Δt after a pre spike is an ``x o``: Hebb and Home grow by e^{−Δt/τ₊};
    - a pre spike Δt after a post spike is an ``x (1 − o)``, x without what could have caused it:
      Home alone grows, by e^{−Δt/τ₋}.

    So one pair of spikes changes the strength by ``Δp = (1 − p) e^{−Δt/τ₊}/Home`` or
    ``Δp = −p e^{−Δt/τ₋}/Home``, to first order: the window of spike-timing-dependent plasticity,
    depression by the Home term alone. This reading is this library's own.

    Both cells know ``spike`` and ``trace`` (of earlier ticks; presynaptic with τ₊, postsynaptic
    with τ₋), as for `sodachi.rules.stdp.stdp`. Spikes of one tick do not pair.

    Parameters
    ----------
    total
        The first Home count of every synapse; its Hebb is the share σ(W) of it.
    least
        Neither Hebb nor Home − Hebb falls below this (under a negative modulation).

    Raises
    ------
    SpecError
        For counts that are not positive.

    References
    ----------
    Isomura, Shimazaki and Friston (2022) for the counts; Bi and Poo (1998) for the window.

    Examples
    --------
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic, start_synapses
    >>> rule, pair, w = timed_counting(total=4.0), Dense((1,), (1,)), jnp.zeros((1, 1))
    >>> post = {"spike": jnp.ones(1), "trace": jnp.zeros(1)}
    >>> pre = {"spike": jnp.zeros(1), "trace": jnp.ones(1)}
    >>> s = start_synapses(rule, w)
    >>> w, s = plastic(rule, pair, w, s, post, pre, learn=True, clock=0.0)
    >>> s["hebb"].tolist(), s["home"].tolist(), round(float(jnp.exp(w[0, 0])), 5)
    ([[3.0]], [[5.0]], 1.5)
    """
    for name, given in (("total", total), ("least", least)):
        if not 0 < given < float("inf"):
            raise SpecError(name, "above 0, finite", given)

    def drives(post, pre):
        return (Drive(post[SPIKE], pre[TRACE], True), Drive(post[TRACE], pre[SPIKE], True))

    def change(w, s, d, context):
        return d

    def update(w, s, dw, context):
        together, alone = dw
        hebb = jnp.maximum(s["hebb"] + together, least)
        home = jnp.maximum(s["home"] + together + alone, hebb + least)
        moved = (together != 0) | (alone != 0)
        fresh = jnp.log(hebb) - jnp.log(home - hebb)
        return jnp.where(moved, fresh, w), {
            "hebb": jnp.where(moved, hebb, s["hebb"]),
            "home": jnp.where(moved, home, s["home"]),
        }

    def start(w):
        share = 1.0 / (1.0 + jnp.exp(-w))
        return {"hebb": total * share, "home": jnp.full_like(w, total)}

    return Rule("timed_counting", drives, change, update, start)
