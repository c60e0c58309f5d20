"""Hebb's rule: cells that are active together strengthen the synapse between them."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule, step_size


def hebb(rate: float = 1.0) -> Rule:
    r"""Return the rule ``Δw_ij = rate · y_j x_i`` (Hebb, 1949).

    Both cells know ``activity`` (post y, pre x). Nothing bounds the weights: wrap the rule with
    `with_decay`, `with_bounds` or `with_scaling`, or use `oja`.

    Parameters
    ----------
    rate
        Step size, 1/tick.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post, pre = {"activity": jnp.array([2.0])}, {"activity": jnp.array([1.0, 3.0])}
    >>> plastic(hebb(rate=0.5), Dense((2,), (1,)), jnp.zeros((2, 1)), {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[1.0], [3.0]]
    """

    def drives(post, pre):
        return (Drive(post["activity"], pre["activity"]),)

    return Rule("hebb", drives, lambda w, s, d, context: d[0], step_size(rate))
