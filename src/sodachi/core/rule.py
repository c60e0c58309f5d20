"""A plasticity rule: separable drives, then one function of one synapse; and its lift.

A **drive** is (what the postsynaptic cell knows) × (what the presynaptic cell knows), summed over
samples and, where weights are tied, over sites. The **synapse** functions are written for scalars
and see a weight, the synapse's own state, the drives that arrive, the clock, and declared sums
over the cell's own synapses. `plastic` is the one door through which weights change.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.connections import Connection, lift
from sodachi.core.lanes import gather

Cells = dict[str, Any]
"""What the cells of one side know, by name, each array in the population's shape."""


class Drive(NamedTuple):
    """One separable drive ``post × pre``; None stands for ones. ``event`` marks a spike factor.

    A drive marked as an event is not lifted at all on ticks when either of its factors is silent
    in every lane. One marked ``chains`` has factors with a last axis of samples that all lanes
    share (dreams): their mean is lifted once, not once a lane.
    """

    post: Any = None
    pre: Any = None
    event: bool = False
    chains: bool = False


class Context(NamedTuple):
    """What a synapse knows beside its own: ``clock`` in ticks, and its cell's declared sums."""

    clock: Any
    sums: tuple[Any, ...] = ()


def _no_state(weight) -> dict[str, Any]:
    return {}


class Rule(NamedTuple):
    """A plasticity rule, composed of small parts.

    ``drives(post, pre) -> (Drive, ...)`` from what the cells know; for **one synapse** in scalars:
    ``change(w, s, d, context) -> dw`` (the direction in which the drives push),
    ``update(w, s, dw, context) -> (w, s)`` (step size, decay, bounds) and ``start(w) -> s``.
    ``sums`` are functions ``(w, s) -> scalar``, each summed over the postsynaptic cell's own
    synapses.
    """

    name: str
    drives: Callable[[Cells, Cells], tuple[Drive, ...]]
    change: Callable[[Any, dict, tuple, Context], Any]
    update: Callable[[Any, dict, Any, Context], tuple[Any, dict]]
    start: Callable[[Any], dict[str, Any]] = _no_state
    sums: tuple[Callable[[Any, dict], Any], ...] = ()


def step_size(rate: float):
    """Return the plainest update: ``w ← w + rate · dw``."""

    def update(w, s, dw, context):
        return w + rate * dw, s

    return update


def start_synapses(rule: Rule, weight):
    """Return the synapse state that belongs to initial weights, one scalar each per synapse."""
    return jax.tree.map(jnp.asarray, _each(rule.start, weight.ndim)(weight))


def plastic(
    rule: Rule,
    connection: Connection,
    weight,
    synapse,
    post: Cells,
    pre: Cells,
    *,
    learn,
    clock,
    modulation=1.0,
    reduce: str = "mean",
    name: str = "",
):
    """Return ``(weight, synapse)`` after one tick of a rule on a connection.

    Drives are lifted by the connection's adjoint, ``d = Σ_lanes modulation · post ⊗ pre``, then
    ``w, s ← update(w, s, change(w, s, d))`` at every synapse alone. Without ``learn`` in any lane
    every bit stays; a lane without it adds nothing. A synapse whose new weight or state would not
    be finite keeps its old ones.

    Parameters
    ----------
    post, pre
        What the cells know, by name; arrays in the shapes of the connection's target and source.
    learn, modulation
        Per lane; ``modulation`` multiplies the drives with its sign.
    clock
        Ticks lived so far, a float.
    reduce
        ``"mean"`` over the lanes that learn, or ``"sum"``.
    name
        What an audit calls this connection.
    """
    lanes = gather(learn)
    gate = jnp.where(learn, modulation, 0.0)
    count = jnp.maximum(lanes.sum(), 1) if reduce == "mean" else 1
    drives = tuple(
        _lift(connection, drive, gate, weight.dtype) / count for drive in rule.drives(post, pre)
    )
    sums = tuple(
        _sum_over_cell(connection, _each(f, weight.ndim)(weight, synapse)) for f in rule.sums
    )
    new = _each(_one_synapse(rule, clock), weight.ndim)(weight, synapse, drives, sums)
    weight_, synapse_ = _keep(jnp.any(lanes), (weight, synapse), new)
    cells = (post, pre, learn, modulation)
    _tell((name, rule, connection, reduce), (weight, synapse), cells, clock, (weight_, synapse_))
    return weight_, synapse_


