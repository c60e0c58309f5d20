"""A unit's record of being right and near, against plain means."""

import jax.numpy as jnp
import numpy as np

from sodachi.models.competition import Born
from sodachi.models.naming import Told
from sodachi.models.trust import RECENT, new_trust, trust, trusted
from sodachi.system import Evidence

NOBODY = Born(jnp.zeros(2, bool), jnp.zeros((), bool))


def told(taught=True, news=True, sure=np.inf):
    meaning = Evidence(jnp.ones(1), jnp.full(1, sure), jnp.zeros(1))
    return Told(jnp.asarray(taught), jnp.asarray(news), meaning)


def live(samples, record=None, **now):
    record = new_trust((2,)) if record is None else record
    for h, cost, quality in samples:
        h, cost, quality = (jnp.asarray(x, jnp.float32) for x in (h, cost, quality))
        record = trusted(record, h, cost, quality, told(**now), NOBODY)
    return record


def test_a_record_is_the_mean_of_what_was_news():
    rng = np.random.default_rng(0)
    qualities, costs = rng.uniform(size=9), rng.uniform(1, 2, 9)
    record = live([([1, 0], [c, 9], [q, 1]) for q, c in zip(qualities, costs, strict=True)])
    # Born with one question asked and none answered: a prior of one error.
    np.testing.assert_allclose(record["trust"][0], qualities.sum() / 10, rtol=1e-5)
    np.testing.assert_allclose(record["usual"][0], costs.sum() / 10, rtol=1e-5)
    assert float(record["asked"][0]) == 10 and float(record["asked"][1]) == 1


def test_an_old_record_follows_what_is_recent():
    record = live([([1, 0], [1, 1], [1, 1])] * 200 + [([1, 0], [1, 1], [0, 1])] * int(RECENT))
    assert 0.3 < float(record["trust"][0]) < 0.4  # (1 − 1/20)^20


def test_what_is_right_and_near_is_trusted():
    record = live([([1, 0], [2.0, 2.0], [1, 1])] * 19)
    h = jnp.array([1.0, 0.0])
    near, far = jnp.array([2.0, 2.0]), jnp.array([5.0, 2.0])
    np.testing.assert_allclose(trust(record, h, near), 0.95, rtol=1e-5)
    assert float(trust(record, h, far)) == 0.0
    assert float(trust(record, 1 - h, near)) == 0.0  # never asked


def test_nothing_is_recorded_of_what_is_no_news_or_taught_nothing_or_means_nothing():
    sample = [([1, 0], [2.0, 2.0], [1, 1])]
    before = new_trust((2,))
    for silent in ({"taught": False}, {"news": False}):
        after = live(sample, **silent)
        assert all(np.array_equal(after[name], before[name]) for name in before)
    after = live(sample, sure=0.0)
    assert float(after["trust"][0]) == 0.0 and float(after["asked"][0]) == 1.0


def test_a_newborn_has_no_record_and_no_number_is_no_record():
    record = live([([1, 0], [2.0, 2.0], [1, 1])] * 5)
    born = Born(jnp.array([True, False]), jnp.asarray(True))
    again = trusted(record, jnp.ones(2), jnp.ones(2), jnp.ones(2), told(), born)
    assert float(again["trust"][0]) == 0.0 and float(again["asked"][0]) == 1.0
    poisoned = trusted(record, jnp.array([jnp.nan, 0]), jnp.ones(2), jnp.ones(2), told(), NOBODY)
    assert all(np.isfinite(np.asarray(x)).all() for x in poisoned.values())
