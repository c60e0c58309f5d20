"""The settling net: explicit error cells against the energy's gradient, closed forms, learning."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import hold, minibatch
from sodachi.core.energy import energy, force, prediction_terms
from sodachi.core.graph import errors, forces, initial_graph_weights
from sodachi.errors import SpecError
from sodachi.models.settling import chain, settling_net
from sodachi.observation import observe


def random_net(layers, direction, activation, seed=0):
    """A graph with random float64 weights, biases and activity."""
    rng = np.random.default_rng(seed)
    graph = chain(layers, direction, activation)
    weights = initial_graph_weights(graph, jax.random.key(seed))
    weights = {n: jnp.asarray(np.asarray(w), jnp.float64) for n, w in weights.items()}
    bias = {p.name: jnp.asarray(rng.normal(size=p.shape)) for p in graph.predicted}
    activity = {p.name: jnp.asarray(rng.normal(size=p.shape)) for p in graph.populations}
    precision = {p.name: float(rng.uniform(0.5, 2)) for p in graph.predicted}
    return graph, weights, bias, precision, activity


@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize("activation", ["tanh", "leaky_relu", "sigmoid"])
def test_the_explicit_forces_are_minus_the_gradient_of_the_energy(direction, activation):
    with jax.enable_x64(True):
        graph, weights, bias, precision, activity = random_net((5, 4, 3), direction, activation)
        explicit = forces(graph, weights, bias, precision, activity)
        terms = prediction_terms(graph, weights, bias, precision)
        automatic = force(terms, activity)
        for name, x in activity.items():
            np.testing.assert_allclose(explicit[name], automatic[name], rtol=1e-10, atol=1e-12)
            for i in range(len(x)):  # and by finite differences, without any autodiff
                up, down = (
                    energy(terms, activity | {name: x.at[i].add(step)}) for step in (1e-6, -1e-6)
                )
                np.testing.assert_allclose(-(up - down) / 2e-6, explicit[name][i], atol=1e-7)


def test_the_delta_rule_is_minus_the_gradient_of_the_energy_in_the_weights():
    with jax.enable_x64(True):
        graph, weights, bias, precision, activity = random_net((4, 3, 2), "down", "tanh")
        precision = dict.fromkeys(precision, 1.0)
        error = errors(graph, weights, bias, activity)
        for edge in graph.edges:
            rate = graph.population(edge.source).rate(activity[edge.source])

            def of_weight(w, name=edge.name):
                return energy(
                    prediction_terms(graph, weights | {name: w}, bias, precision), activity
                )

            gradient = jax.grad(of_weight)(weights[edge.name])
            np.testing.assert_allclose(np.outer(rate, error[edge.target]), -gradient, atol=1e-12)


def test_a_linear_net_settles_to_its_closed_form():
    """Clamped pixels, free top: x_top minimises ½|x − W'x_top|², least squares."""
    net = settling_net(layers=(6, 3), direction="down", activation="identity", settle_ticks=400)
    state = net.init(0)
    x = np.random.default_rng(0).normal(size=6)
    _, out = net.step(state, observe(net.spec, input=x, learn=False))
    w = np.asarray(state.shared["weights"]["label>input"], np.float64)
    best = np.linalg.lstsq(w.T, x, rcond=None)[0]
    np.testing.assert_allclose(out["label"], best, atol=1e-4)
    np.testing.assert_allclose(out["energy"], 0.5 * ((x - w.T @ best) ** 2).sum(), rtol=1e-5)
    assert float(out["residual"]) < 1e-4


def test_energy_falls_at_every_tick_of_settling():
    net = settling_net(layers=(8, 6, 4), direction="down", rate=0.05)
    step = jax.jit(net.step)
    state, tension = net.init(1), []
    x = np.random.default_rng(2).normal(size=8)
    for _ in range(40):
        state, out = step(state, observe(net.spec, input=x, label=1, learn=False))
        tension.append(float(out["energy"]))
    assert np.all(np.diff(tension) <= 1e-6) and tension[-1] < tension[0]


def test_without_a_label_the_upward_net_has_no_error_and_learns_nothing():
    net = settling_net(layers=(5, 4, 3), direction="up", start="feedforward", optimiser="sgd")
    state = net.init(0)
    observation = observe(net.spec, input=np.ones(5), first=True)
    after, out = net.step(state, observation)
    assert float(out["energy"]) == pytest.approx(0.0, abs=1e-12)
    for name, w in state.shared["weights"].items():
        np.testing.assert_allclose(after.shared["weights"][name], w, atol=1e-7)


def test_it_learns_two_patterns_at_every_tick_in_a_minibatch():
    inner = settling_net(layers=(4, 8, 2), direction="up", rate=0.3, weight_rate=1e-2)
    net = minibatch(hold(inner, 8), 2)
    step = jax.jit(net.step)
    state = net.init(0)
    x = np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]], np.float32)
    for _ in range(150):
        state, _ = step(state, observe(net.spec, input=x, label=[0, 1]))
    for _ in range(10):
        state, out = step(state, observe(net.spec, input=x, learn=False))
    assert np.argmax(np.asarray(out["label"]), axis=1).tolist() == [0, 1]


@pytest.mark.parametrize(
    "wrong", [{"layers": (4,)}, {"direction": "sideways"}, {"start": "cold"}, {"settle_ticks": 0}]
)
def test_wrong_settings_name_the_field(wrong):
    with pytest.raises(SpecError, match=next(iter(wrong))):
        settling_net(**wrong)
