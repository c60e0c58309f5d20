"""Streams of the world: nobody sees ahead, parts are scored once, and the bare rivals are right."""

import numpy as np
import pytest

from sodachi.claims import real_drift
from sodachi.claims.real_drift import (
    LEARNERS,
    STREAMS,
    Stream,
    lived,
    majority,
    no_change,
    rows,
    standardised,
    told,
)

RNG = np.random.default_rng(0)
LABELS = np.array([0, 1, 1, 0, 1, 1, 1, 0])


@pytest.fixture
def weather(monkeypatch):
    """A small stream in place of the weather: the label is whether the first input went up."""
    X = RNG.normal(size=(143, 3)).astype("f4")
    y = (X[:, 0] > 0).astype("i4")
    monkeypatch.setattr(real_drift, "load_drifting", lambda name: (X, y))
    monkeypatch.setitem(STREAMS, "weather", Stream(14, 0, 5))
    told.cache_clear()
    yield X, y
    told.cache_clear()


@pytest.mark.unit
def test_what_comes_later_changes_no_input():
    X = RNG.normal(3.0, 2.0, size=(60, 4))
    later = X.copy()
    later[40:] += 100.0
    assert np.array_equal(standardised(X)[:40], standardised(later)[:40])
    assert np.abs(standardised(later)).max() <= 3
    long = standardised(RNG.normal(5.0, 3.0, size=(5000, 1)))[1000:]
    assert abs(long.mean()) < 0.1 and long.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.unit
def test_the_bare_rivals_know_only_labels_before():
    assert no_change(LABELS).tolist() == [0, 0, 1, 1, 0, 1, 1, 1]
    assert majority(LABELS).tolist() == [0, 0, 0, 1, 0, 1, 1, 1]


@pytest.mark.unit
def test_the_last_label_is_an_input_of_the_row_after_it(weather):
    X, y = told("weather", True)
    plain, same = told("weather", False)
    assert len(y) == 140 and X.shape == (140, 4) and np.array_equal(plain, X[:, :3])
    assert np.array_equal(y, same) and np.array_equal(y, weather[1][3:])
    assert np.array_equal(X[1:, 3], 2.0 * y[:-1] - 1.0) and X[0, 3] == 2 * weather[1][2] - 1


@pytest.mark.unit
def test_ten_seeds_score_the_last_ten_parts_once_each(weather):
    _, y = told("weather", False)
    right = no_change(y) == y
    found = [lived(real_drift.SAME, "weather", False, seed, 10) for seed in range(10)]
    assert np.mean([f["accuracy"] for f in found]) == pytest.approx(right[40:].mean())
    assert found[0]["worst_window"] == min(right[40:45].mean(), right[45:50].mean())


@pytest.mark.unit
@pytest.mark.parametrize("learner", [real_drift.BACKPROP, real_drift.OURS])
def test_a_learner_is_asked_about_its_part_and_shown_whole(weather, learner):
    figures = lived(learner, "weather", False, 1, 10)
    assert {"accuracy", "worst_window", "weights", "dead_units", "ticks"} <= set(figures)
    assert 0 <= figures["worst_window"] <= figures["accuracy"] <= 1


@pytest.mark.unit
def test_rows_are_all_learners_in_both_streams_with_and_without_the_last_label():
    found = rows(0, "full")
    assert len(found) == 2 * (2 * len(LEARNERS) + 2)
    assert len(rows(0, "quick")) == 3
