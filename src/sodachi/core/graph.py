"""A graph of named populations joined by connections: chains, skips, lateral links and loops.

An edge from a source to a target carries the source's **prediction** of the target. Everything a
predictive coding network does follows from the predictions: error cells ``ε = x − μ``, the forces
on activity, and the local products that move weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """A connection from one population to another (or to itself: a lateral loop)."""

    source: str
    target: str
    connection: Connection

    @property
    def name(self) -> str:
        """``source>target``."""
        return f"{self.source}>{self.target}"


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


def initial_graph_weights(graph: Graph, key, scale: float = 1.0):
    """Return normal weights by edge name, each of standard deviation ``scale/√fan_in``."""
    return {
        e.name: initial_weights(e.connection, named_key(key, e.name), scale) for e in graph.edges
    }


def rates(graph: Graph, activity):
    """Return ``f(x)`` of every population."""
    return {p.name: p.rate(activity[p.name]) for p in graph.populations}


def predictions(graph: Graph, weights, bias, activity):
    """Return ``μ_t = b_t + Σ_s W_st f(x_s)`` for every predicted population."""
    rate = rates(graph, activity)
    return {
        p.name: bias[p.name]
        + sum(e.connection.apply(weights[e.name], rate[e.source]) for e in graph.into(p.name))
        for p in graph.predicted
    }


def errors(graph: Graph, weights, bias, activity):
    """Return the error cells ``ε_t = x_t − μ_t`` of every predicted population."""
    predicted = predictions(graph, weights, bias, activity)
    return {name: activity[name] - predicted[name] for name in predicted}


def forces(graph: Graph, weights, bias, precision, activity):
    r"""Return minus the gradient of the energy on every population, from explicit error cells.

    ``force_i = −π_i ε_i + f′(x_i) Σ_t (W_itᵀ π_t ε_t)``: a cell is drawn to what is predicted of
    it, and to what predicts the others better (Rao and Ballard, 1999).
    """
    error = errors(graph, weights, bias, activity)
    weighted = {name: precision[name] * error[name] for name in error}
    force = {}
    for p in graph.populations:
        x = activity[p.name]
        rate, slope = jax.vjp(p.rate, x)
        feedback = jnp.zeros_like(rate)
        for e in graph.out_of(p.name):
            feedback += backward(e.connection, weights[e.name], weighted[e.target])
        force[p.name] = slope(feedback)[0] - weighted.get(p.name, jnp.zeros_like(x))
    return force


def feedforward(graph: Graph, weights, bias, activity):
    """Return activity with every predicted population put on its prediction, in edge order.

    Only for graphs whose populations are listed sources first; a loop sees its old activity.
    """
    activity = dict(activity)
    for p in graph.predicted:
        activity[p.name] = predictions(graph, weights, bias, activity)[p.name]
    return activity
