"""How evidence acts on activity: precision is read here and nowhere else."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.system import Evidence


def hold_evidence(x, evidence: Evidence, dt):
    r"""Return the activity after the evidence has acted on it for a time ``dt``.

    The proximal step of ``½·precision·(x − value)² − drive·x``: ``x ← y + k·(value − y)`` with
    ``y = x + dt·drive`` and ``k = dt·precision/(1 + dt·precision)``; an infinite precision puts x
    on the value exactly, precision 0 with drive 0 changes no bit.

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
    reach = dt * precision  # may overflow for a huge finite precision: then all of the way
    gain = jnp.where(jnp.isinf(reach), 1.0, reach / (1.0 + reach))
    value = jnp.where(evidence.precision > 0, evidence.value, 0.0)
    driven = jnp.where(evidence.drive != 0, x + dt * evidence.drive, x)
    pulled = jnp.where(gain > 0, driven + gain * (value - driven), driven)
    return jnp.where(hard, value, pulled)


def share(evidence: Evidence):
    """Return how far the evidence fixes a variable: ``precision/(1 + precision)``, 1 if clamped.

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
    """Return the value where there is any precision, else 0 (an absent value is never read)."""
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


def movable_force(force, x, evidence: Evidence, dt):
    r"""Return the speed at which a cell still moves: the whole force that evidence leaves it.

    ``(force + precision·(value − x) + drive) / (1 + dt·precision)``, 0 for a clamped cell. With
    dt = 0 it is minus the gradient of the energy, evidence included; with the relaxation's own dt
    it is what `hold_evidence` makes of it, which floating point can bring to 0 at any precision.

    Examples
    --------
    >>> e = Evidence(jnp.array([2.0, 2.0, 2.0]), jnp.array([0.0, 1.0, jnp.inf]), jnp.zeros(3))
    >>> movable_force(jnp.ones(3), jnp.zeros(3), e, 0.0).tolist()
    [1.0, 3.0, 0.0]
    """
    hard = jnp.isinf(evidence.precision)
    precision = jnp.where(hard, 0.0, evidence.precision)
    # Divided first, so that no product of a huge precision overflows.
    pull = precision / (1.0 + dt * precision) * (observed_value(evidence) - x)
    pushed = (force + evidence.drive) / (1.0 + dt * precision)
    return jnp.where(hard, 0.0, pushed + pull)


def evidence_field(evidence: Evidence):
    """Return what evidence adds to the log-odds of a cell in {0, 1}; 0 for a clamp.

    ``precision·(value − ½) + drive``, minus the difference of `evidence_energy` at 1 and at 0.

    Examples
    --------
    >>> e = Evidence(jnp.array([1.0, 1.0]), jnp.array([2.0, jnp.inf]), jnp.array([0.5, 0.5]))
    >>> evidence_field(e).tolist()
    [1.5, 0.0]
    """
    hard = jnp.isinf(evidence.precision)
    precision = jnp.where(hard, 0.0, evidence.precision)
    field = precision * (observed_value(evidence) - 0.5) + evidence.drive
    return jnp.where(hard, 0.0, field)
