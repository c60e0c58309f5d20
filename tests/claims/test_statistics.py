"""Intervals and comparisons against SciPy's own tests and a worked case."""

import numpy as np
import pytest
from scipy import stats

from sodachi.claims.statistics import (
    above,
    at_least,
    at_most,
    by_mean,
    interval,
    not_below,
    paired,
    within,
)
from sodachi.errors import ClaimError

OURS = {0: 0.95, 1: 0.96, 2: 0.955, 3: 0.957}
OTHER = {0: 0.90, 1: 0.93, 2: 0.915, 3: 0.91}


def scipy_interval(values):
    """SciPy's own interval of the mean, through its one-sample test."""
    return list(stats.ttest_1samp(values, 0.0).confidence_interval(0.95))


@pytest.mark.theory
def test_the_interval_is_that_of_the_one_sample_t_test():
    values = [0.1, 0.4, 0.2, 0.25, 0.9]
    assert interval(values) == pytest.approx(scipy_interval(values), rel=1e-12)
    assert interval([0.3]) is None
    assert interval([0.3, 0.3]) == [0.3, 0.3]


@pytest.mark.theory
def test_differences_are_paired_by_seed_not_by_place():
    shuffled = {3: 0.91, 1: 0.93, 0: 0.90, 2: 0.915}
    assert paired(OURS, shuffled) == pytest.approx([0.05, 0.03, 0.04, 0.047])
    check = above("apart", OURS, shuffled)
    assert check.interval == pytest.approx(scipy_interval([0.05, 0.03, 0.04, 0.047]))
    assert check.value == pytest.approx(np.mean([0.05, 0.03, 0.04, 0.047]))
    with pytest.raises(ClaimError):
        paired(OURS, {0: 0.9})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("check", "margin", "holds"),
    [
        # The difference is .04175, its interval [.0276, .0559].
        (above, 0.0, True),
        (above, 0.0275, True),
        (above, 0.0285, False),
        (not_below, 0.0, True),
        (within, 0.0550, False),
        (within, 0.0560, True),
    ],
)
def test_a_margin_is_met_by_the_whole_interval(check, margin, holds):
    low, high = scipy_interval([0.05, 0.03, 0.04, 0.047])
    assert (round(low, 4), round(high, 4)) == (0.0276, 0.0559)
    assert check("words", OURS, OTHER, margin).holds is holds


@pytest.mark.unit
def test_non_inferiority_fails_where_a_mere_difference_of_means_would_pass():
    noisy = {0: 0.90, 1: 1.0, 2: 0.93, 3: 0.97}
    means = np.mean(list(noisy.values())) - np.mean(list(OURS.values()))
    assert means > -0.01
    assert not_below("words", noisy, OURS, 0.01).holds is False


@pytest.mark.unit
def test_bounds_on_the_mean_itself():
    low, high = scipy_interval(list(OURS.values()))
    assert at_least("words", OURS, low - 1e-9).holds
    assert at_least("words", OURS, low + 1e-9).holds is False
    assert at_most("words", OURS, high + 1e-9).holds
    assert at_most("words", OURS, high - 1e-9).holds is False


@pytest.mark.unit
def test_one_seed_is_not_judged_and_what_is_not_finite_misses():
    assert above("words", {0: 0.9}, {0: 0.1}).holds is None
    assert at_most("words", {0: float("nan"), 1: 0.1}, 1.0).holds is False
    assert by_mean("words", {0: float("nan"), 1: 0.1}, 0.0).holds is False
    assert by_mean("words", {0: 0.1, 1: 0.3}, 0.2).holds is True
    assert by_mean("words", {0: 0.1, 1: 0.3}, 0.21).holds is False
