"""Claim: with traces, a dynamic Boltzmann machine foresees tomorrow's weather better than without.

Seven variables of 18,159 days in the order of their time: what a Gaussian machine adds to a vector
autoregression, learned online in the same way, is a memory of weeks in a few numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.forecast_rows import FROZEN, PERSISTENCE, Contest, sure, worse
from sodachi.claims.online_forecasts import Machine, Series
from sodachi.claims.recurrent_rival import Memory
from sodachi.claims.statistics import Check, above, by_mean
from sodachi.data import load_drifting

SHARE = 0.67  # of the days, to train: as with the sun
PASSES = 3
PRESSURE = 2  # left out: the column holds pressures of five atmospheres, codes of what was missing
GAUSSIAN, ECHOES = "Gaussian", "RNN-Gaussian"
VAR1, VAR2, VAR7 = "online VAR(1)", "online VAR(2)", "online VAR(7)"
FITTED, LSTM = "VAR(7), least squares", "LSTM, 20 cells"


@cache
def weather() -> Series:
    """Return the days, each variable in deviations of the training part."""
    days = np.delete(load_drifting("weather")[0].astype(float), PRESSURE, 1)
    return standardised(days, int(SHARE * len(days)))


@cache
def slow_world() -> Series:
    """Return the series of the quick form: three variables drawn to their own means of weeks."""
    rng, slow, x, seen = np.random.default_rng(7), np.zeros(3), np.zeros(3), []
    turn = np.array([[0.5, 0.4, 0.0], [0.0, 0.5, 0.4], [-0.4, 0.0, 0.5]])
    for _ in range(2400):
        x = 0.2 * x + slow @ turn + rng.normal(size=3)
        slow = 0.9 * slow + 0.1 * x
        seen.append(x)
    return standardised(np.array(seen), 1600)


def standardised(values: np.ndarray, train: int) -> Series:
    """Return a series in deviations from the mean of its training part, in units of its spread."""
    known = values[:train]
    scaled = (values - known.mean(0)) / known.std(0)
    return Series(scaled, train, np.ones(values.shape[1]))
