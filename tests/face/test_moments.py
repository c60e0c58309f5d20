"""Running moments against NumPy's own, with unknown entries, wild readings and constants."""

import numpy as np
import pytest

from sodachi.face.moments import WIDEST, Moments

pytestmark = pytest.mark.unit


@pytest.mark.theory
def test_the_running_moments_are_numpys():
    values = np.random.default_rng(0).normal(5.0, [1.0, 30.0], size=(500, 2))
    moments = Moments(2)
    for row in values:
        moments.update(row)
    far = np.abs(values - values.mean(0)) > WIDEST * values.std(0)
    assert not far.any()
    np.testing.assert_allclose(moments.mean, values.mean(0), rtol=0.02)
    np.testing.assert_allclose(moments.deviation(), values.std(0), rtol=0.02)


@pytest.mark.theory
def test_small_samples_exactly_and_unknown_entries_not_at_all():
    moments = Moments(1)
    for x in (3.0, np.nan, 5.0, np.nan, 4.0):
        moments.update(np.array([x]))
    assert moments.count.item() == 3
    assert moments.mean.item() == pytest.approx(4.0)
    assert moments.deviation().item() == pytest.approx(np.sqrt(2 / 3))


def test_one_wild_reading_does_not_blind_the_scale():
    moments, rng = Moments(1), np.random.default_rng(1)
    for x in rng.normal(size=1000):
        moments.update(np.array([x]))
    moments.update(np.array([1e29]))
    assert 0.9 < moments.deviation().item() < 1.2
    assert moments.standardised(np.array([1e29])).item() == WIDEST


def test_a_constant_column_stays_zero_and_finite():
    moments = Moments(1)
    for _ in range(100):
        moments.update(np.array([0.1]))
        assert moments.standardised(np.array([0.1])).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.theory
def test_many_rows_at_once_are_numpys_nan_moments():
    rng = np.random.default_rng(3)
    values = rng.normal([0.0, 100.0, -3.0], [1.0, 5.0, 0.1], size=(300, 3))
    values[rng.random(values.shape) < 0.2] = np.nan
    once = Moments.over(values)
    np.testing.assert_allclose(once.mean, np.nanmean(values, 0), rtol=1e-12)
    np.testing.assert_allclose(once.deviation(), np.nanstd(values, 0), rtol=1e-12)
    pieces = Moments(3)
    for piece in np.split(values, [1, 2, 50, 51, 250]):
        pieces.merge(piece)
    np.testing.assert_allclose(pieces.mean, once.mean, rtol=0.05, atol=0.05)


@pytest.mark.theory
def test_two_batches_are_one():
    values = np.random.default_rng(4).uniform(size=(40, 2))
    parts = Moments.over(values[:25])
    parts.merge(values[25:])
    np.testing.assert_allclose(parts.mean, values.mean(0), rtol=1e-12)
    np.testing.assert_allclose(parts.deviation(), values.std(0), rtol=1e-12)
