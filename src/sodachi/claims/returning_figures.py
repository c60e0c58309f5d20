"""What a life in the returning world comes to: drift, return, interference, and what is forgotten.

The learner says of any weights and inputs what each unit adds to the answer, ``c_u(x) = V_u
h_u(x)``, and the answer; all else is the same for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.anatomy import effective_rank
from sodachi.claims.claim import Figures
from sodachi.claims.returning_world import EARLY, World

PARTS = 5  # units by importance, in so many equal parts
Ask = Callable[[Any, Any], tuple[Any, Any]]
"""From slow state and inputs (n, d) to what units add (n, U) and answers (n,)."""


def figures(world: World, errors, after, ask: Ask) -> Figures:
    r"""Return the figures of a life from its ``errors`` (v, n) and what it knew ``after`` visits.

    ``drift`` and ``return`` are mean squared errors before learning, over all visits of the drift
    and over the first 200 examples of returns; ``drift_last`` is that of its last third.
    ``previous`` is the error on the context before, after a visit of the drift, and
    ``interference`` by how much the visit has raised it (who knew little loses little),
    ``forgot`` the same over all that lies between a context and its return. ``forgot_1`` to
    ``forgot_5`` say how much of what units add in that context has changed by then,
    ``Σ_u|c′_u − c_u|² / Σ_u(|c′_u|² + |c_u|²)``, each about its mean, for the fifth of units that
    had been most important, ``|c_u|``, down to the least: 0 the same, 1 nothing in common (or
    nothing to forget: who had added nothing). ``dead_units`` is the share that adds nothing to any
    answer in the last context, and ``effective_rank`` is that of what units add there.
    """
    drift = np.flatnonzero(world.earlier < 0)
    returns = np.flatnonzero(world.earlier >= 0)
    found = {
        "drift": float(errors[drift].mean()),
        "return": float(errors[returns, :EARLY].mean()),
        "drift_last": float(errors[drift[-(len(drift) // 3) :]].mean()),
    }
    asked = _asking(ask)

    def about(context, when):
        """What a life knew after visit ``when`` about the ``context`` of a visit."""
        here = jax.tree.map(lambda a: a[when], after)
        parts, answer = asked(here, world.all_X[context])
        off = np.asarray(answer, np.float64) - world.all_y[context]
        return np.asarray(parts, np.float64), (off**2).mean(1)

    follows = drift[1:][np.diff(drift) == 1]
    previous = about(follows - 1, follows)[1]
    rise = previous - about(follows - 1, follows - 1)[1]
    # What was known of a context when it was last left, and just before it comes back.
    left = [_last(world, int(now)) for now in returns]
    known, least = about(returns, np.array(left))
    kept, most = about(returns, returns - 1)
    found |= {
        "previous": float(previous.mean()),
        "interference": float(rise.mean()),
        "forgot": float((most - least).mean()),
    }
    end = about(np.array([len(errors) - 1]), np.array([len(errors) - 1]))[0][0]
    found["dead_units"] = float((end == 0).all(0).mean())
    found["effective_rank"] = effective_rank(end)
    return found | _by_importance(known, kept)


def _last(world: World, now: int) -> int:
    """Return the last visit before ``now`` to the context of ``now``."""
    first = world.earlier[now]
    return max(v for v in range(now) if v == first or world.earlier[v] == first)


def _asking(ask: Ask):
    return jax.jit(jax.vmap(lambda after, X: ask(after, jnp.asarray(X))))


def _by_importance(known, kept) -> Figures:
    """Return the change of what units add (p, n, U), by how much they added."""
    known, kept = (c - c.mean(1, keepdims=True) for c in (known, kept))
    power, other = (known**2).sum(1), (kept**2).sum(1)
    order = np.argsort(-power, axis=1)
    changed = np.take_along_axis(((kept - known) ** 2).sum(1), order, 1)
    whole = np.take_along_axis(power + other, order, 1)
    parts = zip(*(np.array_split(a, PARTS, axis=1) for a in (changed, whole)), strict=True)
    return {
        f"forgot_{i}": float(change.sum() / max(of.sum(), 1e-12))
        for i, (change, of) in enumerate(parts, 1)
    }
