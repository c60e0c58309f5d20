"""Trust: whose fault was it? A unit's own record of being right, and of how near it was.

When an answer is wrong, either the unit was (it is young, or the input is nothing it knows) or what
is above it. A unit that has mostly been right, about an input as near as usual, accuses what is
above; so error is assigned without any signal from outside the unit.
"""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.evidence import share
from sodachi.core.lanes import gather

RECENT = 20.0  # wins after which the oldest fade from a unit's record
NEAR = 2.0  # an input up to so many times its usual cost is a unit's own


def new_trust(units: tuple[int, ...]):
    """Return each unit's record at birth: asked once, never right."""
    return {"asked": jnp.ones(units), "trust": jnp.zeros(units), "usual": jnp.zeros(units)}


def trust(cells, h, cost):
    """Return how far the units that answer are to be trusted: ``Σ_k h_k ρ_k [c_k ≤ NEAR ĉ_k]``."""
    return jnp.sum(h * cells["trust"] * (cost <= NEAR * cells["usual"]))


def trusted(cells, h, cost, quality, now, born):
    """Return each unit's record after one tick: ρ, the mean of its quality, and ĉ, of its cost.

    Means over about `RECENT` labels that were news; a newborn has none.
    """
    counts = now.taught & now.news
    sure = share(now.meaning).max()
    won = gather(jnp.where(counts, h, 0.0)).sum(0)
    asked = gather(jnp.where(counts, sure * h, 0.0)).sum(0)
    right = gather(jnp.where(counts, sure * h * quality, 0.0)).sum(0)
    costs = gather(jnp.where(counts, h * cost, 0.0)).sum(0)
    n = cells["asked"] + asked
    slow = jnp.clip(n, 1.0, RECENT)
    record = {
        "asked": jnp.minimum(n, 1e7),
        "trust": cells["trust"] + (right - asked * cells["trust"]) / slow,
        "usual": cells["usual"] + (costs - won * cells["usual"]) / slow,
    }
    begin = {"asked": 1.0, "trust": 0.0, "usual": 0.0}
    return {
        name: jnp.where(born.slot, begin[name], jnp.where(jnp.isfinite(x), x, cells[name]))
        for name, x in record.items()
    }
