"""What every solver shares: its form, what it returns, how evidence holds, when it stops.

Activity is a dictionary of arrays, one sample without lanes; a solver inside `vmap` runs until the
slowest lane is done, and freezes every other lane at the tick when that lane was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from sodachi.core.evidence import hold_evidence, movable_force
from sodachi.errors import SpecError
from sodachi.system import Evidence

Activity = dict[str, Any]
Force = Callable[[Activity], Mapping[str, Any]]
Known = Mapping[str, Evidence]


class Settled(NamedTuple):
    """Where a relaxation ended.

    ``residual`` holds, by variable, the largest speed at which a cell still moves at ``activity``;
    ``ticks`` how many ticks (or sweeps) this sample took.
    """

    activity: Activity
    residual: dict[str, Any]
    ticks: Any


class Method(Protocol):
    """A solver: a frozen dataclass with its settings, and `settle`."""

    random: ClassVar[bool]
    """Whether it needs a key."""

    def settle(self, force: Force, activity: Activity, evidence: Known, key) -> Settled:
        """Return where the activity ends; the clamps already stand on their values."""
        ...


def positive(field: str, value: Any, least: float = 0.0, strict: bool = True) -> None:
    """Refuse a number that is not above (or, unless strict, at) ``least``; arrays pass.

    Raises
    ------
    SpecError
        If a plain number is too small or NaN.
    """
    if isinstance(value, int | float) and not (value > least if strict else value >= least):
        raise SpecError(field, f"{'more than' if strict else 'at least'} {least:g}", value)


def whole(field: str, value: Any, least: int = 1) -> None:
    """Refuse anything but an integer of at least ``least``; raises `SpecError`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SpecError(field, f"an integer of at least {least}", value)


def held(activity: Activity, evidence: Known, dt) -> Activity:
    """Return the activity after all evidence has acted on it for ``dt`` (0: the clamps alone)."""
    return {
        name: hold_evidence(x, evidence[name], dt) if name in evidence else x
        for name, x in activity.items()
    }


def moved(activity: Activity, push: Mapping[str, Any], evidence: Known, rate) -> Activity:
    """Return ``hold(x + rate · push)``: one step along a force, then the evidence's step."""
    free = {n: x + (rate * push[n]).astype(x.dtype) for n, x in activity.items()}
    return held(free, evidence, rate)


def residuals(push: Mapping[str, Any], activity: Activity, evidence: Known, rate) -> dict[str, Any]:
    """Return, by variable, the largest absolute movable force (see `movable_force`)."""
    return {
        name: jnp.max(
            jnp.abs(
                movable_force(push[name], x, evidence[name], rate)
                if name in evidence
                else push[name]
            )
        ).astype(x.dtype)
        for name, x in activity.items()
    }


def until_settled(tick: Callable, measure: Callable, start, *, limit: int, tolerance):
    """Return ``(carry, residual, ticks)``: ticks lived until every residual is within tolerance.

    ``tick(t, carry) -> carry`` and ``measure(carry) -> residual by variable``. A residual that is
    not a number stops the sample at once: nothing better can come of it.
    """

    def unsettled(state):
        _, residual, t = state
        largest = jnp.stack([jnp.asarray(r) for r in jax.tree.leaves(residual)])
        return (t < limit) & jnp.any(largest > tolerance) & ~jnp.any(jnp.isnan(largest))

    def go_on(state):
        carry, _, t = state
        carry = tick(t, carry)
        return carry, measure(carry), t + 1

    return jax.lax.while_loop(unsettled, go_on, (start, measure(start), jnp.int32(0)))


def numbered(activity: Activity) -> tuple[dict[str, Any], int]:
    """Return every cell's own number by variable, and how many cells there are."""
    numbers, total = {}, 0
    for name, x in activity.items():
        numbers[name] = total + jnp.arange(x.size, dtype=jnp.int32).reshape(x.shape)
        total += x.size
    return numbers, total


def key_of(key, name: str, activity: Activity):
    """Return a variable's own key, by its place among the activity's sorted names."""
    return jax.random.fold_in(key, sorted(activity).index(name))
