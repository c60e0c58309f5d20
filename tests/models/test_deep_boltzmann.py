"""Layered Boltzmann machines against enumeration of all their states."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layered_machines import (
    LANES,
    MACHINES,
    born,
    energies,
    graph_of,
    law,
    parameters_of,
    states_of,
)

from sodachi.combinators import minibatch
from sodachi.core.connections import lift
from sodachi.errors import SpecError
from sodachi.models.boltzmann import machine_graph, machine_parameters
from sodachi.models.boltzmann_energy import fields
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.observation import observe

TICKS, BURN = 400, 30


def heard_in(which, state, x):
    """What every unit hears in states that stand in rows."""
    columns = {name: jnp.asarray(rows, jnp.float32).T for name, rows in x.items()}
    heard = fields(graph_of(which), parameters_of(which, state), columns)
    return {name: np.asarray(rows.T) for name, rows in heard.items()}


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_what_a_layer_hears_is_the_difference_its_unit_makes_to_the_energy(which):
    _, state = born(which)
    x = states_of(which)
    heard = heard_in(which, state, x)
    for u in graph_of(which).populations:
        if u.kind != "binary":
            continue
        on, off = (x | {u.name: x[u.name].copy()} for _ in range(2))
        on[u.name][:, 0], off[u.name][:, 0] = 1.0, 0.0
        difference = energies(which, state, off) - energies(which, state, on)
        assert np.allclose(difference, heard[u.name][:, 0], atol=1e-4)


HELD = {
    "restricted": {"input": {0: 1.0, 2: 0.0}},
    "deep": {"hidden2": {1: 1.0}},
    "classifying": {"label": {0: 0.0, 1: 1.0, 2: 0.0}},
    "convolving": {"input": {0: 1.0, 4: 0.0}},
}


def evidence_of(machine, held, learn=False):
    given = {}
    for name, units in held.items():
        value = np.full((LANES, *machine.spec.variable(name).shape), np.nan, np.float32)
        for unit, v in units.items():
            value[:, unit] = v
        given[name] = value
    return observe(machine.spec, learn=learn, missing="absent", **given)


def lived(machine, state, observation):
    """Draws of every lane and what the weights wished, the weights put back after every tick."""
    fixed = {name: state.shared[name] for name in ("weights", "cells")}

    def one(state, _):
        new, _ = machine.step(state, observation)
        wish = jax.tree.map(jnp.subtract, new.shared["weights"], fixed["weights"])
        return new._replace(shared=new.shared | fixed), (new.lane["activity"], wish)

    _, (x, wish) = jax.jit(lambda s: jax.lax.scan(one, s, None, BURN + TICKS))(state)
    return jax.tree.map(lambda a: np.asarray(a, float)[BURN:], (x, wish))


def agrees(samples, truth):
    """Whether the mean over independent samples is within four of its standard errors."""
    error = samples.std(0, ddof=1) / np.sqrt(len(samples))
    return np.all(np.abs(samples.mean(0) - truth) <= 4 * error + 1e-5)


@pytest.mark.theory
@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("which", MACHINES)
def test_the_awake_law_is_that_of_enumeration(which, free):
    machine, state = born(which)
    held = {} if free else HELD[which]
    x, _ = lived(machine, state, evidence_of(machine, held))
    p, every = law(which, state, held), states_of(which)
    for name, rows in every.items():
        assert agrees(x[name].mean(0), p @ rows)
    # What was drawn last, the odd layers, was drawn given the even ones.
    pair = np.einsum("tli,tlj->lij", x["input"], x["hidden1"]) / TICKS
    truth = np.einsum("s,si,sj->ij", p, every["input"], every["hidden1"])
    assert agrees(pair, truth)


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_learning_is_the_gradient_of_the_likelihood(which):
    machine, state = born(which, rate=1.0, chains=40, centring=0.0)
    _, wish = lived(machine, state, evidence_of(machine, HELD[which], learn=True))
    every = states_of(which)
    awake, asleep = law(which, state, HELD[which]), law(which, state)
    for c in graph_of(which).couplings:
        post = (awake - asleep)[:, None] * every[c.target]
        post, pre = (
            jnp.asarray(x).reshape(-1, *shape)
            for x, shape in ((post, c.connection.target), (every[c.source], c.connection.source))
        )
        assert agrees(_blocks(wish[c.name]), lift(c.connection, post, pre)), c.name
    for name, rows in every.items():
        truth = (awake - asleep) @ rows
        assert agrees(_blocks(wish[name][:, 0]), truth), name


def _blocks(series, many=16):
    """Means of consecutive blocks, nearly independent."""
    return np.array([part.mean(0) for part in np.array_split(series, many)])


@pytest.mark.theory
def test_a_moving_centre_changes_no_belief():
    machine, state = born("deep", rate=0.0, centring=0.3, lanes=4)
    observation = observe(machine.spec, input=np.ones((4, 3)))
    moved = state
    for _ in range(3):
        moved, _ = machine.step(moved, observation)
    before, after = (s.shared["cells"]["offset"]["input"] for s in (state, moved))
    assert not np.allclose(before, after)
    assert np.allclose(law("deep", moved), law("deep", state), atol=1e-6)


@pytest.mark.theory
def test_reconstruction_dreams_from_what_is_seen():
    """CD-k's mean change against all roads that its chain may take, k = 1 and k = 2."""
    v = np.array([1.0, 0.0, 1.0, 1.0])
    every = states_of("restricted")
    for k in (1, 2):
        machine, state = born(
            "restricted", rate=1.0, dream="reconstruction", sweeps=k, centring=0.0
        )
        _, wish = lived(machine, state, observe(machine.spec, input=np.tile(v, (LANES, 1))))
        p = law("restricted", state)
        x = {n: a.astype(int) for n, a in every.items()}
        joint = np.zeros((16, 8))
        rows = {n: a @ 2 ** np.arange(a.shape[1])[::-1] for n, a in x.items()}
        np.add.at(joint, (rows["input"], rows["hidden1"]), p)
        up = joint / joint.sum(1, keepdims=True)
        down = (joint / joint.sum(0, keepdims=True)).T
        at = np.zeros(16)
        at[int(v @ 2 ** np.arange(4)[::-1])] = 1.0
        start = at
        for _ in range(k):
            at = at @ up @ down
        xv, xh = (np.array(list(itertools.product([0.0, 1.0], repeat=n))) for n in (4, 3))

        def moment(q, up=up, xv=xv, xh=xh):
            return np.einsum("v,vh,vi,hj->ij", q, up, xv, xh)

        assert agrees(_blocks(wish["input-hidden1"]), moment(start) - moment(at))


