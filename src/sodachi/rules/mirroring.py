"""Mirroring: a feedback synapse learns, from noise, the weight of the synapse it faces."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError


def mirroring(rate: float = 0.0) -> Rule:
    r"""Return ``Δb_ij = η (−ε_j f̃_i / c − b_ij)`` with ``η = max(1/(t + 1), rate)``.

    While every cell holds noise ξ of its own, the error cell j reports ``ε_j = ξ_j − Σ_i f(ξ_i)
    w_ij``, so that with ``f̃ = f(ξ) − E f`` and ``c = Var f`` the mean of ``−ε_j f̃_i / c`` is
    ``w_ij`` exactly: b becomes w, from its own two cells alone. With rate 0 it is a running mean
    over t, the population's clock of babbling. The postsynaptic cell knows ``error`` (ε), the
    presynaptic ``fluctuation`` (f̃/c).

    Raises
    ------
    SpecError
        For a rate outside [0, 1].

    References
    ----------
    Akrout et al. (2019), Deep learning without weight transport: the weight mirror.

    Examples
    --------
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post, pre = {"error": jnp.array([-2.0])}, {"fluctuation": jnp.array([1.0])}
    >>> plastic(mirroring(), Dense((1,), (1,)), jnp.zeros((1, 1)), {}, post, pre,
    ...         learn=True, clock=3.0)[0].tolist()
    [[0.5]]
    """
    if not 0 <= rate <= 1:
        raise SpecError("rate", "between 0 and 1", rate)

    def update(w, s, dw, context):
        return (w + jnp.maximum(1.0 / (context.clock + 1.0), rate) * dw).astype(w.dtype), s

    return Rule(
        "mirroring",
        lambda post, pre: (Drive(-post["error"], pre["fluctuation"]),),
        lambda w, s, d, context: d[0] - w,
        update,
    )
