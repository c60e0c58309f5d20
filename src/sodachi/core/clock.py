"""A clock that cannot overflow in a life: two unsigned words, counted up with carry."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def new_clock():
    """Return a clock at zero: ``[high, low]``, two 32-bit words."""
    return jnp.zeros(2, jnp.uint32)


def tick(clock, running: Any = True):
    """Return the clock one tick later where ``running``, else the same bits.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> tick(jnp.array([0, 2**32 - 1], jnp.uint32)).tolist()
    [1, 0]
    """
    low = clock[1] + jnp.uint32(1)
    later = jnp.stack([clock[0] + (low == 0).astype(jnp.uint32), low])
    return jnp.where(running, later, clock)


def ticks(clock, dtype=jnp.float32):
    """Return the clock as one floating-point number (exact below 2²⁴ ticks in float32)."""
    return clock[0].astype(dtype) * dtype(2.0**32) + clock[1].astype(dtype)
