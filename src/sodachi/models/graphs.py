"""Graphs from plain JSON values, and the chains of layers that most nets are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.connections import Convolution, Dense, Local, Sparse
from sodachi.core.graph import Edge, Graph, Population
from sodachi.core.names import named_key
from sodachi.core.rule import initial_weights
from sodachi.errors import SpecError

DIRECTIONS = ("down", "up", "both")
INITIAL = ("normal", "orthogonal")


def chain(layers: Sequence[int], direction: str, activation: str) -> Graph:
    """Return the graph of a chain of dense layers from ``input`` to ``label``.

    ``"down"``: each layer predicts the one below; ``"up"``: the one above; ``"both"``: both, each
    on a platform of its own. Populations stand sources first, so that a feedforward start goes in
    order (for both directions: upward).

    Raises
    ------
    SpecError
        For fewer than two layers, a size below 1, or an unknown direction or activation.

    Examples
    --------
    >>> [e.name for e in chain((4, 3, 2), "down", "tanh").edges]
    ['label>hidden1', 'hidden1>input']
    """
    if len(layers) < 2 or any(type(n) is not int or n < 1 for n in layers):
        raise SpecError("layers", "two or more positive sizes", tuple(layers))
    if direction not in DIRECTIONS:
        raise SpecError("direction", f"one of {DIRECTIONS}", direction)
    names = ["input", *(f"hidden{i}" for i in range(1, len(layers) - 1)), "label"]
    shapes = dict(zip(names, layers, strict=True))
    order = names[::-1] if direction == "down" else names
    populations = tuple(
        # The source of the chain is read as it is: its rate is its value.
        Population(n, (shapes[n],), "identity" if n in ("input", "label") else activation)
        for n in order
    )
    edges = [_dense(a, b, shapes, "") for a, b in pairwise(order)]
    if direction == "both":
        edges += [_dense(b, a, shapes, "down") for a, b in pairwise(order)]
    return Graph(populations, tuple(edges))


def _dense(a: str, b: str, shapes: dict[str, int], platform: str) -> Edge:
    return Edge(a, b, Dense((shapes[a],), (shapes[b],)), platform)


def graph_of(populations: Sequence[Sequence[Any]], edges: Sequence[Sequence[Any]]) -> Graph:
    """Return the graph that JSON values describe.

    Parameters
    ----------
    populations
        ``[name, shape]`` or ``[name, shape, activation]``, sources first.
    edges
        ``[source, target]`` for a dense connection, or with a third item: a dictionary with
        ``kind`` ("dense", "convolution", "local", "sparse"), the connection's own arguments
        (``size``, ``stride``, ``padding``; ``fan_in``, ``seed``; ``loop``) and ``platform``.

    Raises
    ------
    SpecError
        For an item of another form, an unknown kind, or shapes that do not fit.

    Examples
    --------
    >>> graph_of([["a", [4]], ["b", [2], "tanh"]], [["a", "b"]]).edges[0].connection.weights
    (4, 2)
    """
    made = []
    for item in populations:
        if not 2 <= len(item) <= 3:
            raise SpecError("populations", "[name, shape] or [name, shape, activation]", item)
        activation = item[2] if len(item) == 3 else "identity"
        made.append(Population(item[0], tuple(item[1]), activation))
    shapes = {p.name: p.shape for p in made}
    return Graph(tuple(made), tuple(_edge(item, shapes) for item in edges))


def _edge(item: Sequence[Any], shapes: dict[str, tuple[int, ...]]) -> Edge:
    if not 2 <= len(item) <= 3 or any(end not in shapes for end in item[:2]):
        raise SpecError("edges", f"[source, target] among {sorted(shapes)}, and options", item)
    source, target = item[:2]
    options = dict(item[2]) if len(item) == 3 else {}
    kind, platform = options.pop("kind", "dense"), options.pop("platform", "")
    a, b = shapes[source], shapes[target]
    try:
        if kind == "dense":
            connection = Dense(a, b, **options)
        elif kind == "convolution":
            connection = Convolution(a, b[-1], **options)  # type: ignore[arg-type]
        elif kind == "local":
            connection = Local(a, b[-1], **options)  # type: ignore[arg-type]
        elif kind == "sparse":
            connection = Sparse.random(a, b, **options)
        else:
            raise SpecError(
                f"edge {source}>{target}.kind", "dense, convolution, local or sparse", kind
            )
    except TypeError as error:
        raise SpecError(f"edge {source}>{target}", f"options of {kind}", str(error)) from error
    return Edge(source, target, connection, platform)


def newborn_weights(graph: Graph, key, initial: str, scale: float, last_scale: float, dtype):
    """Return initial weights by edge name, for nets of every kind on the same graph.

    Normal of standard deviation ``scale/√fan_in``; with ``initial="orthogonal"`` square dense
    weights are ``scale`` times a random orthogonal matrix (Saxe et al., 2014). Edges into the last
    population take ``last_scale`` in place of ``scale``.

    Raises
    ------
    SpecError
        For an unknown ``initial``.
    """
    if initial not in INITIAL:
        raise SpecError("initial", f"one of {INITIAL}", initial)
    last = graph.populations[-1].name
    weights = {}
    for e in graph.edges:
        size = last_scale if e.target == last else scale
        own = named_key(key, e.name)
        square = isinstance(e.connection, Dense) and len(set(e.connection.weights)) == 1
        if initial == "orthogonal" and square and e.source != e.target:
            n = prod(e.connection.source)
            weights[e.name] = size * jax.random.orthogonal(own, n, dtype=jnp.float32)
        else:
            weights[e.name] = initial_weights(e.connection, own, size)
    return {name: w.astype(dtype) for name, w in weights.items()}
