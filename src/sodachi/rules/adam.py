"""Step sizes of Adam's kind, one a synapse: from moments that the synapse itself keeps."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Rule
from sodachi.errors import SpecError


def with_adam(
    rule: Rule,
    rate: float = 1e-3,
    first_decay: float = 0.9,
    second_decay: float = 0.999,
    epsilon: float = 1e-8,
) -> Rule:
    r"""Return the rule with ``Δw = rate · m̂/(√v̂ + ε)`` in place of its step (Kingma, Ba, 2015).

    ``m ← β₁m + (1 − β₁)dw``, ``v ← β₂v + (1 − β₂)dw²``, hats divide by ``1 − βᵗ``. Both moments
    are the synapse's own; t is the population's clock, one scalar.

    Raises
    ------
    SpecError
        For a decay outside [0, 1), or a rule that is wrapped already.

    Examples
    --------
    >>> from sodachi.rules.delta import delta
    >>> sorted(with_adam(delta()).start(0.5))
    ['first', 'second']
    """
    for name, decay in (("first_decay", first_decay), ("second_decay", second_decay)):
        if not 0 <= decay < 1:
            raise SpecError(name, "0 <= decay < 1", decay)
    if "+" in rule.name:  # its update would be replaced, and what it wraps lost without a word
        raise SpecError(
            "rule", "a plain rule: wrap with Adam first, then decay or bounds", rule.name
        )

    def start(w):
        return {**rule.start(w), "first": jnp.zeros_like(w), "second": jnp.zeros_like(w)}

    def update(w, s, dw, context):
        t = context.clock + 1.0
        first = first_decay * s["first"] + (1 - first_decay) * dw
        second = second_decay * s["second"] + (1 - second_decay) * dw**2
        mean = first / (1 - first_decay**t)
        power = second / (1 - second_decay**t)
        step = rate * mean / (jnp.sqrt(power) + epsilon)
        return (w + step).astype(w.dtype), {**s, "first": first, "second": second}

    return rule._replace(name=f"{rule.name}+adam", start=start, update=update)
