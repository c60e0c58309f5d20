"""The test of Diebold and Mariano: whether one forecast errs less than another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from sodachi.errors import ClaimError


class Comparison(NamedTuple):
    """Mean difference of losses (ours less the other's), its t statistic, and p on both sides."""

    difference: float
    statistic: float
    p: float


def bandwidth(n: int) -> int:
    """Return how many lags of autocorrelation to count in n losses, ``⌊4 (n/100)^{2/9}⌋``.

    Examples
    --------
    >>> bandwidth(931)
    6
    """
    return int(4 * (n / 100) ** (2 / 9))


def long_run_variance(differences, lags: int) -> float:
    r"""Return ``γ₀ + 2 Σ_{k=1}^{L} (1 − k/(L + 1)) γ_k``: variance where neighbours hang together.

    Bartlett's weights keep it from being negative (Newey and West, 1987); γ divides by n.

    Examples
    --------
    >>> long_run_variance([1.0, -1.0, 1.0, -1.0], 0), long_run_variance([1.0, -1.0, 1.0, -1.0], 1)
    (1.0, 0.25)
    """
    d = np.asarray(differences, np.float64)
    d, n = d - d.mean(), len(d)
    total = d @ d / n
    for k in range(1, min(lags, n - 1) + 1):
        total += 2 * (1 - k / (lags + 1)) * (d[k:] @ d[:-k]) / n
    return float(total)


def diebold_mariano(ours, other, horizon: int = 1, lags: int | None = None) -> Comparison:
    r"""Compare the losses of two forecasts of one series, tick by tick.

    ``S = d̄ / √(V/n)`` with d = ours − other and V the long-run variance over ``lags`` (by default
    `bandwidth`), then the small-sample form ``S √((n + 1 − 2h + h(h − 1)/n)/n)``, against a t
    distribution of n − 1 degrees.

    Parameters
    ----------
    ours, other
        Losses [n], such as squared errors.
    horizon
        h, how many ticks ahead was forecast.
    lags
        With 0 and h = 1 this is the paired t test.

    Raises
    ------
    ClaimError
        For other shapes, fewer than two losses, or losses that are not finite.

    References
    ----------
    Diebold and Mariano (1995), Comparing predictive accuracy; Harvey, Leybourne and Newbold (1997),
    Testing the equality of prediction mean squared errors.

    Examples
    --------
    >>> compared = diebold_mariano([1.0, 2.0, 1.5, 1.0], [2.0, 3.5, 2.0, 2.5], lags=0)
    >>> round(compared.difference, 3), round(compared.statistic, 3), round(compared.p, 3)
    (-1.125, -4.7, 0.018)
    """
    a, b = np.asarray(ours, np.float64), np.asarray(other, np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 2:
        raise ClaimError("losses", "two equally long series, two or more", (a.shape, b.shape))
    d, n, h = a - b, len(a), horizon
    if not np.isfinite(d).all():
        raise ClaimError("losses", "finite numbers", "others")
    variance = long_run_variance(d, bandwidth(n) if lags is None else lags)
    if variance <= 0:  # the same loss at every tick, or the same difference
        same = d.mean() == 0
        return Comparison(float(d.mean()), 0.0 if same else float(np.sign(d.mean()) * np.inf),
                          1.0 if same else 0.0)  # fmt: skip
    plain = d.mean() / np.sqrt(variance / n)
    statistic = plain * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    return Comparison(
        float(d.mean()), float(statistic), float(2 * stats.t.sf(abs(statistic), n - 1))
    )
