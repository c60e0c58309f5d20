"""How much a chain's samples say: integrated autocorrelation time, and errors that know of it."""

from __future__ import annotations

import numpy as np

from sodachi.errors import SpecError


def autocorrelation_time(series, window: float = 5.0):
    r"""Return the integrated autocorrelation time of each column, in steps of the series.

    ``τ = 1 + 2 Σ_{t=1}^{M} ρ(t)`` with M the first lag of at least ``window`` · τ(M): n steps say
    as much as n/τ independent samples.

    Parameters
    ----------
    series
        [steps] or [steps, chains]: chains of the same law share one mean and one τ.
    window
        How many τ the sum runs over: fewer is biased, more is noisy.

    Raises
    ------
    SpecError
        For fewer than 4 steps, or a value that is not finite.

    References
    ----------
    Madras and Sokal (1988); Goodman and Weare (2010), for several chains.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bool(0.8 < autocorrelation_time(rng.normal(size=(1000, 8))) < 1.2)
    True
    """
    x = np.asarray(series, np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or len(x) < 4 or not np.isfinite(x).all():
        raise SpecError("series", "finite numbers [4 or more steps, chains]", f"shape {x.shape}")
    n = len(x)
    away = x - x.mean()
    size = 2 ** int(np.ceil(np.log2(2 * n)))
    power = np.abs(np.fft.rfft(away, size, axis=0)) ** 2
    covariance = np.fft.irfft(power, size, axis=0)[:n].mean(1) / n
    if covariance[0] <= 0:
        return 1.0
    sums = 2.0 * np.cumsum(covariance / covariance[0]) - 1.0
    enough = np.arange(n) >= window * sums
    return float(max(sums[np.argmax(enough) if enough.any() else n - 1], 1.0))


def standard_error(series) -> float:
    r"""Return the standard error of the mean of a series [steps] or [steps, chains], ``σ√(τ/n)``.

    Raises `SpecError` as `autocorrelation_time` does.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bool(0.009 < standard_error(rng.normal(size=(1000, 10))) < 0.011)
    True
    """
    x = np.asarray(series, np.float64)
    return float(x.std() * np.sqrt(autocorrelation_time(x) / x.size))
