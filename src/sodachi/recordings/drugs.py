"""Drugs as a change of prior: how far a treatment moved what a culture expects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from sodachi.recordings.cell import ODDS
from sodachi.recordings.fitting import Fit
from sodachi.recordings.intervals import uncertainty


class PriorChange(NamedTuple):
    """The change of log odds of D between two groups of fits: treated minus untreated."""

    change: float
    low: float
    high: float
    treated: float
    """Mean D of the treated."""
    untreated: float


def prior_change(treated: list[Fit], untreated: list[Fit], level: float = 0.95) -> PriorChange:
    """Return how far a treatment moved ln D − ln(1 − D), with an interval.

    In a canonical network a threshold is a log prior, so what changes excitability (a blocker of
    inhibition, say) is a change of D, and everything else is as it was. Cells are weighed by
    nothing: the interval (Welch's t) is over cells where there are several on each side, and from
    the fits' own uncertainty where there is one.

    Examples
    --------
    >>> from sodachi.recordings import activity, fit, simulate_culture
    >>> def one(prior, seed):
    ...     culture, _ = simulate_culture(seed, units=32, sessions=20, prior=prior)
    ...     return fit(activity(culture, normalisation="none"))
    >>> found = prior_change([one(0.7, 0)], [one(0.5, 1)])
    >>> bool(found.low < np.log(0.7 / 0.3) < found.high)
    True
    """
    sides = []
    for fits in (treated, untreated):
        cells = [cell for found in fits for cell in found.cells]
        odds = np.array([cell.theta[ODDS] for cell in cells])
        own = np.array([uncertainty(cell).covariance[ODDS, ODDS] for cell in cells])
        over = odds.var(ddof=1) / len(odds) if len(odds) > 2 else 0.0
        sides.append((odds, max(float(over), float(own.sum()) / len(own) ** 2)))
    (a, wide_a), (b, wide_b) = sides
    freedom = 1e6
    if len(a) > 2 and len(b) > 2:
        freedom = (wide_a + wide_b) ** 2 / (wide_a**2 / (len(a) - 1) + wide_b**2 / (len(b) - 1))
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * (wide_a + wide_b) ** 0.5
    change = float(a.mean() - b.mean())
    D = [float((1 / (1 + np.exp(-odds))).mean()) for odds in (a, b)]
    return PriorChange(change, change - half, change + half, *D)
