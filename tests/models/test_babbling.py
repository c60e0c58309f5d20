"""Babbling: what noise teaches a feedback synapse, against the expectation in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.errors import SpecError
from sodachi.models import babble, settling_graph, settling_net
from sodachi.models.babbling import moments


def angle(a, b):
    """Angle between two arrays, in degrees."""
    a, b = np.ravel(a), np.ravel(b)
    return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


@pytest.mark.theory
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_feedback_becomes_the_forward_weights_it_never_saw(activation):
    """The angle is that of the estimate's own noise, which falls as one over the root of n."""
    net = settling_net(
        layers=(20, 16, 16, 4), direction="up", activation=activation, feedback="kolen_pollack"
    )
    born = net.init(0)
    edge = "hidden1>hidden2"
    found = []
    for ticks in (50, 800):
        weights = babble(net, born, seed=1, ticks=ticks).shared["weights"]
        found.append(angle(weights[edge], weights[f"{edge}:back"]))
    assert angle(born.shared["weights"][edge], born.shared["weights"][f"{edge}:back"]) > 60
    assert found[0] / found[1] == pytest.approx(4.0, rel=0.25) and found[1] < 3
    patterns, fan_out = 800 * 64, 16
    _, variance = moments(activation)
    noise = np.sqrt((1 + fan_out * variance / 16) / (patterns * variance))  # of one weight
    weights = babble(net, born, seed=1, ticks=800).shared["weights"]
    gap = np.asarray(weights[edge] - weights[f"{edge}:back"])
    assert gap.std() == pytest.approx(noise, rel=0.25)


@pytest.mark.theory
def test_a_convolution_is_mirrored_too():
    net = settling_graph(
        populations=[["input", [8, 8, 2]], ["field", [4, 4, 3], "tanh"], ["label", [2]]],
        edges=[["input", "field", {"kind": "convolution", "size": 2, "stride": 2}],
               ["field", "label"]],
        feedback="fixed",
    )  # fmt: skip
    weights = babble(net, net.init(0), seed=0, ticks=200).shared["weights"]
    np.testing.assert_allclose(
        weights["input>field:back"], weights["input>field"], atol=6 / np.sqrt(200 * 64 * 16)
    )


@pytest.mark.unit
def test_nothing_but_feedback_moves_and_chance_is_the_seed():
    net = settling_net(layers=(6, 5, 4), direction="both", feedback="own_gradient")
    state = minibatch(net, 3).init(0)
    one, same, other = (babble(net, state, seed, ticks=5) for seed in (1, 1, 2))
    for name, w in state.shared["weights"].items():
        assert np.array_equal(w, one.shared["weights"][name]) == (not name.endswith(":back"))
        assert np.array_equal(one.shared["weights"][name], same.shared["weights"][name])
    assert not np.array_equal(
        one.shared["weights"]["input>hidden1:back"], other.shared["weights"]["input>hidden1:back"]
    )
    jax.tree.map(np.testing.assert_array_equal, one.shared["synapses"], state.shared["synapses"])
    assert jnp.array_equal(one.shared["clock"], state.shared["clock"])


@pytest.mark.unit
def test_a_net_without_feedback_of_its_own_cannot_babble():
    tied = settling_net(layers=(4, 3, 2))
    with pytest.raises(SpecError, match="feedback"):
        babble(tied, tied.init(0), seed=0)
