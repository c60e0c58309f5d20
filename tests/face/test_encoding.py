"""One-hot places, missing entries, refused words, and a state that survives."""

import numpy as np
import pytest

from sodachi.errors import DataError
from sodachi.face.encoding import Encoder
from sodachi.face.survey import Column

pytestmark = pytest.mark.unit
COLUMNS = (Column("x", 0), Column("c", 1, ("blue", "red")), Column("z", 2))


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
