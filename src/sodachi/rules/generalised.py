"""The delta rule in generalised coordinates: a synapse learns from values, velocities and on."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule, step_size


def generalised(orders: int, rate: float = 1.0) -> Rule:
    r"""Return ``Δw_ij = rate · Σ_k ε_j⁽ᵏ⁾ x_i⁽ᵏ⁾`` over orders of motion k (Friston, 2008).

    Each cell knows its value, its velocity and so on: the postsynaptic cell ``error 0``, ``error
    1``, …, the presynaptic ``activity 0``, ``activity 1``, …. With one order it is `delta`.

    Parameters
    ----------
    orders
        How many orders of motion take part, from the value up.
    rate
        Step size.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post = {"error 0": jnp.array([2.0]), "error 1": jnp.array([1.0])}
    >>> pre = {"activity 0": jnp.array([3.0]), "activity 1": jnp.array([0.5])}
    >>> plastic(generalised(2), Dense((1,), (1,)), jnp.zeros((1, 1)), {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[6.5]]
    """

    def drives(post, pre):
        return tuple(Drive(post[f"error {k}"], pre[f"activity {k}"]) for k in range(orders))

    def change(w, s, d, context):
        return sum(d)

    return Rule("generalised delta", drives, change, step_size(rate))
