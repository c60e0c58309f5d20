"""The moving world of the tracking claim, and what its lesions do."""

import numpy as np

from sodachi.claims.tracking import FLIP, LEARNERS, RELEVANT, live, steps_of, world


def test_one_sign_turns_every_twenty_examples():
    X, y = world(3, 400)
    before = None
    for start in range(0, 400, FLIP):
        now = slice(start, start + FLIP)
        signs = np.linalg.lstsq(X[now, :RELEVANT].astype(float), y[now].astype(float))[0]
        np.testing.assert_allclose(np.abs(signs), 1.0, atol=1e-4)
        if before is not None:
            assert (np.sign(signs) != np.sign(before)).sum() == 1
        before = signs


def test_errors_are_those_before_learning():
    X, y = world(0, 5)
    errors, _ = live(LEARNERS["one rate for all"], X, y)
    w = np.zeros(20)
    for x, t, error in zip(X.astype(float), y.astype(float), errors, strict=True):
        np.testing.assert_allclose(error, t - w @ x, rtol=1e-5, atol=1e-6)
        w += LEARNERS["one rate for all"].rate * error * x


def test_given_steps_are_taken_and_kept_where_none_is_learned():
    X, y = world(0, 50)
    given = np.linspace(0.001, 0.02, 20).astype(np.float32)
    frozen = LEARNERS["IDBD"]._replace(meta_rate=0.0)
    np.testing.assert_array_equal(steps_of(live(frozen, X, y, given)[1]), given)
    assert not np.array_equal(steps_of(live(LEARNERS["IDBD"], X, y, given)[1]), given)


def test_the_reward_of_an_input_is_its_own_target_a_tick_later():
    """One step of SwiftTD without discount is that of a plain cell, and never looks ahead."""
    X, y = world(0, 4)
    swift = LEARNERS["SwiftTD"]._replace(meta_rate=0.0)
    plain = LEARNERS["one rate for all"]._replace(rate=swift.rate)
    np.testing.assert_allclose(live(swift, X, y)[0], live(plain, X, y)[0], rtol=1e-4)
