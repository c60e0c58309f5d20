"""Deep nets of the claims: what is frozen, who reads, what an angle is."""

import numpy as np
import pytest

from sodachi.claims import deep_nets as deep
from sodachi.claims.feedback_alignment import angles
from sodachi.system import State

DEPTH, WIDTH = 4, 8


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(128, 784)).astype(np.float32)
    y = rng.integers(0, 10, 128).astype(np.int32)
    return deep.Digits(X, y, X[:100], y[:100])


def common(ticks=4):
    return deep.deep_options(DEPTH, WIDTH, 1e-3, ticks)


def test_only_the_named_weights_move(data):
    last = (f"hidden{DEPTH - 1}>label", "1>label")
    net = deep.keeping(deep.deep_net(DEPTH, common()), last)
    before = deep.born(net, 0)
    after, seconds = deep.live(net, before, data, 2, 0)
    moved = {
        name
        for name, w in before.shared["weights"].items()
        if not np.array_equal(w, after.shared["weights"][name])
    }
    assert moved == set(last) and seconds >= 0


def test_the_twin_is_read_by_the_same_reader(data):
    twin = deep.deep_twin(common())
    assert 0 <= deep.score(DEPTH, WIDTH, deep.born(twin, 0), data) <= 1


def test_angles_of_equal_and_opposite_weights():
    net = deep.deep_net(DEPTH, common(), feedback="fixed")
    shared = net.init(0).shared
    weights = dict(shared["weights"])
    for name, sign in (("hidden1>hidden2", 1), ("hidden2>hidden3", -1)):
        weights[f"{name}:back"] = sign * weights[name]
    found = angles(State({**shared, "weights": weights}, None), DEPTH)
    np.testing.assert_allclose(found[:2], [0.0, 180.0], atol=1e-5)
    assert 60 < found[2] < 120
