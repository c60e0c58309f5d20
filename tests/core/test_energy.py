"""Energy is a sum of local terms; its force is their gradient, also as cells compute it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Convolution, Dense, Sparse
from sodachi.core.energy import Term, energy, field_term, force, pair_term, prediction_terms
from sodachi.core.graph import Edge, Graph, Population, forces


def _loopy():
    """Skip, lateral, convolutional and sparse edges, and a loop between two populations."""
    populations = (
        Population("image", (4, 4, 1), "identity"),
        Population("maps", (4, 4, 2), "tanh"),
        Population("top", (5,), "sigmoid"),
        Population("side", (3,), "tanh"),
    )
    edges = (
        Edge("maps", "image", Convolution((4, 4, 2), 1, 3)),
        Edge("top", "maps", Dense((5,), (4, 4, 2))),
        Edge("top", "image", Sparse.random((5,), (4, 4, 1), 2, seed=3)),
        Edge("top", "top", Dense((5,), (5,), loop=False)),
        Edge("side", "top", Dense((3,), (5,))),
        Edge("top", "side", Dense((5,), (3,))),
    )
    return Graph(populations, edges)


def _parameters(graph, seed=0):
    rng = np.random.default_rng(seed)
    weights = {e.name: jnp.asarray(rng.normal(size=e.connection.weights)) for e in graph.edges}
    shape = {p.name: p.shape for p in graph.populations}
    bias = {p.name: jnp.asarray(rng.normal(size=p.shape)) for p in graph.predicted}
    precision = {p.name: jnp.asarray(rng.uniform(0.5, 2, p.shape)) for p in graph.predicted}
    activity = {n: jnp.asarray(rng.normal(size=s)) for n, s in shape.items()}
    return weights, bias, precision, activity


@pytest.mark.theory
def test_explicit_forces_are_the_gradient_of_the_terms():
    graph = _loopy()
    with jax.enable_x64(True):
        weights, bias, precision, activity = _parameters(graph)
        by_terms = force(prediction_terms(graph, weights, bias, precision), activity)
        by_cells = forces(graph, weights, bias, precision, activity)
        for name in activity:
            np.testing.assert_allclose(by_cells[name], by_terms[name], rtol=1e-11, atol=1e-11)


@pytest.mark.theory
def test_the_force_is_the_finite_difference_of_the_energy():
    graph = _loopy()
    with jax.enable_x64(True):
        weights, bias, precision, activity = _parameters(graph, 1)
        terms = prediction_terms(graph, weights, bias, precision)
        push = forces(graph, weights, bias, precision, activity)
        value = jax.jit(lambda a: energy(terms, a))
        h = 1e-6
        for name, x in activity.items():
            place = tuple(0 for _ in x.shape)
            up = value({**activity, name: x.at[place].add(h)})
            down = value({**activity, name: x.at[place].add(-h)})
            assert float(push[name][place]) == pytest.approx(float(down - up) / (2 * h), rel=1e-6)


@pytest.mark.theory
def test_a_prediction_term_is_a_spring_on_its_post():
    graph = Graph(
        (Population("a", (2,), "tanh"), Population("b", (1,))),
        (Edge("a", "b", Dense((2,), (1,))),),
    )
    weights, bias = {"a>b": jnp.array([[2.0], [-1.0]])}, {"b": jnp.array([0.5])}
    activity = {"a": jnp.array([0.3, 0.6]), "b": jnp.array([1.0])}
    (term,) = prediction_terms(graph, weights, bias, {"b": jnp.array([3.0])})
    error = 1.0 - (2 * np.tanh(0.3) - np.tanh(0.6) + 0.5)
    assert set(term.touches) == {"a", "b"}
    assert float(term.value(activity)) == pytest.approx(1.5 * error**2, rel=1e-5)


@pytest.mark.theory
def test_pair_and_field_terms_are_a_boltzmann_machine():
    rng = np.random.default_rng(0)
    w, b, x = rng.normal(size=(4, 4)), rng.normal(size=4), rng.normal(size=4)
    hollow = w * (1 - np.eye(4))
    with jax.enable_x64(True):
        c = Dense((4,), (4,), loop=False)
        terms = [pair_term("x", c, jnp.asarray(w)), field_term("x", jnp.asarray(b))]
        got = float(energy(terms, {"x": jnp.asarray(x)}))
        push = force(terms, {"x": jnp.asarray(x)})["x"]
    assert got == pytest.approx(-0.5 * x @ hollow @ x - b @ x, rel=1e-12)
    np.testing.assert_allclose(push, 0.5 * (hollow + hollow.T) @ x + b, rtol=1e-12)


@pytest.mark.unit
def test_a_term_sees_only_what_it_touches():
    seen = []
    term = Term(("x",), lambda a: seen.append(sorted(a)) or jnp.sum(a["x"]))
    assert float(energy([term], {"x": jnp.ones(2), "y": jnp.ones(1)})) == 2.0
    assert seen == [["x"]]
    push = force([term], {"x": jnp.ones(2), "y": jnp.ones(1)})
    assert push["x"].tolist() == [-1.0, -1.0] and push["y"].tolist() == [0.0]
    assert float(energy([], {"x": jnp.ones(2)})) == 0.0
