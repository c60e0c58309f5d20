"""What may look over lanes: the lift, and declared structure decisions. Nothing else."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sodachi.system import LANE


def gather(x):
    """Return ``x`` of all lanes on a new leading axis (of length 1 outside a minibatch).

    The result is the same for every lane, so it may enter shared state.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> gather(jnp.zeros(3)).shape
    (1, 3)
    """
    x = jnp.asarray(x)
    if not in_lanes():
        return x[None]
    return jax.lax.all_gather(x, LANE)


def in_lanes() -> bool:
    """Return whether this is being traced inside a minibatch."""
    try:
        jax.lax.axis_size(LANE)
    except NameError:
        return False
    return True


def any_lane(flag):
    """Return whether a boolean holds in any lane, the same for every lane."""
    return jnp.any(gather(flag))


def lane_index():
    """Return which lane this is, 0 outside a minibatch."""
    return jax.lax.axis_index(LANE) if in_lanes() else jnp.zeros((), jnp.int32)


def elect(wants, strength):
    """Return ``(mine, anyone)``: whether this lane is the strongest of those that want, and any.

    A structure decision: at most one lane a tick may change the structure.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> mine, anyone = elect(jnp.array(True), jnp.array(0.5))
    >>> bool(mine), bool(anyone)
    (True, True)
    """
    all_want = gather(wants)
    chosen = jnp.argmax(jnp.where(all_want, gather(strength), -jnp.inf))
    return wants & (lane_index() == chosen), jnp.any(all_want)


def of_elected(mine, x):
    """Return the elected lane's ``x`` (zeros when there is none), the same for every lane."""
    return gather(jnp.where(mine, x, jnp.zeros_like(x))).sum(0)
