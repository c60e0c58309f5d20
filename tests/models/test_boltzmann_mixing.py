"""The penalty on what dreaming units do together: its slope by enumeration, and what it is for."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.models.boltzmann import boltzmann_machine, machine_graph, machine_parameters
from sodachi.models.boltzmann_mixing import LEAST, followed, likeness, newborn_mixing
from sodachi.models.sweeping import sweeps
from sodachi.observation import observe

UNITS, CHAINS, LANES = 5, 20, 8
STATES = np.array(list(itertools.product([0.0, 1.0], repeat=UNITS)))


@pytest.mark.theory
def test_what_is_unlearnt_is_the_covariance_of_dreams():
    """Awake and dreaming alike, so that the penalty is all that moves the weights."""
    system = boltzmann_machine(units=UNITS, dreams=CHAINS, mixing=0.5, rate=1.0, centred=False)
    machine, rng = minibatch(system, LANES), np.random.default_rng(0)
    w = np.triu(rng.normal(0, 0.8, (UNITS, UNITS)), 1)
    w = w + w.T
    state = machine.init(0)
    weights = state.shared["weights"] | {"units-units": jnp.asarray(w, jnp.float32)}
    mixing = state.shared["cells"]["mixing"] | {"penalty": jnp.asarray(0.7)}
    cells = state.shared["cells"] | {"mixing": mixing}
    fixed = {"weights": weights, "cells": cells}

    def one(state, _):
        new, _ = machine.step(state, observe(machine.spec))
        wish = jax.tree.map(jnp.subtract, new.shared["weights"], weights)
        return new._replace(shared=new.shared | fixed), wish

    state = state._replace(shared=state.shared | fixed)
    _, wish = jax.jit(lambda s: jax.lax.scan(one, s, None, 6000))(state)
    p = np.exp(0.5 * np.einsum("si,ij,sj->s", STATES, w, STATES))
    p /= p.sum()
    mean = p @ STATES
    covariance = np.einsum("s,si,sj->ij", p, STATES, STATES) - np.outer(mean, mean)
    truth = -0.7 * (1 - 1 / CHAINS) * covariance * (1 - np.eye(UNITS))
    blocks = np.asarray(wish["units-units"], float)[100:].reshape(20, -1, UNITS, UNITS).mean(1)
    error = blocks.std(0, ddof=1) / np.sqrt(len(blocks))
    assert np.all(np.abs(blocks.mean(0) - truth) <= 4 * error + 1e-6)
    assert np.abs(truth).max() > 10 * error.max()  # and it is not lost in noise
    own = np.asarray(wish["units"], float)[100:].reshape(20, -1, UNITS).mean(1)
    assert np.all(np.abs(own.mean(0)) <= 4 * own.std(0, ddof=1) / np.sqrt(len(own)))


def taught(**settings):
    """How alike chains are to themselves 20 sweeps later, after lessons in two opposite images."""
    system = boltzmann_machine(units=8, rate=0.3, dreams=40, **settings)
    machine = minibatch(system, 10)
    images = np.repeat([[0.0], [1.0]], 5, 0) * np.ones(8)
    state, _ = jax.jit(
        lambda s: jax.lax.scan(
            lambda s, _: (machine.step(s, observe(machine.spec, units=images))[0], None),
            s, None, 1500,
        )
    )(machine.init(0))  # fmt: skip
    graph, parameters = machine_graph(system.spec), machine_parameters(system.spec, state)
    x = state.shared["dreams"]
    later, _ = sweeps(graph, parameters, x, jax.random.key(1), 20)
    return float(likeness(later, x)), state.shared["cells"].get("mixing")


@pytest.mark.theory
def test_with_the_penalty_dreams_go_on_moving_between_two_valleys():
    stuck, _ = taught()
    moving, mixing = taught(mixing=0.3, mixing_lag=20)
    assert stuck > 0.8
    assert moving < 0.6
    assert mixing["penalty"] > 0.01


@pytest.mark.unit
def test_the_penalty_falls_to_its_least_where_chains_mix():
    rng, mixing = np.random.default_rng(0), newborn_mixing({"a": jnp.zeros((4, 30))})
    for t in range(60):
        x = {"a": jnp.asarray(rng.integers(0, 2, (4, 30)), jnp.float32)}
        mixing = followed(mixing, x, 0.6, jnp.asarray(t % 2 == 1))
    assert float(mixing["penalty"]) == pytest.approx(LEAST)
    same = followed(mixing, x, 0.6, jnp.asarray(True))
    assert float(same["penalty"]) == pytest.approx(1.2 * LEAST)
