"""Oja's rule: Hebbian growth with the decay that keeps a cell's weights at length 1."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule, step_size
from sodachi.rules.following import follow


def oja(rate: float = 1e-2) -> Rule:
    r"""Return the rule ``Δw_ij = rate · y_j (x_i − y_j w_ij)`` (Oja, 1982).

    For a linear cell ``y = Σ_i x_i w_i`` its weights turn toward the first principal component of
    the input, and their length toward 1. Both cells know ``activity`` (post y, pre x). Cells of
    one population do not repel each other: each finds the same component.

    Parameters
    ----------
    rate
        Step size, 1/tick; stable while ``rate · y²`` stays well below 1.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post, pre = {"activity": jnp.array([2.0])}, {"activity": jnp.array([1.0])}
    >>> plastic(oja(rate=0.5), Dense((1,), (1,)), jnp.full((1, 1), 2.0), {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[-1.0]]
    """

    def drives(post, pre):
        y = post["activity"]
        return Drive(y, pre["activity"]), Drive(y**2)

    return Rule("oja", drives, follow, step_size(rate))
