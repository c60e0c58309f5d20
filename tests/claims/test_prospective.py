"""Inferring before learning: equal births, a lesion that is the rival, fair counts."""

import numpy as np
import pytest

from sodachi.claims import drift, few_data, interference, online
from sodachi.claims import prospective as p
from sodachi.claims.prospective_lives import Learner, Task, live, multiply_adds
from sodachi.errors import ClaimError

LAYERS = (6, 5, 4, 3)


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    X = rng.random((12, 6), np.float32)
    y = rng.integers(0, 3, 12)
    rows = rng.integers(0, 12, (8, 4)).astype(np.int32)
    return Task(LAYERS, X, rows, y[rows].astype(np.int32), X, np.tile(y, (2, 1)).astype(np.int32))


def moved(learner, task):
    """The weights after the task, minus those of the same net that hardly learned."""
    after, before = (live(v, task, 0).weights for v in (learner, learner._replace(rate=1e-12)))
    return np.concatenate([np.ravel(after[n] - before[n]) for n in sorted(after)])


def test_a_weak_label_is_backpropagation(small):
    long = {"settle_ticks": 60, "precision": {"label": 1e-3}}
    lesion = moved(Learner("sgd", 0.1 / 1e-3, long), small)
    twin = moved(Learner("sgd", 0.1), small)
    np.testing.assert_allclose(lesion, twin, atol=2e-3 * np.abs(twin).max())
    settled = moved(Learner("sgd", 0.1, {"settle_ticks": 60}), small)
    assert np.abs(settled - twin).max() > 0.02 * np.abs(twin).max()


def test_twice_is_two_updates_of_every_batch(small):
    doubled = small._replace(rows=np.repeat(small.rows, 2, 0), labels=np.repeat(small.labels, 2, 0))
    again, plain = (
        live(Learner("sgd", 0.1, None, 1), small, 0),
        live(Learner("sgd", 0.1), doubled, 0),
    )
    np.testing.assert_array_equal(again.wrong, plain.wrong)


def test_again_must_divide_what_lies_between_tests(small):
    with pytest.raises(ClaimError, match="again"):
        live(Learner("sgd", 0.1, None, 3), small, 0)


def test_a_rate_at_the_end_of_its_grid_is_refused():
    best = dict.fromkeys(drift.RATES.best, 0.1)
    with pytest.raises(ClaimError, match="inside"):
        p.contest(p.Rates({"sgd": (0.1, 0.2), "adam": (0.05, 0.1, 0.2)}, best))


@pytest.mark.parametrize("claim", [drift, interference, online])
def test_every_best_rate_lies_inside_its_grid(claim):
    assert p.OURS in p.contest(claim.RATES)


def test_few_data_rates_lie_inside_their_grid():
    for other in ({}, *few_data.OTHERWISE.values()):
        assert p.OURS in p.contest(p.Rates(few_data.GRID, few_data.BEST | other))


@pytest.mark.parametrize("layers", [drift.LAYERS, interference.LAYERS])
def test_two_updates_cost_more_than_any_settling_net(layers):
    learners = p.contest(drift.RATES)
    costs = {row: multiply_adds(learner, layers) for row, learner in learners.items()}
    assert costs[p.TWICE] > max(costs[p.OURS], costs[p.TICKS])
    assert costs[p.HALF_MORE] > costs[p.OURS] > costs[p.TWIN]
