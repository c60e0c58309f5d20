"""Utility by weight and swing, and the lesions that draw newborns, moments or utility by chance."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.combinators import minibatch
from sodachi.errors import SpecError
from sodachi.models.grid import Wiring, synapse_utility, utility
from sodachi.models.growing import growing_grid
from sodachi.models.growth import replaceable, scattered
from sodachi.observation import observe
from sodachi.running import run

SMALL = {"units": 8, "levels": 2, "inputs": 2, "fan_in": 3, "patience": 5, "maturity": 40}


def stream(spec, ticks, seed=0, **more):
    x = np.random.default_rng(seed).uniform(-1, 1, (ticks, 2))
    return observe(spec, steps=ticks, input=x, label=2.0 * np.abs(x[:, :1]) - 0.6, **more)


@given(seed=st.integers(0, 10_000), passed=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_utility_is_conserved_whatever_swings(seed, passed):
    rng = np.random.default_rng(seed)
    source = jnp.array([[0, 1, 2], [0, 3, 1], [0, 1, -1], [0, 2, 5]])
    wiring = Wiring(source, jnp.asarray(rng.random(4) > 0.2))
    weight, out = (jnp.asarray(rng.normal(size=n), jnp.float32) for n in ((4, 3), (7, 2)))
    swing = jnp.asarray(rng.exponential(size=7) * (rng.random(7) > 0.3), jnp.float32)
    kept, nodes = utility(2, weight, wiring, out, passed, swing)
    assert float(kept.sum() + nodes.sum()) == pytest.approx(1.0, abs=1e-5)
    still = (np.asarray(swing) == 0) | (np.arange(7) == 0)
    assert np.abs(np.asarray(nodes)[still]).max() < 1e-6


@given(seed=st.integers(0, 10_000), passed=st.floats(0, 0.9))
@settings(max_examples=30, deadline=None)
def test_what_flows_in_less_what_flows_out_is_what_a_unit_has(seed, passed):
    rng = np.random.default_rng(seed)
    source = np.array([[0, 1, 2], [0, 3, 1], [0, 1, -1], [0, 2, 5]])
    wiring = Wiring(jnp.asarray(source), jnp.asarray(rng.random(4) > 0.2))
    weight, out = (jnp.asarray(rng.normal(size=n), jnp.float32) for n in ((4, 3), (7, 2)))
    _, nodes = utility(2, weight, wiring, out, passed)
    onto, outputs = map(np.asarray, synapse_utility(2, weight, wiring, out, passed))
    into = outputs.sum(1)
    np.add.at(into, np.maximum(source, 0), onto)
    into[3:] -= onto.sum(1)
    np.testing.assert_allclose(into, nodes, atol=1e-6)
    assert outputs.sum() == pytest.approx(1.0, abs=1e-5) and not onto[:, 0].any()


@pytest.mark.theory
def test_who_never_swings_makes_room_though_its_weight_is_the_largest():
    s = types.SimpleNamespace(levels=1, passed=0.5, negligible=1e-3, maturity=10, idle=0.5)
    wiring = Wiring(jnp.array([[0, 1], [0, 1], [0, 1]]), jnp.ones(3, bool))
    weights = {"units": jnp.ones((3, 2)),
               "output": jnp.array([[0.0], [0.0], [9.0], [1.0], [0.1]])}  # fmt: skip
    age, swing = jnp.full(3, 50), jnp.array([0.0, 0.5, 0.0, 0.3, 0.3])
    by_weight, _ = replaceable(s, weights, wiring, age)
    by_both, worth = replaceable(s, weights, wiring, age, False, None, swing)
    assert np.flatnonzero(by_weight).tolist() == [2]
    assert np.flatnonzero(by_both).tolist() == [0] and float(worth[0]) == 0.0


@pytest.mark.theory
def test_swing_is_followed_over_the_activity_of_every_node():
    net = growing_grid(**SMALL, swing=0.1, lesion="")
    step, state = jax.jit(net.step), net.init(0)
    told = stream(net.spec, 60)
    mean = swing = np.zeros(3)
    for t in range(60):
        now = jax.tree.map(lambda a, t=t: a[t], told)
        state, out = step(state, now)
        x = np.concatenate([[1.0], np.asarray(out["input"])])
        swing = swing + 0.1 * (np.abs(x - mean) - swing)
        mean = mean + 0.1 * (x - mean)
    cells = state.shared["cells"]
    np.testing.assert_allclose(cells["swing"][:3], swing, rtol=1e-4)
    np.testing.assert_allclose(cells["mean"][:3], mean, rtol=1e-4, atol=1e-6)
    assert cells["swing"].shape == (11,) and float(cells["swing"][3:].max()) > 0


def test_with_swing_it_lives_in_lanes_grows_and_rests_without_learning():
    net = growing_grid(**SMALL, swing=0.1)
    lanes = minibatch(net, 3)
    x = np.random.default_rng(1).uniform(-1, 1, (200, 3, 2))
    told = observe(lanes.spec, steps=200, input=x, label=2.0 * np.abs(x[..., :1]) - 0.6)
    state, out = run(lanes, ("live",), chunk=100)(lanes.init(0), told)
    assert state.shared["cells"]["swing"].shape == (11,) and out["live"][-1, 0] > 2
    alone, _ = run(net, chunk=100)(net.init(0), stream(net.spec, 200))
    grown = net.grow(alone)
    assert grown.shared["cells"]["swing"].shape == (19,)
    run(net, chunk=100)(grown, stream(net.spec, 100))
    after, _ = jax.jit(net.step)(alone, observe(net.spec, learn=False, input=[3.0, 3.0]))
    for a, b in zip(jax.tree.leaves(alone.shared), jax.tree.leaves(after.shared), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_scattered_weights_have_the_norm_of_the_imprint_and_its_bias(seed):
    rng = np.random.default_rng(seed)
    source = jnp.asarray(np.c_[np.zeros(6, int), rng.integers(-1, 9, (6, 4))])
    pattern = (
        jnp.asarray(rng.normal(size=(6, 5)), jnp.float32).at[:, 1:].multiply(source[:, 1:] > 0)
    )
    drawn = scattered(pattern, source, jax.random.key(seed))
    np.testing.assert_array_equal(drawn[:, 0], pattern[:, 0])
    norms = [np.linalg.norm(np.asarray(a)[:, 1:], axis=1) for a in (drawn, pattern)]
    np.testing.assert_allclose(*norms, rtol=1e-5)
    assert not np.asarray(drawn)[np.asarray(source) == -1].any()


def test_lesions_are_refused_or_change_what_is_born():
    with pytest.raises(SpecError, match="lesion"):
        growing_grid(**SMALL, lesion="nonsense")
    still = SMALL | {"patience": 50, "rate": 1e-9}
    nets = [growing_grid(**still, lesion=lesion) for lesion in ("", "random-newborn")]
    states = [run(net, chunk=100)(net.init(0), stream(net.spec, 20))[0] for net in nets]
    plain, drawn = (np.asarray(state.shared["weights"]["units"])[0] for state in states)
    assert plain[0] == drawn[0] == pytest.approx(-0.5) and not np.allclose(plain, drawn)
    assert np.linalg.norm(plain[1:]) == pytest.approx(np.linalg.norm(drawn[1:]), rel=1e-5)


def test_random_utility_recycles_units_that_utility_spares():
    """Of three units able to go, the least useful always goes; drawn, each does at times."""
    net = growing_grid(**SMALL | {"maturity": 0, "idle": 1.0}, lesion="random-utility")
    state, out = run(net, ("birth",), chunk=500)(net.init(0), stream(net.spec, 500))
    ages = np.asarray(state.shared["cells"]["age"])
    assert out["birth"].sum() > 30 and len(set(ages.tolist())) == 8
    usual = growing_grid(**SMALL | {"maturity": 0, "idle": 1.0})
    kept, _ = run(usual, chunk=500)(usual.init(0), stream(usual.spec, 500))
    assert ages.max() < np.asarray(kept.shared["cells"]["age"]).max()


def test_random_times_do_not_ask_how_hungry_the_grid_is():
    """As many births as fit a Poisson law of one in ``patience`` + 1 ticks, also without hunger."""
    still = SMALL | {"patience": 9, "hunger": 1e9, "maturity": 0, "idle": 5.0, "levels": 1}
    births = {}
    for lesion in ("", "random-time"):
        net = growing_grid(**still, lesion=lesion)
        _, out = run(net, ("birth",), chunk=1000)(net.init(0), stream(net.spec, 3000))
        births[lesion] = int(out["birth"].sum())
    # A full grid may have nobody to let go; before it is full every drawn moment gives birth.
    gaps = np.diff(np.flatnonzero(out["birth"]))
    assert births[""] == 0 and 250 < births["random-time"] < 350
    assert gaps.min() < 4 and gaps.max() > 20
