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


def common_key(key, wants, clock):
    """Return this tick's key, the same for every lane: the first lane's that wants, by the clock.

    For chance in what is shared; the lane's own key need not move.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> one = common_key(jax.random.key(0), jnp.array(True), jnp.zeros(2, jnp.uint32))
    >>> two = common_key(jax.random.key(0), jnp.array(True), jnp.ones(2, jnp.uint32))
    >>> bool(jnp.any(jax.random.key_data(one) != jax.random.key_data(two)))
    True
    """
    mine, _ = elect(wants, jnp.zeros(()))
    own = jax.random.key_data(key)
    words = of_elected(mine, own).astype(own.dtype)  # a sum widens integers where x64 is on
    shared = jax.random.wrap_key_data(words, impl=jax.random.key_impl(key))
    return jax.random.fold_in(jax.random.fold_in(shared, clock[0]), clock[1])


def only_if(condition, change, value, *given):
    """Return ``change(value, *given)`` where the condition holds, else ``value``, never copied.

    A conditional of XLA copies what it hands through, which costs a large net more at every tick
    than its answer; a loop of no rounds leaves it where it is.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> [int(only_if(jnp.array(yes), jnp.add, jnp.array(3), 4)) for yes in (True, False)]
    [7, 3]
    """

    def once(_, now):
        # Else what is given alone (noise, say) would be computed before the loop, needed or not.
        now, operands = jax.lax.optimization_barrier((now, given))
        return change(now, *operands)

    return jax.lax.fori_loop(0, jnp.asarray(condition).astype(jnp.int32), once, value)
