"""The twin against finite differences, optax itself, and the mean over lanes."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sodachi import minibatch, observe
from sodachi.errors import SpecError
from sodachi.models.backprop import Settings, backprop_net, mean_loss
from sodachi.system import build

LAYERS = (3, 5, 4)
RNG = np.random.default_rng(0)
X = RNG.uniform(size=(6, 3))
Y = np.array([0, 3, 1, 2, 3, 0])


def reference_loss(weights, x, t, activation, loss):
    """The forward pass and loss once more, in plain NumPy float64."""
    h = x @ weights["weight_0"] + weights["bias_0"]
    h = {
        "leaky_relu": lambda: np.where(h > 0, h, 0.1 * h),
        "relu": lambda: np.maximum(h, 0),
        "tanh": lambda: np.tanh(h),
        "sigmoid": lambda: 1 / (1 + np.exp(-h)),
    }[activation]()
    y = h @ weights["weight_1"] + weights["bias_1"]
    if loss == "squared":
        return 0.5 * ((t - y) ** 2).sum()
    return -(t * (y - np.log(np.exp(y).sum()))).sum()


def finite_differences(weights, x, t, activation, loss, step=1e-6):
    gradient = {}
    for name, array in weights.items():
        gradient[name] = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                moved = {k: v.copy() for k, v in weights.items()}
                moved[name][place] += sign * step
                sides.append(reference_loss(moved, x, t, activation, loss))
            gradient[name][place] = (sides[0] - sides[1]) / (2 * step)
    return gradient


def host(tree):
    return jax.tree.map(lambda a: np.array(a), tree)


@pytest.mark.theory
@pytest.mark.parametrize(
    ("activation", "loss"),
    [("leaky_relu", "squared"), ("relu", "softmax"), ("tanh", "softmax"), ("sigmoid", "squared")],
)
def test_a_step_of_gradient_descent_is_minus_the_finite_difference(activation, loss):
    with jax.enable_x64(True):
        net = backprop_net(
            layers=LAYERS, activation=activation, loss=loss, optimiser="sgd", rate=1.0,
            dtype="float64",
        )  # fmt: skip
        state = net.init(1)
        before = host(state.shared["weights"])
        assert before["weight_0"].dtype == np.float64
        state, output = jax.jit(net.step)(state, observe(net.spec, input=X[0], label=int(Y[0])))
        t = np.eye(4)[Y[0]]
        expected = finite_differences(before, X[0], t, activation, loss)
        for name, array in host(state.shared["weights"]).items():
            assert np.allclose(before[name] - array, expected[name], atol=1e-8), name
        wanted = reference_loss(before, X[0], t, activation, loss)
        assert float(output["energy"]) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.theory
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_several_steps_equal_optax_with_decoupled_decays(optimiser):
    rate, back, shrink = 0.01, 0.3, 0.2
    net = backprop_net(
        layers=LAYERS, optimiser=optimiser, rate=rate, decay_to_initial=back, decay=shrink
    )
    state = net.init(2)
    settings = Settings(LAYERS, "leaky_relu", "squared", optimiser, rate, back, shrink, "float32")
    weights = start = state.shared["weights"]
    rule = {"adam": optax.adam, "sgd": optax.sgd}[optimiser](rate)
    memory, live = rule.init(weights), jax.jit(net.step)
    slope = jax.jit(jax.grad(lambda w, b: mean_loss(settings, w, b)))
    for x, y in zip(X, Y, strict=True):
        batch = (x[None].astype("f4"), np.eye(4)[[y]], np.ones((1, 4)), np.array([True]))
        gradient = slope(weights, batch)
        step, memory = rule.update(gradient, memory)
        weights = jax.tree.map(
            lambda w, dw, w0: w + dw - rate * back * (w - w0) - rate * shrink * w,
            weights, step, start,
        )  # fmt: skip
        state, _ = live(state, observe(net.spec, input=x, label=int(y)))
    for name in weights:
        assert np.allclose(state.shared["weights"][name], weights[name], atol=1e-6), name


@pytest.mark.theory
def test_decay_to_initial_alone_returns_home_at_its_own_pace():
    net = backprop_net(layers=LAYERS, optimiser="sgd", rate=0.1, decay_to_initial=0.5)
    state = net.init(0)
    step = jax.jit(net.step)
    home = host(state.shared["weights"])
    away = jax.tree.map(lambda a: a + 1.0, state.shared["weights"])
    _, out = step(
        state._replace(shared=state.shared | {"weights": away}), observe(net.spec, input=X[0])
    )
    # The label told is the answer itself: no error, no gradient, so only the decay moves weights.
    # (It is no probability, so `observe` would refuse it: the evidence is put in by hand.)
    told = observe(net.spec, input=X[0], label=0)
    answer = told.evidence["label"]._replace(value=np.array(out["label"]))
    told = told._replace(evidence=told.evidence | {"label": answer})
    moved, _ = step(state._replace(shared=state.shared | {"weights": away}), told)
    for name, array in host(moved.shared["weights"]).items():
        assert np.allclose(array - home[name], 1.0 - 0.1 * 0.5, atol=1e-6), name


@pytest.mark.theory
def test_an_annealed_step_falls_in_a_straight_line_to_nothing():
    steady = backprop_net(layers=LAYERS, optimiser="sgd", rate=0.1)
    falling = backprop_net(layers=LAYERS, optimiser="sgd", rate=0.1, anneal=2)
    told, state = observe(steady.spec, input=X[0], label=1), falling.init(0)
    for share in (1.0, 0.5, 0.0):
        weights = state.shared["weights"]
        born = steady.init(0)
        whole, _ = steady.step(born._replace(shared=born.shared | {"weights": weights}), told)
        state, _ = falling.step(state, told)
        for name, w in host(state.shared["weights"]).items():
            step = host(whole.shared["weights"])[name] - host(weights)[name]
            assert np.allclose(w - host(weights)[name], share * step, atol=1e-7), name


@pytest.mark.theory
def test_a_minibatch_takes_the_mean_gradient_of_the_lanes_that_learn():
    rate, n = 0.5, len(X)
    one = backprop_net(layers=LAYERS, optimiser="sgd", rate=rate)
    many = minibatch(one, n)
    shared = one.init(3).shared
    learns = np.array([True, False, True, True, True, True])
    state = many.init(3)._replace(shared=shared)
    state, output = jax.jit(many.step)(state, observe(many.spec, input=X, label=Y, learn=learns))
    changes, step = [], jax.jit(one.step)
    for i in np.flatnonzero(learns):
        alone, out = step(
            one.init(3)._replace(shared=shared), observe(one.spec, input=X[i], label=int(Y[i]))
        )
        changes.append(
            jax.tree.map(lambda a, b: np.array(a - b), alone.shared["weights"], shared["weights"])
        )
        assert np.allclose(output["label"][i], out["label"], atol=1e-6)
    for name in shared["weights"]:
        expected = np.mean([c[name] for c in changes], axis=0)
        change = np.array(state.shared["weights"][name] - shared["weights"][name])
        assert np.allclose(change, expected, atol=1e-6), name


@pytest.mark.unit
@pytest.mark.parametrize("given", [{"label": None}, {"label": 1, "learn": False}])
def test_without_a_label_or_without_learn_no_slow_bit_moves(given):
    net = backprop_net(layers=LAYERS, decay_to_initial=0.3, decay=0.1)
    step = jax.jit(net.step)
    state, _ = step(net.init(0), observe(net.spec, input=X[0], label=2))
    after, output = step(state, observe(net.spec, input=X[1], **given))
    for name in ("weights", "synapses"):
        old, new = jax.tree.leaves(state.shared[name]), jax.tree.leaves(after.shared[name])
        assert all(
            np.asarray(a).tobytes() == np.asarray(b).tobytes()
            for a, b in zip(old, new, strict=True)
        )
    assert np.isfinite(output["label"]).all()


@pytest.mark.unit
def test_a_lane_that_is_not_finite_teaches_nothing_and_does_not_spoil_the_others():
    many = minibatch(backprop_net(layers=LAYERS, optimiser="sgd", rate=0.1), 2)
    step = jax.jit(many.step)
    good = observe(many.spec, input=X[:2], label=Y[:2], learn=[True, False])
    bad = observe(many.spec, input=X[:2], label=Y[:2])
    broken = bad.evidence["input"]._replace(value=jnp.array([X[0], [np.nan] * 3], jnp.float32))
    bad = bad._replace(evidence=bad.evidence | {"input": broken})
    expected, _ = step(many.init(0), good)
    state, _ = step(many.init(0), bad)
    for name, array in expected.shared["weights"].items():
        assert np.array_equal(array, state.shared["weights"][name]), name


@pytest.mark.unit
def test_the_spec_builds_the_same_net_again():
    net = backprop_net(layers=LAYERS, loss="softmax", decay_to_initial=0.3)
    assert build(net.spec).spec == net.spec
    assert "local" not in net.spec.capabilities


@pytest.mark.unit
@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": (3,)},
        {"layers": (3, 0)},
        {"activation": "step"},
        {"loss": "hinge"},
        {"optimiser": "lion"},
        {"rate": -1.0},
        {"decay": float("nan")},
        {"anneal": 0},
        {"dtype": "float16"},
    ],
)
def test_a_wrong_argument_is_named(wrong):
    with pytest.raises(SpecError) as error:
        backprop_net(**({"layers": LAYERS} | wrong))
    assert error.value.field == next(iter(wrong))
