"""A Boltzmann machine at birth."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock
from sodachi.core.connections import Dense
from sodachi.core.names import named_key
from sodachi.core.rule import initial_weights
from sodachi.models.boltzmann_graph import BoltzmannGraph
from sodachi.models.boltzmann_learning import newborn_synapses, starting_mean
from sodachi.models.boltzmann_mixing import newborn_mixing
from sodachi.models.boltzmann_parts import Units
from sodachi.models.boltzmann_settings import OWN_DREAMS, Settings
from sodachi.system import State


def newborn(s: Settings, graph: BoltzmannGraph, key) -> State:
    """Return the state at birth."""
    weights: dict[str, Any] = {}
    for c in graph.couplings:
        weights[c.name] = _initial(c.connection, named_key(key, c.name), s.scale)
    for u in graph.populations:
        weights[u.name] = jnp.zeros((1, u.units * u.states))
        if u.kind == "gaussian":
            weights[f"{u.name} variance"] = jnp.zeros((1, u.units))
    chains = s.dreams * (len(s.ladder) if s.dream == "tempering" else 1)
    shared = {
        "weights": weights,
        "synapses": newborn_synapses(s, graph, weights),
        "cells": {
            "temperature": jnp.asarray(s.temperature, jnp.float32),
            "offset": {u.name: starting_mean(u) for u in graph.populations},
        },
        "clock": new_clock(),
    }
    lane: dict[str, Any] = {
        "activity": {u.name: _coins(u, named_key(key, u.name)) for u in graph.populations},
        "key": named_key(key, "waking"),
    }
    if s.dream == "local":
        asleep = named_key(key, "dreams")
        lane["dream"] = {u.name: _coins(u, named_key(asleep, u.name)) for u in graph.populations}
    elif s.dream not in OWN_DREAMS:
        dreaming = named_key(key, "dreams")
        shared["dreams"] = {
            u.name: _coins(u, named_key(dreaming, u.name), chains) for u in graph.populations
        }
        shared["key"] = named_key(key, "dreaming")
        if s.mixing is not None:
            shared["cells"]["mixing"] = newborn_mixing(
                {n: a[..., : s.dreams] for n, a in shared["dreams"].items()}
            )
    return State(shared, lane)


def _initial(connection, key, scale: float):
    w = initial_weights(connection, key, scale)
    if isinstance(connection, Dense) and not connection.loop:
        w = jnp.triu(w, 1)
        return w + w.T
    return w


def _coins(u: Units, key, *chains: int):
    """Independent units, each of whose states is as likely as any other."""
    shape = (*u.sites, *chains)
    if u.kind == "gaussian":
        x = jax.random.normal(key, shape)
    elif u.kind == "categorical":
        chosen = jax.random.randint(key, (u.units, *chains), 0, u.states)
        x = jax.nn.one_hot(chosen, u.states, axis=1)
    else:
        x = jax.random.bernoulli(key, 0.5, shape).astype(jnp.float32)
        x = 2 * x - 1 if u.kind == "spin" else x
    return x.reshape(*u.shape, *chains)
