"""The dream in which all that is known stays, and one population's answer alone is let go."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_units import held
from sodachi.models.sweeping import sweeps

Activity = dict[str, Any]


def answer(s, graph: BoltzmannGraph, parameters: Parameters, cells, evidence):
    r"""Return ``(led, dreamt)``: settled with the answer led toward the truth, and let go.

    In the dream all evidence stays but the last population's: ``d = σ(field(d))``. Then its clamped
    units are held at ``d + reach · (value − d)``. For a small reach the difference of the two, over
    reach, is the slope of ``Σ v log d + (1 − v) log(1 − d)`` at the settled d (Scellier & Bengio,
    2017); with reach 1 it is contrastive Hebbian learning (Movellan, 1991), in which both settle
    apart, perhaps in valleys of their own. Both begin at the cells' slow means.
    """
    top = graph.populations[-1]
    told = evidence[top.name]
    free = evidence | {top.name: told._replace(precision=jnp.zeros_like(told.precision))}

    def settle(x, known, many):
        given = {"temperature": cells["temperature"], "evidence": known, "mean_field": True}
        return sweeps(graph, parameters, x, jax.random.key(0), many, **given)[0]

    dreamt = settle(cells["offset"], free, s.sweeps)
    lead = dreamt[top.name] + s.reach * (held(dreamt[top.name], told) - dreamt[top.name])
    # A single population between what is held and what is led knows both at once.
    many = 1 if len(graph.populations) == 3 else s.sweeps

    def given(y):
        hold = told._replace(value=y, precision=jnp.full_like(told.precision, jnp.inf))
        return settle(dreamt | {top.name: y}, evidence | {top.name: hold}, many)

    # Also the dream is asked so: what had not settled yet is in both, and is not learned from.
    return given(lead), given(dreamt[top.name])
