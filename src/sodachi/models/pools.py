"""Pools: where every context has units of its own, only the active context's are on the bench.

What a tick costs does not grow with the number of worlds known. All arrays by unit hold the pools
one after the other; without pools the bench is simply everybody.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Bench(NamedTuple):
    """The units that take part now: their weights, what each knows of itself, and its context."""

    lower: Any
    upper: Any
    cells: dict[str, Any]
    owner: Any


def take(s, shared, owner, current) -> Bench:
    """Return the bench of the context ``current``."""
    lower, upper = shared["weights"]["input"], shared["weights"]["label"]
    if not s.pool:
        return Bench(lower, upper, shared["cells"], owner)
    start = current * s.units

    def part(x, axis=0):
        return jax.lax.dynamic_slice_in_dim(x, start, s.units, axis)

    cells = {name: part(x) for name, x in shared["cells"].items()}
    return Bench(part(lower, 1), part(upper), cells, part(owner))


def put(s, shared, owner, current, bench: Bench):
    """Return ``(lower, upper, cells, owner)`` of everybody, with the bench in its place."""
    if not s.pool:
        return bench
    start = current * s.units

    def back(x, new, axis=0):
        return jax.lax.dynamic_update_slice_in_dim(x, new, start, axis)

    cells = {name: back(x, bench.cells[name]) for name, x in shared["cells"].items()}
    weights = shared["weights"]
    return Bench(
        back(weights["input"], bench.lower, 1),
        back(weights["label"], bench.upper),
        cells,
        back(owner, bench.owner),
    )


def grown(s, shared, newborn):
    """Return the shared state with twice the contexts; ``newborn`` is that of a network so large.

    The first half of every array that is longer in the newborn is what was; nothing else changes.
    """

    def put(new, old):
        return new.at[tuple(slice(n) for n in old.shape)].set(old) if old.ndim else old

    return jax.tree.map(put, newborn, shared)
