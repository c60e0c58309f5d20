"""IDBD: every synapse learns how fast to learn."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError

LEAP = 2.0  # the most that log α changes at once


def idbd(rate: float = 0.05, meta_rate: float = 1e-3) -> Rule:
    r"""Return gradient descent whose step sizes descend the same error (Sutton, 1992).

    With d = error × activity and g² = gain × activity², each synapse keeps its step α and a trace h
    of its recent changes:

    ``α ← α e^{meta_rate · d h}``, ``w ← w + α d``, ``h ← h max(0, 1 − α g²) + α d``.

    Changes that agree with earlier ones make the step grow, changes that undo them make it shrink.
    Nothing bounds it (see `autostep`): ``meta_rate`` is in units of one over squared errors. log α
    moves by at most 2 at once, as in the source.

    The postsynaptic cell knows ``error`` and ``gain`` (the squared slope of the output in its
    input: 1 for a linear unit); the presynaptic one ``activity``.

    Parameters
    ----------
    rate
        Step size at birth.
    meta_rate
        Step of log α.

    Raises
    ------
    SpecError
        For a rate that is not above 0, or a negative ``meta_rate``.

    References
    ----------
    Sutton (1992), Adapting bias by gradient descent: an incremental version of delta-bar-delta.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic, start_synapses
    >>> rule, pair, w = idbd(0.25), Dense((1,), (1,)), jnp.zeros((1, 1))
    >>> post = {"error": jnp.ones(1), "gain": jnp.ones(1)}
    >>> plastic(rule, pair, w, start_synapses(rule, w), post, {"activity": jnp.ones(1)},
    ...         learn=True, clock=0.0)[0].tolist()
    [[0.25]]
    """
    if not rate > 0:
        raise SpecError("rate", "above 0", rate)
    if meta_rate < 0:
        raise SpecError("meta_rate", "0 or more", meta_rate)

    def drives(post, pre):
        x = pre["activity"]
        return Drive(post["error"], x), Drive(post["gain"], x**2)

    def change(w, s, d, context):
        return d

    def update(w, s, dw, context):
        push, curvature = dw
        step = s["step"] * jnp.exp(jnp.clip(meta_rate * push * s["trace"], -LEAP, LEAP))
        moved = step * push
        trace = s["trace"] * jnp.maximum(0.0, 1.0 - step * curvature) + moved
        return w + moved, {"step": step, "trace": trace}

    def start(w):
        nothing = jnp.zeros_like(w)
        return {"step": nothing + rate, "trace": nothing}

    return Rule("idbd", drives, change, update, start)
