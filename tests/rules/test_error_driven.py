"""The delta rule against the gradient of the squared error, and least squares."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic
from sodachi.rules import delta
from sodachi.system import LANE


def _problem(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), rng.normal(size=(3, 2))


def _tick(w, x, t, rate):
    connection, rule = Dense((3,), (2,)), delta(rate)

    def one(x, t):
        post, pre = {"error": t - connection.apply(w, x)}, {"activity": x}
        return plastic(rule, connection, w, {}, post, pre, learn=True, clock=0.0)[0]

    return jax.vmap(one, axis_name=LANE)(x, t)[0]


@pytest.mark.theory
def test_delta_is_minus_the_gradient_of_half_the_squared_error():
    x, t, w = _problem()

    def energy(w):
        return 0.5 * np.sum((t - x @ w) ** 2) / len(x)

    slope, h = np.zeros_like(w), 1e-5
    for place in np.ndindex(*w.shape):
        nudge = np.zeros_like(w)
        nudge[place] = h
        slope[place] = (energy(w + nudge) - energy(w - nudge)) / (2 * h)
    with jax.enable_x64(True):
        moved = np.asarray(_tick(*map(jnp.asarray, (w, x, t)), 0.1)) - w
    np.testing.assert_allclose(moved, -0.1 * slope, rtol=1e-8)


@pytest.mark.theory
def test_delta_converges_to_least_squares():
    x, t, w = _problem(1)
    best, *_ = np.linalg.lstsq(x, t)
    with jax.enable_x64(True):
        x_, t_ = jnp.asarray(x), jnp.asarray(t)
        w_, _ = jax.lax.scan(
            lambda w, _: (_tick(w, x_, t_, 0.4), None), jnp.asarray(w), None, length=1500
        )
    np.testing.assert_allclose(w_, best, atol=1e-9)
