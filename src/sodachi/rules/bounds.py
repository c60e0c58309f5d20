"""Bounds: a synapse that can be neither weaker nor stronger than it is allowed to be."""

from __future__ import annotations

from math import inf

import jax.numpy as jnp

from sodachi.core.rule import Rule
from sodachi.errors import SpecError


def with_bounds(rule: Rule, low: float = 0.0, high: float = inf) -> Rule:
    r"""Return the rule with ``w ← min(max(w, low), high)`` after its step: hard bounds.

    With the defaults synapses stay excitatory (Dale's principle for weights that start so). A
    weight that starts outside comes to its bound at the first tick that learns.

    Parameters
    ----------
    rule
        Any rule; wrap what changes the step (`with_adam`, `with_decay`) before its bounds.
    low, high
        Lowest and highest weight; infinite where there is no bound.

    Raises
    ------
    SpecError
        Unless low < high.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.rule import Context
    >>> from sodachi.rules.hebb import hebb
    >>> rule = with_bounds(hebb(), 0.0, 1.0)
    >>> float(rule.update(jnp.float32(0.5), {}, jnp.float32(2.0), Context(0.0))[0])
    1.0
    """
    if not low < high:
        raise SpecError("bounds", "low < high", (low, high))

    def update(w, s, dw, context):
        new, s_new = rule.update(w, s, dw, context)
        return jnp.clip(new, low, high).astype(w.dtype), s_new

    return rule._replace(name=f"{rule.name}+bounds", update=update)
