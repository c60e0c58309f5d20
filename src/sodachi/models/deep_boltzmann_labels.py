"""A label above one hidden layer: what it is, exactly, and the dream in which it is let go."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sodachi.models.deep_boltzmann_layers import Activity, field


def imagine(s, weights, mean: Activity, x: Activity) -> tuple[Any, Any]:
    r"""Return ``p(y|v)`` [C] and ``p(h|v, y)`` [C, H] for every label y, the input as in ``x``.

    ``p(y|v) ∝ Σ_h e^{−E(v, h, y)}``, hidden units summed out one by one: C·H operations (Larochelle
    & Bengio, 2008).
    """
    hidden, label = s.layers[1:]
    below = field(s, weights, mean, x | {label.name: mean[label.name]}, hidden)
    told = (jnp.eye(label.units) - mean[label.name]) @ weights[s.joints[1].name].T
    log = weights[f"{label.name}:bias"][0] - told @ mean[hidden.name]
    return jax.nn.softmax(log + hidden.log_sum(below + told)), hidden.believe(below + told)


def let_label_go(s, weights, mean: Activity, x: Activity) -> tuple[Activity, list[Activity], Any]:
    r"""Return what is expected when the input is held and the label is not, in exact moments.

    ``(means, every, p)``: means of all layers, which serve wherever the input meets another; and
    for hidden with label, whose product has a mean of its own, ``every`` label's moments and p.
    """
    hidden, label = s.layers[1:]
    p, believed = imagine(s, weights, mean, x)
    means = x | {hidden.name: p @ believed, label.name: p}
    each = jnp.eye(label.units)
    every = [x | {hidden.name: believed[c], label.name: each[c]} for c in range(label.units)]
    return means, every, p
