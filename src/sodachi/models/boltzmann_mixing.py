"""Dreams that go on moving: a penalty on what units do together, no stronger than it has to be.

Large couplings make deep valleys, and a chain in a deep valley stays there: it is unlearnt over and
over, and the machine collapses. What binds dreaming units is therefore weakened for as long as the
chains look too much like what they were some ticks ago.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.errors import SpecError

#: Where the penalty begins, and its bounds; by how much it moves at a look.
FIRST, LEAST, MOST, STEP = 0.001, 0.0001, 10.0, 0.2


class Mixing(NamedTuple):
    """How strong the penalty is, what the chains were at the last look, and how alike they are."""

    penalty: Any
    before: dict[str, Any]
    correlation: Any


def check_mixing(bound: float | None, dream: str, chains: int) -> None:
    """Raise `SpecError` for a bound that is none, or chains too few to tell."""
    able = dream in ("persistent", "tempering") and chains >= 10
    if bound is not None and not (0 < bound < 1 and able):
        words = "between 0 and 1, with ten persistent chains or more, or None"
        raise SpecError("mixing", words, bound)


def newborn_mixing(dreams: dict[str, Any]) -> dict[str, Any]:
    """Return the state at birth, for chains [*shape, chains] by population."""
    return Mixing(jnp.asarray(FIRST), dict(dreams), jnp.zeros(()))._asdict()


def likeness(now: dict[str, Any], before: dict[str, Any]):
    r"""Return how alike chains are to what they were: ``Σ_i cov(x_i, x_i') / Σ_i σ_i σ_i'``.

    Covariances and standard deviations are over the last axis, the chains.

    Examples
    --------
    >>> x = {"a": jnp.array([[0.0, 1.0, 0.0, 1.0]])}
    >>> float(likeness(x, x)), float(likeness(x, {"a": 1.0 - x["a"]}))
    (1.0, -1.0)
    """
    total, scale = jnp.zeros(()), jnp.zeros(())
    for name, x in now.items():
        a, b = (v - v.mean(-1, keepdims=True) for v in (x, before[name]))
        total = total + jnp.sum((a * b).mean(-1))
        scale = scale + jnp.sum(jnp.sqrt((a**2).mean(-1) * (b**2).mean(-1)))
    return total / jnp.maximum(scale, 1e-6)


def followed(mixing: dict[str, Any], dreams: dict[str, Any], bound: float, look) -> dict[str, Any]:
    """Return the state after a tick: at a ``look`` the penalty rises or falls by a fifth.

    It rises where the likeness is above ``bound``, and else falls.
    """
    m = Mixing(**mixing)
    correlation = likeness(dreams, m.before)
    factor = jnp.where(correlation > bound, 1.0 + STEP, 1.0 - STEP)
    seen = Mixing(jnp.clip(m.penalty * factor, LEAST, MOST), dict(dreams), correlation)
    return jax.tree.map(lambda old, new: jnp.where(look, new, old), mixing, seen._asdict())
