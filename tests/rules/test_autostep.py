"""Autostep against an independent scalar reference, and imprinting against its cases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import autostep, delta, imprinting, with_adam

TICKS, RATE, META, MEMORY = 25, 0.1, 0.2, 20.0


def _scalar_life(w, pushes, curvatures, overshoots):
    """One synapse's life, as the paper's table writes it."""
    step, trace, largest, lived = RATE, 0.0, 0.0, []
    for d, g, overshoot in zip(pushes, curvatures, overshoots, strict=True):
        meta = d * trace
        largest = max(abs(meta), largest + step * g * (abs(meta) - largest) / MEMORY)
        if largest > 0:
            step *= np.exp(META * meta / largest)
        step /= max(overshoot, 1.0)
        w += step * d
        trace = trace * max(0.0, 1 - step * g) + step * d
        lived.append(w)
    return lived


@pytest.mark.theory
def test_autostep_is_the_table_of_its_paper():
    rng = np.random.default_rng(0)
    error, x = rng.normal(0.5, 1, size=(TICKS, 2)), rng.normal(size=(TICKS, 3))
    gain, overshoot = rng.uniform(0.1, 2, (TICKS, 2)), rng.uniform(0.5, 1.5, (TICKS, 2))
    w0 = rng.normal(size=(3, 2))
    rule, connection = autostep(RATE, META, MEMORY), Dense((3,), (2,))

    def tick(carry, cells):
        error, gain, overshoot, x = cells
        post = {"error": error, "gain": gain, "overshoot": overshoot}
        new = plastic(rule, connection, *carry, post, {"activity": x}, learn=True, clock=0.0)
        return new, new[0]

    with jax.enable_x64(True):
        w = jnp.asarray(w0)
        cells = tuple(jnp.asarray(a) for a in (error, gain, overshoot, x))
        lived = np.asarray(jax.lax.scan(tick, (w, start_synapses(rule, w)), cells)[1])
    for i, j in np.ndindex(3, 2):
        expected = _scalar_life(
            w0[i, j], error[:, j] * x[:, i], gain[:, j] * x[:, i] ** 2, overshoot[:, j]
        )
        np.testing.assert_allclose(lived[:, i, j], expected, rtol=1e-10)


@pytest.mark.theory
def test_the_newborn_take_their_imprint_the_cut_are_nothing_the_others_learn_on():
    inner = with_adam(delta(), rate=0.1)
    rule, connection = imprinting(inner), Dense((3,), (2,))
    w = jnp.asarray(np.random.default_rng(1).normal(size=(3, 2)), jnp.float32)
    s = jax.tree.map(lambda leaf: leaf + 1.0, start_synapses(rule, w))
    imprint, cut = jnp.array([5.0, -6.0, 7.0]), jnp.array([0.0, 0.0, 1.0])
    post = {"error": jnp.array([1.0, -2.0]), "born": jnp.array([0.25, 0.0])}  # one lane of four
    pre = {"activity": jnp.ones(3), "imprint": imprint, "cut": cut}
    new, s_new = plastic(rule, connection, w, s, post, pre, learn=True, clock=3.0)
    alone, s_alone = plastic(inner, connection, w, s, post, pre, learn=True, clock=3.0)
    np.testing.assert_allclose(new[:, 0], imprint)
    assert float(new[2, 1]) == 0.0
    np.testing.assert_allclose(new[:2, 1], alone[:2, 1], rtol=1e-6)
    for name in s_new:  # the born and the cut begin a new state
        assert (s_new[name][:, 0] == 0).all() and float(s_new[name][2, 1]) == 0
        np.testing.assert_allclose(s_new[name][:2, 1], s_alone[name][:2, 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"rate": 0.0}, "rate"), ({"memory": -1.0}, "memory"), ({"meta_rate": -0.1}, "meta_rate")],
)
def test_wrong_arguments_are_refused(wrong, field):
    with pytest.raises(SpecError) as caught:
        autostep(**wrong)
    assert caught.value.field == field
