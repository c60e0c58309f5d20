"""Relaxation: activity moves down one energy while evidence holds what is known.

One solver a file, all behind one function. Deterministic: `Synchronous`, `Continuous`; random in
time: `Asynchronous`, `OneAtATime`; sampling ``e^{−E/T}``: `Langevin` (real), `Gibbs` (binary).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from sodachi.core.relax.asynchronous import Asynchronous
from sodachi.core.relax.continuous import Continuous
from sodachi.core.relax.gibbs import Gibbs
from sodachi.core.relax.langevin import Langevin
from sodachi.core.relax.method import Force, Method, Settled, held
from sodachi.core.relax.one_at_a_time import OneAtATime
from sodachi.core.relax.synchronous import Synchronous
from sodachi.errors import SpecError
from sodachi.system import Evidence, strong

__all__ = [
    "Asynchronous",
    "Continuous",
    "Gibbs",
    "Langevin",
    "Method",
    "OneAtATime",
    "Settled",
    "Synchronous",
    "relax",
]


def relax(
    force: Force,
    activity: Mapping[str, Any],
    evidence: Mapping[str, Evidence],
    *,
    method: Method,
    key=None,
) -> Settled:
    """Return the activity of one sample, settled under its evidence.

    ``ẋ = −∂E/∂x + precision·(value − x) + drive``, clamped cells standing on their values. Stops
    where ``max |ẋ|`` of every variable is within the method's tolerance, never on the energy.

    Parameters
    ----------
    force
        ``force(activity) -> dict``: minus the gradient of the energy, without the evidence, in
        the activity's units per unit of time. For `Gibbs`, the log-odds of each cell.
    activity
        Arrays by name, without lanes: where to start.
    evidence
        For any of the names.
    method
        Which solver, with its settings.
    key
        A `jax.random` key, for random methods.

    Raises
    ------
    SpecError
        For evidence or a force that does not fit the activity, or a missing key.

    Examples
    --------
    >>> x = {"x": jnp.array([4.0, 0.0])}
    >>> spring = lambda a: {"x": 1.0 - a["x"]}
    >>> clamp = Evidence(jnp.zeros(2), jnp.array([0.0, jnp.inf]), jnp.zeros(2))
    >>> settled = relax(spring, x, {"x": clamp}, method=Synchronous(rate=0.5, ticks=100))
    >>> settled.activity["x"].round(3).tolist(), bool(settled.residual["x"] < 1e-4)
    ([1.0, 0.0], True)
    """
    start = strong(dict(activity))
    _fits("evidence", evidence, start, exactly=False)
    if method.random and key is None:
        raise SpecError("key", f"a random key for {type(method).__name__}", None)
    start = held(start, evidence, 0.0)

    def checked_force(a):
        push = force(a)
        _fits("force", push, start, exactly=True)
        return push

    return method.settle(checked_force, start, dict(evidence), key)


def _fits(field: str, given: Mapping[str, Any], activity: Mapping[str, Any], exactly: bool) -> None:
    names = set(given)
    if names != set(activity) if exactly else not names <= set(activity):
        expected = f"{'exactly' if exactly else 'only names among'} {sorted(activity)}"
        raise SpecError(field, expected, sorted(names))
    for name in names:
        value = given[name].value if isinstance(given[name], Evidence) else given[name]
        if jnp.shape(value) != activity[name].shape:
            expected = f"shape {activity[name].shape}"
            raise SpecError(f"{field} {name}", expected, f"shape {jnp.shape(value)}")
