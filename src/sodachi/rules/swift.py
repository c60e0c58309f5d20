"""The synapses of SwiftTD: weights and step sizes that follow traces which their cells bring."""

from __future__ import annotations

import math

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError


def swift(
    rate: float = 1e-3, meta_rate: float = 1e-2, bound: float = 0.1, cooling: float = 0.99
) -> Rule:
    r"""Return what a synapse of SwiftTD does (Javed, Sharifnassab and Sutton, 2024).

    With δ the temporal-difference error, v the last change of the prediction by learning, and the
    traces z, ζ, p that the presynaptic side brings:

    ``w ← w + δz − vζ``, ``α ← min(α c, bound)`` with
    ``log c = log(cooling) · cooled + (meta_rate/α)(δ − v) p``.

    A synapse whose input took part where the steps of all together went beyond ``bound`` was
    ``cooled``: its step is a little smaller from then on.

    Parameters
    ----------
    rate, meta_rate
        Step size at birth, and the step of its logarithm.
    bound
        The most that any step size may be; a cell never corrects more of an error than this part.
    cooling
        What a step size is multiplied by when the cell's steps together passed the bound.

    Raises
    ------
    SpecError
        For rates or a bound not above 0, a negative ``meta_rate``, cooling outside (0, 1].

    Examples
    --------
    >>> sorted(swift().start(jnp.float32(0.0)))
    ['log_step']
    """
    for name, value in (("rate", rate), ("bound", bound)):
        if not value > 0:
            raise SpecError(name, "above 0", value)
    if not rate <= bound:
        raise SpecError("rate", f"at most the bound, {bound}", rate)
    if meta_rate < 0:
        raise SpecError("meta_rate", "0 or more", meta_rate)
    if not 0 < cooling <= 1:
        raise SpecError("cooling", "above 0, at most 1", cooling)

    def drives(post, pre):
        return (
            Drive(post["error"], pre["trace"]),
            Drive(-post["moved"], pre["latest"]),
            Drive(post["error"] - post["moved"], pre["agreement"]),
            Drive(post["beyond"], pre["took part"]),
        )

    def change(w, s, d, context):
        return d

    def update(w, s, dw, context):
        push, back, meta, cooled = dw
        log_step = s["log_step"] + math.log(cooling) * cooled
        log_step = log_step + meta_rate / (jnp.exp(log_step) + 1e-8) * meta
        return w + push + back, {"log_step": jnp.minimum(log_step, math.log(bound))}

    def start(w):
        return {"log_step": jnp.zeros_like(w) + math.log(rate)}

    return Rule("swift", drives, change, update, start)
