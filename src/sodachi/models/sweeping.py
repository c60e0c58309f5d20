"""Gibbs sweeps of a Boltzmann machine, in which every unit reads its own synapses alone.

`sodachi.core.relax.Gibbs` samples any energy by evaluating all of its field at every visit; here a
visit costs one unit's fan-in.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sodachi.core.connections import Dense
from sodachi.core.energy import energy, field_term, pair_term
from sodachi.core.evidence import evidence_field, hold_evidence
from sodachi.system import Evidence


def boltzmann_energy(couplings, weights, x):
    """Return ``−½ xᵀWx − bᵀx``."""
    terms = (
        pair_term("units", couplings, weights["couplings"]),
        field_term("units", weights["bias"][0]),
    )
    return energy(terms, {"units": x})


def sweep(couplings, weights, temperature, evidence: Evidence, x, key):
    """Return ``(x, probability)`` after every unit was visited once, in order (Gibbs sampling).

    Each unit sees its own incoming couplings and the newest state of its partners.
    """
    field = weights["bias"][0] + evidence_field(evidence)
    clamped = jnp.isinf(evidence.precision)
    chance = jax.random.uniform(key, x.shape, x.dtype)
    x = hold_evidence(x, evidence, 0.0)  # clamps take hold before anyone is visited
    x = jnp.where(jnp.isfinite(x), x, 0.0)

    def visit(i, carry):
        x, probability = carry
        total = incoming(couplings, weights["couplings"], x, i) + field[i]
        p = jax.nn.sigmoid(total / temperature)
        x_i = jnp.where(clamped[i], x[i], (chance[i] < p).astype(x.dtype))
        return x.at[i].set(x_i), probability.at[i].set(p)

    return jax.lax.fori_loop(0, x.shape[0], visit, (x, jnp.zeros_like(x)))


def incoming(couplings, weight, x, i):
    """Return ``Σ_j w_ij x_j`` of unit i alone, reading only the synapses of that unit."""
    if isinstance(couplings, Dense):
        return jnp.dot(weight[:, i], x) - weight[i, i] * x[i]
    index = jnp.asarray(couplings.indices)[i]
    return jnp.sum(jnp.where(index >= 0, weight[i] * x[jnp.maximum(index, 0)], 0.0))
