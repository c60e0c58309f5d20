"""One tick of a Boltzmann machine: a sweep awake, a sweep of dreams, and learning from the two."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.clock import tick
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.models.boltzmann_answering import answer
from sodachi.models.boltzmann_energy import energy
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_learning import cells_after, learn, starting_mean
from sodachi.models.boltzmann_mixing import followed
from sodachi.models.boltzmann_settings import Settings
from sodachi.models.boltzmann_units import held
from sodachi.models.boltzmann_values import possible
from sodachi.models.deep_boltzmann_labels import imagine
from sodachi.models.sweeping import sweeps
from sodachi.models.tempering import exchange
from sodachi.models.visiting import random_visits
from sodachi.system import State


def read_parameters(graph: BoltzmannGraph, weights) -> Parameters:
    """Return weights as they lie in the state as the machine's parameters."""
    return Parameters(
        {c.name: weights[c.name] for c in graph.couplings},
        {u.name: weights[u.name].reshape(u.shape) for u in graph.populations},
        {
            u.name: weights[f"{u.name} variance"].reshape(u.shape)
            for u in graph.populations
            if u.kind == "gaussian"
        },
    )


def step(s: Settings, graph: BoltzmannGraph, state: State, observation):
    """Live one tick (see `boltzmann_machine`)."""
    shared, lane = state
    key, waking, dreaming = jax.random.split(lane["key"], 3)
    parameters = read_parameters(graph, shared["weights"])
    awake: Any = _coins_of_populations(graph, waking) if s.dream == "local" else None
    move = partial(_move, s, graph, parameters, shared["cells"]["temperature"])
    seen = {n: possible(graph.population(n).kind, e) for n, e in observation.evidence.items()}
    rest = _at_rest(s, graph)
    before = {n: jnp.where(observation.first, rest[n], x) for n, x in lane["activity"].items()}
    woken = move(before, waking, s.sweeps, s.wake == "mean_field", evidence=seen, moving=awake)
    learning = any_lane(observation.learn) & (s.generative > 0)
    output = {
        "energy": energy(graph, parameters, woken[0]),
        "residual": _changed(graph, before, woken[0], seen),
    }
    lane, taught = {**lane, "activity": woken[0], "key": key}, woken
    if s.dream == "local":
        asleep = {name: ~flag for name, flag in awake.items()}
        dreamt = move(lane["dream"], dreaming, s.dream_sweeps, False, moving=asleep)
        lane["dream"] = dreamt[0]
    elif s.dream == "contrastive_divergence":
        # What was seen is let go, what drives goes on: learnt is the law given the drive.
        driven = {n: e._replace(precision=jnp.zeros_like(e.precision)) for n, e in seen.items()}
        dreamt = move(woken[0], dreaming, s.dream_sweeps, False, evidence=driven)
    elif s.dream == "conditional":
        led, let_go = jax.lax.cond(
            learning,
            lambda x: answer(s, graph, parameters, shared["cells"], seen),
            lambda x: (x, x),
            woken[1],
        )
        taught, dreamt = (led, led), (let_go, let_go)
    else:
        went_on, dreamt, swaps = _dream_on(s, graph, shared, parameters, learning)
        output |= {"swaps": swaps} if s.dream == "tempering" else {}
        shared = {**shared, **went_on}
    cells = cells_after(s, shared["cells"], woken[1], observation.learn)
    if s.mixing is not None:
        look = learning & (shared["clock"][1] % s.mixing_lag == s.mixing_lag - 1)
        dreams = {n: a[..., : s.dreams] for n, a in shared["dreams"].items()}
        cells["mixing"] = followed(cells["mixing"], dreams, s.mixing, look)
    weights, synapses = learn(
        s, graph, state.shared, parameters, observation, taught, dreamt, awake
    )
    shared = {
        **shared,
        "weights": weights,
        "synapses": synapses,
        "cells": cells,
        "clock": tick(shared["clock"], any_lane(observation.learn)),
    }
    for name in observation.evidence:
        output |= {name: woken[0][name], f"{name} mean": woken[1][name]}
    if s.label is not None:
        exact, told = imagine(graph, parameters, s.label, woken[0])[0], seen[s.label]
        output[f"{s.label} mean"] = held(exact, told)
    return State(shared, lane), output


def _at_rest(s: Settings, graph: BoltzmannGraph):
    """What a new sequence begins with: means, but a state where a sweep may leave a unit out."""
    if s.schedule == "random":
        return graph.start()
    return {u.name: starting_mean(u) for u in graph.populations}


def _move(s, graph, parameters, temperature, x, key, count, mean_field, evidence=None, moving=None):
    """Return ``(x, mean)`` after some sweeps by the machine's schedule."""
    if s.schedule == "colours":
        return sweeps(graph, parameters, x, key, count, temperature=temperature,
                      evidence=evidence, mean_field=mean_field, moving=moving)  # fmt: skip
    visits = count * sum(u.units for u in graph.populations)
    x = random_visits(graph, parameters, x, key, visits, temperature=temperature,
                      evidence=evidence)  # fmt: skip
    return x, x


def _coins_of_populations(graph: BoltzmannGraph, key):
    """Whether each population wakes or dreams in this tick: its own coin."""
    return {u.name: jax.random.bernoulli(named_key(key, u.name)) for u in graph.populations}


def _dream_on(s: Settings, graph: BoltzmannGraph, shared, parameters, learning):
    """Move the shared chains, each by its own chances; where nothing learns, no bit moves."""
    rungs = jnp.asarray(s.ladder if s.dream == "tempering" else (1.0,))
    temperature = shared["cells"]["temperature"] * jnp.repeat(rungs, s.dreams)
    move = partial(_move, s, graph, parameters, temperature)
    pairs = max(len(s.ladder) - 1, 1)

    def go_on(x, key):
        key, chance, trading = jax.random.split(key, 3)
        swaps = jnp.zeros(pairs)
        if s.dream == "tempering":
            odd = shared["clock"][1] % 2
            x, swaps = exchange(graph, parameters, x, trading, temperature, s.dreams, odd)
        x, mean = move(x, chance, s.dream_sweeps, s.dream == "mean_field")
        return x, mean, key, swaps

    def rest(x, key):
        return x, x, key, jnp.zeros(pairs)

    x, mean, key, swaps = jax.lax.cond(learning, go_on, rest, shared["dreams"], shared["key"])
    coldest = tuple({n: a[..., : s.dreams] for n, a in v.items()} for v in (x, mean))
    return {"dreams": x, "key": key}, coldest, swaps


def _changed(graph: BoltzmannGraph, before, after, evidence):
    """The share of units that are not clamped and changed (Gaussian units: by how much)."""
    total, free = 0.0, 0
    for u in graph.populations:
        moved = jnp.abs(after[u.name] - before[u.name])
        if u.name in evidence:
            moved = jnp.where(jnp.isinf(evidence[u.name].precision), 0.0, moved)
        total = total + jnp.sum(moved) / {"spin": 2, "categorical": 2}.get(u.kind, 1)
        free += u.units
    return total / free
