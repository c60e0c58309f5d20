"""One tick of a layered Boltzmann machine: see, dream, learn, and follow the mean."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sodachi.core.clock import tick
from sodachi.core.evidence import evidence_field, hold_evidence
from sodachi.core.lanes import any_lane
from sodachi.models.deep_boltzmann_dreams import dream_on, let_go
from sodachi.models.deep_boltzmann_labels import imagine
from sodachi.models.deep_boltzmann_layers import Activity, draws, energy, fields, rest
from sodachi.models.deep_boltzmann_learning import learnt
from sodachi.system import State


def step(s, state: State, observation):
    """Return the state after one tick, and what was believed; `s` is the factory's `Settings`."""
    shared, lane = state
    learn = observation.learn
    key, waking, falling = jax.random.split(lane["key"], 3)
    before = {
        n.name: jnp.where(observation.first, rest(n), lane["activity"][n.name]) for n in s.layers
    }
    x, moments, belief = wake(s, shared, observation.evidence, before, waking)
    if s.dream == "persistent":
        dreamt, dreams, dreaming = dream_on(s, shared, any_lane(learn))
        shared_dreams = {"dreams": dreams, "key": dreaming}
    else:
        dreamt, shared_dreams = let_go(s, shared, moments, falling), {}
    weights, mean = learnt(s, shared, observation, moments, dreamt)
    residual = [
        jnp.mean(
            jnp.where(held(observation.evidence[n.name]), 0.0, abs(x[n.name] - before[n.name]))
        )
        for n in s.layers
        if not n.odd
    ]
    if s.classifies:
        exact = imagine(s, shared["weights"], shared["cells"]["mean"], x)[0]
        belief["label"] = jnp.where(held(observation.evidence["label"]), x["label"], exact)
    output = {
        "energy": energy(s, shared["weights"], shared["cells"]["mean"], x),
        "residual": jnp.mean(jnp.stack(residual)),
        **belief,
    }
    shared = {
        **shared,
        **shared_dreams,
        "weights": weights,
        "cells": {"mean": mean},
        "clock": tick(shared["clock"], any_lane(learn)),
    }
    return State(shared, {"activity": x, "key": key}), output


def held(evidence):
    """Return which units are clamped."""
    return jnp.isinf(evidence.precision)


# --- awake ---------------------------------------------------------------------------------------


def wake(s, shared, evidence, x: Activity, key):
    """Return ``(x, moments, belief)``: what is drawn, what is learnt from, what is believed."""
    for n in s.layers:
        clamped = hold_evidence(x[n.name], evidence[n.name], 0.0)
        x = x | {n.name: n.possible(clamped)}
    if s.settling == "mean_field":
        x = jax.lax.fori_loop(0, s.iterations, lambda _, now: _settle(s, shared, evidence, now), x)
        return x, x, x
    odd, even = jax.random.split(key)
    expected, drawn = _visit(s, shared, evidence, x, True, odd)
    moments = x | expected
    x = x | drawn
    # Where all even units are clamped (an input with its label), there is nothing to draw.
    free = jnp.any(jnp.stack([jnp.any(~held(evidence[n.name])) for n in s.layers if not n.odd]))
    below, drawn = jax.lax.cond(
        any_lane(free),
        lambda x: _visit(s, shared, evidence, x, False, even),
        lambda x: (_only(s, x, False), _only(s, x, False)),
        x,
    )
    return x | drawn, moments, expected | below


def _only(s, x: Activity, odd: bool) -> Activity:
    return {n.name: x[n.name] for n in s.layers if n.odd == odd}


def _visit(s, shared, evidence, x: Activity, odd: bool, key):
    """Return the beliefs and the draws of all odd or all even layers, evidence held."""
    heard = _heard(s, shared, evidence, x, odd)
    drawn = draws(s.layers, heard, key)
    belief = {n.name: n.believe(heard[n.name]) for n in s.layers if n.name in heard}

    def clamp(new):
        return {k: jnp.where(held(evidence[k]), x[k], v) for k, v in new.items()}

    return clamp(belief), clamp(drawn)


def _heard(s, shared, evidence, x: Activity, odd: bool) -> Activity:
    heard = fields(s, shared["weights"], shared["cells"]["mean"], x, odd)
    return {name: f + evidence_field(evidence[name]) for name, f in heard.items()}


def _settle(s, shared, evidence, x: Activity) -> Activity:
    """One sweep of probabilities: odd layers, then even."""
    for odd in (True, False):
        heard = _heard(s, shared, evidence, x, odd)
        for n in s.layers:
            if n.odd == odd:
                belief = jnp.where(held(evidence[n.name]), x[n.name], n.believe(heard[n.name]))
                x = x | {n.name: belief}
    return x
