"""Pools: only the active world's units are computed, and what the others know is not touched."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import hold, minibatch
from sodachi.errors import SpecError
from sodachi.models.mixture import settling_mixture
from sodachi.observation import observe

RNG = np.random.default_rng(0)
CENTRES = RNG.uniform(0, 1, (3, 2, 32)).astype(np.float32)


def sample(world, rng):
    y = int(rng.integers(2))
    return CENTRES[world, y] + 0.05 * rng.normal(size=32).astype(np.float32), y


@pytest.fixture(scope="module")
def lived():
    """Three worlds, the first of which returns; the state and context at the end of each."""
    net = settling_mixture(inputs=32, labels=2, units=6, contexts=4, pool=True, beta=3.0)
    step = jax.jit(hold(net, 5).step)
    rng = np.random.default_rng(0)
    state, ends = net.init(0), []
    for world in (0, 1, 2, 0):
        contexts = []
        for _ in range(60):
            x, y = sample(world, rng)
            state, out = step(state, observe(net.spec, input=x, label=y))
            contexts.append(int(out["context"]))
        ends.append((state, contexts[-1]))
    return net, ends


def test_every_world_has_units_of_its_own_and_a_return_finds_them(lived):
    _, ends = lived
    contexts = [context for _, context in ends]
    assert len(set(contexts[:3])) == 3 and contexts[3] == contexts[0]
    owner = np.asarray(ends[3][0].shared["structure"]["owner"])
    assert all(set(row[row >= 0]) <= {place} for place, row in enumerate(owner))


def test_a_world_that_is_not_lived_in_keeps_every_bit(lived):
    _, ends = lived
    # While the third world begins, the network is a few samples long still in the second.
    for place, before, after in ((0, 1, 2), (1, 2, 3)):
        one, other = ends[before][0].shared, ends[after][0].shared
        for name in ("input", "label"):
            was, now = (np.asarray(x["weights"][name])[ends[place][1]] for x in (one, other))
            np.testing.assert_array_equal(was, now)


def test_growing_doubles_the_contexts_and_changes_no_answer(lived):
    net, ends = lived
    state = ends[3][0]
    rng = np.random.default_rng(3)
    assert net.grow(state) is state  # one context is still free
    step = jax.jit(hold(net, 5).step)
    for _ in range(60):
        x = RNG.uniform(0, 1, 32) * 0.02 + np.linspace(-4, -3, 32)
        state, _ = step(state, observe(net.spec, input=x, label=int(rng.integers(2))))
    larger = net.grow(state)
    assert larger.shared["weights"]["input"].shape == (8, 32, 6)
    np.testing.assert_array_equal(
        larger.shared["weights"]["input"][:4], state.shared["weights"]["input"]
    )
    one, other = (net.step(s, observe(net.spec, input=x))[1] for s in (state, larger))
    np.testing.assert_array_equal(one["label"], other["label"])
    contexts = []
    for _ in range(60):  # a world more
        x = RNG.uniform(0, 1, 32) * 0.02 + np.linspace(4, 3, 32)
        larger, out = step(larger, observe(net.spec, input=x, label=int(rng.integers(2))))
        contexts.append(int(out["context"]))
    assert np.isfinite(np.asarray(larger.shared["weights"]["input"])).all()
    assert contexts[-1] not in {context for _, context in ends}


def test_of_lanes_in_two_worlds_one_world_learns_a_tick(lived):
    net, ends = lived
    state = ends[2][0]
    lanes = minibatch(net, 2)
    view = [ends[0][1], ends[2][1]]
    lane = jax.tree.map(lambda a: jnp.stack([a, a]), state.lane)
    lane["view"]["current"] = jnp.array(view, jnp.int32)
    rng = np.random.default_rng(5)
    (x, y), (other, label) = sample(0, rng), sample(2, rng)
    told = observe(lanes.spec, input=np.stack([x, other]), label=np.array([y, label]))
    after, out = lanes.step(state._replace(lane=lane), told)
    assert np.asarray(out["context"]).tolist() == view  # each lane lives in its own
    moved = np.asarray(after.shared["weights"]["input"]) != np.asarray(
        state.shared["weights"]["input"]
    )
    assert np.flatnonzero(moved.any((1, 2))).tolist() == [view[0]]


def test_pools_need_contexts():
    with pytest.raises(SpecError, match="contexts"):
        settling_mixture(pool=True)
