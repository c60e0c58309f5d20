"""Small layered Boltzmann machines, and the law of all their states by enumeration."""

import itertools
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import minibatch
from sodachi.models.boltzmann import machine_graph, machine_parameters
from sodachi.models.boltzmann_energy import energy
from sodachi.models.deep_boltzmann import deep_boltzmann_machine

LANES = 64
MACHINES = {
    "restricted": {"layers": (4, 3)},
    "deep": {"layers": (3, 3, 2)},
    "classifying": {"layers": (3, 3), "labels": 3},
    "convolving": {
        "layers": (
            [2, 3, 1],
            {"kind": "convolution", "channels": 1, "size": 2, "padding": "VALID"},
            {"kind": "local", "channels": 2, "size": 1},
        ),
    },
}


def machine_of(which, **more):
    return deep_boltzmann_machine(**(MACHINES[which] | more))


def graph_of(which):
    return machine_graph(machine_of(which).spec)


def parameters_of(which, state):
    return machine_parameters(machine_of(which).spec, state)


@cache
def states_of(which):
    """Every state of the machine, by layer: arrays [states, units]."""
    coins = [
        list(np.eye(u.states))
        if u.kind == "categorical"
        else list(itertools.product([0.0, 1.0], repeat=u.units))
        for u in graph_of(which).populations
    ]
    every = list(itertools.product(*coins))
    names = [u.name for u in graph_of(which).populations]
    return {name: np.array([x[i] for x in every]) for i, name in enumerate(names)}


def energies(which, state, x):
    """The energy [states] of states in rows."""
    with jax.enable_x64(True):
        parameters = jax.tree.map(lambda a: np.asarray(a, float), parameters_of(which, state))
        columns = {name: jnp.asarray(rows, float).T for name, rows in x.items()}
        return np.asarray(energy(graph_of(which), parameters, columns))


def born(which, seed=0, lanes=LANES, **more):
    """A machine of random weights, centred anywhere."""
    machine = minibatch(machine_of(which, **more), lanes)
    state, rng = machine.init(seed), np.random.default_rng(seed)
    weights = {
        name: jnp.asarray(rng.normal(0, 1.0, w.shape), w.dtype)
        for name, w in sorted(state.shared["weights"].items())
    }
    offset = {
        name: jnp.asarray(rng.uniform(0.1, 0.9, m.shape), m.dtype)
        for name, m in sorted(state.shared["cells"]["offset"].items())
    }
    cells = state.shared["cells"] | {"offset": offset}
    return machine, state._replace(shared=state.shared | {"weights": weights, "cells": cells})


def law(which, state, held=None):
    """The probability of every state, given what is held: ``{layer: {unit: value}}``."""
    x = states_of(which)
    log = -energies(which, state, x)
    for name, units in (held or {}).items():
        for unit, value in units.items():
            log = np.where(x[name][:, unit] == value, log, -np.inf)
    p = np.exp(log - log.max())
    return p / p.sum()