def _one_synapse(rule: Rule, clock):
    def synapse(w, s, d, sums):
        context = Context(clock, sums)
        return rule.update(w, s, rule.change(w, s, d, context), context)

    return synapse


def _each(function, dimensions: int):
    """Apply a function of scalars at every synapse: by construction it sees no other."""
    for _ in range(dimensions):
        function = jax.vmap(function)
    return function


def _lift(connection: Connection, drive: Drive, gate, dtype):
    if drive.chains:
        # The same in every lane, so that the first lane's copy is everyone's.
        post, pre = (jnp.moveaxis(gather(x)[0], -1, 0) for x in (drive.post, drive.pre))
        whole = lift(connection, post.astype(dtype), pre.astype(dtype))
        return whole * (gather(gate).sum() / len(post))
    post = jnp.ones(connection.target, dtype) if drive.post is None else drive.post
    pre = jnp.ones(connection.source, dtype) if drive.pre is None else drive.pre
    # `where` first: a lane that does not learn adds nothing, whatever stands in its activity.
    post = gather(jnp.where(gate == 0, 0.0, post * gate).astype(dtype))
    pre = gather(jnp.where(gate == 0, 0.0, pre).astype(dtype))
    if not drive.event:
        return lift(connection, post, pre)
    loud = jnp.any(post != 0) & jnp.any(pre != 0)
    silent = jnp.zeros(connection.weights, dtype)
    return jax.lax.cond(loud, lambda: lift(connection, post, pre), lambda: silent)


def _sum_over_cell(connection: Connection, values):
    """Sum over each target cell's own synapses and hand the sum to each of them."""
    total = connection.apply(values, jnp.ones(connection.source, values.dtype))
    shared_by = lift(connection, total[None], jnp.ones((1, *connection.source), values.dtype))
    sites = lift(
        connection,
        jnp.ones((1, *connection.target), values.dtype),
        jnp.ones((1, *connection.source), values.dtype),
    )
    return shared_by / jnp.maximum(sites, 1)


def _keep(learning, old, new):
    """Keep the old bits where nothing learns or where a new value would not be finite."""
    fine = learning
    for leaf in jax.tree.leaves(new):
        fine = fine & jnp.isfinite(leaf)
    return jax.tree.map(lambda a, b: jnp.where(fine, b.astype(a.dtype), a), old, new)


# --- what the audit hears ------------------------------------------------------------------------


class Change(NamedTuple):
    """One pass through `plastic`, as an audit hears it: all that is needed to live it again."""

    name: str
    rule: Rule
    connection: Connection
    reduce: str
    before: tuple[Any, Any]
    """Weight and synapse state."""
    cells: tuple[Cells, Cells, Any, Any]
    """What post and pre knew, ``learn`` and ``modulation``: every lane's, on a leading axis."""
    clock: Any
    after: tuple[Any, Any]


_listener: ContextVar[list[Change] | None] = ContextVar("listener", default=None)


@contextmanager
def listen():
    """Collect every `Change` made inside the block, by what is traced in it."""
    heard: list[Change] = []
    token = _listener.set(heard)
    try:
        yield heard
    finally:
        _listener.reset(token)


def _tell(what, before, cells, clock, after) -> None:
    heard = _listener.get()
    if heard is None:
        return
    lanes = jax.tree.map(gather, cells)
    # A callback hears values also inside `vmap` and loops: one change for every separate life.
    jax.debug.callback(
        lambda *values: heard.append(Change(*what, *values)), before, lanes, clock, after
    )


def initial_weights(connection: Connection, key, scale: float = 1.0, dtype=jnp.float32):
    """Return normal weights of standard deviation ``scale / √fan_in``.

    Examples
    --------
    >>> from sodachi.core.connections import Dense
    >>> initial_weights(Dense((3,), (2,)), jax.random.key(0)).shape
    (3, 2)
    """
    spread = scale / max(connection.fan_in, 1) ** 0.5
    return spread * jax.random.normal(key, connection.weights, dtype)


def count_weights(connections) -> int:
    """Return the number of weights of some connections."""
    return sum(prod(c.weights) for c in connections)
