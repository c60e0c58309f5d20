"""Cost and free energy are one number; its slopes are the motion of cells and of synapses."""

from dataclasses import replace

import numpy as np
import pytest

from sodachi.errors import DataError
from sodachi.recordings import circuit, cost, free_energy, generative_model
from sodachi.recordings.canon import believe

pytestmark = pytest.mark.theory


def test_the_neural_cost_equals_the_variational_free_energy(causal):
    made = circuit(causal, prior_count=np.array([50.0, 200.0]))
    L = cost(causal, made).value
    F = free_energy(causal, generative_model(made))
    np.testing.assert_allclose(L, F, rtol=0, atol=1e-10)


def test_slopes_in_the_synapses_are_those_of_finite_differences(causal):
    made = circuit(causal, prior_count=100.0)
    found = cost(causal, made)
    k, step = 5, 1e-5

    def energy(state, cell, place, moved):
        # Move one log-odds of one session, all else held.
        odds = [w.copy() for w in made.weights]
        odds[state][k, cell, place] += moved
        A = [1 / (1 + np.exp(-w)) for w in odds]
        counts = {
            "on_1": A[0],
            "all_1": np.ones_like(A[0]),
            "on_0": A[1],
            "all_0": np.ones_like(A[1]),
        }
        memory = type(made.memory)(**{n: np.concatenate([v, v[-1:]]) for n, v in counts.items()})
        return cost(causal, replace(made, memory=memory)).value[k]

    for state, slopes in ((0, found.slope_1), (1, found.slope_0)):
        for cell, place in ((0, 0), (1, 7)):
            up, down = (energy(state, cell, place, s) for s in (step, -step))
            assert -(up - down) / (2 * step) == pytest.approx(slopes[k, cell, place], rel=1e-6)


def test_no_other_belief_has_less_energy_than_the_posterior(causal):
    made = circuit(causal, prior_count=100.0)
    x = np.concatenate(
        [believe(made.memory.at(k), causal.stimuli[64 * k : 64 * k + 64], made.log_odds)
         for k in range(16)], 1)  # fmt: skip
    least = cost(replace(causal, values=x), made).value
    for moved in (0.01, -0.01):
        other = np.clip(x + moved * (x < 0.5) - moved * (x >= 0.5), 0, 1)
        assert (cost(replace(causal, values=other), made).value > least).all()


def test_the_model_is_read_from_the_counts(causal):
    made = circuit(causal, prior_count=100.0, prior=np.array([0.25, 0.5]))
    model = generative_model(made)
    assert model.D.tolist() == [[0.25, 0.75], [0.5, 0.5]]
    np.testing.assert_allclose(model.A[0], 0.5)
    np.testing.assert_allclose(model.counts.sum((3, 4))[-1], 200 + causal.values.shape[1])
    on = model.counts[..., 0, :] / model.counts.sum(3)
    np.testing.assert_allclose(on, model.A)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"prior_count": 0.0}, "prior_count"),
        ({"prior": np.array([0.5])}, "prior"),
        ({"prior": np.array([0.5, 1.0])}, "prior"),
    ],
)
def test_wrong_circuits_are_refused(causal, wrong, said):
    with pytest.raises(DataError, match=said):
        circuit(causal, **wrong)


def test_activity_that_is_no_belief_is_refused(raw):
    with pytest.raises(DataError, match=r"values in \[0, 1\]"):
        circuit(raw)
