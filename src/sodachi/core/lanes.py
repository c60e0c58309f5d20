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
