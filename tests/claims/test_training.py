"""Training and testing of any system: batches as they are told, answers with frozen weights."""

import jax
import numpy as np
import pytest

from sodachi.claims.training import accuracy, answers, newborn, told, train, trainer
from sodachi.combinators import minibatch
from sodachi.errors import ClaimError
from sodachi.models import backprop_graph, settling_net

NET = settling_net(
    layers=(4, 3, 2), direction="up", start="feedforward", relaxation="wave", settle_ticks=2
)
X = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
Y = np.arange(10) % 2


@pytest.mark.unit
def test_an_epoch_is_its_batches_in_order_and_leaves_out_what_fills_none():
    order = np.array([3, 1, 4, 0, 5, 9, 2])
    whole = trainer(NET, 3)(newborn(NET, 7, 3), X, Y, order)
    lanes, state = minibatch(NET, 3), newborn(NET, 7, 3)
    for rows in (order[:3], order[3:6]):
        state, _ = jax.jit(lanes.step)(state, told(NET, X[rows], Y[rows]))
    for name, w in state.shared["weights"].items():
        np.testing.assert_allclose(whole.shared["weights"][name], w, rtol=1e-5, atol=1e-7)


@pytest.mark.unit
def test_answers_are_those_of_single_samples_and_move_nothing():
    state = newborn(NET, 0, 5)
    read = answers(NET, state, X, batch=4)  # 10 is no multiple of 4
    weights = {n: np.asarray(w, np.float64) for n, w in state.shared["weights"].items()}
    hidden = X @ weights["input>hidden1"]
    assert read.tolist() == (np.tanh(hidden) @ weights["hidden1>label"]).argmax(1).tolist()
    assert accuracy(NET, state, X, read) == 1.0
    assert accuracy(NET, state, X, 1 - read) == 0.0


@pytest.mark.unit
def test_seeds_decide_the_order_and_sorted_data_stay_sorted():
    def weights(**options):
        state = train(NET, X, Y, epochs=2, batch=5, **options)
        return np.asarray(state.shared["weights"]["input>hidden1"])

    one = weights(seed=1)
    assert np.array_equal(one, weights(seed=1)) and not np.array_equal(one, weights(seed=2))
    assert not np.array_equal(one, weights(seed=1, shuffle=False))


@pytest.mark.unit
def test_both_learners_come_to_know_two_clouds():
    rng = np.random.default_rng(3)
    y = np.arange(200) % 2
    x = (rng.normal(size=(200, 4)) + 3 * y[:, None]).astype(np.float32)
    twin = backprop_graph(layers=(4, 3, 2), weight_rate=0.01)
    for system in (settling_net(**(_arguments() | {"weight_rate": 0.01})), twin):
        state = train(system, x, y, epochs=8, batch=10, seed=0)
        assert accuracy(system, state, x, y) > 0.95


def _arguments():
    return {"layers": (4, 3, 2), "direction": "up", "start": "feedforward",
            "relaxation": "wave", "settle_ticks": 2}  # fmt: skip


@pytest.mark.unit
def test_fewer_samples_than_a_batch_are_refused():
    with pytest.raises(ClaimError, match="at least 64"):
        train(NET, X, Y, epochs=1, batch=64, seed=0)
