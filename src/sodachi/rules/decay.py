"""Decay of weights: toward zero (L2, L1, Lp) and toward where they started."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Rule
from sodachi.errors import SpecError


def with_decay(
    rule: Rule,
    *,
    l2: float = 0.0,
    l1: float = 0.0,
    lp: float = 0.0,
    p: float = 0.7,
    initial: float = 0.0,
) -> Rule:
    r"""Return the rule followed by decay, decoupled from the rule's own step sizes.

    After the rule's step: ``w ← w − initial·(w_old − w₀) − l2·w_old``, then the shrinkage
    ``|w| ← max(|w| − l1 − lp·p·(|w| + δ)^{p−1}, 0)``, which never crosses zero (δ = 1e-3 keeps the
    pull of small weights finite). ``w₀`` is the synapse's own memory of its start.

    Raises
    ------
    SpecError
        For a negative decay or p outside (0, 1].

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.rule import Context
    >>> from sodachi.rules.delta import delta
    >>> rule = with_decay(delta(), l2=0.1)
    >>> round(float(rule.update(jnp.float32(1.0), {}, jnp.float32(0.0), Context(0.0))[0]), 6)
    0.9
    """
    for name, value in (("l2", l2), ("l1", l1), ("lp", lp), ("initial", initial)):
        if value < 0:
            raise SpecError(name, "0 or more", value)
    if not 0 < p <= 1:
        raise SpecError("p", "0 < p <= 1", p)

    def start(w):
        return {**rule.start(w), "start": w} if initial else rule.start(w)

    def update(w, s, dw, context):
        new, s_new = rule.update(w, s, dw, context)
        if initial:
            new = new - initial * (w - s["start"])
            s_new = {**s_new, "start": s["start"]}
        if l2:
            new = new - l2 * w
        if l1 or lp:
            size = jnp.abs(new)
            pull = l1 + lp * p * (size + 1e-3) ** (p - 1)
            new = jnp.sign(new) * jnp.maximum(size - pull, 0.0)
        return new.astype(w.dtype), s_new

    return rule._replace(name=f"{rule.name}+decay", start=start, update=update)
