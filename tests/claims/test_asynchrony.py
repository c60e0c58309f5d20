"""Layers on devices are the same net; schedules count what they say."""

import jax
import numpy as np
import pytest

from sodachi.claims.layer_devices import Layers
from sodachi.claims.schedules import Task, backprop_schedule, play, settling_schedule
from sodachi.claims.training import newborn, told
from sodachi.combinators import minibatch
from sodachi.errors import ClaimError
from sodachi.models.settling import settling_net


def chain_of(state):
    weights = state.shared["weights"]
    edges = ["label>hidden1", "hidden1>input"]
    return [weights[e] for e in edges], [weights[f"1>{e.split('>')[1]}"][0] for e in edges]


def test_layers_on_devices_are_the_settling_net():
    net = settling_net(
        layers=(5, 4, 3), settle_ticks=7, rate=0.1, start="feedforward", optimiser="sgd",
        weight_rate=0.2,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    X, y = rng.random((2, 5)).astype(np.float32), np.array([0, 2])
    state = newborn(net, 0, 2)
    layers = Layers(*chain_of(state), "tanh", 0.1)
    layers.clamp(np.eye(3)[y], X)
    layers.together(7)
    layers.learn(0.2)
    after, _ = minibatch(net, 2).step(state, told(net, X, y))
    for n, weight in enumerate(chain_of(after)[0], start=1):
        np.testing.assert_allclose(layers.cells[n]["weight"], weight, rtol=1e-5, atol=1e-7)
    for got, name in zip(layers.activity(), ("label", "hidden1", "input"), strict=True):
        np.testing.assert_allclose(got, after.lane["activity"][name], rtol=1e-5, atol=1e-6)


def test_any_order_reaches_the_same_equilibrium_and_stale_news_do_not():
    state = newborn(settling_net(layers=(5, 4, 4, 3)), 1, 1)
    weights = state.shared["weights"]
    edges = ["label>hidden2", "hidden2>hidden1", "hidden1>input"]
    biases = [weights[f"1>{e.split('>')[1]}"][0] for e in edges]
    ends = np.eye(3)[:2], np.random.default_rng(1).random((2, 5))

    def layers():
        made = Layers([weights[e] for e in edges], biases, "tanh", 0.1)
        made.clamp(*ends)
        return made

    there = layers()
    there.together(600)
    assert there.residual() < 1e-5
    for feedback, close in ((True, True), (False, False)):
        here = layers()
        here.freely(2000, np.random.default_rng(2), feedback)
        apart = max(
            np.abs(a - b).max() for a, b in zip(here.activity(), there.activity(), strict=True)
        )
        assert (apart < 1e-4) == close


def test_messages_are_counted_two_for_every_pair_of_neighbours():
    layers = Layers([np.ones((2, 3)), np.ones((3, 4))], [np.zeros(3), np.zeros(4)], "tanh", 0.1)
    layers.clamp(np.ones((1, 2)), np.ones((1, 4)))
    before = layers.messages, layers.numbers
    layers.together(1)
    # Between the two layers that move or learn; what a clamped source says was said once.
    assert (layers.messages - before[0], layers.numbers - before[1]) == (2, 6)


@pytest.mark.parametrize("depth", [2, 5, 16])
def test_backprop_in_lock_step(depth):
    """Forward L, back L − 1, one last update; 3L − 1 products in all, 2(L − 1) messages."""
    got = play(backprop_schedule(depth))
    assert got.time == 2 * depth
    assert got.idle == pytest.approx(1 - (3 * depth - 1) / (depth * 2 * depth))
    assert got.messages == 2 * (depth - 1)


@pytest.mark.parametrize(("depth", "ticks"), [(2, 1), (5, 4), (16, 20)])
def test_settling_in_step(depth, ticks):
    """Two products a tick whatever the depth; only the first layer, with nobody below, rests."""
    got = play(settling_schedule(depth, ticks))
    assert got.time == 2 * ticks + 1
    assert got.idle == pytest.approx(ticks / (depth * (2 * ticks + 1)))
    assert got.messages == (depth - 1) * (2 * ticks - 1)


def test_a_task_needs_what_is_listed_before_it():
    with pytest.raises(ClaimError, match="listed before"):
        play([Task(("b",), 0, (("a",),))])


def test_devices_in_turn():
    layers = Layers([np.ones((1, 1))], [np.zeros(1)], "tanh", 0.1, jax.devices("cpu")[:1])
    assert len(set(layers.homes)) == 1
