"""The rivals and yardsticks of the claims on canonical networks do what is said of them."""

import numpy as np
import pytest

from sodachi.claims import bayesian_mechanics as mechanics
from sodachi.claims import free_energy_equality as equality
from sodachi.claims import source_separation as separation
from sodachi.claims.mechanics_world import exact_law, world
from sodachi.claims.separation_rivals import RIVALS, ideal_pair
from sodachi.models.fokker_planck import Grid


@pytest.fixture(scope="module")
def trials():
    return separation.world(100, 12)


def test_the_world_is_the_published_one(trials):
    s, o = trials
    left, right = o[:, :16], o[:, 16:]
    apart = s[:, 0] != s[:, 1]
    assert abs((left == s[:, :1])[apart].mean() - 0.75) < 0.01
    assert abs((right == s[:, 1:])[apart].mean() - 0.75) < 0.01
    assert np.array_equal(o[~apart], np.repeat(s[~apart, :1], 32, 1))
    assert abs(s.mean() - 0.5) < 0.02


def test_sources_themselves_score_one_and_noise_nothing(trials):
    s, _ = trials
    whole = slice(None)
    four = np.eye(4)[(2 * s[:, 0] + s[:, 1]).astype(int)]
    assert separation.score(s, s, whole, whole) == pytest.approx(1.0)
    assert separation.score(1 - s[:, ::-1], s, whole, whole) == pytest.approx(1.0)
    assert separation.score(four, s, whole, whole) == pytest.approx(1.0)
    noise = np.random.default_rng(0).random((len(s), 2))
    assert separation.score(noise, s, whole, whole) < 0.1


def test_each_rival_answers_as_well_as_it_can(trials):
    s, o = trials
    seen = 10 * separation.TRIALS
    named, judged = slice(0, seen), slice(seen, None)
    found = {n: separation.score(f(o, seen, 0), s, named, judged) for n, f in RIVALS.items()}
    assert found["Bernoulli mixture"] > 0.99 and found["k-means"] > 0.99
    assert 0.95 < found["independent components"] < 0.99
    assert 0.6 < found["principal components"] < 0.8
    assert 0.92 < separation.score(ideal_pair(o, 0.75), s, named, judged) < 0.97


def test_the_usual_scheme_keeps_mass_but_not_its_sign():
    grid = Grid((-3.0,), (3.0,), (120,))
    start = np.zeros(120)
    start[40] = 1.0
    path = mechanics.central_differences(grid, grid.points[:, 0] ** 2, start)
    assert np.abs(path.sum(1) - 1).max() < 1e-9 and path.min() < -1e-3
    assert exact_law(world(3)).sum() == pytest.approx(1.0)


def test_the_untied_network_and_the_linear_leak_are_other_networks():
    for row in (equality.UNTIED, equality.RATE):
        figures = equality.other(row, 100, "quick")
        assert figures["belief"] > 0.01
    gap = equality.gap(100, "quick")
    assert gap["gap_1"] > gap["gap_10"] > gap["gap_100"] > gap["gap_1000"] > 0
    assert mechanics.network(100)["distance"] < 1e-10
