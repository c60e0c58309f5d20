"""A grid of ReLU units by levels: forward, hunger backward, and utility handed down.

Nodes are numbered ``[1 | inputs | units]``: a constant, D inputs, U units. Unit u lies on level
``u mod L``, so that twice the capacity appends units and renumbers none. Every unit has T
terminals, the first on the constant (its bias), each other on a node of an earlier level, or on
none (−1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

NOBODY = -1


@dataclass(frozen=True)
class Terminals:
    """Each cell listens to axon terminals of its own: ``post_j = Σ_t w_jt pre_jt``.

    What a terminal delivers is looked up where the wiring lives, in the state; so the wiring may
    change while the connection stays static, and an audit sees every synapse with its own terminal.
    """

    cells: int
    fan_in: int

    @property
    def source(self) -> tuple[int, ...]:
        """(cells, terminals of a cell)."""
        return (self.cells, self.fan_in)

    @property
    def target(self) -> tuple[int, ...]:
        """(cells,)."""
        return (self.cells,)

    @property
    def weights(self) -> tuple[int, ...]:
        """(cells, terminals of a cell)."""
        return (self.cells, self.fan_in)

    def apply(self, w, pre):
        """Return each cell's weighted sum over its own terminals."""
        return jnp.sum(w * pre, axis=-1)


class Wiring(NamedTuple):
    """Who listens to whom: ``source`` (U, T) node numbers, ``live`` (U,)."""

    source: Any
    live: Any


def hear(nodes, source):
    """Return what the terminals deliver: the node's activity, 0 where there is no node."""
    return jnp.where(source >= 0, nodes[jnp.maximum(source, 0)], 0.0)


def forward(levels: int, weight, wiring: Wiring, x, push=0.0):
    """Return the activity of all nodes, ``x_u = relu(Σ_t w_ut x_source(u,t)) + push_u``, by levels.

    ``push`` (U,) is added to live and dead units alike; it is what finite differences vary.
    """
    first = 1 + x.shape[0]
    units = jnp.zeros(wiring.live.shape[0], x.dtype)
    nodes = jnp.concatenate([jnp.ones(1, x.dtype), x, units])
    push = jnp.broadcast_to(jnp.asarray(push, x.dtype), units.shape)

    def one(level, nodes):
        row = level_of(levels, level)
        drive = jnp.sum(row(weight) * hear(nodes, row(wiring.source)), axis=-1)
        rate = jnp.where(row(wiring.live), jax.nn.relu(drive), 0.0) + row(push)
        return nodes.at[first + level + levels * jnp.arange(rate.shape[0])].set(rate)

    return jax.lax.fori_loop(0, levels, one, nodes)


def hunger(levels: int, weight, wiring: Wiring, out, nodes, error):
    r"""Return ``(−∂E/∂x_u, Σ_o (∂y_o/∂x_u)²)`` of every unit by one sweep backward.

    ``H_u = Σ_o V_uo e_o + Σ_k w_ku 1[x_k > 0] H_k`` over the units k that listen to u. The squared
    slope is summed over paths without cross terms (diagonal Gauss-Newton; LeCun, 1998).
    """
    units = wiring.live.shape[0]
    first = nodes.shape[0] - units
    wants = jnp.zeros_like(nodes).at[first:].set(out[first:] @ error)
    gain = jnp.zeros_like(nodes).at[first:].set(jnp.sum(out[first:] ** 2, axis=1))

    def one(i, carry):
        wants, gain = carry
        row = level_of(levels, levels - 1 - i)
        w, source = row(weight), row(wiring.source)
        on = row(wiring.live & (nodes[first:] > 0))
        heard = jnp.where((source >= 0) & on[:, None], w, 0.0)
        target = jnp.maximum(source, 0)
        wants = wants.at[target].add(heard * row(wants[first:])[:, None])
        gain = gain.at[target].add(heard**2 * row(gain[first:])[:, None])
        return wants, gain

    wants, gain = jax.lax.fori_loop(0, levels, one, (wants, gain))
    return wants[first:], gain[first:]


