"""Overshooting-bounded gradient descent: no step larger than the error it answers."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError


def obgd(rate: float = 1.0, kappa: float = 2.0) -> Rule:
    r"""Return gradient descent whose step shrinks where it could overshoot (Elsayed et al., 2024).

    With d = error × activity, ``M = rate · κ · max(|error|, 1) · Σ |activity|`` over the cell's own
    synapses:

    ``w ← w + rate · d / max(M, 1)``.

    A step moves the cell's prediction by at most ``max |activity| · min(|error|, 1) / κ``, however
    large the rate: one sample cannot throw a cell off. The source bounds all parameters of a
    network by one sum; here every cell bounds its own, which for a single linear cell without
    traces is the same.

    The postsynaptic cell knows ``error`` and ``reach``, ``max(|error|, 1) Σ |activity|``; the
    presynaptic one ``activity``.

    Parameters
    ----------
    rate
        Step size where nothing overshoots.
    kappa
        How far below overshooting a step stays; above 1.

    Raises
    ------
    SpecError
        For a rate that is not above 0, or kappa not above 1.

    References
    ----------
    Elsayed, Vasan and Mahmood (2024), Streaming deep reinforcement learning finally works.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> rule, pair, w = obgd(1.0, 2.0), Dense((1,), (1,)), jnp.zeros((1, 1))
    >>> post = {"error": jnp.full(1, 4.0), "reach": jnp.full(1, 4.0)}
    >>> plastic(rule, pair, w, {}, post, {"activity": jnp.ones(1)},
    ...         learn=True, clock=0.0)[0].tolist()
    [[0.5]]
    """
    if not rate > 0:
        raise SpecError("rate", "above 0", rate)
    if not kappa > 1:
        raise SpecError("kappa", "above 1", kappa)

    def drives(post, pre):
        return Drive(post["error"], pre["activity"]), Drive(post["reach"])

    def update(w, s, dw, context):
        push, reach = dw
        return w + rate * push / jnp.maximum(rate * kappa * reach, 1.0), s

    return Rule("obgd", drives, lambda w, s, d, context: d, update)
