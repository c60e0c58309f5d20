"""Patches times weights are the convolution, with both of its adjoints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Convolution, backward, lift
from sodachi.core.patches import patches

CASES = [(7, 3, 2, "SAME"), (8, 4, 2, "SAME"), (8, 3, 1, "SAME"), (9, 4, 3, "VALID")]


def _direct(stride, padding):
    def convolve(w, x):
        return jax.lax.conv_general_dilated(
            x[None], w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )[0]

    return convolve


@pytest.mark.parametrize(("side", "size", "stride", "padding"), CASES)
def test_patches_times_weights_are_the_convolution(side, size, stride, padding):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(side, side + 1, 2)), jnp.float32)
    w = jnp.asarray(rng.normal(size=(size, size, 2, 5)), jnp.float32)
    direct = _direct(stride, padding)
    made = patches(x, size, stride, padding) @ w.reshape(-1, 5)
    np.testing.assert_allclose(made, direct(w, x), atol=1e-4)


@pytest.mark.parametrize(("side", "size", "stride", "padding"), CASES)
def test_a_connection_is_the_convolution_and_its_adjoints(side, size, stride, padding):
    rng = np.random.default_rng(1)
    c = Convolution((side, side, 2), 5, size, stride, padding)
    x = jnp.asarray(rng.normal(size=(3, *c.source)), jnp.float32)
    e = jnp.asarray(rng.normal(size=(3, *c.target)), jnp.float32)
    w = jnp.asarray(rng.normal(size=c.weights), jnp.float32)
    direct = _direct(stride, padding)
    y, pull = jax.vjp(lambda w, x: jax.vmap(lambda x: direct(w, x))(x), w, x)
    to_w, to_x = pull(e)
    np.testing.assert_allclose(jax.vmap(lambda x: c.apply(w, x))(x), y, atol=1e-4)
    np.testing.assert_allclose(jax.vmap(lambda e: backward(c, w, e))(e), to_x, atol=1e-4)
    np.testing.assert_allclose(lift(c, e, x), to_w, atol=1e-3)
