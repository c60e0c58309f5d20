"""A settling net whose steps ask their cell: what it tells them is the energy's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi import observe, run
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.models import backprop_graph, settling_graph, settling_learning, settling_net
from sodachi.system import State

RELEVANT, INPUTS = 3, 12


@pytest.mark.theory
def test_gain_and_overshoot_are_what_the_energy_says(monkeypatch):
    """The second derivative of E in a weight is gain · f(x)²; a whole step moves E as M says."""
    told = {}

    def spy(rule, connection, weight, synapse, post, pre, *, name, **more):
        told[name] = (weight, synapse, post, pre)
        return plastic(rule, connection, weight, synapse, post, pre, name=name, **more)

    monkeypatch.setattr(settling_learning, "plastic", spy)
    with jax.enable_x64(True):
        net = settling_net(
            layers=(4, 3, 2), direction="up", start="feedforward", settle_ticks=3, dtype="float64",
            optimiser="autostep", weight_rate=0.3, precision={"label": 0.7},
        )  # fmt: skip
        seen, born = observe(net.spec, input=[1.0, -0.5, 0.3, 2.0], label=1), net.init(0)
        with jax.disable_jit():
            net.step(born, seen)
    told = jax.tree.map(np.asarray, told)
    weight, synapse, post, pre = told["hidden1>label"]
    bias, bias_synapse, _, one = told["1>label"]
    error = post["error"] / 0.7  # ε of the label, which W and b predict

    def energy(w, b):
        eps = error + (weight - w).T @ pre["activity"] + (bias - b).reshape(-1)
        return 0.5 * 0.7 * float(eps @ eps)

    h = 1e-4
    for i, j in np.ndindex(3, 2):
        d = np.zeros((3, 2))
        d[i, j] = h
        curve = (energy(weight + d, bias) - 2 * energy(weight, bias) + energy(weight - d, bias)) / (
            h * h
        )
        np.testing.assert_allclose(curve, post["gain"][j] * pre["activity"][i] ** 2, rtol=1e-4)
    # Steps of size α leave (1 − M) of the error, for each cell by itself.
    w = weight + synapse["step"] * np.outer(pre["activity"], post["error"])
    b = bias + bias_synapse["step"] * np.outer(one["activity"], post["error"])
    left = error + (weight - w).T @ pre["activity"] + (bias - b).reshape(-1)
    np.testing.assert_allclose(left, (1 - post["overshoot"]) * error, rtol=1e-12)


@pytest.mark.theory
def test_no_step_of_obgd_moves_a_prediction_farther_than_its_bound():
    """One linear cell: the very update of the paper, without traces."""
    net = settling_graph(
        populations=[["input", [5]], ["target", [1]]],
        edges=[["input", "target"]],
        observed={"input": "real", "target": "real"},
        start="feedforward",
        bias=False,
        optimiser="obgd",
        weight_rate=1.0,
    )
    rng, step, state = np.random.default_rng(0), jax.jit(net.step), net.init(0)
    for scale in (0.01, 1.0, 100.0):
        x, y = rng.normal(size=5), scale * rng.normal(size=1)
        w = np.asarray(state.shared["weights"]["input>target"], float)[:, 0]
        state, _ = step(state, observe(net.spec, input=x, target=y))
        new = np.asarray(state.shared["weights"]["input>target"], float)[:, 0]
        error = y[0] - w @ x
        bound = 2.0 * max(abs(error), 1.0) * np.abs(x).sum()
        np.testing.assert_allclose(new, w + error * x / max(bound, 1.0), rtol=1e-4, atol=1e-6)
        assert abs((new - w) @ x) <= np.abs(x).max() * min(abs(error), 1.0) / 2 + 1e-6


@pytest.mark.parametrize("optimiser", ["idbd", "autostep"])
def test_steps_grow_where_the_world_moves_and_shrink_where_it_does_not(optimiser):
    """Inputs whose weights keep changing, beside inputs that mean nothing."""
    net = settling_graph(
        populations=[["input", [INPUTS]], ["target", [1]]],
        edges=[["input", "target"]],
        observed={"input": "real", "target": "real"},
        start="feedforward",
        bias=False,
        optimiser=optimiser,
        weight_rate=0.02,
        meta_rate=0.01,
    )
    rng = np.random.default_rng(0)
    steps = 8_000
    X = rng.normal(size=(steps, INPUTS)).astype(np.float32)
    signs = np.ones((steps, RELEVANT), np.float32)
    for start in range(0, steps, 20):
        signs[start:, rng.integers(RELEVANT)] *= -1
    y = (X[:, :RELEVANT] * signs).sum(1, keepdims=True)
    stream = observe(net.spec, steps=steps, input=X, target=y)
    state, _ = run(net)(net.init(0), stream)
    step = np.asarray(state.shared["synapses"]["input>target"]["step"])[:, 0]
    assert step[:RELEVANT].min() > 3 * step[RELEVANT:].max()
    assert step[:RELEVANT].min() > 0.03 and step[RELEVANT:].max() < 0.02  # .02 at birth


def test_bad_input_changes_no_step_size():
    net = settling_net(layers=(3, 2), direction="up", optimiser="autostep")
    state = net.init(0)
    seen = observe(net.spec, input=[1.0, 2.0, 3.0], label=0)
    broken = seen.evidence["input"]._replace(value=jnp.full(3, jnp.nan))
    seen = seen._replace(evidence=seen.evidence | {"input": broken})
    after = net.step(State(state.shared, state.lane), seen)[0]
    for name, synapse in state.shared["synapses"].items():
        np.testing.assert_array_equal(after.shared["synapses"][name]["step"], synapse["step"])


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"optimiser": "idbd", "nudge": 0.1, "centred": True}, "optimiser"),
        ({"optimiser": "autostep", "weight_rate": 0.0}, "weight_rate"),
        ({"optimiser": "idbd", "meta_rate": -1.0}, "meta_rate"),
        ({"optimiser": "obgd", "nudge": 0.1, "centred": True}, "optimiser"),
    ],
)
def test_what_cannot_learn_its_steps_is_refused(options, field):
    with pytest.raises(SpecError) as caught:
        settling_net(layers=(3, 2), direction="up", **options)
    assert caught.value.field == field


def test_the_twin_has_no_curvature_of_its_own():
    with pytest.raises(SpecError, match="optimiser"):
        backprop_graph(layers=(3, 2), optimiser="idbd")
