"""The delta rule: a synapse follows the error of its cell (LMS; predictive coding's rule)."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule, step_size


def delta(rate: float = 1.0) -> Rule:
    r"""Return the rule ``Δw_ij = rate · ε_j x_i`` (Widrow and Hoff, 1960; Rao and Ballard, 1999).

    Minus the gradient of ``½ Σ_j ε_j²`` with ``ε_j = t_j − Σ_i x_i w_ij``. The postsynaptic cell
    knows ``error`` (ε), the presynaptic ``activity`` (x).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post, pre = {"error": jnp.array([2.0])}, {"activity": jnp.array([1.0, 3.0])}
    >>> plastic(delta(rate=0.5), Dense((2,), (1,)), jnp.zeros((2, 1)), {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[1.0], [3.0]]
    """

    def drives(post, pre):
        return (Drive(post["error"], pre["activity"]),)

    return Rule("delta", drives, lambda w, s, d, context: d[0], step_size(rate))
