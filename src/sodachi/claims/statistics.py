"""Intervals over seeds, paired by seed, and the two comparisons a target may be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from sodachi.errors import ClaimError

LEVEL = 0.95
Seeded = Mapping[int, float]
"""One number for each seed."""


class Check(NamedTuple):
    """One part of a target: ``holds`` is None where it cannot be judged (fewer than two seeds)."""

    words: str
    value: float | None
    interval: list[float] | None
    holds: bool | None


def interval(values: Sequence[float]) -> list[float] | None:
    """Return the 95 % t interval of a mean, ``mean ± t_{n−1} s/√n``; None below two values.

    Examples
    --------
    >>> [round(end, 3) for end in interval([1.0, 2.0, 3.0])]
    [-0.484, 4.484]
    """
    x = np.asarray(values, np.float64)
    if len(x) < 2:
        return None
    half = stats.t.ppf(0.5 + LEVEL / 2, len(x) - 1) * x.std(ddof=1) / len(x) ** 0.5
    return [float(x.mean() - half), float(x.mean() + half)]


def paired(ours: Seeded, other: Seeded) -> list[float]:
    """Return the differences ``ours − other`` by seed; `ClaimError` where the seeds differ."""
    if set(ours) != set(other):
        raise ClaimError("seeds", f"the same on both sides, {sorted(ours)}", sorted(other))
    return [ours[seed] - other[seed] for seed in sorted(ours)]


def ahead(ours: Seeded, other: Seeded) -> dict[int, float]:
    """Return by how much ours is above the other, for each seed that both have.

    Examples
    --------
    >>> ahead({0: 0.5, 1: 1.0}, {0: 0.25, 1: 1.0})
    {0: 0.25, 1: 0.0}
    """
    return {seed: ours[seed] - other[seed] for seed in sorted(ours) if seed in other}


def above(words: str, ours: Seeded, other: Seeded, margin: float = 0.0) -> Check:
    """Check that ours is above by ``margin``: the whole interval of the paired difference is.

    With margin 0 this is "apart": the interval of the difference excludes 0.

    Examples
    --------
    >>> above("better", {0: 0.9, 1: 0.92}, {0: 0.8, 1: 0.82}, 0.05).holds
    True
    """
    return _judge(words, paired(ours, other), lambda low, high: low > margin)


def not_below(words: str, ours: Seeded, other: Seeded, margin: float) -> Check:
    """Check non-inferiority: the interval of the paired difference lies above ``−margin``.

    Examples
    --------
    >>> not_below("as good", {0: 0.9, 1: 0.91}, {0: 0.901, 1: 0.909}, 0.02).holds
    True
    """
    return _judge(words, paired(ours, other), lambda low, high: low > -margin)


def within(words: str, ours: Seeded, other: Seeded, margin: float) -> Check:
    """Check equivalence: the interval of the paired difference lies inside ``±margin``.

    Examples
    --------
    >>> within("the same", {0: 0.9, 1: 0.91}, {0: 0.8, 1: 0.809}, 0.02).holds
    False
    """
    return _judge(words, paired(ours, other), lambda low, high: -margin < low and high < margin)


def at_least(words: str, ours: Seeded, bound: float) -> Check:
    """Check that the whole interval of the mean is ``bound`` or more."""
    return _judge(words, [ours[seed] for seed in sorted(ours)], lambda low, high: low >= bound)


def at_most(words: str, ours: Seeded, bound: float) -> Check:
    """Check that the whole interval of the mean is ``bound`` or less.

    Examples
    --------
    >>> at_most("none", {0: 0.0, 1: 0.0}, 0.0).holds
    True
    """
    return _judge(words, [ours[seed] for seed in sorted(ours)], lambda low, high: high <= bound)


def by_mean(words: str, values: Mapping[int, float], bound: float) -> Check:
    """Check that the mean is at least ``bound``, the interval only shown: for quick forms.

    Two seeds give a t interval 12.7 standard errors wide on each side, which decides nothing.

    Examples
    --------
    >>> by_mean("better", {0: 0.04, 1: 0.05}, 0.04).holds
    True
    """
    return _judge(words, [values[seed] for seed in sorted(values)], None, bound)


def _judge(words: str, values: list[float], fine, least: float | None = None) -> Check:
    if not values:
        return Check(words, None, None, None)
    mean, ends = float(np.mean(values)), interval(values)
    if least is not None:
        return Check(words, mean, ends, bool(mean >= least))
    # A value that is not finite is measured, and misses; a single seed is not judged.
    holds = None if ends is None else bool(np.isfinite(ends).all() and fine(*ends))
    return Check(words, mean, ends, holds)
