"""Small layered Boltzmann machines, and the law of all their states by enumeration."""

import itertools
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import minibatch
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.models.deep_boltzmann_layers import energy
from sodachi.models.deep_boltzmann_settings import layers_of

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


@cache
def states_of(which):
    """Every state of the machine, by layer: arrays [states, units]."""
    layers = layers_of(machine_of(which).spec).layers
    coins = [
        list(np.eye(n.units))
        if n.kind == "softmax"
        else list(itertools.product([0.0, 1.0], repeat=n.units))
        for n in layers
    ]
    every = list(itertools.product(*coins))
    return {n.name: np.array([x[i] for x in every]) for i, n in enumerate(layers)}


def born(which, seed=0, lanes=LANES, **more):
    """A machine of random weights, centred anywhere."""
    machine = minibatch(machine_of(which, **more), lanes)
    state, rng = machine.init(seed), np.random.default_rng(seed)
    weights = {
        name: jnp.asarray(rng.normal(0, 1.0, w.shape), w.dtype)
        for name, w in state.shared["weights"].items()
    }
    mean = {
        name: jnp.asarray(rng.uniform(0.1, 0.9, m.shape), m.dtype)
        for name, m in state.shared["cells"]["mean"].items()
    }
    shared = state.shared | {"weights": weights, "cells": {"mean": mean}}
    return machine, state._replace(shared=shared)


def law(which, state, held=None):
    """The probability of every state, given what is held: ``{layer: {unit: value}}``."""
    s, x = layers_of(machine_of(which).spec), states_of(which)
    parts = [state.shared["weights"], state.shared["cells"]["mean"]]
    weights, mean = jax.tree.map(lambda a: np.asarray(a, float), parts)
    with jax.enable_x64(True):
        log = -np.asarray(energy(s, weights, mean, x))
    for name, units in (held or {}).items():
        for unit, value in units.items():
            log = np.where(x[name][:, unit] == value, log, -np.inf)
    p = np.exp(log - log.max())
    return p / p.sum()
