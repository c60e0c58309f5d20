"""A graph says who predicts whom; what does not fit together is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.graph import (
    ACTIVATIONS,
    Edge,
    Graph,
    Population,
    errors,
    feedforward,
    initial_graph_weights,
    predictions,
    rates,
)
from sodachi.core.names import named_key
from sodachi.errors import SpecError

A, B, C = Population("a", (2,), "tanh"), Population("b", (3,), "sigmoid"), Population("c", (2,))
AB, BC = Edge("a", "b", Dense((2,), (3,))), Edge("b", "c", Dense((3,), (2,)))
SKIP = Edge("a", "c", Dense((2,), (2,)))
GRAPH = Graph((A, B, C), (AB, BC, SKIP))


def _parameters():
    rng = np.random.default_rng(0)
    weights = {e.name: rng.normal(size=e.connection.weights) for e in GRAPH.edges}
    return weights, {"b": rng.normal(size=3), "c": rng.normal(size=2)}


@pytest.mark.theory
def test_predictions_and_errors_are_those_of_numpy():
    weights, bias = _parameters()
    x = {"a": np.array([0.5, -1.0]), "b": np.array([0.1, 0.2, -3.0]), "c": np.array([1.0, 2.0])}
    on_b = np.tanh(x["a"]) @ weights["a>b"] + bias["b"]
    on_c = 1 / (1 + np.exp(-x["b"])) @ weights["b>c"] + np.tanh(x["a"]) @ weights["a>c"] + bias["c"]
    with jax.enable_x64(True):
        activity = {n: jnp.asarray(v) for n, v in x.items()}
        predicted = predictions(GRAPH, weights, bias, activity)
        error = errors(GRAPH, weights, bias, activity)
    assert set(predicted) == set(error) == {"b", "c"}
    np.testing.assert_allclose(predicted["b"], on_b, rtol=1e-12)
    np.testing.assert_allclose(predicted["c"], on_c, rtol=1e-12)
    np.testing.assert_allclose(error["c"], x["c"] - on_c, rtol=1e-12)


@pytest.mark.theory
def test_feedforward_leaves_no_error_in_a_graph_without_loops():
    weights, bias = _parameters()
    with jax.enable_x64(True):
        start = {"a": jnp.array([0.5, -1.0]), "b": jnp.zeros(3), "c": jnp.zeros(2)}
        activity = feedforward(GRAPH, weights, bias, start)
        error = errors(GRAPH, weights, bias, activity)
    assert activity["a"].tolist() == [0.5, -1.0]
    assert start["b"].tolist() == [0.0] * 3, "the caller's activity is left alone"
    assert max(float(np.abs(e).max()) for e in error.values()) == 0.0


@pytest.mark.theory
def test_activations_are_their_formulas():
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    expected = {
        "identity": x,
        "tanh": np.tanh(x),
        "sigmoid": 1 / (1 + np.exp(-x)),
        "relu": np.maximum(x, 0),
        "leaky_relu": np.maximum(x, 0.1 * x),
    }
    assert set(expected) == set(ACTIVATIONS)
    for name, value in expected.items():
        graph = Graph((Population("x", (5,), name),), ())
        np.testing.assert_allclose(rates(graph, {"x": jnp.asarray(x)})["x"], value, rtol=1e-6)


@pytest.mark.unit
def test_edges_are_found_from_both_ends():
    assert GRAPH.into("c") == (BC, SKIP) and GRAPH.out_of("a") == (AB, SKIP)
    assert [p.name for p in GRAPH.predicted] == ["b", "c"]
    assert AB.name == "a>b" and GRAPH.population("b") is B


@pytest.mark.unit
def test_initial_weights_belong_to_the_edge_name_alone():
    key = jax.random.key(7)
    whole = initial_graph_weights(GRAPH, key)
    part = initial_graph_weights(Graph((A, B), (AB,)), key)
    assert part["a>b"].tobytes() == whole["a>b"].tobytes()
    assert whole["a>b"].shape == (2, 3)
    big = Graph(
        (Population("s", (400,)), Population("t", (100,))), (Edge("s", "t", Dense((400,), (100,))),)
    )
    spread = float(initial_graph_weights(big, key, scale=2.0)["s>t"].std())
    assert spread == pytest.approx(2.0 / np.sqrt(400), rel=3 / np.sqrt(2 * 40_000))


@pytest.mark.unit
def test_named_keys_do_not_change_between_machines():
    # The first four bytes of SHA-256("a"), from any implementation of it: ca 97 81 12.
    expected = jax.random.fold_in(jax.random.key(0), 0xCA978112)
    got = named_key(jax.random.key(0), "a")
    assert (jax.random.key_data(got) == jax.random.key_data(expected)).all()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Population("a", (2,), "step"), "a.activation: expected one of"),
        (lambda: Graph((A, A), ()), "populations: expected different names"),
        (lambda: Graph((A, B), (AB, AB)), "edges: expected one edge a pair"),
        (lambda: Graph((A,), (AB,)), "edge a>b: expected one of"),
        (
            lambda: Graph((A, C), (Edge("a", "c", Dense((2,), (3,))),)),
            r"edge a>c.target: expected shape \(2,\), got \(3,\)",
        ),
        (
            lambda: Graph((A, C), (Edge("a", "c", Dense((1,), (2,))),)),
            r"edge a>c.source: expected shape \(2,\), got \(1,\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()
