"""How a graph is swept: units sorted by colour, couplings as products or neighbour slots."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.connections import Dense, backward
from sodachi.core.edges import Edges, neighbour_slots
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_parts import Coupling, Units
from sodachi.models.boltzmann_units import signal
from sodachi.models.coupling_matrix import symmetric

#: Neighbour slots are added one by one up to this degree, which is faster, but more program.
UNROLLED = 16


class Slots(NamedTuple):
    """Neighbour slots of a population in one coupling: partner and pair, each [units, degree]."""

    coupling: str
    other: str
    neighbour: np.ndarray
    pair: np.ndarray


class Plan(NamedTuple):
    """How a graph is swept; static. Units of a population stand sorted by colour while it lasts."""

    order: dict[str, np.ndarray | None]
    colours: dict[str, tuple[tuple[int, int], ...]]
    slots: dict[str, tuple[Slots, ...]]


@lru_cache(maxsize=64)
def plan(graph: BoltzmannGraph) -> Plan:
    """Return how the graph is swept (kept, so that it is worked out once)."""
    order: dict[str, Any] = {}
    colours: dict[str, Any] = {}
    for u in graph.populations:
        kinds = graph.classes(u.name)
        if kinds is None or not kinds.any():
            order[u.name], colours[u.name] = None, ((0, u.units),)
            continue
        order[u.name] = np.argsort(kinds, kind="stable")
        ends = np.cumsum(np.bincount(kinds)).tolist()
        colours[u.name] = tuple(zip([0, *ends[:-1]], ends, strict=True))
    slots = {u.name: tuple(_slots(graph, order, u)) for u in graph.populations}
    return Plan(order, colours, slots)


def _slots(graph: BoltzmannGraph, order, u: Units):
    """A population's neighbour slots, rows and neighbours numbered as the plan sorts them."""
    for c in graph.of(u.name):
        if not isinstance(c.connection, Edges):
            continue
        pairs = np.asarray(c.connection.pairs)
        other = c.target if u.name == c.source else c.source
        if c.inner:  # both directions, of the same weight
            neighbour, pair = neighbour_slots(np.concatenate([pairs, pairs[:, ::-1]]), u.units)
            pair = np.where(pair >= 0, pair % len(pairs), -1)
        else:
            neighbour, pair = neighbour_slots(pairs, u.units, int(u.name == c.target))
        if order[other] is not None:
            neighbour = np.argsort(order[other])[neighbour]
        rows = slice(None) if order[u.name] is None else order[u.name]
        yield Slots(c.name, other, neighbour[rows], pair[rows])


def ready_parameters(graph, how: Plan, parameters: Parameters) -> dict[str, Any]:
    """Parameters as a sweep reads them: sorted by colour, pairs' weights in their slots."""
    dense: dict[str, Any] = {}
    slots: dict[tuple[str, str], Any] = {}
    for c in graph.couplings:
        w = parameters.weights[c.name]
        if isinstance(c.connection, Edges):
            for name in (c.source, c.target):
                pair = next(s.pair for s in how.slots[name] if s.coupling == c.name)
                slots[c.name, name] = jnp.where(pair >= 0, w[pair], 0.0)
            continue
        if not isinstance(c.connection, Dense):
            dense[c.name] = w  # fields of an image: read as they are
            continue
        if c.full:
            w = symmetric(w)
        for axis, name in enumerate((c.source, c.target)):
            if how.order[name] is not None:
                index = _features(graph.population(name), how.order[name])
                w = jnp.take(w, index, axis=axis)
        dense[c.name] = w
    bias, spread = (
        {n: sort(graph, how, n, a) for n, a in part.items()}
        for part in (parameters.bias, parameters.log_variance)
    )
    return {"weights": dense, "slots": slots, "bias": bias, "log_variance": spread}


def _features(u: Units, order):
    """Rows of a dense weight for units in this order, each with all of its states."""
    return (order[:, None] * u.states + np.arange(u.states)).reshape(-1)


def sort(graph, how: Plan, name: str, tree):
    """Return arrays of a population as a sweep reads them."""
    u, order = graph.population(name), how.order[name]

    def one(a):
        a = a.reshape(*u.sites, *a.shape[len(u.shape) :])
        return a if order is None else a[order]

    return jax.tree.map(one, tree)


def unsort(graph, how: Plan, name: str, a):
    """Return an array of a population in the population's own order and shape."""
    u, order = graph.population(name), how.order[name]
    a = a if order is None else a[np.argsort(order)]
    return a.reshape(*u.shape, *a.shape[len(u.sites) :])


def along(a, like):
    """Give an array the trailing axes (states or chains) of another."""
    return a.reshape(*a.shape, *[1] * (like.ndim - a.ndim))


def from_others(graph, ready, x, u: Units):
    """Bias and what dense couplings and fields of other populations bring, by one product each."""
    total = along(ready["bias"][u.name], x[u.name])
    for c in graph.of(u.name):
        if c.inner or isinstance(c.connection, Edges):
            continue
        other = c.target if u.name == c.source else c.source
        heard = _heard_of(graph, ready, x, other)
        if not isinstance(c.connection, Dense):
            total = total + _through_fields(graph, c, ready["weights"][c.name], heard, u)
            continue
        flat = heard.reshape(-1, *heard.shape[len(graph.population(other).sites) :])
        axis = 0 if u.name == c.target else 1
        product = jnp.tensordot(ready["weights"][c.name], flat, [[axis], [0]])
        total = total + product.reshape(x[u.name].shape)
    return total


def _through_fields(graph, c: Coupling, w, heard, u: Units):
    """What fields of an image bring, up or (the adjoint) down, chain by chain."""
    how, up = plan(graph), u.name == c.target
    heard = unsort(graph, how, c.source if up else c.target, heard)
    shape = c.connection.source if up else c.connection.target

    def one(signal):
        signal = signal.reshape(shape)
        brought = c.connection.apply(w, signal) if up else backward(c.connection, w, signal)
        return brought.reshape(-1)

    chains = heard.shape[1:]
    brought = jax.vmap(one, 1, 1)(heard.reshape(len(heard), -1))
    return sort(graph, how, u.name, brought.reshape(-1, *chains))


def through_slots(how, ready, x, u: Units, rows: tuple[int, int], inner: bool):
    """What single pairs bring to some rows, slot by slot: from within, or from others."""
    total = 0.0
    for s in how.slots[u.name]:
        if (s.other == u.name) != inner:
            continue
        heard, part = x[s.other], slice(*rows)
        if s.other in ready["log_variance"]:
            heard = signal("gaussian", heard, along(ready["log_variance"][s.other], heard))
        weight = ready["slots"][s.coupling, u.name][part]
        if s.neighbour.shape[1] > UNROLLED:
            index = s.neighbour[part]
            total = total + jnp.sum(along(weight, heard[index]) * heard[index], 1)
            continue
        for k in range(s.neighbour.shape[1]):
            total = total + along(weight[:, k], heard) * heard[s.neighbour[part, k]]
    return total


def _heard_of(graph, ready, x, name: str):
    kind, spread = graph.population(name).kind, ready["log_variance"].get(name)
    return signal(kind, x[name], None if spread is None else along(spread, x[name]))
