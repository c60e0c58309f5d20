"""How evidence acts on activity: precision is read here and nowhere else."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.system import Evidence


def hold_evidence(x, evidence: Evidence, dt):
    r"""Return the activity after the evidence has acted on it for a time ``dt``.

    The proximal step of ``½·precision·(x − value)² − drive·x``:
    ``x ← x + drive·dt + k·(value − x)`` with ``k = dt·precision/(1 + dt·precision)``; an infinite
    precision puts x on the value exactly, precision 0 with drive 0 changes no bit.

    Parameters
    ----------
    x, evidence
        Activity and evidence of one shape.
    dt
        Step, in the units of the relaxation's rate.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> e = Evidence(jnp.array([2.0, 2.0, 2.0]), jnp.array([0.0, 1.0, jnp.inf]), jnp.zeros(3))
    >>> hold_evidence(jnp.zeros(3), e, 1.0).tolist()
    [0.0, 1.0, 2.0]
    """
    hard = jnp.isinf(evidence.precision)
    precision = jnp.where(hard, 0.0, evidence.precision)
    gain = dt * precision / (1.0 + dt * precision)
    value = jnp.where(evidence.precision > 0, evidence.value, 0.0)
    driven = jnp.where(evidence.drive != 0, x + dt * evidence.drive, x)
    pulled = jnp.where(gain > 0, driven + gain * (value - driven), driven)
    return jnp.where(hard, value, pulled)


def share(evidence: Evidence):
    """Return how much of a variable the evidence fixes: ``precision/(1 + precision)``, 1 if clamped.

    0 is absent, 1 is a clamp; what is not observed carries no error and teaches nothing.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> share(Evidence(jnp.zeros(3), jnp.array([0.0, 1.0, jnp.inf]), jnp.zeros(3))).tolist()
    [0.0, 0.5, 1.0]
    """
    hard = jnp.isinf(evidence.precision)
    precision = jnp.where(hard, 0.0, evidence.precision)
    return jnp.where(hard, 1.0, precision / (1.0 + precision))


def observed_value(evidence: Evidence):
    """Return the value where there is any precision, 0 elsewhere (an absent value is never read)."""
    return jnp.where(evidence.precision > 0, evidence.value, 0.0)


def evidence_energy(x, evidence: Evidence):
    """Return ``Σ ½·precision·(x − value)² − drive·x`` over finite precisions (a clamp costs 0).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> e = Evidence(jnp.zeros(2), jnp.array([2.0, jnp.inf]), jnp.zeros(2))
    >>> float(evidence_energy(jnp.array([3.0, 0.0]), e))
    9.0
    """
    soft = jnp.where(jnp.isinf(evidence.precision), 0.0, evidence.precision)
    value = observed_value(evidence)
    return jnp.sum(0.5 * soft * (x - value) ** 2 - evidence.drive * x)
