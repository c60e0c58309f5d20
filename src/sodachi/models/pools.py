"""Pools: where every context has units of its own, only the active context's are on the bench.

What a tick costs does not grow with the number of worlds known. All arrays by unit then have a
leading axis of contexts; without pools the bench is simply everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.lanes import elect, gather, in_lanes


class Bench(NamedTuple):
    """The units that take part now: their weights, what each knows of itself, and its context."""

    lower: Any
    upper: Any
    cells: dict[str, Any]
    owner: Any


def take(s, shared, owner, current) -> Bench:
    """Return the bench of the context ``current``."""
    everybody = Bench(
        shared["weights"]["input"], shared["weights"]["label"], shared["cells"], owner
    )
    if not s.pool:
        return everybody
    return row_of(everybody, current)


def row_of(everybody, index):
    """Return row ``index`` of every array, read before anything is written.

    In a branch, although it is always taken: a compiler that may read a row late keeps a copy of
    the whole array for it, every tick.
    """

    def row():
        return jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, index, 0, False), everybody)

    def nothing():
        return jax.tree.map(lambda x: jnp.zeros(x.shape[1:], x.dtype), everybody)

    return jax.lax.cond(index >= 0, row, nothing)


def learning_context(s, current, learn):
    """Return the context that learns now, the same for all lanes, and whether this lane does.

    One world learns a tick: with pools, lanes that are in another one only live it. Which one is a
    structure decision: that of the first lane that learns.
    """
    if not s.pool or not in_lanes():
        return current, learn
    mine, _ = elect(learn, jnp.zeros(()))
    leading = jnp.max(gather(jnp.where(mine, current, 0)))
    return leading, learn & (current == leading)


def held_by(s, owner):
    """Return how many units each context holds, from the context of every unit (−1: free)."""
    contexts = owner.shape[0] if s.pool else s.contexts
    return jnp.zeros(contexts).at[jnp.maximum(owner, 0)].add(owner >= 0)


def freed(s, owner, opened):
    """Return the owners once the units of the context just ``opened`` (marked) are free."""
    if s.contexts == 1:
        return owner
    if not s.pool:
        return jnp.where(opened[jnp.maximum(owner, 0)] & (owner >= 0), -1, owner)
    slot = jnp.argmax(opened)
    return owner.at[slot].set(jnp.where(opened[slot], -1, row_of(owner, slot)))


def put(s, shared, owner, current, bench: Bench) -> Bench:
    """Return the arrays of everybody, with the bench of ``current`` in its place."""
    if not s.pool:
        return bench
    everybody = take(s._replace(pool=False), shared, owner, current)
    return jax.tree.map(
        lambda x, new: jax.lax.dynamic_update_index_in_dim(x, new, current, 0), everybody, bench
    )


def grown(newborn: Callable[[], Any], shared):
    """Return the shared state in the larger arrays that ``newborn()`` makes: what was comes first.

    One program, not one for every array.
    """

    def place(new, old):
        return new.at[tuple(slice(n) for n in old.shape)].set(old) if old.ndim else old

    return jax.jit(lambda old: jax.tree.map(place, newborn(), old))(shared)
