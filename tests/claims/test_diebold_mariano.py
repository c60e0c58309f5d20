"""The test of Diebold and Mariano against the t test, sums by hand, and its own promise."""

import numpy as np
import pytest
from scipy import stats

from sodachi.claims.diebold_mariano import diebold_mariano, long_run_variance
from sodachi.errors import ClaimError


@pytest.mark.theory
def test_without_lags_it_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 50))
    found, truth = diebold_mariano(a, b, lags=0), stats.ttest_rel(a, b)
    assert found.statistic == pytest.approx(truth.statistic, rel=1e-12)
    assert found.p == pytest.approx(truth.pvalue, rel=1e-12)
    assert diebold_mariano(b, a, lags=0).statistic == pytest.approx(-found.statistic)


@pytest.mark.theory
def test_the_correction_is_that_of_harvey_leybourne_and_newbold():
    a, b = np.random.default_rng(1).random((2, 40))
    n, h = 40, 3
    one, three = (diebold_mariano(a, b, horizon, lags=2).statistic for horizon in (1, h))
    assert three / one == pytest.approx(
        np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / (n + 1 - 2)), rel=1e-12
    )


@pytest.mark.theory
def test_the_variance_is_that_of_a_mean_of_neighbours():
    # A moving sum of three has a long-run variance of nine times the noise's.
    noise = np.random.default_rng(2).normal(size=200_002)
    moving = noise[:-2] + noise[1:-1] + noise[2:]
    assert long_run_variance(moving, 40) == pytest.approx(9.0, rel=0.05)
    assert long_run_variance(moving, 0) == pytest.approx(3.0, rel=0.02)


@pytest.mark.theory
def test_equal_forecasts_are_told_apart_as_rarely_as_promised():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(400, 302, 2))
    losses = noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]  # neighbours hang together
    ps = np.array([diebold_mariano(*pair.T).p for pair in losses])
    assert 0.03 < (ps < 0.05).mean() < 0.12
    blind = np.array([diebold_mariano(*pair.T, lags=0).p for pair in losses])
    assert (blind < 0.05).mean() > 0.2


@pytest.mark.unit
def test_the_same_losses_do_not_differ_and_others_are_refused():
    assert diebold_mariano([1.0, 2.0], [1.0, 2.0]).p == 1.0
    for a, b in (([1.0], [2.0]), ([1.0, 2.0], [1.0, 2.0, 3.0]), ([1.0, np.nan], [1.0, 2.0])):
        with pytest.raises(ClaimError, match="losses"):
            diebold_mariano(a, b)
