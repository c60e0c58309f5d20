"""The learners of the claims on digits: fair births, and a reading that is the learner's own."""

import jax
import numpy as np

from sodachi.claims.digit_learners import Recipe, digits, draws, live, make, read
from sodachi.claims.five_tests import class_means, schedule, world
from sodachi.claims.training import accuracy


def test_a_test_digit_is_never_learned_from():
    data, other = digits(0), digits(1)
    np.testing.assert_array_equal(data.X_test, other.X_test)
    assert (len(data.y), len(data.y_test)) == (1347, 450)
    assert not np.array_equal(data.y, other.y)


def test_twin_and_upward_net_are_born_alike():
    up, twin = (make(kind).init(3).shared["weights"] for kind in ("up", "squared"))
    jax.tree.map(np.testing.assert_array_equal, up, twin)


def test_the_upward_net_reads_what_its_twin_reads():
    data = digits(0)
    state = live("up", Recipe({"weight_rate": 1e-3}), data.X, data.y, np.arange(200), 0)
    own = accuracy(make("up"), state, data.X_test, data.y_test, batch=450)
    assert read("up", state, data.X_test, data.y_test) == own


def test_passes_are_whole_before_the_next_begins():
    rows = draws(10, 4, np.random.default_rng(0))
    assert sorted(rows[:4]) == sorted(rows[4:8]) == [0, 1, 2, 3]


def test_few_samples_a_class_and_sorted_order():
    y = digits(0).y
    few = schedule("few", Recipe({}, 1), y, 0, samples=2)
    assert np.bincount(y[few]).tolist() == [2] * 10
    assert (np.diff(y[schedule("sorted", Recipe({}, 1), y, 0)]) >= 0).all()


def test_noise_is_where_it_is_said_to_be():
    plain, noisy, wrong = (world(test, 0) for test in ("shuffled", "sensor", "labels"))
    assert 0.49 < (noisy[0] - plain[0]).std() < 0.51
    assert 0.49 < (noisy[2] - plain[2]).std() < 0.51
    np.testing.assert_array_equal(wrong[0], plain[0])
    # Nine in ten of the labels drawn anew are wrong.
    assert 0.31 < (wrong[1] != plain[1]).mean() < 0.41


def test_class_means_do_not_mind_the_order():
    figures = class_means(0)
    assert figures["shuffled"] == figures["sorted"] > 0.8
