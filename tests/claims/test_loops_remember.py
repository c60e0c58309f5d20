"""With loops cut nothing of the cue is left, not one bit; with loops something is."""

import numpy as np
import pytest

from sodachi.claims.boltzmann_training import Schooling, schooled
from sodachi.claims.loops_remember import CHUNK, HALF, half_seen, lasting, remembered
from sodachi.models.deep_boltzmann import deep_boltzmann_machine


@pytest.fixture(scope="module")
def taught():
    """Two patterns with a label each, learned well enough to be told apart."""
    X = np.repeat(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), 32, 1)
    X, y = np.tile(X, (10, 1)), np.tile([0, 1], 10)
    machine = deep_boltzmann_machine(layers=(64, 8), labels=2, chains=20, rate=0.1)
    return machine, schooled(machine, Schooling(passes=60, batch=20), 0, X, y), X[:2], y[:2]


@pytest.mark.unit
def test_loops_cut_keep_nothing_of_the_cue_and_loops_keep_its_label(taught):
    machine, state, X, y = taught
    cut = [remembered(machine, state, x, 3, CHUNK, cut=True) for x in (X, X[::-1])]
    assert np.array_equal(cut[0][1:], cut[1][1:])
    assert not np.array_equal(cut[0][0], cut[1][0])
    kept = remembered(machine, state, X, 3, CHUNK)
    assert kept.shape == (1 + CHUNK, 2, 2)
    assert (kept[:3].argmax(-1) == y).all()


@pytest.mark.unit
def test_half_a_cue_is_held_and_the_other_half_is_not_seen(taught):
    machine, state, X, y = taught
    other = X.copy()
    other[:, HALF:] = 1 - other[:, HALF:]
    beliefs = [half_seen(machine, state, x, 3, CHUNK) for x in (X, other)]
    assert np.array_equal(*beliefs)
    assert (beliefs[0][CHUNK // 2 :].mean(0).argmax(-1) == y).all()


@pytest.mark.unit
def test_a_belief_lasts_until_it_is_nearer_to_chance():
    assert lasting(np.array([0.9, 0.9, 0.51, 0.49, 0.9])) == 2
    assert lasting(np.array([0.9, 0.9, 0.9])) == 2
