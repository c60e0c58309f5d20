"""AdaGrad: every synapse divides its step by all that ever pushed it."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Rule
from sodachi.errors import SpecError


def with_adagrad(rule: Rule, rate: float = 0.1, epsilon: float = 1e-8) -> Rule:
    r"""Return the rule with ``Δw = rate · dw/√(g + ε)`` in place of its step.

    ``g ← g + dw²``: the sum of squares of all that drove this synapse, its own and only growing, so
    that a synapse which is often driven slows down and a rarely driven one stays quick.

    Parameters
    ----------
    rule
        A plain rule; its own step size is replaced.
    rate
        The size of the first step, in units of the weight.
    epsilon
        Keeps a synapse that was never driven where it is.

    Raises
    ------
    SpecError
        For a rate or ε that is not above 0, or a rule that is wrapped already.

    References
    ----------
    Duchi, Hazan and Singer (2011), Adaptive subgradient methods for online learning and stochastic
    optimization.

    Examples
    --------
    >>> from sodachi.rules.delta import delta
    >>> sorted(with_adagrad(delta()).start(0.5))
    ['driven']
    """
    for name, value in (("rate", rate), ("epsilon", epsilon)):
        if not value > 0:
            raise SpecError(name, "above 0", value)
    if "+" in rule.name:  # its update would be replaced, and what it wraps lost without a word
        raise SpecError("rule", "a plain rule: wrap with AdaGrad first", rule.name)

    def start(w):
        return {**rule.start(w), "driven": jnp.zeros_like(w)}

    def update(w, s, dw, context):
        driven = s["driven"] + dw**2
        return (w + rate * dw / jnp.sqrt(driven + epsilon)).astype(w.dtype), {**s, "driven": driven}

    return rule._replace(name=f"{rule.name}+adagrad", start=start, update=update)
