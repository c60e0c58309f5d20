"""The Boltzmann machine against enumeration of all its states, in float64."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.core.connections import Dense
from sodachi.errors import SpecError
from sodachi.models.boltzmann import boltzmann_machine
from sodachi.models.sweeping import boltzmann_energy
from sodachi.observation import observe
from sodachi.system import Evidence, build

UNITS, LANES, TICKS, BURN = 8, 64, 900, 50
STATES = np.array(list(itertools.product([0.0, 1.0], repeat=UNITS)))
RING = [[i, (i + 1) % UNITS] for i in range(UNITS)] + [[0, 4], [1, 5]]


def loopy(seed=0, mask=None):
    rng = np.random.default_rng(seed)
    w = np.triu(rng.normal(0, 0.8, (UNITS, UNITS)), 1)
    w = w + w.T
    return (w if mask is None else w * mask), rng.normal(0, 0.5, UNITS)


def law(w, b, field=0.0, clamp=None, temperature=1.0):
    """Probabilities of all states, and from them means and correlations."""
    log = (0.5 * np.einsum("si,ij,sj->s", STATES, w, STATES) + STATES @ (b + field)) / temperature
    for i, v in (clamp or {}).items():
        log = np.where(STATES[:, i] == v, log, -np.inf)
    p = np.exp(log - log.max())
    p /= p.sum()
    return p @ STATES, np.einsum("s,si,sj->ij", p, STATES, STATES)


def with_weights(state, w, b, temperature=1.0):
    weights = {"couplings": jnp.asarray(w, jnp.float32), "bias": jnp.asarray(b[None], jnp.float32)}
    cells = {"temperature": jnp.asarray(temperature, jnp.float32)}
    return state._replace(shared={**state.shared, "weights": weights, "cells": cells})


def sample(machine, state, observation):
    """Means and correlations of every lane; the weights are put back after every tick."""
    fixed = state.shared["weights"]

    def one(state, _):
        state, out = machine.step(state, observation)
        drive = jax.tree.map(jnp.subtract, state.shared["weights"], fixed)
        x = out["units"]
        return state._replace(shared={**state.shared, "weights": fixed}), (x, drive)

    _, (x, drive) = jax.jit(lambda s: jax.lax.scan(one, s, None, BURN + TICKS))(state)
    x, drive = np.asarray(x, float)[BURN:], jax.tree.map(lambda a: np.asarray(a)[BURN:], drive)
    return x.mean(0), np.einsum("tli,tlj->lij", x, x) / TICKS, drive


def agrees(lanes, truth, tolerance=3.0):
    """Whether the mean over independent lanes is within so many of its standard errors."""
    error = lanes.std(0, ddof=1) / np.sqrt(len(lanes))
    return np.all(np.abs(lanes.mean(0) - truth) <= tolerance * error + 1e-12)


def start(seed=1, temperature=1.0, weights=None, **arguments):
    machine = minibatch(boltzmann_machine(units=UNITS, **arguments), LANES)
    w, b = weights or loopy()
    return machine, with_weights(machine.init(seed), w, b, temperature)


@pytest.mark.theory
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_free_marginals_and_correlations(temperature):
    machine, state = start(2, temperature)
    mean, pair, _ = sample(machine, state, observe(machine.spec, learn=False))
    true_mean, true_pair = law(*loopy(), temperature=temperature)
    assert agrees(mean, true_mean)
    assert agrees(pair, true_pair)


@pytest.mark.theory
def test_clamped_and_nudged_units_follow_the_conditional_law():
    machine, state = start(3)
    precision, value, drive = np.zeros((3, UNITS))
    precision[[0, 3, 6]], value[[0, 3, 6]] = [np.inf, np.inf, 2.5], [1.0, 0.0, 0.9]
    drive[7] = -0.7
    lanes = [np.broadcast_to(a, (LANES, UNITS)) for a in (value, precision, drive)]
    mean, pair, _ = sample(
        machine, state, observe(machine.spec, learn=False, units=Evidence(*lanes))
    )
    field = np.where(np.isinf(precision), 0.0, precision) * (value - 0.5) + drive
    true_mean, true_pair = law(*loopy(), field=field, clamp={0: 1.0, 3: 0.0})
    assert agrees(mean, true_mean)
    assert agrees(pair, true_pair)


@pytest.mark.theory
def test_expected_drive_is_the_gradient_of_the_log_likelihood():
    machine, state = start(4, rate=1.0)
    w, b = loopy()
    clamp = {0: 1.0, 1: 0.0, 2: 1.0, 5: 1.0}
    precision, value = np.zeros((2, LANES, UNITS))
    for i, v in clamp.items():
        precision[:, i], value[:, i] = np.inf, v
    _, _, drive = sample(
        machine, state, observe(machine.spec, units=Evidence(value, precision, 0.0))
    )
    (mean, pair), (free_mean, free_pair) = law(w, b, clamp=clamp), law(w, b)
    gradient = (pair - free_pair) * (1 - np.eye(UNITS))
    blocks = drive["couplings"].reshape(30, -1, UNITS, UNITS).mean(1)  # longer than autocorrelation
    assert agrees(blocks, gradient, 3.5)
    assert agrees(drive["bias"].reshape(30, -1, UNITS).mean(1), mean - free_mean, 3.5)
    learnt = blocks.mean(0)
    cosine = np.sum(learnt * gradient) / np.linalg.norm(learnt) / np.linalg.norm(gradient)
    assert cosine > 0.98


@pytest.mark.theory
def test_the_gradient_by_enumeration_is_the_gradient_by_finite_differences():
    w, b = loopy()
    seen = {0: 1.0, 2: 0.0}

    def log_likelihood(w):
        log = 0.5 * np.einsum("si,ij,sj->s", STATES, w, STATES) + STATES @ b
        rows = np.all([STATES[:, i] == v for i, v in seen.items()], axis=0)
        return np.log(np.exp(log[rows]).sum()) - np.log(np.exp(log).sum())

    bump = np.zeros((UNITS, UNITS))
    bump[1, 4] = bump[4, 1] = 1e-5
    slope = (log_likelihood(w + bump) - log_likelihood(w - bump)) / 2e-5
    expected = law(w, b, clamp=seen)[1][1, 4] - law(w, b)[1][1, 4]
    assert slope == pytest.approx(expected, rel=1e-6)


def test_pairs_are_the_same_machine_as_full_with_zeros():
    machine = boltzmann_machine(units=UNITS, couplings=RING)
    mask = np.zeros((UNITS, UNITS))
    for i, j in RING:
        mask[i, j] = mask[j, i] = 1.0
    w, b = loopy(5, mask)
    index = np.array(machine.init(0).shared["weights"]["couplings"].shape)
    assert tuple(index) == (UNITS, 3)
    partners = [np.flatnonzero(row) for row in mask]
    rows = np.zeros((UNITS, 3))
    for i, p in enumerate(partners):
        rows[i, : len(p)] = w[i, p]
    full = boltzmann_machine(units=UNITS)
    a, c = with_weights(machine.init(3), rows, b), with_weights(full.init(3), w, b)
    assert build(machine.spec).spec == machine.spec
    for _ in range(5):
        a, out_a = jax.jit(machine.step)(a, observe(machine.spec, learn=False))
        c, out_c = jax.jit(full.step)(c, observe(full.spec, learn=False))
        assert np.array_equal(out_a["units"], out_c["units"])
        assert float(out_a["energy"]) == pytest.approx(float(out_c["energy"]), rel=1e-5, abs=1e-6)


def test_energy_is_that_of_the_definition():
    machine, state = start(6)
    _, out = jax.jit(machine.step)(state, observe(machine.spec, learn=False))
    x, (w, b) = np.asarray(out["units"], float), loopy()
    expected = -0.5 * np.einsum("li,ij,lj->l", x, w, x) - x @ b
    assert np.allclose(out["energy"], expected, rtol=1e-5, atol=1e-5)
    full = Dense((UNITS,), (UNITS,), loop=False)
    one = boltzmann_energy(full, state.shared["weights"], x[0])
    assert float(one) == pytest.approx(expected[0], rel=1e-5, abs=1e-5)


def test_weights_stay_symmetric_and_dreams_rest_without_learning():
    machine, state = start(7, rate=0.1, dreams=3)
    step = jax.jit(machine.step)
    for _ in range(5):
        state, _ = step(state, observe(machine.spec, modulation={"couplings": np.full(LANES, 0.7)}))
    w = np.asarray(state.shared["weights"]["couplings"])
    assert np.array_equal(w, w.T) and not np.any(np.diag(w))
    assert not np.allclose(w, loopy()[0], atol=1e-3)
    after, _ = step(state, observe(machine.spec, learn=False))
    same = jax.tree.map(
        lambda a, b: bool(jnp.all(_data(a) == _data(b))), state.shared, after.shared
    )
    assert all(jax.tree.leaves(same))


def _data(leaf):
    keyed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if keyed else leaf


def test_what_is_no_number_never_reaches_a_weight():
    machine = boltzmann_machine(units=UNITS)
    o = observe(machine.spec, units=np.ones(UNITS))
    bad = o._replace(evidence={"units": Evidence(np.full(UNITS, np.nan), *o.evidence["units"][1:])})
    state, out = jax.jit(machine.step)(machine.init(0), bad)
    assert all(np.all(np.isfinite(w)) for w in state.shared["weights"].values())
    assert np.all(np.isfinite(out["units"]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"units": 0},
        {"dreams": 0},
        {"temperature": 0.0},
        {"couplings": [[1, 1]]},
        {"couplings": "a"},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(SpecError):
        boltzmann_machine(**wrong)
