"""Adam's step sizes against optax, step for step, and decoupled decay against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import delta, with_adam, with_decay

RNG = np.random.default_rng(0)
X, T, W = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 2)), RNG.normal(size=(3, 2))


def _live(rule):
    """Learn least squares one sample a tick; return the weights after each."""
    connection = Dense((3,), (2,))
    w = jnp.asarray(W)

    def tick(carry, sample):
        x, t, clock = sample
        post = {"error": t - connection.apply(carry[0], x)}
        new = plastic(rule, connection, *carry, post, {"activity": x}, learn=True, clock=clock)
        return new, new[0]

    samples = jnp.asarray(X), jnp.asarray(T), jnp.arange(len(X), dtype=w.dtype)
    return np.asarray(jax.lax.scan(tick, (w, start_synapses(rule, w)), samples)[1])


@pytest.mark.theory
def test_adam_is_optax_adam_step_for_step():
    with jax.enable_x64(True):
        lived = _live(with_adam(delta(), rate=0.05, first_decay=0.8, second_decay=0.99))
        optimiser = optax.adam(0.05, b1=0.8, b2=0.99)
        w = jnp.asarray(W)
        state = optimiser.init(w)

        @jax.jit
        def step(w, state, x, t):
            gradient = jax.grad(lambda w: 0.5 * jnp.sum((t - x @ w) ** 2))(w)
            change, state = optimiser.update(gradient, state)
            return optax.apply_updates(w, change), state

        for n in range(len(X)):
            w, state = step(w, state, jnp.asarray(X[n]), jnp.asarray(T[n]))
            np.testing.assert_allclose(lived[n], w, rtol=1e-6)


@pytest.mark.theory
def test_adam_with_decay_to_initial_weights_is_decoupled():
    rate, pull = 0.05, 0.1
    with jax.enable_x64(True):
        lived = _live(with_decay(with_adam(delta(), rate=rate), initial=pull))
    w, first, second = W.copy(), np.zeros_like(W), np.zeros_like(W)
    for n, (x, t) in enumerate(zip(X, T, strict=True), 1):
        drive = np.outer(x, t - x @ w)
        first = 0.9 * first + 0.1 * drive
        second = 0.999 * second + 0.001 * drive**2
        mean, power = first / (1 - 0.9**n), second / (1 - 0.999**n)
        w = w + rate * mean / (np.sqrt(power) + 1e-8) - pull * (w - W)
        np.testing.assert_allclose(lived[n - 1], w, rtol=1e-9)


@pytest.mark.theory
def test_the_first_step_is_the_rate_whatever_the_size_of_the_drive():
    rule = with_adam(delta(), rate=0.01)
    for size in (1e-3, 1.0, 1e3):
        w, s = jnp.zeros((1, 2)), start_synapses(rule, jnp.zeros((1, 2)))
        post = {"error": jnp.array([size, -size])}
        new, _ = plastic(
            rule, Dense((1,), (2,)), w, s, post, {"activity": jnp.ones(1)}, learn=True, clock=0.0
        )
        # float32 holds 1 − β₂ = 1e-3 to about 5e-5 of itself.
        np.testing.assert_allclose(new, [[0.01, -0.01]], rtol=1e-4)


def test_adam_refuses_to_drop_what_a_wrapper_added():
    with pytest.raises(SpecError, match="Adam first"):
        with_adam(with_decay(delta(), l2=0.1))
