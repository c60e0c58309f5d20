"""All cells move together, one step a tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sodachi.core.relax.method import (
    Settled,
    moved,
    positive,
    residuals,
    until_settled,
    whole,
)


@dataclass(frozen=True)
class Synchronous:
    r"""Gradient descent on activity, the evidence taken implicitly.

    ``x ← hold(x + rate · force(x), rate)``, the forward-backward step: it never raises the energy
    for ``rate ≤ 1/L``, L the largest curvature of the energy *without* its evidence, so no
    precision, however high, asks for a smaller rate.

    Parameters
    ----------
    rate
        Time per tick, in the units in which ``ẋ = force``.
    ticks
        At most so many.
    tolerance
        On every variable's residual, ``max |force + precision·(value − x) + drive| /
        (1 + rate·precision)``: the speed at which a cell still moves. Clamped cells have none.

    Raises
    ------
    SpecError
        For a rate or ticks that are not positive, or a negative tolerance.

    Notes
    -----
    Combettes and Wajs (2005), Signal recovery by proximal forward-backward splitting.

    Examples
    --------
    >>> Synchronous(rate=0.1, ticks=20)
    Synchronous(rate=0.1, ticks=20, tolerance=0.0001)
    """

    rate: Any = 0.1
    ticks: int = 100
    tolerance: Any = 1e-4

    random: ClassVar[bool] = False

    def __post_init__(self):
        positive("Synchronous.rate", self.rate)
        whole("Synchronous.ticks", self.ticks)
        positive("Synchronous.tolerance", self.tolerance, strict=False)

    def settle(self, force, activity, evidence, key) -> Settled:
        """Return where the activity ends."""

        def tick(t, carry):
            x, push = carry
            x = moved(x, push, evidence, self.rate)
            return x, force(x)

        def measure(carry):
            x, push = carry
            return residuals(push, x, evidence, self.rate)

        start = (activity, force(activity))
        (x, _), residual, ticks = until_settled(
            tick, measure, start, limit=self.ticks, tolerance=self.tolerance
        )
        return Settled(x, residual, ticks)
