"""Deep nets of the claims: what rests at the equilibrium, what is frozen, what an angle is."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.claims import deep_nets as deep
from sodachi.claims.feedback_alignment import angles
from sodachi.system import State

DEPTH, WIDTH = 4, 8


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(128, 784)).astype(np.float32)
    y = rng.integers(0, 10, 128).astype(np.int32)
    return deep.Digits(X, y, X[:100], y[:100])


def common(ticks=4):
    return deep.deep_options(DEPTH, WIDTH, 1e-3, ticks)


def test_the_wave_rests_where_plain_descent_rests(data):
    """Two ways down end at one point: the long wave and a long gradient descent, in float64."""
    X, y = data.X[:8], data.y[:8]
    with jax.enable_x64(True):
        wave = deep.deep_net(DEPTH, common(), settle_ticks=200, dtype="float64")
        shared = wave.init(0).shared
        true, residual = deep.drives(wave, DEPTH, shared, X, y)
        other = _drives_by_descent(shared["weights"], X, y, g=0.1 / DEPTH)
    assert residual < 1e-9
    for a, b in zip(true, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9 * np.abs(b).max())


def _drives_by_descent(weights, X, y, g, ticks=4000, rate=0.3):
    """An independent reference: gradient descent on ``½Σ|x − μ|² + ½g|t − μ|²`` by autodiff."""
    names = ["input", *(f"hidden{i}" for i in range(1, DEPTH)), "label"]
    W = [jnp.asarray(weights[f"{a}>{b}"]) for a, b in pairwise(names)]
    X, t = jnp.asarray(X, jnp.float64), jax.nn.one_hot(y, 10, dtype=jnp.float64)

    def errors(x):
        below = [X, *(jnp.tanh(v) for v in x)]
        return [v - r @ w for v, r, w in zip([*x, t], below, W, strict=True)], below

    def energy(x):
        *hidden, last = errors(x)[0]
        return 0.5 * (sum((e**2).sum() for e in hidden) + g * (last**2).sum())

    x, at = [], X
    for w in W[:-1]:
        x.append(at @ w)
        at = jnp.tanh(x[-1])
    slope = jax.grad(energy)
    x = jax.lax.fori_loop(
        0, ticks, lambda _, x: jax.tree.map(lambda a, b: a - rate * b, x, slope(x)), x
    )
    error, below = errors(x)
    return [np.asarray(r.T @ e) for r, e in zip(below, error, strict=True)]


def test_only_the_named_weights_move(data):
    last = (f"hidden{DEPTH - 1}>label", "1>label")
    net = deep.keeping(deep.deep_net(DEPTH, common()), last)
    before = deep.born(net, 0)
    after, seconds = deep.live(net, before, data, 2, 0)
    moved = {
        name
        for name, w in before.shared["weights"].items()
        if not np.array_equal(w, after.shared["weights"][name])
    }
    assert moved == set(last) and seconds >= 0


def test_too_few_ticks_leave_the_first_layer_without_an_error(data):
    net = deep.deep_net(DEPTH, common(), settle_ticks=1)
    drives, _ = deep.drives(net, DEPTH, net.init(0).shared, data.X[:8], data.y[:8])
    assert not drives[0].any() and drives[-1].any()


def test_the_twin_is_read_by_the_same_reader(data):
    twin = deep.deep_twin(common())
    assert 0 <= deep.score(DEPTH, WIDTH, deep.born(twin, 0), data) <= 1


def test_angles_of_equal_and_opposite_weights():
    net = deep.deep_net(DEPTH, common(), feedback="fixed")
    shared = net.init(0).shared
    weights = dict(shared["weights"])
    for name, sign in (("hidden1>hidden2", 1), ("hidden2>hidden3", -1)):
        weights[f"{name}:back"] = sign * weights[name]
    found = angles(State({**shared, "weights": weights}, None), DEPTH)
    np.testing.assert_allclose(found[:2], [0.0, 180.0], atol=1e-5)
    assert 60 < found[2] < 120
