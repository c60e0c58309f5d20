"""The rivals of the changing world against plain loops of numpy, and that world itself."""

import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.claims.bit_flipping import FLIP, INPUTS, SLOW, world
from sodachi.claims.changing_rivals import (
    DECAY,
    MATURITY,
    Recipe,
    _newborn,
    count_weights,
    life,
    tenths,
)


def test_one_slow_bit_flips_at_a_time_and_the_target_is_a_function_of_the_bits():
    X, y = world(3, 3 * FLIP)
    slow = X[::FLIP, :SLOW]
    assert (np.abs(np.diff(slow, axis=0)).sum(1) == 1).all()
    for start in range(0, len(X), FLIP):
        assert (X[start : start + FLIP, :SLOW] == X[start, :SLOW]).all()
    _, which = np.unique(X, axis=0, return_inverse=True)
    for i in range(which.max() + 1):
        assert np.ptp(y[which.ravel() == i]) == 0
    longer, _ = world(3, 4 * FLIP)
    assert X.shape == (3 * FLIP, INPUTS) and (longer[:FLIP, :SLOW] == X[:FLIP, :SLOW]).all()


def reference(recipe, X, y, seed):
    """Backpropagation by hand in float64, without replacement."""
    weights = {k: np.asarray(w, np.float64) for k, w in _newborn(recipe.units, 20, seed)[0].items()}
    first = {k: np.zeros_like(w) for k, w in weights.items()}
    second = {k: np.zeros_like(w) for k, w in weights.items()}
    errors = []
    for t, (x, target) in enumerate(zip(X.astype(float), y.astype(float), strict=True), 1):
        hidden = np.maximum(x @ weights["in"] + weights["bias"], 0)
        error = hidden @ weights["out"] + weights["constant"] + x @ weights["skip"] - target
        back = np.where(hidden > 0, error * weights["out"], 0)
        slope = {"in": np.outer(x, back), "bias": back, "out": error * hidden, "constant": error,
                 "skip": error * x * recipe.skip}  # fmt: skip
        for k, g in slope.items():
            first[k] = 0.9 * first[k] + 0.1 * g
            second[k] = 0.999 * second[k] + 0.001 * g**2
            moved = first[k] / (1 - 0.9**t) / (np.sqrt(second[k] / (1 - 0.999**t)) + 1e-8)
            weights[k] = weights[k] - recipe.rate * (moved if recipe.adam else g)
        errors.append(error**2)
    return np.array(errors).reshape(10, -1).mean(1)


@pytest.mark.theory
@pytest.mark.parametrize(("adam", "skip"), [(False, False), (True, True)])
def test_backpropagation_is_that_of_a_plain_loop(adam, skip):
    X, y = world(1, 300)
    recipe = Recipe(4, 0.003, adam=adam, skip=skip)
    np.testing.assert_allclose(tenths(recipe, X, y, 5), reference(recipe, X, y, 5), rtol=2e-3)


def test_the_least_useful_unit_is_reborn_and_the_output_keeps_its_mean():
    """One replacement falls due at a known tick; before it nothing differs."""
    X, y = world(2, 10 * (MATURITY + 4))
    due = 1 / (4 * 3.5)  # four mature units: the fourth tick after maturity, the last of a tenth
    with_it = life(4, False, False, X[:1040], y[:1040], jnp.array([0.01, 0.01]),
                   jnp.array([0.0, due]), 7)  # fmt: skip
    plain, replaced = np.asarray(with_it).T
    np.testing.assert_array_equal(plain[0], replaced[0])
    assert not np.array_equal(plain[1:], replaced[1:])
    assert np.isfinite(replaced).all() and 0 < DECAY < 1


def test_weights_are_counted():
    for recipe in (Recipe(5, 0.1), Recipe(20, 0.1, skip=True)):
        sizes = {k: w.size for k, w in _newborn(recipe.units, INPUTS, 0)[0].items()}
        unused = 0 if recipe.skip else sizes["skip"]
        assert count_weights(recipe, INPUTS) == sum(sizes.values()) - unused
