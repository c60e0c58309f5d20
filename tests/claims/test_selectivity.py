"""A unit's selectivity is that of independent references, and is judged where it was not chosen."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from sodachi.claims.boltzmann_training import Schooling
from sodachi.claims.selectivity import areas, concept_cells, either_sign, f1, threshold
from sodachi.claims.stacks import reader, taught, untaught


@pytest.mark.theory
def test_areas_and_f1_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    a = np.round(rng.normal(size=(200, 4)) + y[:, None] * np.arange(4) / 4, 1)  # with ties
    found = areas(a, y, 3)
    for c in range(3):
        for j in range(4):
            assert found[c, j] == pytest.approx(roc_auc_score(y == c, a[:, j]), abs=1e-9)
    least = threshold(a[:, 3], y == 2)
    every = [f1_score(y == 2, a[:, 3] >= t) for t in np.unique(a[:, 3])]
    assert f1(a[:, 3], y == 2, 0.4) == pytest.approx(f1_score(y == 2, a[:, 3] >= 0.4))
    assert f1(a[:, 3], y == 2, least) >= max(every) - 0.02  # ties fall together afterwards
    assert areas(either_sign(a), y, 3)[:, 4:] == pytest.approx(1 - found)


@pytest.mark.theory
def test_the_best_of_many_noisy_units_is_judged_at_chance():
    rng = np.random.default_rng(1)
    y, other = rng.integers(0, 4, 400), rng.integers(0, 4, 400)
    noise, again = rng.normal(size=(400, 300)), rng.normal(size=(400, 300))
    assert areas(noise, y, 4).max(1).mean() > 0.58  # what choosing alone would show
    cells = concept_cells(noise, y, again, other, 4)
    assert cells.area.mean() == pytest.approx(0.5, abs=0.05)
    again[:, 7] += 5.0 * (other == 2)
    noise[:, 7] += 5.0 * (y == 2)
    cells = concept_cells(noise, y, again, other, 4)
    assert cells.unit[2] == 7 and cells.best == 2 and cells.area[2] > 0.99 and cells.f1[2] > 0.95


@pytest.mark.theory
def test_what_a_layer_believes_is_the_logistic_of_its_field():
    X = np.random.default_rng(0).random((60, 5)).astype(np.float32)
    layer = taught(X, 3, Schooling(passes=4, batch=20), 0, rate=0.5)
    weights = {n: np.asarray(w, np.float64) for n, w in layer.state.shared["weights"].items()}
    field = weights["hidden1"] + X @ weights["input-hidden1"]
    np.testing.assert_allclose(layer.believe(X), 1 / (1 + np.exp(-field)), atol=1e-5)
    born = untaught(5, 3, 20, 0, rate=0.5)
    assert not np.allclose(born.weights, layer.weights, atol=1e-4)
    assert born.system is layer.system  # compiled once


@pytest.mark.theory
def test_a_label_layer_learns_what_a_linear_rule_can_and_without_error_it_stays():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 600)
    x = (np.eye(3)[y] + 0.3 * rng.normal(size=(600, 3))).astype(np.float32)
    told = reader(x, y, 0, classes=3, epochs=20, rate=0.5)
    nearest = np.linalg.norm(x[:, None] - np.eye(3), axis=2).argmin(1)
    assert (told.read(x) == y).mean() >= (nearest == y).mean() - 0.01
    still = reader(x, y, 0, classes=3, epochs=1, rate=0.0)
    assert np.array_equal(still.weights, reader(x, y, 0, classes=3, epochs=2, rate=0.0).weights)
