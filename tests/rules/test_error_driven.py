"""The delta rule against the gradient of the squared error, and least squares."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.rules import centred, delta, generalised, mirroring
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


@pytest.mark.theory
def test_centred_is_the_central_difference_of_the_energy_in_the_weights():
    """(ε⁺f⁺ − ε⁻f⁻)/2β is minus the central difference of ∂E/∂W in the nudge, by definition."""
    rng = np.random.default_rng(0)
    (e_plus, e_minus), (f_plus, f_minus) = rng.normal(size=(2, 2)), rng.normal(size=(2, 3))
    beta, rate = 0.25, 0.5
    with jax.enable_x64(True):
        post = {"error": jnp.asarray(e_plus), "opposed error": jnp.asarray(e_minus)}
        pre = {"activity": jnp.asarray(f_plus), "opposed activity": jnp.asarray(f_minus)}
        moved, _ = plastic(
            centred(beta, rate), Dense((3,), (2,)), jnp.zeros((3, 2)), {}, post, pre,
            learn=True, clock=0.0,
        )  # fmt: skip
    slope = (np.outer(f_plus, e_plus) - np.outer(f_minus, e_minus)) / (2 * beta)
    np.testing.assert_allclose(moved, rate * slope, rtol=1e-12)


@pytest.mark.theory
def test_mirroring_is_the_running_mean_and_then_a_slow_average():
    heard = np.random.default_rng(1).normal(size=20)
    with jax.enable_x64(True):
        for rate in (0.0, 0.2):
            w, want = jnp.zeros((1, 1)), 0.0
            for t, value in enumerate(heard):
                post, pre = {"error": jnp.array([-value])}, {"fluctuation": jnp.ones(1)}
                w, _ = plastic(
                    mirroring(rate), Dense((1,), (1,)), w, {}, post, pre, learn=True,
                    clock=jnp.float64(t),
                )  # fmt: skip
                want += max(1 / (t + 1), rate) * (value - want)
            np.testing.assert_allclose(float(w[0, 0]), want, rtol=1e-12)
            if rate == 0.0:
                np.testing.assert_allclose(float(w[0, 0]), heard.mean(), rtol=1e-12)


@pytest.mark.unit
def test_a_mirror_faster_than_its_news_is_refused():
    with pytest.raises(SpecError, match="rate"):
        mirroring(1.5)


@pytest.mark.theory
def test_generalised_is_minus_the_gradient_summed_over_orders_of_motion():
    """Σ_k ½|t⁽ᵏ⁾ − x⁽ᵏ⁾W|² by finite differences: every order pushes the same synapse."""
    rng = np.random.default_rng(4)
    x, t, w = rng.normal(size=(3, 2)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))

    def energy(w):
        return 0.5 * np.sum((t - x @ w) ** 2)

    with jax.enable_x64(True):
        post = {f"error {k}": jnp.asarray(t[k] - x[k] @ w) for k in range(3)}
        pre = {f"activity {k}": jnp.asarray(x[k]) for k in range(3)}
        moved, _ = plastic(
            generalised(3, 0.5), Dense((2,), (4,)), jnp.asarray(w), {}, post, pre,
            learn=True, clock=0.0,
        )  # fmt: skip
    slope = np.zeros_like(w)
    for place in np.ndindex(*w.shape):
        nudge = np.zeros_like(w)
        nudge[place] = 1e-5
        slope[place] = (energy(w + nudge) - energy(w - nudge)) / 2e-5
    np.testing.assert_allclose(np.asarray(moved) - w, -0.5 * slope, rtol=1e-6)
