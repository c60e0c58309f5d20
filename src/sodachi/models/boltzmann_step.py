"""One tick of a Boltzmann machine: a sweep awake, a sweep of dreams, and learning from the two."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.connections import Dense
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.core.rule import initial_weights
from sodachi.models.boltzmann_energy import energy
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_learning import cells_after, learn, newborn_synapses, starting_mean
from sodachi.models.boltzmann_mixing import followed, newborn_mixing
from sodachi.models.boltzmann_parts import Units
from sodachi.models.boltzmann_units import held
from sodachi.models.boltzmann_values import possible
from sodachi.models.deep_boltzmann_labels import imagine
from sodachi.models.sweeping import sweeps
from sodachi.models.tempering import exchange
from sodachi.models.visiting import random_visits
from sodachi.system import State

#: How a machine dreams (see `boltzmann_machine`).
DREAMS = ("persistent", "contrastive_divergence", "tempering", "mean_field", "local")


class Settings(NamedTuple):
    """The factory's numbers (see `boltzmann_machine`)."""

    sweeps: int
    schedule: str
    wake: str
    dream: str
    dreams: int
    dream_sweeps: int
    ladder: tuple[float, ...]
    rate: float
    decay: float
    variance_rate: float
    centred: bool
    offset_rate: float
    sparse: float | None
    sparse_strength: float
    dream_rate: float
    anneal: int | None
    temperature: float
    scale: float
    generative: float = 1.0
    discriminative: float = 0.0
    mixing: float | None = None
    mixing_lag: int = 100
    label: str | None = None
    """A label above a single hidden population, which is then known exactly."""


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
    elif s.dream != "contrastive_divergence":
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
    lane = {**lane, "activity": woken[0], "key": key}
    if s.dream == "local":
        asleep = {name: ~flag for name, flag in awake.items()}
        dreamt = move(lane["dream"], dreaming, s.dream_sweeps, False, moving=asleep)
        lane["dream"] = dreamt[0]
    elif s.dream == "contrastive_divergence":
        dreamt = move(woken[0], dreaming, s.dream_sweeps, False)
    else:
        went_on, dreamt, swaps = _dream_on(s, graph, shared, parameters, learning)
        output |= {"swaps": swaps} if s.dream == "tempering" else {}
        shared = {**shared, **went_on}
    cells = cells_after(s, shared["cells"], woken[1], observation.learn)
    if s.mixing is not None:
        look = learning & (shared["clock"][1] % s.mixing_lag == s.mixing_lag - 1)
        dreams = {n: a[..., : s.dreams] for n, a in shared["dreams"].items()}
        cells["mixing"] = followed(cells["mixing"], dreams, s.mixing, look)
    weights, synapses = learn(s, graph, state.shared, parameters, observation, woken, dreamt, awake)
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
