"""A graph of named populations joined by connections: chains, skips, lateral links and loops.

An edge from a source to a target carries the source's **prediction** of the target. Edges that
meet on one **platform** of a population add up to one prediction μ of it, with error cells
``ε = x − μ`` of their own; a population may have several platforms (predicted from below and from
above). Everything a predictive coding network does follows: the error cells, the forces on
activity, and the local products that move weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.connections import Connection, backward
from sodachi.core.names import named_key
from sodachi.core.rule import initial_weights
from sodachi.errors import SpecError

#: Activation functions by name; a population's rate is ``f(x)``.
ACTIVATIONS: dict[str, Callable] = {
    "identity": lambda x: x,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "leaky_relu": lambda x: jnp.where(x > 0, x, 0.1 * x),
}


@dataclass(frozen=True)
class Population:
    """Cells of one name and shape, whose rate is ``activation(x)``."""

    name: str
    shape: tuple[int, ...]
    activation: str = "identity"

    def __post_init__(self):
        if self.activation not in ACTIVATIONS:
            raise SpecError(
                f"{self.name}.activation", f"one of {sorted(ACTIVATIONS)}", self.activation
            )

    def rate(self, x):
        """Return ``f(x)``."""
        return ACTIVATIONS[self.activation](x)


@dataclass(frozen=True)
class Edge:
    """A connection from one population to another (or to itself: a lateral loop).

    ``platform`` tells predictions of one target apart: those of one platform are summed.
    """

    source: str
    target: str
    connection: Connection
    platform: str = ""

    @property
    def name(self) -> str:
        """``source>target``."""
        return f"{self.source}>{self.target}"

    @property
    def lands_on(self) -> str:
        """Name of the platform (and of its error cells): the target's, or ``target:platform``."""
        return f"{self.target}:{self.platform}" if self.platform else self.target


class Platform(NamedTuple):
    """One prediction of a population: its name, whose, and the edges that carry it."""

    name: str
    population: Population
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Graph:
    """Populations and edges; any topology, loops included.

    Raises
    ------
    SpecError
        For a repeated name, an edge to an unknown population, or a shape that does not fit.
    """

    populations: tuple[Population, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self):
        names = [p.name for p in self.populations]
        if len(set(names)) != len(names):
            raise SpecError("populations", "different names", names)
        if len({e.name for e in self.edges}) != len(self.edges):
            raise SpecError("edges", "one edge a pair", [e.name for e in self.edges])
        for edge in self.edges:
            for end, shape in ((edge.source, "source"), (edge.target, "target")):
                if end not in names:
                    raise SpecError(f"edge {edge.name}", f"one of {names}", end)
                expected = self.population(end).shape
                got = tuple(getattr(edge.connection, shape))
                if expected != got:
                    raise SpecError(f"edge {edge.name}.{shape}", f"shape {expected}", got)

    def population(self, name: str) -> Population:
        """Return the population of that name."""
        return next(p for p in self.populations if p.name == name)

    def into(self, name: str) -> tuple[Edge, ...]:
        """Edges that predict this population."""
        return tuple(e for e in self.edges if e.target == name)

    def out_of(self, name: str) -> tuple[Edge, ...]:
        """Edges by which this population predicts others."""
        return tuple(e for e in self.edges if e.source == name)

    @property
    def predicted(self) -> tuple[Population, ...]:
        """Populations that something predicts; only these have error cells."""
        return tuple(p for p in self.populations if self.into(p.name))

    @property
    def sources(self) -> tuple[Population, ...]:
        """Populations that nothing predicts."""
        return tuple(p for p in self.populations if not self.into(p.name))

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """All predictions, in the order of the populations and of their edges."""
        found = []
        for p in self.predicted:
            into = self.into(p.name)
            for name in dict.fromkeys(e.lands_on for e in into):
                found.append(Platform(name, p, tuple(e for e in into if e.lands_on == name)))
        return tuple(found)


