"""Overshooting-bounded descent against the formula of its paper."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.rules import obgd


@pytest.mark.theory
@pytest.mark.parametrize("rate", [0.01, 1.0, 50.0])
def test_obgd_is_the_formula_of_its_paper(rate):
    rng = np.random.default_rng(0)
    x, error, w = rng.normal(size=4), 3.0 * rng.normal(size=2), rng.normal(size=(4, 2))
    reach = np.maximum(np.abs(error), 1.0) * np.abs(x).sum()
    with jax.enable_x64(True):
        post = {"error": jnp.asarray(error), "reach": jnp.asarray(reach)}
        new, _ = plastic(
            obgd(rate, 3.0), Dense((4,), (2,)), jnp.asarray(w), {}, post,
            {"activity": jnp.asarray(x)}, learn=True, clock=0.0,
        )  # fmt: skip
    for j in range(2):
        bound = rate * 3.0 * max(abs(error[j]), 1.0) * np.abs(x).sum()
        step = min(rate, rate / bound)
        np.testing.assert_allclose(new[:, j], w[:, j] + step * error[j] * x, rtol=1e-12)


@pytest.mark.parametrize(("wrong", "field"), [({"rate": 0.0}, "rate"), ({"kappa": 1.0}, "kappa")])
def test_wrong_arguments_are_refused(wrong, field):
    with pytest.raises(SpecError) as caught:
        obgd(**wrong)
    assert caught.value.field == field
