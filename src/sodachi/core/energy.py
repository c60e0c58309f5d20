"""Energy as a sum of local terms, and its force by automatic differentiation.

The terms are the definition; models may compute the same forces explicitly, cell by cell, and
tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.connections import Connection
from sodachi.core.graph import Graph


class Term(NamedTuple):
    """One local term of an energy: the variables it touches, and its value in their activity."""

    touches: tuple[str, ...]
    value: Callable


def energy(terms: Sequence[Term], activity):
    """Return the sum of all terms.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> spring = Term(("x",), lambda a: 0.5 * jnp.sum(a["x"] ** 2))
    >>> float(energy([spring], {"x": jnp.array([3.0])}))
    4.5
    """
    return sum((t.value({n: activity[n] for n in t.touches}) for t in terms), jnp.zeros(()))


def force(terms: Sequence[Term], activity):
    """Return ``−∂E/∂x`` for every variable.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> spring = Term(("x",), lambda a: 0.5 * jnp.sum(a["x"] ** 2))
    >>> force([spring], {"x": jnp.array([3.0])})["x"].tolist()
    [-3.0]
    """
    return jax.tree.map(jnp.negative, jax.grad(lambda a: energy(terms, a))(activity))


def prediction_terms(graph: Graph, weights, bias, precision) -> tuple[Term, ...]:
    """Return ``½ π |x − μ|²`` for every platform of every population (springs on posts)."""

    def spring(platform):
        name = platform.population.name
        touches = tuple(dict.fromkeys([name, *(e.source for e in platform.edges)]))

        def value(activity):
            predicted = bias[platform.name]
            for e in platform.edges:
                rate = graph.population(e.source).rate(activity[e.source])
                predicted = predicted + e.connection.apply(weights[e.name], rate)
            error = activity[name] - predicted
            return 0.5 * jnp.sum(precision[platform.name] * error**2)

        return Term(touches, value)

    return tuple(spring(p) for p in graph.platforms)


def pair_term(name: str, connection: Connection, weight) -> Term:
    """Return ``−½ xᵀ W x`` of a population with itself, as in a Boltzmann machine."""

    def value(activity):
        x = activity[name]
        return -0.5 * jnp.sum(x * connection.apply(weight, x))

    return Term((name,), value)


def field_term(name: str, field) -> Term:
    """Return ``−b·x``: a constant field (a bias) on a population."""
    return Term((name,), lambda activity: -jnp.sum(field * activity[name]))
