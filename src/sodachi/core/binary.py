"""What evidence means to a binary unit: a field on its log-odds."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sodachi.core.evidence import evidence_energy
from sodachi.system import Evidence


def binary_field(evidence: Evidence):
    r"""Return what evidence adds to the field of binary units, ``p (v − ½) + drive``; clamps add 0.

    The evidence costs ``½p(1 − v)² − drive`` at 1 and ``½p v²`` at 0. Since the cost is quadratic,
    their difference is its slope at ½.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> e = Evidence(jnp.array([1.0, 0.0]), jnp.array([2.0, jnp.inf]), jnp.array([0.5, 0.0]))
    >>> binary_field(e).tolist()
    [1.5, 0.0]
    """
    half = jnp.full_like(evidence.value, 0.5)
    return 0.0 - jax.grad(evidence_energy)(half, evidence)
