"""How the weights of a layered Boltzmann machine move: what was seen, less what was dreamt.

`s` is the factory's `Settings`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.core.clock import ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import share
from sodachi.core.lanes import gather
from sodachi.core.rule import Drive, Rule, plastic, step_size
from sodachi.models.deep_boltzmann_labels import let_label_go
from sodachi.models.deep_boltzmann_layers import Activity
from sodachi.rules.contrastive import DREAM, WAKE, contrastive


def learnt(s, shared, observation, awake: Activity, dreamt: Activity) -> tuple[dict, Activity]:
    """Return weights, biases and means after the tick."""
    weights, mean = shared["weights"], shared["cells"]["mean"]
    learn, modulation = observation.learn, observation.modulation
    plain, at_label = _moments(s, weights, mean, observation.evidence, awake, dreamt)
    common = s.dream == "persistent"

    def change(rule, joint, weight, post, pre, name, by: Any = 1.0):
        given = {"learn": learn, "clock": ticks(shared["clock"]), "modulation": by, "name": name}
        return plastic(rule, joint, weight, {}, post, pre, **given)[0]

    new = {}
    for j in s.joints:
        moments = at_label if j.above.kind == "softmax" else plain
        post, pre = (
            {k: x.reshape(*n.shape, *x.shape[1:]) for k, x in cells.items()}
            for n in (j.above, j.below)
            if (cells := _cells(moments, mean, n, n == j.above))
        )
        rule = contrastive(s.rate, s.decay, common)
        old = weights[j.name]
        new[j.name] = change(rule, j.connection, old, post, pre, j.name, modulation[j.name])
    new_mean = {n.name: _followed(s, mean[n.name], awake[n.name], learn) for n in s.layers}
    moved = {name: new_mean[name] - mean[name] for name in mean}
    for n in s.layers:
        name, joint = f"{n.name}:bias", Dense((1,), (n.units,))
        post = _cells(plain, mean, n, True) | {SHIFT: _carried(s, weights, moved, n)}
        if n.name.startswith("hidden"):
            post[WAKE] += s.sparsity * (s.sparse_target - mean[n.name])
        always_on = {moment: jnp.ones((1, *x.shape[1:])) for moment, x in post.items()}
        shifted = change(FOLLOWS, joint, weights[name], post, always_on, f"{name}, centring")
        rule = contrastive(s.rate, chains=common)
        new[name] = change(rule, joint, shifted, post, always_on, name, modulation[n.name])
    return new, new_mean


class Moments(NamedTuple):
    """What is learnt, and by name the dreams to unlearn, each with its weight."""

    awake: Activity
    weight: Any
    dreams: dict[str, tuple[Any, Activity]]


def _moments(s, weights, mean, evidence, awake: Activity, dreamt: Activity):
    """Return the moments of most connections, and those of hidden units with the label."""
    free = {DREAM: (s.generative, dreamt)}
    if not s.discriminative:
        both = Moments(awake, s.generative, free)
        return both, both
    told = s.discriminative * jnp.min(share(evidence["label"]))
    means, every, p = let_label_go(s, weights, mean, awake)
    weight = s.generative + told
    plain = free | {f"{DREAM} of a label": (told, means)}
    each = {f"{DREAM} of label {c}": (told * p[c], x) for c, x in enumerate(every)}
    return Moments(awake, weight, plain), Moments(awake, weight, free | each)


def _cells(m: Moments, mean: Activity, layer, weighted: bool) -> dict[str, Any]:
    """Return what a layer's cells know of every moment; one side of a connection has the weights.

    Chains that all lanes share lie on a last axis.
    """

    def centred(x, weight):
        x = x[layer.name]
        centre = mean[layer.name].reshape(-1, *[1] * (x.ndim - 1))
        return (x - centre) * (weight if weighted else 1.0)

    return {WAKE: centred(m.awake, m.weight)} | {
        name: centred(x, weight) for name, (weight, x) in m.dreams.items()
    }


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
    for j in s.joints:
        if layer == j.above:
            total = total + j.up(weights[j.name], moved[j.below.name])
        elif layer == j.below:
            total = total + j.down(weights[j.name], moved[j.above.name])
    return total
