"""IDBD against an independent scalar reference, and what its step sizes are for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import idbd

TICKS, RATE, META = 25, 0.1, 0.2


def _scalar_life(w, pushes, curvatures):
    """One synapse's life, as the paper's figure writes it (log α moves by at most 2)."""
    beta, h, lived = np.log(RATE), 0.0, []
    for d, g in zip(pushes, curvatures, strict=True):
        beta += min(max(META * d * h, -2.0), 2.0)
        alpha = np.exp(beta)
        w += alpha * d
        h = h * max(0.0, 1 - alpha * g) + alpha * d
        lived.append(w)
    return lived


@pytest.mark.theory
def test_idbd_is_the_table_of_its_paper():
    rng = np.random.default_rng(0)
    error, x = rng.normal(0.5, 1, size=(TICKS, 2)), rng.normal(size=(TICKS, 3))
    gain, w0 = rng.uniform(0.1, 2, (TICKS, 2)), rng.normal(size=(3, 2))
    rule, connection = idbd(RATE, META), Dense((3,), (2,))

    def tick(carry, cells):
        error, gain, x = cells
        post = {"error": error, "gain": gain}
        new = plastic(rule, connection, *carry, post, {"activity": x}, learn=True, clock=0.0)
        return new, new[0]

    with jax.enable_x64(True):
        w = jnp.asarray(w0)
        cells = tuple(jnp.asarray(a) for a in (error, gain, x))
        lived = np.asarray(jax.lax.scan(tick, (w, start_synapses(rule, w)), cells)[1])
    for i, j in np.ndindex(3, 2):
        expected = _scalar_life(w0[i, j], error[:, j] * x[:, i], gain[:, j] * x[:, i] ** 2)
        np.testing.assert_allclose(lived[:, i, j], expected, rtol=1e-10)


@pytest.mark.theory
def test_without_meta_rate_idbd_is_plain_descent():
    rule, pair = idbd(0.5, 0.0), Dense((1,), (1,))
    w, s = jnp.zeros((1, 1)), start_synapses(rule, jnp.zeros((1, 1)))
    for _ in range(3):
        post = {"error": 1.0 - w[0], "gain": jnp.ones(1)}
        w, s = plastic(rule, pair, w, s, post, {"activity": jnp.ones(1)}, learn=True, clock=0.0)
    assert float(w[0, 0]) == 1 - 0.5**3 and float(s["step"][0, 0]) == 0.5


@pytest.mark.parametrize(
    ("wrong", "field"), [({"rate": 0.0}, "rate"), ({"meta_rate": -0.1}, "meta_rate")]
)
def test_wrong_arguments_are_refused(wrong, field):
    with pytest.raises(SpecError) as caught:
        idbd(**wrong)
    assert caught.value.field == field
