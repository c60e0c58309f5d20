"""Running standardisation: mean and deviation of columns, row by row or many rows at once."""

from __future__ import annotations

import numpy as np

#: Standardised values are clipped to ± this many standard deviations.
WIDEST = 10.0


class Moments:
    r"""Running mean and variance of several columns, each over its own known values.

    Welford's update in float64: ``m ← m + (x − m)/n``, ``S ← S + (x − m_old)(x − m_new)``,
    variance ``S/n``. Once a column has varied, a value beyond ten standard deviations counts as
    lying at ten: one wild reading cannot blind the scale for good, and a lasting change of scale
    is still learned.

    Source: Welford, Technometrics 4 (1962).

    Examples
    --------
    >>> moments = Moments(1)
    >>> for x in (1.0, 2.0, 3.0):
    ...     moments.update(np.array([x]))
    >>> moments.mean.item(), moments.standardised(np.array([2.0])).item()
    (2.0, 0.0)
    """

    def __init__(self, columns: int):
        self.count = np.zeros(columns)
        self.mean = np.zeros(columns)
        self.spread = np.zeros(columns)

    @staticmethod
    def over(values: np.ndarray) -> Moments:
        """Return the moments of all rows at once, shape (rows, columns); NaN is not known."""
        moments = Moments(values.shape[1])
        moments.merge(values)
        return moments

    def widen(self, columns: int) -> None:
        """Make room for so many columns; new ones have seen nothing."""
        more = np.zeros(columns - len(self.count))
        for name in ("count", "mean", "spread"):
            setattr(self, name, np.concatenate([getattr(self, name), more]))

    def deviation(self) -> np.ndarray:
        """Return the standard deviations, 1 where a column has not varied yet."""
        variance = self.spread / np.maximum(self.count, 1)
        with np.errstate(over="ignore"):
            varied = variance > 1e-14 * self.mean**2
        return np.where(varied & (variance > 0), np.sqrt(variance), 1.0)

    def update(self, values: np.ndarray) -> None:
        """Take one row in; NaN entries are not known and change nothing."""
        known = ~np.isnan(values)
        far = WIDEST * self.deviation()
        near = np.clip(values, self.mean - far, self.mean + far)
        x = np.where(known, np.where(self.spread > 0, near, values), self.mean)
        self.count += known
        off = x - self.mean
        self.mean += off / np.maximum(self.count, 1)
        self.spread += off * (x - self.mean)

    def merge(self, values: np.ndarray) -> None:
        """Take many rows in, (rows, columns), by the pairwise update of Chan et al. (1979)."""
        known = ~np.isnan(values)
        far = WIDEST * self.deviation()
        near = np.clip(values, self.mean - far, self.mean + far)
        x = np.where(known, np.where(self.spread > 0, near, values), 0.0)
        count = known.sum(0)
        mean = x.sum(0) / np.maximum(count, 1)
        total = np.maximum(self.count + count, 1)
        off = np.where(count > 0, mean - self.mean, 0.0)
        with np.errstate(over="ignore"):  # an infinite spread says that the column tells nothing
            spread = np.where(known, (x - mean) ** 2, 0.0).sum(0)
            self.spread = self.spread + spread + off * (off * (self.count * count / total))
        self.mean = self.mean + off * count / total
        self.count = self.count + count

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Return ``(x − mean)/deviation`` within ±10; NaN stays NaN."""
        return np.clip((values - self.mean) / self.deviation(), -WIDEST, WIDEST)
