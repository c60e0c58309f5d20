"""Instar and outstar: one tick that imprints, a mean that is tracked, absence that teaches none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic
from sodachi.rules import instar, outstar
from sodachi.system import LANE


def _weights(shape, seed):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.theory
def test_instar_of_gain_one_imprints_and_of_gain_zero_keeps_every_bit():
    w, x = jnp.asarray(_weights((4, 2), 0), jnp.float32), jnp.array([0.25, -3.0, 0.0, 1e-3])
    pre, post = {"activity": x, "share": jnp.ones(4)}, {"gain": jnp.array([1.0, 0.0])}
    new, _ = plastic(instar(), Dense((4,), (2,)), w, {}, post, pre, learn=True, clock=0.0)
    np.testing.assert_allclose(new[:, 0], x, atol=2e-7)
    assert new[:, 1].tobytes() == w[:, 1].tobytes()


@pytest.mark.theory
def test_instar_follows_by_the_share_of_evidence():
    w, x = _weights((3, 2), 1), _weights(3, 2)
    gain, share = np.array([0.5, 0.1]), np.array([1.0, 0.5, 0.0])
    with jax.enable_x64(True):
        pre, post = {"activity": share * x, "share": share}, {"gain": gain}
        new, _ = plastic(
            instar(),
            Dense((3,), (2,)),
            jnp.asarray(w),
            {},
            jax.tree.map(jnp.asarray, post),
            jax.tree.map(jnp.asarray, pre),
            learn=True,
            clock=0.0,
        )
    expected = w + gain[None, :] * share[:, None] * (x[:, None] - w)
    np.testing.assert_allclose(new, expected, rtol=1e-12)
    assert np.asarray(new)[2].tobytes() == w[2].tobytes()


@pytest.mark.theory
def test_outstar_relaxes_geometrically_to_the_mean_target():
    # Two lanes with targets t₁, t₂: w_n − t̄ = (1 − g)ⁿ (w₀ − t̄).
    w, targets, gain = _weights((1, 3), 3), _weights((2, 3), 4), 0.2
    connection, rule = Dense((1,), (3,)), outstar()

    def tick(w, _):
        def one(t):
            post, pre = {"activity": t, "share": jnp.ones(3)}, {"gain": jnp.full(1, gain)}
            return plastic(rule, connection, w, {}, post, pre, learn=True, clock=0.0)[0]

        return jax.vmap(one, axis_name=LANE)(jnp.asarray(targets))[0], None

    with jax.enable_x64(True):
        new, _ = jax.lax.scan(tick, jnp.asarray(w), None, length=7)
    mean = targets.mean(0)
    np.testing.assert_allclose(new, mean + (1 - gain) ** 7 * (w - mean), rtol=1e-11)