@pytest.mark.theory
def test_mean_field_settles_where_every_unit_believes_its_neighbours():
    machine, state = born("deep", lanes=2, settling="mean_field", iterations=200)
    observation = observe(machine.spec, learn=False, input=np.array([[1.0, 0, 1], [0, 0, 1]]))
    state, out = machine.step(state, observation)
    heard = heard_in("deep", state, {name: out[name] for name in states_of("deep")})
    for name in ("hidden1", "hidden2"):
        assert np.allclose(out[name], jax.nn.sigmoid(heard[name]), atol=1e-5)


@pytest.mark.theory
def test_a_gaussian_input_is_normal_around_what_it_hears():
    machine = minibatch(deep_boltzmann_machine(layers=(3, 2), input="gaussian"), LANES)
    state = machine.init(0)
    observation = observe(machine.spec, learn=False, hidden1=np.tile([1.0, 0.0], (LANES, 1)))
    x, _ = lived(machine, state, observation)
    hidden = {"hidden1": jnp.array([1.0, 0.0]), "input": jnp.zeros(3)}
    spec = deep_boltzmann_machine(layers=(3, 2), input="gaussian").spec
    heard = fields(machine_graph(spec), machine_parameters(spec, state), hidden)["input"]
    drawn = x["input"].reshape(-1, 3)
    assert np.allclose(drawn.mean(0), heard, atol=0.03)
    assert np.allclose(drawn.std(0), 1.0, atol=0.03)


@pytest.mark.unit
@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": (3,)},
        {"layers": (3, 0)},
        {"layers": ([3, 3], 2)},
        {"layers": (3, {"kind": "convolution", "channels": 1, "size": 2})},
        {"labels": 1},
        {"input": "spike"},
        {"dream": "lucid"},
        {"chains": 0},
        {"sweeps": 1.5},
        {"rate": -1.0},
        {"centring": 1.0},
        {"settling": "slow"},
        {"mixing": 0.3},
    ],
)
def test_a_wrong_argument_is_named(wrong):
    with pytest.raises(SpecError) as error:
        deep_boltzmann_machine(**({"layers": (3, 2)} | wrong))
    assert error.value.field.startswith(next(iter(wrong)))
