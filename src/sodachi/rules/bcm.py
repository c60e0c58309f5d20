"""BCM: growth above and decay below a threshold that slides with the cell's own activity."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.lanes import gather
from sodachi.core.rule import Drive, Rule, step_size
from sodachi.errors import SpecError


def bcm(rate: float = 1e-2) -> Rule:
    r"""Return the rule ``Δw_ij = rate · y_j (y_j − θ_j) x_i`` (Bienenstock, Cooper, Munro, 1982).

    With the threshold at ``θ = E[y²]`` (`slide_threshold`) a cell becomes selective: among
    independent patterns it comes to answer one, with ``y = 1/probability``, and no other. The
    postsynaptic cell knows ``activity`` (y) and ``threshold`` (θ), the presynaptic ``activity``
    (x). The threshold must move faster than the weights, or both oscillate.

    Parameters
    ----------
    rate
        Step size, 1/tick.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post = {"activity": jnp.array([2.0, 2.0]), "threshold": jnp.array([1.0, 3.0])}
    >>> plastic(bcm(rate=0.5), Dense((1,), (2,)), jnp.zeros((1, 2)), {}, post,
    ...         {"activity": jnp.ones(1)}, learn=True, clock=0.0)[0].tolist()
    [[1.0, -1.0]]
    """

    def drives(post, pre):
        y = post["activity"]
        return (Drive(y * (y - post["threshold"]), pre["activity"]),)

    return Rule("bcm", drives, lambda w, s, d, context: d[0], step_size(rate))


def slide_threshold(threshold, activity, *, rate: float, learn):
    r"""Return the thresholds one tick later, ``θ ← θ + rate · (⟨y²⟩ − θ)``: they follow E[y²].

    The mean is over the lanes that learn; without any, and where the new threshold would not be
    finite, every bit stays (Intrator and Cooper, 1992).

    Parameters
    ----------
    threshold, activity
        θ and y, both in the population's shape; θ is shared by all lanes.
    rate
        Share of the way to y² in one tick, in (0, 1].
    learn
        This lane's flag.

    Raises
    ------
    SpecError
        For a rate outside (0, 1].

    Examples
    --------
    >>> slide_threshold(jnp.zeros(2), jnp.array([1.0, 2.0]), rate=0.5, learn=True).tolist()
    [0.5, 2.0]
    """
    if not 0 < rate <= 1:
        raise SpecError("rate", "0 < rate <= 1", rate)
    lanes = gather(learn)
    power = gather(jnp.where(learn, activity**2, 0.0)).sum(0) / jnp.maximum(lanes.sum(), 1)
    moved = (threshold + rate * (power - threshold)).astype(threshold.dtype)
    return jnp.where(jnp.any(lanes) & jnp.isfinite(moved), moved, threshold)
