"""Every option of the settling net against mathematics: limits, closed forms, other options."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.core.graph import errors, forces
from sodachi.errors import SpecError
from sodachi.models import backprop_graph, settling_graph, settling_net
from sodachi.models.settling import settings_from
from sodachi.models.settling_learning import springs_of
from sodachi.observation import observe
from sodachi.system import State

LAYERS = (7, 6, 5, 3)
X = np.random.default_rng(0).normal(size=(4, 7)).astype(np.float32)
Y = np.array([0, 1, 2, 1])
ONE_STEP = {"optimiser": "sgd", "weight_rate": 1.0, "start": "feedforward"}


def step_of(system, n=4, seed=0, state=None, learn=True):
    """One step of a batch; returns (start, after, output)."""
    lanes = minibatch(system, n)
    state = lanes.init(seed) if state is None else state
    dtype = system.spec.observed[0].dtype
    shown = observe(lanes.spec, input=X[:n].astype(dtype), label=Y[:n], first=True, learn=learn)
    return state, *jax.jit(lanes.step)(state, shown)


def change(system, **kwargs):
    """What one step does to the weights, as float64 by name."""
    start, after, _ = step_of(system, **kwargs)
    w, v = start.shared["weights"], after.shared["weights"]
    return {n: np.asarray(v[n], np.float64) - np.asarray(w[n], np.float64) for n in w}


def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.theory
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "leaky_relu"])
def test_a_weak_output_spring_makes_the_wave_the_gradient_of_backprop(activation):
    """Whittington and Bogacz's limit: as g → 0 the update is g times backprop's."""
    with jax.enable_x64(True):
        form = {"layers": LAYERS, "activation": activation, "dtype": "float64"}
        exact = change(backprop_graph(**form, optimiser="sgd", weight_rate=1.0))
        g = 1e-6
        wave = settling_net(
            **form, **ONE_STEP, direction="up", relaxation="wave", settle_ticks=2,
            precision={"label": g},
        )  # fmt: skip
        found = change(wave)
    assert set(found) == set(exact)
    for name, want in exact.items():
        np.testing.assert_allclose(found[name] / g, want, rtol=1e-4, atol=1e-7)


@pytest.mark.theory
def test_too_few_ticks_of_the_wave_leave_the_first_layer_exactly_as_it_was():
    wave = {"layers": LAYERS, **ONE_STEP, "direction": "up", "relaxation": "wave"}
    short = change(settling_net(**wave, settle_ticks=1))
    assert np.all(short["input>hidden1"] == 0) and np.any(short["hidden1>hidden2"] != 0)
    assert np.any(change(settling_net(**wave, settle_ticks=2))["input>hidden1"] != 0)


@pytest.mark.theory
def test_wave_and_descent_end_at_the_same_equilibrium():
    with jax.enable_x64(True):
        form = {"layers": LAYERS, "direction": "up", "start": "feedforward", "dtype": "float64"}
        precision = {"label": 0.5}
        ends = []
        for way in ({"relaxation": "wave", "settle_ticks": 400, "rate": 0.5},
                    {"settle_ticks": 3000, "rate": 0.1}):  # fmt: skip
            _, after, out = step_of(settling_net(**form, **way, precision=precision), learn=False)
            assert float(np.max(np.asarray(out["residual"]))) < 1e-9
            ends.append(after.lane["activity"])
    for name in ends[0]:
        np.testing.assert_allclose(ends[0][name], ends[1][name], atol=1e-8)


@pytest.mark.theory
def test_both_directions_share_one_energy():
    """The movement of every cell is minus the gradient of the sum of both sets of springs."""
    with jax.enable_x64(True):
        net = settling_net(layers=(5, 4, 3), direction="both", dtype="float64")
        s, state = settings_from(net.spec), net.init(3)
        springs = springs_of(s, state.shared)
        rng = np.random.default_rng(1)
        activity = {p.name: jnp.asarray(rng.normal(size=p.shape)) for p in s.graph.populations}

        def tension(a):
            error = errors(s.graph, springs.weights, springs.bias, a)
            assert set(error) == {"hidden1", "label", "hidden1:down", "input:down"}
            return 0.5 * sum(jnp.sum(e**2) for e in error.values())

        want = jax.grad(tension)(activity)
        found = forces(s.graph, springs.weights, springs.bias, springs.precision, activity)
    for name in want:
        np.testing.assert_allclose(found[name], -want[name], rtol=1e-10, atol=1e-12)


@pytest.mark.theory
def test_learned_precision_becomes_one_over_the_variance():
    """A single platform that predicts nothing: π must come to 1/Var of each unit."""
    spread = np.array([0.5, 2.0])
    x = np.random.default_rng(0).normal(size=(4000, 2)) * spread
    net = settling_graph(
        populations=[["top", [1]], ["input", [2]]], edges=[["top", "input"]],
        observed={"input": "real", "top": "real"}, learned_precision={"input": "unit"},
        precision_rate=0.02, optimiser="sgd", weight_rate=0.0,
    )  # fmt: skip
    step, state, seen = jax.jit(net.step), net.init(0), []
    for row in x:
        state, _ = step(state, observe(net.spec, input=row, top=[0.0]))
        seen.append(np.exp(np.asarray(state.shared["weights"]["precision>input"]).ravel()))
    np.testing.assert_allclose(np.mean(seen[1000:], 0), 1 / spread**2, rtol=0.15)


@pytest.mark.theory
def test_own_gradient_and_kolen_pollack_are_one_rule_in_a_linear_net_only():
    form = {"layers": LAYERS, **ONE_STEP, "direction": "up", "settle_ticks": 10}
    for activation, equal in (("identity", True), ("tanh", False)):
        moved = [
            change(settling_net(**form, activation=activation, feedback=rule))
            for rule in ("own_gradient", "kolen_pollack")
        ]
        back = [m["hidden1>hidden2:back"] for m in moved]
        assert np.allclose(back[0], back[1], atol=1e-6) == equal
    forward = moved[1]["hidden1>hidden2"]
    np.testing.assert_allclose(back[1], forward, atol=1e-6)  # the same two cells, the same change


@pytest.mark.theory
def test_without_feedback_hidden_cells_do_not_move_and_fixed_feedback_stays():
    form = {"layers": LAYERS, **ONE_STEP, "direction": "up", "settle_ticks": 10}
    cut = change(settling_net(**form, feedback="none"))
    assert np.all(cut["input>hidden1"] == 0) and np.any(cut["hidden2>label"] != 0)
    fixed = change(settling_net(**form, feedback="fixed"))
    assert np.all(fixed["hidden1>hidden2:back"] == 0) and np.any(fixed["input>hidden1"] != 0)


@pytest.mark.theory
def test_centred_nudges_are_backprop_to_second_order():
    """Halving β makes the error of one nudge half, that of two opposed nudges a quarter."""
    with jax.enable_x64(True):
        form = {"layers": LAYERS, "dtype": "float64"}
        exact = change(backprop_graph(**form, optimiser="sgd", weight_rate=1.0))["input>hidden1"]

        def gap(beta, is_centred):
            net = settling_net(
                **form, **ONE_STEP, direction="up", settle_ticks=3000, nudge=beta,
                centred=is_centred,
            )  # fmt: skip
            found = change(net)["input>hidden1"]
            return np.abs(found / (1.0 if is_centred else beta) - exact).max()

        one, two = ([gap(b, c) for b in (0.02, 0.01)] for c in (False, True))
    assert one[0] / one[1] == pytest.approx(2.0, rel=0.1)
    assert two[0] / two[1] == pytest.approx(4.0, rel=0.1)
    assert two[1] < one[1] / 10


@pytest.mark.theory
def test_patient_synapses_learn_with_the_last_tick_alone():
    form = {"layers": LAYERS, **ONE_STEP, "direction": "up", "learning": "every_tick"}
    lazy = change(settling_net(**form, settle_ticks=1, patient=["input>hidden1"]))
    eager = change(settling_net(**form, settle_ticks=1))
    np.testing.assert_allclose(lazy["input>hidden1"], eager["input>hidden1"], atol=1e-7)
    many = {"settle_ticks": 6, "rate": 0.3}
    lazy = change(settling_net(**form, **many, patient=["input>hidden1"]))
    eager = change(settling_net(**form, **many))
    last, all_ticks = (np.abs(c["input>hidden1"]).sum() for c in (lazy, eager))
    assert 0 < last < all_ticks


@pytest.mark.theory
def test_gates_close_on_cells_that_move_and_open_at_rest():
    form = {"layers": LAYERS, "optimiser": "sgd", "weight_rate": 1.0, "direction": "up",
            "relaxation": "wave", "precision": {"label": 0.2}}  # fmt: skip
    soon, late = {}, {}
    for gate in ("none", "settled"):
        net = settling_net(**form, gate=gate, gate_strength=3.0, settle_ticks=1)
        soon[gate] = np.abs(change(net)["input>hidden1"]).sum()
        slow = settling_net(**form, gate=gate, gate_strength=3.0, settle_ticks=200)
        late[gate] = change(slow)["input>hidden1"]
    np.testing.assert_allclose(late["settled"], late["none"], rtol=1e-3, atol=1e-7)
    net = settling_net(**form, gate="apical", settle_ticks=200)
    # At rest a hidden cell's own spring balances what arrives from above: one and the same.
    np.testing.assert_allclose(change(net)["input>hidden1"], late["none"], rtol=1e-3, atol=1e-6)
    moving = settling_net(**form, gate="settled", gate_strength=3.0, settle_ticks=2)
    free = settling_net(**form, settle_ticks=2)
    a, b = (np.abs(change(n)["hidden1>hidden2"]).sum() for n in (moving, free))
    assert a < b and soon["settled"] <= soon["none"]


@pytest.mark.theory
def test_a_graph_with_a_skip_a_loop_and_a_convolution_moves_down_its_energy():
    with jax.enable_x64(True):
        net = settling_graph(
            populations=[["input", [6, 6, 1]], ["field", [3, 3, 2], "tanh"],
                         ["own", [2, 2, 2], "tanh"], ["label", [3]]],
            edges=[["input", "field", {"kind": "convolution", "size": 3, "stride": 2}],
                   ["field", "own", {"kind": "local", "size": 2}], ["own", "label"],
                   ["input", "label"], ["label", "own"], ["own", "own", {"loop": False}]],
            settle_ticks=1, rate=0.05, dtype="float64",
        )  # fmt: skip
        step, state, tension = jax.jit(net.step), net.init(0), []
        x = np.random.default_rng(0).normal(size=(6, 6, 1))
        for _ in range(60):
            state, out = step(state, observe(net.spec, input=x, label=1, learn=False))
            tension.append(float(out["energy"]))
    assert np.all(np.diff(tension) < 1e-12) and tension[-1] < 0.9 * tension[0]


@pytest.mark.theory
@pytest.mark.parametrize("relaxation", ["asynchronous", "one_at_a_time"])
def test_without_a_common_clock_the_equilibrium_is_the_same(relaxation):
    form = {"layers": (5, 4, 3), "direction": "up", "start": "feedforward"}
    together = settling_net(**form, settle_ticks=3000, rate=0.1)
    alone = settling_net(
        **form, relaxation=relaxation, settle_ticks=2000, rate=0.1, max_delay=1, tolerance=1e-6
    )
    ends = []
    for net in (together, alone):
        state = net.init(0)
        shared = State(together.init(0).shared, state.lane)
        shown = observe(net.spec, input=X[0, :5], label=1, first=True, learn=False)
        after, out = jax.jit(net.step)(shared, shown)
        assert float(out["residual"]) < 1e-5
        ends.append(after.lane["activity"])
    for name in ends[0]:
        np.testing.assert_allclose(ends[0][name], ends[1][name], atol=1e-4)


@pytest.mark.theory
def test_langevin_has_the_temperature_it_is_given():
    """One free Gaussian cell on a platform: variance T/π, by the discretised law."""
    net = settling_graph(
        populations=[["top", [1]], ["x", [1]]], edges=[["top", "x"]],
        observed={"top": "real", "x": "real"}, precision={"x": 4.0}, relaxation="langevin",
        temperature=2.0, rate=0.05, settle_ticks=20,
    )  # fmt: skip
    lanes = minibatch(net, 2000)
    state = lanes.init(0)
    shown = observe(lanes.spec, top=np.zeros((2000, 1)), learn=False)
    for _ in range(5):
        state, _ = jax.jit(lanes.step)(state, shown)
    variance = float(np.var(np.asarray(state.lane["activity"]["x"])))
    want = 2.0 / 4.0 / (1 - 0.05 * 4.0 / 2)
    assert variance == pytest.approx(want, rel=3 * np.sqrt(2 / 2000))


@pytest.mark.unit
def test_annealing_ends_learning_and_orthogonal_weights_are_orthogonal():
    net = settling_net(layers=(4, 6, 6, 2), direction="up", initial="orthogonal", anneal=3)
    w = np.asarray(net.init(0).shared["weights"]["hidden1>hidden2"])
    np.testing.assert_allclose(w @ w.T, np.eye(6), atol=1e-5)
    step, state = jax.jit(net.step), net.init(0)
    for _ in range(3):
        state, _ = step(state, observe(net.spec, input=X[0, :4], label=1))
    later, _ = step(state, observe(net.spec, input=X[0, :4], label=1))
    for name, before in state.shared["weights"].items():
        assert np.array_equal(before, later.shared["weights"][name])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"relaxation": "magic"}, "relaxation"),
        ({"feedback": "copied"}, "feedback"),
        ({"rate": -1.0}, "rate"),
        ({"precision": {"nobody": 1.0}}, "precision"),
        ({"precision": {"input": 0.0}}, "precision input"),
        ({"learned_precision": {"input": "all"}}, "learned_precision"),
        ({"centred": True}, "nudge"),
        ({"centred": True, "nudge": 2.0}, "nudge"),
        ({"patient": ["a>b"]}, "patient"),
        ({"speed": 3}, "speed"),
        ({"dtype": "int8"}, "dtype"),
        ({"initial": "zeros"}, "initial"),
        ({"weight_rate": float("nan")}, "weight_rate"),
    ],
)
def test_what_does_not_exist_is_named(wrong, field):
    with pytest.raises(SpecError, match=field):
        settling_net(layers=(4, 3, 2), **wrong)


@pytest.mark.unit
def test_the_twin_refuses_what_is_not_its_own():
    with pytest.raises(SpecError, match="settle_ticks"):
        backprop_graph(layers=(4, 3, 2), settle_ticks=3)
    with pytest.raises(SpecError, match="layers"):
        backprop_graph()
    with pytest.raises(SpecError, match="edges"):
        backprop_graph(populations=[["input", [2]], ["label", [2]]], edges=[["label", "input"]])


@pytest.mark.theory
def test_a_start_on_the_platforms_sees_the_clamped_pixels_in_both_directions():
    """Zero feedback ticks: hidden cells must stand where the clamped input puts them."""
    net = settling_net(
        layers=(5, 4, 3), direction="both", start="feedforward", relaxation="wave", rate=1e-6
    )
    state = net.init(0)
    after, _ = net.step(state, observe(net.spec, input=X[0, :5], first=True, learn=False))
    w = np.asarray(state.shared["weights"]["input>hidden1"])
    np.testing.assert_allclose(after.lane["activity"]["hidden1"], X[0, :5] @ w, atol=1e-4)
    np.testing.assert_allclose(after.lane["activity"]["input"], X[0, :5], atol=1e-6)
