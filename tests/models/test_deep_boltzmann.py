"""Layered Boltzmann machines against enumeration of all their states."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layered_machines import LANES, MACHINES, born, law, machine_of, states_of

from sodachi.combinators import minibatch
from sodachi.core.connections import lift
from sodachi.errors import SpecError
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.models.deep_boltzmann_layers import energy, field, log_weight
from sodachi.models.deep_boltzmann_settings import layers_of
from sodachi.observation import observe

TICKS, BURN = 400, 30


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_what_a_layer_hears_is_the_difference_its_unit_makes_to_the_energy(which):
    _, state = born(which)
    s, x = layers_of(machine_of(which).spec), states_of(which)
    weights, mean = state.shared["weights"], state.shared["cells"]["mean"]
    for n in s.layers:
        if n.kind != "binary":
            continue
        on, off = (x | {n.name: x[n.name].copy()} for _ in range(2))
        on[n.name][:, 0], off[n.name][:, 0] = 1.0, 0.0
        difference = energy(s, weights, mean, off) - energy(s, weights, mean, on)
        heard = field(s, weights, mean, x, n)[:, 0]
        assert np.allclose(difference, heard, atol=1e-4)


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
@pytest.mark.parametrize("odd", [True, False])
def test_summing_a_half_out_equals_enumeration(which, odd):
    _, state = born(which)
    s, x = layers_of(machine_of(which).spec), states_of(which)
    weights, mean = state.shared["weights"], state.shared["cells"]["mean"]
    kept = np.concatenate([x[n.name] for n in s.layers if n.odd != odd], 1)
    values, which_kept = np.unique(kept, axis=0, return_inverse=True)
    log = -np.asarray(energy(s, weights, mean, x), float)
    known = np.asarray(log_weight(s, weights, mean, x, odd), float)
    for i in range(len(values)):
        mine = which_kept.ravel() == i
        assert np.allclose(known[mine], np.log(np.exp(log[mine]).sum()), atol=1e-4)


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
    layers = layers_of(machine_of(which).spec).layers
    for n in layers:
        assert agrees(x[n.name].mean(0), p @ every[n.name])
    # What was drawn last, the even layers, was drawn given the odd ones.
    pair = np.einsum("tli,tlj->lij", x[layers[0].name], x[layers[1].name]) / TICKS
    truth = np.einsum("s,si,sj->ij", p, every[layers[0].name], every[layers[1].name])
    assert agrees(pair, truth)


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_learning_is_the_centred_gradient_of_the_likelihood(which):
    machine, state = born(which, rate=1.0, chains=5, centring=0.0)
    _, wish = lived(machine, state, evidence_of(machine, HELD[which], learn=True))
    s, every = layers_of(machine_of(which).spec), states_of(which)
    mean = {k: np.asarray(v, float) for k, v in state.shared["cells"]["mean"].items()}
    awake, asleep = law(which, state, HELD[which]), law(which, state)
    x = {k: v - mean[k] for k, v in every.items()}
    for j in s.joints:
        post = ((awake - asleep)[:, None] * x[j.above.name]).reshape(-1, *j.above.shape)
        pre = x[j.below.name].reshape(-1, *j.below.shape)
        truth = lift(j.connection, jnp.asarray(post), jnp.asarray(pre))
        assert agrees(_blocks(wish[j.name]), truth), j.name
    for n in s.layers:
        truth = (awake - asleep) @ every[n.name]
        assert agrees(_blocks(wish[f"{n.name}:bias"][:, 0]), truth), n.name


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
    assert not np.allclose(
        moved.shared["cells"]["mean"]["input"], state.shared["cells"]["mean"]["input"]
    )
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
        mean = {n: np.asarray(m, float) for n, m in state.shared["cells"]["mean"].items()}
        codes = [np.array(list(itertools.product([0.0, 1.0], repeat=n))) for n in (4, 3)]
        xv, xh = codes[0] - mean["input"], codes[1] - mean["hidden1"]

        def moment(q, up=up, xv=xv, xh=xh):
            return np.einsum("v,vh,vi,hj->ij", q, up, xv, xh)

        assert agrees(_blocks(wish["input>hidden1"]), moment(start) - moment(at))


@pytest.mark.theory
def test_mean_field_settles_where_every_unit_believes_its_neighbours():
    machine, state = born("deep", lanes=2, settling="mean_field", iterations=200)
    observation = observe(machine.spec, learn=False, input=np.array([[1.0, 0, 1], [0, 0, 1]]))
    state, out = machine.step(state, observation)
    s = layers_of(machine_of("deep").spec)
    weights, mean = state.shared["weights"], state.shared["cells"]["mean"]
    for n in s.layers[1:]:
        believed = n.believe(field(s, weights, mean, out, n))
        assert np.allclose(out[n.name], believed, atol=1e-5)


@pytest.mark.theory
def test_a_gaussian_input_is_normal_around_what_it_hears():
    machine = minibatch(deep_boltzmann_machine(layers=(3, 2), input="gaussian"), LANES)
    state = machine.init(0)
    observation = observe(machine.spec, learn=False, hidden1=np.tile([1.0, 0.0], (LANES, 1)))
    x, _ = lived(machine, state, observation)
    s = layers_of(deep_boltzmann_machine(layers=(3, 2), input="gaussian").spec)
    hidden = {"hidden1": np.array([1.0, 0.0]), "input": np.zeros(3)}
    heard = field(s, state.shared["weights"], state.shared["cells"]["mean"], hidden, s.layers[0])
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
    ],
)
def test_a_wrong_argument_is_named(wrong):
    with pytest.raises(SpecError) as error:
        deep_boltzmann_machine(**({"layers": (3, 2)} | wrong))
    assert error.value.field.startswith(next(iter(wrong)))
