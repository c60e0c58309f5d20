"""Autostep: every synapse finds its own step size."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.given import known
from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError


def autostep(rate: float = 0.01, meta_rate: float = 0.01, memory: float = 1e4) -> Rule:
    r"""Return gradient descent with a step size for every synapse (Mahmood et al., 2012).

    With d = error × activity and g² = gain × activity², each synapse keeps its step α, a trace h of
    its recent changes, and a running maximum v of |d h|:

    ``v ← max(|d h|, v + α g² (|d h| − v)/memory)``, ``α ← α e^{meta_rate · d h/v}``,
    ``α ← α / max(1, M)``, ``w ← w + α d``, ``h ← h max(0, 1 − α g²) + α d``,

    where M = Σ α g² over the cell's own synapses bounds the step: no update overshoots its error.

    The postsynaptic cell knows ``error``, ``gain`` (the squared slope of the output in its input)
    and ``overshoot`` (M); the presynaptic one ``activity``.

    Parameters
    ----------
    rate
        Step size at birth.
    meta_rate, memory
        Step of log α, and over how much experience v forgets.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic, start_synapses
    >>> rule, pair, w = autostep(0.25), Dense((1,), (1,)), jnp.zeros((1, 1))
    >>> post = {"error": jnp.ones(1), "gain": jnp.ones(1), "overshoot": jnp.full(1, 0.25)}
    >>> plastic(rule, pair, w, start_synapses(rule, w), post, {"activity": jnp.ones(1)},
    ...         learn=True, clock=0.0)[0].tolist()
    [[0.25]]
    """
    for name, value in (("rate", rate), ("memory", memory)):
        if known(value) and not value > 0:
            raise SpecError(name, "above 0", value)
    if known(meta_rate) and meta_rate < 0:
        raise SpecError("meta_rate", "0 or more", meta_rate)

    def drives(post, pre):
        x = pre["activity"]
        return Drive(post["error"], x), Drive(post["gain"], x**2), Drive(post["overshoot"])

    def change(w, s, d, context):
        return d

    def update(w, s, dw, context):
        push, curvature, overshoot = dw
        meta = push * s["trace"]
        forget = s["step"] * curvature / memory
        largest = s["largest"] + forget * (jnp.abs(meta) - s["largest"])
        largest = jnp.maximum(jnp.abs(meta), largest)
        relative = jnp.where(largest > 0, meta / jnp.where(largest > 0, largest, 1.0), 0.0)
        step = s["step"] * jnp.exp(meta_rate * relative) / jnp.maximum(overshoot, 1.0)
        moved = step * push
        trace = s["trace"] * jnp.maximum(0.0, 1.0 - step * curvature) + moved
        return w + moved, {"step": step, "trace": trace, "largest": largest}

    def start(w):
        nothing = jnp.zeros_like(w)
        return {"step": nothing + rate, "trace": nothing, "largest": nothing}

    return Rule("autostep", drives, change, update, start)
