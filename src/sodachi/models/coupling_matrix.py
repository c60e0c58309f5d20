"""A whole graph as one matrix: for exact sums, and for visits that keep no order."""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.connections import Dense
from sodachi.core.edges import Edges
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters


def symmetric(w):
    """Return the couplings within a population: what stands above the diagonal, both ways.

    The two copies of a pair's weight learn alike but for rounding; one of them is read.
    """
    upper = jnp.triu(w, 1)
    return upper + upper.T


def places(graph: BoltzmannGraph) -> dict[str, np.ndarray]:
    """Return where each population's numbers stand when all are laid in a row, [units × states]."""
    found, first = {}, 0
    for u in graph.populations:
        found[u.name] = first + np.arange(u.units * u.states)
        first += u.units * u.states
    return found


def flat(graph: BoltzmannGraph, x: dict[str, Any]):
    """Return all populations' numbers in a row, [numbers, chains ...]."""
    rows = [x[u.name].reshape(-1, *x[u.name].shape[len(u.shape) :]) for u in graph.populations]
    return jnp.concatenate(rows)


def unflat(graph: BoltzmannGraph, row) -> dict[str, Any]:
    """Return the populations of a row that `flat` laid."""
    where = places(graph)
    return {u.name: row[where[u.name]].reshape(*u.shape, *row.shape[1:]) for u in graph.populations}


def coupling_matrix(graph: BoltzmannGraph, parameters: Parameters):
    """Return ``(matrix, bias, log_variance)`` of all numbers in a row: [n, n], [n] and [n].

    The field of number i is ``Σ_j matrix_ij s_j + bias_i``; the matrix is symmetric. The logarithm
    of the variance is 0 where a unit is not Gaussian (its signal is x itself).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> coupling_matrix(graph, graph.parameters(2.0))[0].tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    where = places(graph)
    size = sum(len(rows) for rows in where.values())
    bias = flat(graph, parameters.bias)
    matrix = jnp.zeros((size, size), bias.dtype)
    for c in graph.couplings:
        w = parameters.weights[c.name]
        if isinstance(c.connection, Edges):
            pairs, states = np.asarray(c.connection.pairs), graph.population(c.source).states
            own = (pairs[..., None] * states + np.arange(states)).astype(int)
            rows, columns = where[c.source][own[:, 0]], where[c.target][own[:, 1]]
            w = jnp.broadcast_to(w[:, None], rows.shape)
            matrix = matrix.at[rows, columns].add(w).at[columns, rows].add(w)
            continue
        rows, columns = where[c.source], where[c.target]
        if c.inner:
            w = symmetric(w)
        elif not isinstance(c.connection, Dense):
            w = _whole(c.connection, w)
        matrix = matrix.at[np.ix_(rows, columns)].set(w)
        matrix = matrix.at[np.ix_(columns, rows)].set(w.T)
    spread = jnp.zeros(size, bias.dtype)
    for name, value in parameters.log_variance.items():
        spread = spread.at[where[name]].set(value.reshape(-1))
    return matrix, bias, spread


def _whole(connection, w):
    """Return fields of an image as [source units, target units]: what each source unit brings."""
    each = jnp.eye(prod(connection.source), dtype=w.dtype).reshape(-1, *connection.source)
    return jax.vmap(lambda one: connection.apply(w, one).reshape(-1))(each)
