"""The oracle of the depth claim: it rests where two other ways down rest, and says when not."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.claims import deep_nets as deep
from sodachi.claims.equilibrium import cosine, direction, drives, equilibrium

DEPTH, WIDTH, G = 4, 8, 0.1 / 4


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(128, 784)).astype(np.float32)
    y = rng.integers(0, 10, 128).astype(np.int32)
    return deep.Digits(X, y, X[:100], y[:100])


def common(ticks=4):
    return deep.deep_options(DEPTH, WIDTH, 1e-3, ticks)


@pytest.fixture(scope="module")
def weights():
    """Newborn weights twice their size: errors far from those of a linear net."""
    born = deep.deep_net(DEPTH, common()).init(0).shared["weights"]
    return {name: 2 * w for name, w in born.items()}


def test_three_ways_down_end_at_one_point(data, weights):
    """The oracle, a long wave in float64, and a long gradient descent by autodiff."""
    X, y = data.X[:8], data.y[:8]
    rest = equilibrium(weights, X, np.eye(10)[y], G)
    with jax.enable_x64(True):
        wide = {n: jnp.asarray(np.asarray(w), jnp.float64) for n, w in weights.items()}
        wave = deep.deep_net(DEPTH, common(), settle_ticks=300, dtype="float64")
        by_wave = drives(wave, wide, np.asarray(X, np.float64), y)
        by_descent = _drives_by_descent(wide, X, y)
    assert rest.residual < 1e-6
    for a, b, c in zip(rest.drives, by_wave, by_descent, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7 * np.abs(b).max())
        np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-7 * np.abs(c).max())


def test_the_oracle_is_not_the_feedforward_gradient(data, weights):
    """At a strong label the equilibrium turns away from backprop: the oracle must show it."""
    X, Y = data.X[:8], np.eye(10)[data.y[:8]]
    weak, strong = (equilibrium(weights, X, Y, g).drives[0] for g in (1e-6, 30.0))
    assert cosine(weak, strong) < 0.95


def test_direction_knows_a_wave_that_is_too_short(data):
    weights = deep.deep_net(DEPTH, common()).init(0).shared["weights"]
    whole = direction(DEPTH, common(), weights, data, 0)
    assert whole["first_cosine"] > 0.99 and whole["residual"] < 1e-6
    short = deep.deep_net(DEPTH, common(), settle_ticks=1)
    told = drives(short, weights, data.X[:8], data.y[:8])
    assert not told[0].any() and told[-1].any()


def _drives_by_descent(weights, X, y, ticks=8_000, rate=0.2):
    """An independent reference: gradient descent on ``½Σ|x − μ|² + ½g|t − μ|²`` by autodiff."""
    names = ["input", *(f"hidden{i}" for i in range(1, DEPTH)), "label"]
    W = [jnp.asarray(weights[f"{a}>{b}"]) for a, b in pairwise(names)]
    X, t = jnp.asarray(X, jnp.float64), jax.nn.one_hot(y, 10, dtype=jnp.float64)

    def errors(x):
        below = [X, *(jnp.tanh(v) for v in x)]
        return [v - r @ w for v, r, w in zip([*x, t], below, W, strict=True)], below

    def energy(x):
        *hidden, last = errors(x)[0]
        return 0.5 * (sum((e**2).sum() for e in hidden) + G * (last**2).sum())

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
