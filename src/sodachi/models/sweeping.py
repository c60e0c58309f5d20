"""Gibbs sweeps of a Boltzmann machine: units that do not touch one another are drawn together.

Populations of one turn hear dense couplings by one matrix product; within a population of single
pairs the colours are visited in order, each unit reading its own neighbour slots; a population
that is coupled all to all is visited unit by unit, each visit passing its change on to all fields.
Arrays are in the population's shape, then any axes of chains: gathers then run over whole rows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.edges import Edges, neighbour_slots
from sodachi.core.lanes import any_lane
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters, Units
from sodachi.models.boltzmann_units import draw, held, signal
from sodachi.models.coupling_matrix import symmetric
from sodachi.models.visiting import visit
from sodachi.system import Evidence

#: The smallest uniform number that is drawn: its logarithm and its normal quantile are finite.
LEAST = 2.0**-24


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


def sweeps(
    graph: BoltzmannGraph,
    parameters: Parameters,
    x: dict[str, Any],
    key,
    count: int = 1,
    *,
    temperature: Any = 1.0,
    evidence: dict[str, Evidence] | None = None,
    mean_field: bool = False,
    moving: dict[str, Any] | None = None,
):
    r"""Return ``(x, mean)`` after every unit was visited ``count`` times (Gibbs sampling).

    Each visit draws ``x_i ~ exp(−E(x_i, rest)/T)``. The law ``exp(−E/T)/Z`` does not change under
    a sweep, so long runs sample it.

    Parameters
    ----------
    x
        By population an array of its shape, then any axes of chains.
    count
        Sweeps; static.
    temperature
        T, or one for each chain.
    evidence
        By population; names that are missing run free.
    mean_field
        Replace draws by their means: a fixed-point iteration of the mean-field equations.
    moving
        By population whether it moves at all (a traced flag); None: all of them.

    Returns
    -------
    tuple
        The sample, and by population the mean from which each unit was last drawn.

    References
    ----------
    Geman and Geman (1984); by colours: Gonzalez et al. (2011).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2], ["b", 3]], [["a", "b"]])
    >>> x, mean = sweeps(graph, graph.parameters(), graph.start(5), jax.random.key(0), 2)
    >>> x["b"].shape, mean["b"][0].tolist()
    ((3, 5), [0.5, 0.5, 0.5, 0.5, 0.5])
    """
    how = plan(graph)
    ready = _ready(graph, how, parameters)
    known = {n: _sorted(graph, how, n, readable(e)) for n, e in (evidence or {}).items()}
    x = {n: held(_finite(_sorted(graph, how, n, a)), known.get(n)) for n, a in x.items()}

    def sweep(t, carry):
        x, mean = carry
        now = jax.random.fold_in(key, t)
        for number, name in enumerate(n for turn in graph.turns for n in turn):
            u, own = graph.population(name), jax.random.fold_in(now, number)
            drawn = _skippable(graph, how, ready, x, u, own, temperature, known, mean_field)
            if moving is not None:
                stays = (x[name], mean[name])
                drawn = [jnp.where(moving[name], a, b) for a, b in zip(drawn, stays, strict=True)]
            x, mean = x | {name: drawn[0]}, mean | {name: drawn[1]}
        return x, mean

    x, mean = sweep(0, (x, x)) if count == 1 else jax.lax.fori_loop(0, count, sweep, (x, x))
    return tuple({n: _unsorted(graph, how, n, a) for n, a in v.items()} for v in (x, mean))


def fields(graph: BoltzmannGraph, parameters: Parameters, x):
    """Return by population ``Σ_j w_ij s_j + b_i`` of every unit, all couplings included."""
    how = plan(graph)
    ready = _ready(graph, how, parameters)
    x = {n: _sorted(graph, how, n, a) for n, a in x.items()}

    def total(u: Units):
        heard = _outer(graph, ready, x, u)
        for c in graph.of(u.name):
            if c.full:
                heard = heard + jnp.tensordot(ready["weights"][c.name], x[u.name], 1)
        for inner in (False, True):
            heard = heard + _slotted(how, ready, x, u, (0, u.units), inner)
        return _unsorted(graph, how, u.name, heard)

    return {u.name: total(u) for u in graph.populations}


# --- one population's turn -----------------------------------------------------------------------


def _skippable(graph, how, ready, x, u, key, temperature, known, mean_field):
    """A turn, which costs nothing where every unit is clamped in every lane."""

    def turn():
        return _turn(graph, how, ready, x, u, key, temperature, known.get(u.name), mean_field)

    if u.name not in known:
        return turn()
    free = any_lane(jnp.any(~jnp.isinf(known[u.name].precision)))
    return jax.lax.cond(free, turn, lambda: (x[u.name], x[u.name]))


def _turn(graph, how, ready, x, u: Units, key, temperature, evidence, mean_field):
    own = x[u.name]
    uniform = jax.random.uniform(key, own.shape, own.dtype, LEAST, 1.0)
    outer = _outer(graph, ready, x, u) + _slotted(how, ready, x, u, (0, u.units), False)
    for c in graph.of(u.name):
        if c.full:
            matrix = ready["weights"][c.name]
            return visit(u.kind, matrix, outer, own, uniform, temperature, evidence, mean_field)
    log_variance, mean = ready["log_variance"].get(u.name), own
    if log_variance is not None:
        log_variance = along(log_variance, own)
    for start, stop in how.colours[u.name]:
        part = slice(start, stop)
        heard = outer[part] + _slotted(how, ready, x | {u.name: own}, u, (start, stop), True)
        spread = None if log_variance is None else log_variance[part]
        now = None if evidence is None else Evidence(*(a[part] for a in evidence))
        drawn = draw(u.kind, heard, uniform[part], temperature, spread, now, mean_field)
        own, mean = own.at[part].set(drawn[0]), mean.at[part].set(drawn[1])
    return own, mean


def _outer(graph, ready, x, u: Units):
    """Bias and what dense couplings with other populations bring, by one product each."""
    total = along(ready["bias"][u.name], x[u.name])
    for c in graph.of(u.name):
        if c.inner or isinstance(c.connection, Edges):
            continue
        other = c.target if u.name == c.source else c.source
        heard = _signal(graph, ready, x, other)
        flat = heard.reshape(-1, *heard.shape[len(graph.population(other).sites) :])
        axis = 0 if u.name == c.target else 1
        product = jnp.tensordot(ready["weights"][c.name], flat, [[axis], [0]])
        total = total + product.reshape(x[u.name].shape)
    return total


def _slotted(how, ready, x, u: Units, rows: tuple[int, int], inner: bool):
    """What single pairs bring to some rows, slot by slot: from within, or from others."""
    total = 0.0
    for s in how.slots[u.name]:
        if (s.other == u.name) != inner:
            continue
        heard, part = x[s.other], slice(*rows)
        if s.other in ready["log_variance"]:
            heard = signal("gaussian", heard, along(ready["log_variance"][s.other], heard))
        weight = ready["slots"][s.coupling, u.name][part]
        for k in range(s.neighbour.shape[1]):
            total = total + along(weight[:, k], heard) * heard[s.neighbour[part, k]]
    return total


def _signal(graph, ready, x, name: str):
    kind, spread = graph.population(name).kind, ready["log_variance"].get(name)
    return signal(kind, x[name], None if spread is None else along(spread, x[name]))


# --- sorting by colour ---------------------------------------------------------------------------


def _ready(graph, how: Plan, parameters: Parameters) -> dict[str, Any]:
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
        if c.full:
            w = symmetric(w)
        for axis, name in enumerate((c.source, c.target)):
            if how.order[name] is not None:
                index = _features(graph.population(name), how.order[name])
                w = jnp.take(w, index, axis=axis)
        dense[c.name] = w
    bias, spread = (
        {n: _sorted(graph, how, n, a) for n, a in part.items()}
        for part in (parameters.bias, parameters.log_variance)
    )
    return {"weights": dense, "slots": slots, "bias": bias, "log_variance": spread}


def _features(u: Units, order):
    """Rows of a dense weight for units in this order, each with all of its states."""
    return (order[:, None] * u.states + np.arange(u.states)).reshape(-1)


def _sorted(graph, how: Plan, name: str, tree):
    u, order = graph.population(name), how.order[name]

    def one(a):
        a = a.reshape(*u.sites, *a.shape[len(u.shape) :])
        return a if order is None else a[order]

    return jax.tree.map(one, tree)


def _unsorted(graph, how: Plan, name: str, a):
    u, order = graph.population(name), how.order[name]
    a = a if order is None else a[np.argsort(order)]
    return a.reshape(*u.shape, *a.shape[len(u.sites) :])


def along(a, like):
    """Give an array the trailing axes (states or chains) of another."""
    return a.reshape(*a.shape, *[1] * (like.ndim - a.ndim))


def _finite(x):
    return jnp.where(jnp.isfinite(x), x, 0.0)


def readable(evidence: Evidence) -> Evidence:
    """Return evidence whose values are finite: what is no number is read as 0."""
    return evidence._replace(value=_finite(evidence.value))


def energy(graph: BoltzmannGraph, parameters: Parameters, x):
    r"""Return ``E(x)``, for each chain where there are any (see `BoltzmannGraph`).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> float(energy(graph, graph.parameters(1.0), {"a": jnp.ones(2)}))
    -3.0
    """
    heard, total = fields(graph, parameters, x), jnp.zeros(())
    for u in graph.populations:
        axes = tuple(range(len(u.shape)))
        bias = along(parameters.bias[u.name], x[u.name])
        # Every coupling is heard from both of its sides, a bias from one.
        if u.kind != "gaussian":
            total = total - 0.5 * jnp.sum(x[u.name] * (heard[u.name] + bias), axes)
            continue
        spread = along(parameters.log_variance[u.name], x[u.name])
        pull = 0.5 * x[u.name] * (heard[u.name] - bias)
        total = total + jnp.sum(jnp.exp(-spread) * (0.5 * (x[u.name] - bias) ** 2 - pull), axes)
    return total
