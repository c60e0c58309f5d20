"""The gradient flow itself, followed in time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar

from sodachi.core.relax.method import Settled, moved, positive, residuals, until_settled
from sodachi.errors import SpecError


@dataclass(frozen=True)
class Continuous:
    r"""Heun's method on ``ẋ = force(x)``, the evidence taken implicitly in both stages.

    ``x¹ = hold(x + dt · force(x), dt)``, then
    ``x ← hold(x + ½ dt · (force(x) + force(x¹)), dt)``. Equilibria are exactly those of the flow.
    Following the flow is of second order in dt where evidence is absent, a drive or a clamp, and
    of first order where a precision is finite (implicit Euler, so that any precision is stable).

    Parameters
    ----------
    time
        Followed for so long, or until settled; a multiple of ``dt``, rounded up.
    dt
        Time per tick; stable while ``dt · L < 2``, L the largest curvature.
    tolerance
        On the residual, as for `Synchronous` with ``dt`` as the rate; 0 follows the whole time.

    Raises
    ------
    SpecError
        For a time or dt that is not positive, or a negative tolerance.

    Notes
    -----
    Heun (1900); Ascher, Ruuth and Wetton (1995) for implicit-explicit steps.

    Examples
    --------
    >>> Continuous(time=1.0, dt=0.3).ticks
    4
    """

    time: float = 10.0
    dt: float = 0.1
    tolerance: Any = 1e-4

    random: ClassVar[bool] = False

    def __post_init__(self):
        for name in ("time", "dt"):
            if not isinstance(getattr(self, name), int | float):
                raise SpecError(f"Continuous.{name}", "a number", getattr(self, name))
            positive(f"Continuous.{name}", getattr(self, name))
        positive("Continuous.tolerance", self.tolerance, strict=False)

    @property
    def ticks(self) -> int:
        """Ticks that the whole time takes; a quotient a rounding error above n counts as n."""
        return max(ceil(self.time / self.dt * (1 - 1e-12)), 1)

    def settle(self, force, activity, evidence, key) -> Settled:
        """Return where the flow has led."""

        def tick(t, carry):
            x, push = carry
            ahead = force(moved(x, push, evidence, self.dt))
            mean = {n: 0.5 * (push[n] + ahead[n]) for n in x}
            x = moved(x, mean, evidence, self.dt)
            return x, force(x)

        def measure(carry):
            x, push = carry
            return residuals(push, x, evidence, self.dt)

        start = (activity, force(activity))
        (x, _), residual, ticks = until_settled(
            tick, measure, start, limit=self.ticks, tolerance=self.tolerance
        )
        return Settled(x, residual, ticks)
