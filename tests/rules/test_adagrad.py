"""AdaGrad's step sizes against optax, step for step; depression against sums by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import delta, depression, with_adagrad, with_decay

RNG = np.random.default_rng(0)
X, T, W = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2)), RNG.normal(size=(3, 2))
PAIR = Dense((3,), (2,))


@pytest.mark.theory
def test_adagrad_is_optax_adagrad_step_for_step():
    rule = with_adagrad(delta(), rate=0.05, epsilon=1e-6)
    with jax.enable_x64(True):
        w = jnp.asarray(W)
        ours, theirs = (w, start_synapses(rule, w)), w
        optimiser = optax.adagrad(0.05, initial_accumulator_value=0.0, eps=1e-6)
        kept = optimiser.init(theirs)
        for x, t in zip(X, T, strict=True):
            post = {"error": t - PAIR.apply(ours[0], jnp.asarray(x))}
            pre = {"activity": jnp.asarray(x)}
            ours = plastic(rule, PAIR, *ours, post, pre, learn=True, clock=0.0)
            slope = jax.grad(lambda w, x=x, t=t: 0.5 * jnp.sum((t - x @ w) ** 2))(theirs)
            change, kept = optimiser.update(slope, kept)
            theirs = theirs + change
            np.testing.assert_allclose(ours[0], theirs, rtol=1e-6)


@pytest.mark.unit
def test_bad_arguments_are_refused():
    for arguments, field in (({"rate": 0.0}, "rate"), ({"epsilon": 0.0}, "epsilon")):
        with pytest.raises(SpecError, match=f"^{field}: expected"):
            with_adagrad(delta(), **arguments)
    with pytest.raises(SpecError, match="a plain rule"):
        with_adagrad(with_decay(delta(), l2=0.1))


@pytest.mark.theory
def test_depression_reads_both_cells():
    post = {"error": np.array([0.5, -1.0]), "trace": np.array([2.0, 0.25])}
    pre = {"error": np.array([1.0, -0.5, 0.0]), "travelling": np.array([0.0, 3.0, 1.0])}
    with jax.enable_x64(True):
        cells = [{name: jnp.asarray(a) for name, a in side.items()} for side in (post, pre)]
        found, _ = plastic(depression(0.2), PAIR, jnp.asarray(W), {}, *cells, learn=True, clock=0.0)
    for i in range(3):
        for j in range(2):
            drive = post["error"][j] * pre["travelling"][i] + post["trace"][j] * pre["error"][i]
            assert float(found[i, j]) == pytest.approx(W[i, j] - 0.2 * drive, rel=1e-12)
