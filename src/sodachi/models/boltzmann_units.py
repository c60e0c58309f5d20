"""What one unit of each kind does, given what reaches it: its law, a draw from it, its sum.

Categorical units carry their states on axis 1; every other axis is free (units, chains).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.evidence import evidence_field, observed_value
from sodachi.system import Evidence

#: Stands for minus infinity where an infinity would make NaN of a difference.
NEVER = -1e30


def signal(kind: str, x, log_variance: Any = None):
    """Return what a unit's partners hear: x, or x/σ² of a Gaussian unit."""
    return x * jnp.exp(-log_variance) if kind == "gaussian" else x


def draw(
    kind: str,
    field,
    uniform,
    temperature,
    log_variance: Any = None,
    evidence: Evidence | None = None,
    mean: bool = False,
):
    r"""Return ``(x, conditional mean)`` of units that hear ``field``, evidence included.

    ``P(x | field) ∝ exp(−E/T)``: σ(f/T) for {0, 1}, σ(2f/T) for ±1, softmax(f/T) over states,
    and a normal law of mean f and variance σ²T. Evidence of finite precision adds to the energy;
    a clamp puts the unit on its value, or forbids or forces a single state.

    Parameters
    ----------
    kind
        Of the units (`sodachi.models.boltzmann_graph.UNIT_KINDS`).
    field
        ``Σ_j w_ij s_j + b_i``.
    uniform
        Numbers in (0, 1) of the field's shape; not read where ``mean``.
    temperature
        A number, or one for each chain (the last axis).
    log_variance
        ln σ² of Gaussian units, broadcast to the field.
    evidence
        `Evidence` of the field's shape, or None.
    mean
        Whether x is the conditional mean itself (a mean field) and no draw.

    Examples
    --------
    >>> x, p = draw("binary", jnp.zeros(2), jnp.array([0.4, 0.6]), 1.0)
    >>> x.tolist(), p.tolist()
    ([1.0, 0.0], [0.5, 0.5])
    """
    known = evidence
    if known is not None and kind != "categorical":
        hard = jnp.isinf(known.precision)
        precision = jnp.where(hard, 0.0, known.precision)
        pull = jnp.where(hard, 0.0, precision * observed_value(known) + known.drive)
    else:
        precision, pull = 0.0, 0.0
    if kind == "binary":
        odds = (field + pull - 0.5 * precision) / temperature
        x, centre = _on(uniform, odds).astype(field.dtype), jax.nn.sigmoid(odds)
    elif kind == "spin":
        odds = 2.0 * (field + pull) / temperature
        x = jnp.where(_on(uniform, odds), 1.0, -1.0).astype(field.dtype)
        centre = 2.0 * jax.nn.sigmoid(odds) - 1.0
    elif kind == "gaussian":
        stiff = jnp.exp(-log_variance) + precision
        centre = (field * jnp.exp(-log_variance) + pull) / stiff
        x = centre + jnp.sqrt(temperature / stiff) * jax.scipy.special.ndtri(uniform)
    else:
        logits = _logits(field, known) / temperature
        centre = jax.nn.softmax(logits, 1)
        best = jnp.argmax(logits - jnp.log(-jnp.log(uniform)), 1)
        x = jax.nn.one_hot(best, field.shape[1], axis=1, dtype=field.dtype)
    return held(centre if mean else x, known), held(centre, known)


def _on(uniform, odds):
    """Whether a unit of these log-odds is on: ``uniform < σ(odds)``, without a division."""
    return uniform * (1.0 + jnp.exp(-odds)) < 1.0


def held(x, evidence: Evidence | None):
    """Return x with every clamped unit on its value."""
    if evidence is None:
        return x
    return jnp.where(jnp.isinf(evidence.precision), evidence.value, x)


def _logits(field, evidence: Evidence | None):
    """Fields of states [units, states, ...]: a clamp at 0 forbids one, a clamp at 1 all others."""
    if evidence is None:
        return field
    hard = jnp.isinf(evidence.precision)
    chosen = hard & (evidence.value > 0.5)
    forbidden = (hard & ~chosen) | (jnp.any(chosen, 1, keepdims=True) & ~chosen)
    return jnp.where(forbidden, NEVER, field + evidence_field(evidence))


def log_sum(kind: str, field, temperature, log_variance: Any = None, bias: Any = None,
            evidence: Evidence | None = None):  # fmt: skip
    r"""Return ``ln Σ_x exp(−E(x)/T)`` of each unit alone, up to constants of soft evidence.

    ``ln(1 + e^{f/T})``, ``ln 2cosh(f/T)``, ``ln Σ_k e^{f_k/T}`` (the axis of states is summed away)
    and ``½ ln 2πσ²T + (f² − b²)/2σ²T`` for a Gaussian unit of mean f and bias b.

    Examples
    --------
    >>> round(float(log_sum("binary", jnp.zeros(1), 1.0)[0]), 4)
    0.6931
    """
    if kind == "categorical":
        return jax.nn.logsumexp(_logits(field, evidence) / temperature, 1)
    zeros = jnp.zeros_like(field)
    known = evidence or Evidence(zeros, zeros, zeros)
    hard, value = jnp.isinf(known.precision), observed_value(known)
    precision = jnp.where(hard, 0.0, known.precision)
    if kind == "gaussian":
        stiff = jnp.exp(-log_variance)
        push = jnp.where(hard, 0.0, precision * value + known.drive)
        whole = stiff + precision
        free = 0.5 * jnp.log(2 * jnp.pi * temperature / whole)
        free = free + 0.5 * ((field * stiff + push) ** 2 / whole - bias**2 * stiff) / temperature
        energy = 0.5 * stiff * ((value - bias) ** 2 - 2 * value * (field - bias))
        return jnp.where(hard, -energy / temperature, free)
    if kind == "spin":
        f = field + jnp.where(hard, 0.0, precision * value + known.drive)
        free = jnp.logaddexp(f / temperature, -f / temperature)
    else:
        free = jax.nn.softplus((field + evidence_field(known)) / temperature)
    return jnp.where(hard, field * value / temperature, free)