def initial_graph_weights(graph: Graph, key, scale: float = 1.0):
    """Return normal weights by edge name, each of standard deviation ``scale/√fan_in``."""
    return {
        e.name: initial_weights(e.connection, named_key(key, e.name), scale) for e in graph.edges
    }


def rates(graph: Graph, activity):
    """Return ``f(x)`` of every population."""
    return {p.name: p.rate(activity[p.name]) for p in graph.populations}


def messages(graph: Graph, weights, activity, sources):
    """Return ``W f(x)`` by edge name, of the edges that leave the populations named."""
    return {
        e.name: e.connection.apply(
            weights[e.name], graph.population(e.source).rate(activity[e.source])
        )
        for e in graph.edges
        if e.source in sources
    }


def predictions(graph: Graph, weights, bias, activity, known: Mapping[str, Any] | None = None):
    """Return ``μ = b + Σ_s W_s f(x_s)`` of every platform, by its name.

    ``known`` holds messages that need not be computed again (see `messages`).
    """
    known = known or {}
    rate = rates(graph, activity)

    def message(edge):
        if edge.name in known:
            return known[edge.name]
        return edge.connection.apply(weights[edge.name], rate[edge.source])

    return {p.name: sum((message(e) for e in p.edges), bias[p.name]) for p in graph.platforms}


def errors(graph: Graph, weights, bias, activity, known: Mapping[str, Any] | None = None):
    """Return the error cells ``ε = x − μ`` of every platform, by its name."""
    predicted = predictions(graph, weights, bias, activity, known)
    return {p.name: activity[p.population.name] - predicted[p.name] for p in graph.platforms}


def feedback_forces(graph: Graph, feedback, weighted, activity, skip=()):
    """Return ``f′(x_i) Σ_t B_it ε_t`` on every population that is not skipped.

    ``weighted`` are errors times precisions, by platform; ``feedback`` the weights B by edge name,
    in the shape of the edge's own W, which they are unless feedback has synapses of its own.
    """
    force = {}
    for p in graph.populations:
        if p.name in skip:
            continue
        rate, slope = jax.vjp(p.rate, activity[p.name])
        arriving = jnp.zeros_like(rate)
        for e in graph.out_of(p.name):
            arriving += backward(e.connection, feedback[e.name], weighted[e.lands_on])
        force[p.name] = slope(arriving)[0]
    return force


def spring_forces(graph: Graph, weighted):
    """Return ``−Σ π ε`` over a population's own platforms: what its own springs do to it."""
    force = {}
    for p in graph.platforms:
        name = p.population.name
        force[name] = force.get(name, 0.0) - weighted[p.name]
    return force


def forces(graph: Graph, weights, bias, precision, activity, feedback=None):
    r"""Return minus the gradient of the energy on every population, from explicit error cells.

    ``force_i = −π_i ε_i + f′(x_i) Σ_t (W_itᵀ π_t ε_t)``: a cell is drawn to what is predicted of
    it, and to what predicts the others better (Rao and Ballard, 1999). With ``feedback`` weights
    that are not W it is what the circuit does, which need not be a gradient.
    """
    error = errors(graph, weights, bias, activity)
    weighted = {name: precision[name] * error[name] for name in error}
    springs = spring_forces(graph, weighted)
    back = feedback_forces(graph, weights if feedback is None else feedback, weighted, activity)
    return {name: back[name] + springs.get(name, 0.0) for name in back}


def feedforward(
    graph: Graph,
    weights,
    bias,
    activity,
    known: Mapping[str, Any] | None = None,
    hold: Callable[[str, Any], Any] = lambda name, x: x,
):
    """Return activity with every predicted population put on its first platform, in edge order.

    ``hold(name, x)`` says what evidence makes of a population before it predicts others. Only for
    graphs whose populations are listed sources first; a loop sees its old activity.
    """
    activity = dict(activity)
    for p in graph.predicted:
        platform = next(q for q in graph.platforms if q.population is p)
        part = Graph(graph.populations, platform.edges)
        predicted = predictions(part, weights, bias, activity, known)[platform.name]
        activity[p.name] = hold(p.name, predicted)
    return activity
