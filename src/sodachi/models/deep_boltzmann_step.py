"""One tick of a layered Boltzmann machine: see, dream, learn, and follow the mean."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import evidence_field, hold_evidence, share
from sodachi.core.lanes import any_lane, gather, own_share
from sodachi.core.rule import Drive, Rule, plastic, step_size
from sodachi.models.deep_boltzmann_labels import imagine, let_label_go
from sodachi.models.deep_boltzmann_layers import Activity, draws, energy, fields, rest
from sodachi.rules.contrastive import DREAM, WAKE, contrastive
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
        x = x | {n.name: jnp.where(jnp.isfinite(clamped), clamped, 0.0)}
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


# --- asleep --------------------------------------------------------------------------------------


def sweeps(s, weights, mean: Activity, x: Activity, key, many: int):
    """Return ``(x, moments)`` after so many free sweeps, odd layers first; leading axes: chains.

    ``moments`` has the probabilities of odd layers in place of their draws.
    """

    def once(_, carry):
        x, key = carry
        key, odd, even = jax.random.split(key, 3)
        x = x | draws(s.layers, fields(s, weights, mean, x, True), odd)
        return x | draws(s.layers, fields(s, weights, mean, x, False), even), key

    x, _ = jax.lax.fori_loop(0, many, once, (x, key))
    heard = fields(s, weights, mean, x, True)
    return x, x | {n.name: n.believe(heard[n.name]) for n in s.layers if n.odd}


def dream_on(s, shared, learning):
    """Return this lane's share of the dream, the chains after their sweeps, and their key.

    Without learning anywhere no chain moves.
    """
    weights, mean = shared["weights"], shared["cells"]["mean"]

    def move(dreams, key):
        key, now = jax.random.split(key)
        x, moments = sweeps(s, weights, mean, dreams, now, s.sweeps)
        return moments, x, key

    moments, dreams, key = jax.lax.cond(
        learning,
        move,
        lambda dreams, key: (dreams, dreams, key),
        shared["dreams"],
        shared["key"],
    )
    return {name: own_share(chains, "chains") for name, chains in moments.items()}, dreams, key


def let_go(s, shared, awake: Activity, key) -> Activity:
    """Return what a lane dreams when it lets go of what it saw (contrastive divergence)."""
    falling, key = jax.random.split(key)
    weights, mean = shared["weights"], shared["cells"]["mean"]
    chances = jax.random.split(falling, len(s.layers))
    x = {
        n.name: jax.random.bernoulli(k, awake[n.name]).astype(awake[n.name].dtype)
        if n.odd
        else awake[n.name]
        for n, k in zip(s.layers, chances, strict=True)
    }

    def once(_, carry):
        x, key = carry
        key, odd, even = jax.random.split(key, 3)
        x = x | draws(s.layers, fields(s, weights, mean, x, False), even)
        heard = fields(s, weights, mean, x, True)
        moments = x | {n.name: n.believe(heard[n.name]) for n in s.layers if n.odd}
        return x | draws(s.layers, heard, odd), moments, key

    def body(i, carry):
        x, _, key = carry
        return once(i, (x, key))

    _, moments, _ = jax.lax.fori_loop(0, s.sweeps, body, (x, awake, key))
    return {name: value[None] for name, value in moments.items()}


# --- learning ------------------------------------------------------------------------------------


def learnt(s, shared, observation, awake: Activity, dreamt: Activity) -> tuple[dict, Activity]:
    """Return weights, biases and means after the tick."""
    weights, mean = shared["weights"], shared["cells"]["mean"]
    learn, modulation = observation.learn, observation.modulation
    plain, at_label = _moments(s, weights, mean, observation.evidence, awake, dreamt)

    def change(rule, joint, weight, post, pre, name, by: Any = 1.0):
        given = {"learn": learn, "clock": ticks(shared["clock"]), "modulation": by, "name": name}
        return plastic(rule, joint, weight, {}, post, pre, **given)[0]

    new = {}
    for below, above, name in s.joints:
        moments = at_label if above.kind == "softmax" else plain
        post, pre = (_cells(moments, mean, n, n == above) for n in (above, below))
        joint, rule = Dense((below.units,), (above.units,)), contrastive(s.rate, s.decay)
        new[name] = change(rule, joint, weights[name], post, pre, name, modulation[name])
    new_mean = {n.name: _followed(s, mean[n.name], awake[n.name], learn) for n in s.layers}
    moved = {name: new_mean[name] - mean[name] for name in mean}
    for n in s.layers:
        name, joint = f"{n.name}:bias", Dense((1,), (n.units,))
        post = _cells(plain, mean, n, True) | {SHIFT: _carried(s, weights, moved, n)}
        if n.name.startswith("hidden"):
            post[WAKE] += s.sparsity * (s.sparse_target - mean[n.name])
        always_on = {moment: jnp.ones(1) for moment in post}
        shifted = change(FOLLOWS, joint, weights[name], post, always_on, f"{name}, centring")
        rule = contrastive(s.rate)
        new[name] = change(rule, joint, shifted, post, always_on, name, modulation[n.name])
    return new, new_mean


class Moments(NamedTuple):
    """What is learnt, and dreams to unlearn, each with its weight; weights of both add up alike."""

    awake: Activity
    weight: Any
    dreams: list[tuple[Any, Activity]]


def _moments(s, weights, mean, evidence, awake: Activity, dreamt: Activity):
    """Return the moments of most connections, and those of hidden units with the label."""
    count = next(iter(dreamt.values())).shape[0]
    free = [(s.generative / count, {k: v[c] for k, v in dreamt.items()}) for c in range(count)]
    if not s.discriminative:
        both = Moments(awake, s.generative, free)
        return both, both
    told = s.discriminative * jnp.min(share(evidence["label"]))
    means, every, p = let_label_go(s, weights, mean, awake)
    weight = s.generative + told
    each = [(told * p[c], x) for c, x in enumerate(every)]
    return Moments(awake, weight, [*free, (told, means)]), Moments(awake, weight, [*free, *each])


def _cells(m: Moments, mean: Activity, layer, weighted: bool) -> dict[str, Any]:
    """Return what a layer's cells know of every moment; one side of a connection has the weights.

    The rule shares the minus sign out equally: a dream's weight is times their number.
    """

    def centred(x, weight):
        return (x[layer.name] - mean[layer.name]) * (weight if weighted else 1.0)

    many = len(m.dreams)
    dreams = {f"{DREAM} {c}": centred(x, many * w) for c, (w, x) in enumerate(m.dreams)}
    return {WAKE: centred(m.awake, m.weight)} | dreams


SHIFT = "shift"
#: A bias takes up what a moved centre took off the field, so that no belief changes.
FOLLOWS = Rule(
    "follows a centre",
    lambda post, pre: (Drive(post[SHIFT], pre[WAKE]),),
    lambda w, s, d, context: d[0],
    step_size(1.0),
)


def _followed(s, mean, x, learn):
    """Return the mean a step nearer to that of the lanes that learn; else its own bits."""
    if not s.centring:
        return mean
    learns = gather(learn)
    seen = gather(jnp.where(learn, x, 0.0)).sum(0) / jnp.maximum(learns.sum(), 1)
    new = mean + s.centring * (seen - mean)
    return jnp.where(jnp.any(learns) & jnp.all(jnp.isfinite(new)), new, mean)


def _carried(s, weights, moved: Activity, layer) -> Any:
    """Return what a move of the neighbours' means took off the layer's field."""
    total: Any = jnp.zeros(layer.units)
    for below, above, name in s.joints:
        if layer == above:
            total = total + moved[below.name] @ weights[name]
        elif layer == below:
            total = total + weights[name] @ moved[above.name]
    return total