def utility(levels: int, weight, wiring: Wiring, out, passed: float, swing: Any = 1.0):
    r"""Return the utility of outputs (O,) and nodes (1 + D + U,): together always 1.

    The outputs begin with 1/O each and hand it all down; a unit hands down the part ``passed`` of
    its own. What is handed down is shared by ``|w| swing`` among those listened to; whoever listens
    to nobody keeps what it has. The constant and the dead are nobody. Without a ``swing`` (1 + D +
    U,), how far nodes vary, weights alone count.
    """
    units = wiring.live.shape[0]
    first, outputs = out.shape[0] - units, out.shape[1]
    somebody = jnp.concatenate([jnp.ones(first), wiring.live]).astype(out.dtype).at[0].set(0.0)
    somebody *= swing
    strength = jnp.abs(out) * somebody[:, None]
    part = _shares(strength, 0)
    nodes = jnp.sum(part, axis=1) / outputs
    kept = jnp.where(jnp.sum(strength, axis=0) > 0, 0.0, 1.0 / outputs)

    def one(i, nodes):
        row = level_of(levels, levels - 1 - i)
        source = row(wiring.source)
        heard = jnp.abs(row(weight)) * hear(somebody, source)
        given = passed * row(nodes[first:])[:, None] * _shares(heard, 1)
        here = first + (levels - 1 - i) + levels * jnp.arange(source.shape[0])
        nodes = nodes.at[here].add(-jnp.sum(given, axis=1))
        return nodes.at[jnp.maximum(source, 0)].add(given)

    return kept, jax.lax.fori_loop(0, levels, one, nodes)


def synapse_utility(levels: int, weight, wiring: Wiring, out, passed: float):
    r"""Return the utility that flows through synapses onto units (U, T), outputs (1 + D + U, O).

    What `utility` hands down through it: of an output its share of ``1/O``, of a unit its share of
    what that unit hands down. Through a synapse on the constant, or on the dead, nothing flows.

    Examples
    --------
    >>> wiring = Wiring(jnp.array([[0, 1]]), jnp.ones(1, bool))
    >>> out = jnp.array([[5.0], [1.0], [3.0]])
    >>> onto, outputs = synapse_utility(1, jnp.array([[9.0, 2.0]]), wiring, out, 0.5)
    >>> onto.tolist(), outputs[:, 0].tolist()
    ([[0.0, 0.375]], [0.0, 0.25, 0.75])
    """
    first = out.shape[0] - wiring.live.shape[0]
    somebody = jnp.concatenate([jnp.ones(first), wiring.live]).astype(out.dtype).at[0].set(0.0)
    outputs = _shares(jnp.abs(out) * somebody[:, None], 0) / out.shape[1]
    _, nodes = utility(levels, weight, wiring, out, passed)
    heard = jnp.abs(weight) * hear(somebody, wiring.source)
    # A unit that hands down keeps the part 1 − passed: what it gave follows from what it has.
    given = passed / (1.0 - passed) * nodes[first:, None] * _shares(heard, 1)
    return given, outputs


def used(weight, wiring: Wiring, nodes: int, negligible: float):
    """Return which nodes some live unit listens to through a weight that is not negligible."""
    heard = wiring.live[:, None] & (wiring.source >= 0) & (jnp.abs(weight) > negligible)
    return jnp.zeros(nodes, bool).at[jnp.maximum(wiring.source, 0)].max(heard)


def _shares(strength, axis: int):
    total = jnp.sum(strength, axis=axis, keepdims=True)
    return jnp.where(total > 0, strength / jnp.where(total > 0, total, 1.0), 0.0)


def level_of(levels: int, level):
    """Return the function that takes the units of one level out of an array over all units."""

    def row(array):
        grid = array.reshape(-1, levels, *array.shape[1:])
        return jax.lax.dynamic_index_in_dim(grid, level, 1, keepdims=False)

    return row
