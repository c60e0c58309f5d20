"""The settling mixture against the mathematics of mixtures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.combinators import hold, minibatch
from sodachi.errors import SpecError
from sodachi.models.competition import competition, free_energy, settle
from sodachi.models.mixture import Settings, settling_mixture
from sodachi.observation import observe
from sodachi.system import Evidence

NET = settling_mixture(inputs=3, labels=2, units=4, beta=3.0)
STEP = jax.jit(NET.step)


def taught(pairs, ticks=2, net=NET, step=STEP, seed=0):
    state = net.init(seed)
    for x, y in pairs:
        for _ in range(ticks):
            state, _ = step(state, observe(net.spec, input=x, label=y))
    return state


PAIRS = [([0.0, 0.0, 1.0], 0), ([1.0, 1.0, 0.0], 1), ([0.0, 1.0, 0.0], 0)]


def test_settles_to_the_exact_posterior_of_the_mixture():
    state = taught(PAIRS)
    x = np.array([0.3, 0.8, 0.2])
    for _ in range(60):
        state, out = STEP(state, observe(NET.spec, input=x, learn=False))
    m = np.asarray(state.shared["weights"]["input"], np.float64).T
    v = np.asarray(state.shared["weights"]["label"], np.float64)
    live = np.asarray(state.shared["structure"]["owner"]) == 0
    log = np.where(live, -0.5 * 3.0 * ((x - m) ** 2).sum(1), -np.inf)
    posterior = np.exp(log - log.max())
    posterior /= posterior.sum()
    np.testing.assert_allclose(out["label"], posterior @ v, atol=1e-5)
    # At rest the energy is minus the log evidence of the mixture (up to its constants).
    np.testing.assert_allclose(out["energy"], -np.log(np.exp(log).sum()), atol=1e-5)
    assert float(out["residual"]) < 1e-5


@settings(max_examples=60, deadline=None)
@given(
    cost=st.lists(st.floats(0, 30), min_size=2, max_size=6),
    start=st.lists(st.floats(-30, 30), min_size=6, max_size=6),
    rate=st.floats(0.05, 1.0),
)
def test_settling_never_raises_the_free_energy(cost, start, rate):
    s = Settings(*[0] * len(Settings._fields))._replace(rate=rate, reset=False)
    cost = jnp.asarray(cost)
    a = jnp.asarray(start[: len(cost)])
    member = jnp.ones(len(cost), bool)
    before = float(free_energy(competition(a, member), cost))
    for _ in range(5):
        a = settle(s, a, cost, False)
        after = float(free_energy(competition(a, member), cost))
        assert after <= before + 1e-4 * (1 + abs(before))
        before = after


def test_one_look_imprints_and_one_label_tick_names_it():
    state = taught([([0.2, 0.4, 0.6], 1)], ticks=1)
    weights = state.shared["weights"]
    unit = int(np.argmax(np.asarray(state.shared["structure"]["owner"]) == 0))
    np.testing.assert_allclose(weights["input"][:, unit], [0.2, 0.4, 0.6], rtol=1e-6)
    np.testing.assert_allclose(weights["label"][unit], [0.0, 1.0], atol=1e-6)


def test_full_contrast_climbs_the_log_probability_of_the_label():
    net = settling_mixture(
        inputs=3, labels=2, units=4, rate=1.0, beta=0.5, hunger=1.0, contrast=1.0
    )
    state = net.init(0)
    generator = np.random.default_rng(0)
    m, v = generator.random((3, 4)), np.array([[0.8, 0.2], [0.4, 0.6], [0.5, 0.5], [0.1, 0.9]])
    cells = state.shared["cells"] | {
        "count": jnp.array([20.0, 30.0, 40.0, 1e6]),
        "utility": jnp.ones(4),
    }
    weights = {"input": jnp.asarray(m, jnp.float32), "label": jnp.asarray(v, jnp.float32)}
    owner = {"owner": jnp.zeros(4, jnp.int32)}
    state = state._replace(
        shared=state.shared | {"weights": weights, "cells": cells, "structure": owner}
    )
    x = np.array([0.2, 0.9, 0.4])

    def log_probability(m):
        h = jax.nn.softmax(-0.25 * jnp.sum((x[:, None] - m) ** 2, 0))
        return jnp.log(h @ (v[:, 1] + 1e-3))

    slope = jax.grad(log_probability)(jnp.asarray(m))
    after, _ = jax.jit(net.step)(state, observe(net.spec, input=x, label=1))
    moved = np.asarray(after.shared["weights"]["input"]) - m
    np.testing.assert_allclose(moved, 0.05 * slope / 0.5, atol=1e-6)  # track, over beta
    assert (np.asarray(moved) * (x[:, None] - m)).sum(0).min() < 0  # who does not say so leaves


def test_missing_pixels_are_finished_from_what_is_known():
    state = taught(PAIRS, ticks=3)
    seen = Evidence([0.0, 0.0, 0.0], [np.inf, np.inf, 0.0], 0.0)
    for _ in range(30):
        state, out = STEP(state, observe(NET.spec, input=seen, learn=False))
    m = np.asarray(state.shared["weights"]["input"], np.float64).T
    live = np.asarray(state.shared["structure"]["owner"]) == 0
    log = np.where(live, -0.5 * 3.0 * ((0 - m[:, :2]) ** 2).sum(1), -np.inf)
    posterior = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
    np.testing.assert_allclose(out["input"][2], posterior @ m[:, 2], atol=1e-5)
    np.testing.assert_array_equal(out["input"][:2], [0.0, 0.0])


def test_the_least_useful_unit_gives_its_place():
    net = settling_mixture(inputs=2, labels=2, units=2, beta=3.0)
    step = jax.jit(net.step)
    state = net.init(0)
    for x, y in [([0.0, 0.0], 0), ([1.0, 1.0], 1)] + [([0.0, 0.0], 0)] * 6:
        state, _ = step(state, observe(net.spec, input=x, label=y))
    useful = int(np.argmax(state.shared["cells"]["utility"]))
    for _ in range(6):  # the other unit, of label 1, comes nearest
        state, _ = step(state, observe(net.spec, input=[5.0, 5.0], learn=False))
    state, out = step(state, observe(net.spec, input=[5.0, 5.0], label=0))
    assert bool(out["birth"])
    np.testing.assert_allclose(state.shared["weights"]["input"][:, useful], [0.0, 0.0], atol=0.2)
    np.testing.assert_allclose(state.shared["weights"]["input"][:, 1 - useful], [5.0, 5.0])


def test_nothing_clamped_reaches_the_trivial_minimum_and_teaches_nothing():
    state = taught(PAIRS)
    long = hold(NET, 500)
    after, out = long.step(state, observe(NET.spec))
    live = (np.asarray(state.shared["structure"]["owner"]) == 0).sum()
    # No evidence costs nothing: what is left is minus the entropy of an even belief.
    np.testing.assert_allclose(out["energy"], -np.log(live), atol=1e-5)
    for name in ("input", "label"):
        np.testing.assert_array_equal(after.shared["weights"][name], state.shared["weights"][name])


def test_a_minibatch_learns_each_lane_and_bears_one_unit_a_tick():
    net = minibatch(NET, 3)
    state = net.init(0)
    x = np.array([p[0] for p in PAIRS], np.float32)
    y = np.array([p[1] for p in PAIRS])
    births = []
    for _ in range(4):
        state, out = net.step(state, observe(net.spec, input=x, label=y))
        births.append(int(np.sum(out["birth"])))
    assert births[0] == 1 and max(births) == 1
    assert int(np.sum(np.asarray(state.shared["structure"]["owner"]) >= 0)) == sum(births)


def test_worlds_are_opened_and_recalled_by_the_energy_of_the_input():
    net = settling_mixture(inputs=16, labels=2, units=30, contexts=4, beta=3.0)
    step = jax.jit(hold(net, 5).step)
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, 1, (2, 2, 16)) * np.array([1, 1])[None, :, None]
    state, seen = net.init(0), []
    for world in (0, 1, 0):
        for _ in range(60):
            y = int(rng.integers(2))
            x = centres[world, y] + 0.05 * rng.normal(size=16)
            state, out = step(state, observe(net.spec, input=x, label=y))
        seen.append(int(out["context"]))
    assert seen[0] != seen[1] and seen[2] == seen[0]


def test_regression_predicts_the_posterior_mean():
    net = settling_mixture(inputs=1, labels=1, units=20, label_kind="real", beta=50.0)
    step = jax.jit(net.step)
    state = net.init(0)
    rng = np.random.default_rng(1)
    for _ in range(400):
        x = rng.uniform(-1, 1, 1)
        for _ in range(3):
            state, _ = step(state, observe(net.spec, input=x, label=np.sin(3 * x)))
    errors = []
    for x in np.linspace(-0.9, 0.9, 19):
        for _ in range(12):
            state, out = step(state, observe(net.spec, input=[x], learn=False))
        errors.append(float(out["label"][0]) - np.sin(3 * x))
    assert np.sqrt(np.mean(np.square(errors))) < 0.25  # the targets' own spread is .68


@pytest.mark.parametrize(
    "wrong", [{"units": 0}, {"rate": 0.0}, {"lesion": "other"}, {"label_kind": "text"}]
)
def test_wrong_settings_name_the_field(wrong):
    with pytest.raises(SpecError, match=next(iter(wrong))):
        settling_mixture(**wrong)
