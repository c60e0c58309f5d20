"""A label above one hidden population: what it is, exactly, and the dream in which it is let go."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sodachi.models.boltzmann_energy import fields
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_parts import Coupling
from sodachi.models.boltzmann_units import log_sum

Activity = dict[str, Any]


def label_coupling(graph: BoltzmannGraph, label: str) -> Coupling:
    """Return the one coupling of the label: from its hidden population, [hidden, classes]."""
    return graph.of(label)[0]


def imagine(graph: BoltzmannGraph, parameters: Parameters, label: str, x: Activity):
    r"""Return ``p(y|v)`` [C] and ``p(h|v, y)`` [C, H] for every label y, all else as in ``x``.

    ``p(y|v) ∝ Σ_h e^{−E(v, h, y)}``, hidden units summed out one by one: C·H operations (Larochelle
    & Bengio, 2008).
    """
    c = label_coupling(graph, label)
    below = fields(graph, parameters, x | {label: jnp.zeros_like(x[label])})[c.source]
    heard = below + parameters.weights[c.name].T
    log = parameters.bias[label] + log_sum("binary", heard, 1.0).sum(-1)
    return jax.nn.softmax(log), jax.nn.sigmoid(heard)


def let_label_go(graph: BoltzmannGraph, parameters: Parameters, label: str, x: Activity):
    r"""Return what is expected when the input is held and the label is not, in exact moments.

    ``(means, every, p)``: means of all populations, which serve wherever the input meets another;
    and for hidden with label, whose product has a mean of its own, ``every`` label's moments and p.
    """
    hidden, classes = label_coupling(graph, label).source, graph.population(label).states
    p, believed = imagine(graph, parameters, label, x)
    means = x | {hidden: p @ believed, label: p}
    each = jnp.eye(classes)
    return means, [x | {hidden: believed[c], label: each[c]} for c in range(classes)], p
