"""Running moments against NumPy, one-hot places, missing entries, and state that survives."""

import numpy as np
import pytest
from sodachi.errors import DataError
from sodachi.face.encoding import WIDEST, Encoder, Moments
from sodachi.face.survey import Column

pytestmark = pytest.mark.unit
COLUMNS = (Column("x", 0), Column("c", 1, ("blue", "red")), Column("z", 2))


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


def test_categories_have_places_missing_is_absent_and_unseen_is_counted():
    encoder = Encoder(COLUMNS)
    assert encoder.width == 4  # numeric columns first, then the places
    assert encoder.encode(("1", "red", "2")).tolist() == [0, 0, 0, 1]
    np.testing.assert_array_equal(encoder.encode(("", "?", "2")), [np.nan, 0, np.nan, np.nan])
    assert encoder.encode(("1", "green", "2"))[2:].tolist() == [0, 0]
    assert encoder.unseen.tolist() == [1]


def test_a_word_among_numbers_is_refused_and_changes_nothing():
    encoder = Encoder(COLUMNS)
    encoder.encode(("1", "red", "2"))
    before = encoder.state()
    for bad in ("five", "inf", "1e999"):
        with pytest.raises(DataError, match=f"column z: expected a finite number, got '{bad}'"):
            encoder.encode(("3", "green", bad))
    after = encoder.state()
    assert all((before[name] == after[name]).all() for name in before)


def test_the_state_goes_on_bit_for_bit():
    rows = [(str(x), "red", str(x * x)) for x in np.random.default_rng(2).normal(size=40)]
    whole, first, second = Encoder(COLUMNS), Encoder(COLUMNS), Encoder(COLUMNS)
    expected = [whole.encode(row) for row in rows][20:]
    for row in rows[:20]:
        first.encode(row)
    second.restore(first.state())
    got = [second.encode(row) for row in rows[20:]]
    assert np.array(got).tobytes() == np.array(expected).tobytes()
    with pytest.raises(DataError, match="encoder mean"):
        second.restore({**first.state(), "mean": np.zeros(3)})
