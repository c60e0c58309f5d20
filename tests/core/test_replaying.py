"""Replay against a minibatch of the same samples, and its memories against what they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi import minibatch, observe, replicate, settling_mixture
from sodachi.core.lanes import common_key
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.models.backprop import backprop_net
from sodachi.replaying import replay
from sodachi.system import build

LAYERS = (3, 5, 4)
RNG = np.random.default_rng(0)
X = RNG.uniform(size=(20, 3)).astype("f4")
Y = RNG.integers(0, 4, 20)
NET = backprop_net(layers=LAYERS, rate=0.02)


@pytest.mark.theory
def test_a_lesson_is_one_step_on_a_minibatch_of_the_new_and_the_drawn():
    system = replay(NET, capacity=5, repeats=3, keep="recent")
    batch = minibatch(NET, 4)
    state, step, learn = system.init(1), jax.jit(system.step), jax.jit(batch.step)
    for i in range(12):
        memory = state.shared["structure"]
        stored = min(int(memory["seen"]), 5)
        key = common_key(state.lane["key"], jnp.array(True), state.shared["clock"])
        place = jax.random.randint(named_key(key, "draw"), (3,), 0, max(stored, 1))
        xs = np.concatenate([X[i][None], memory["samples"]["input"][place]])
        ys = np.concatenate([[Y[i]], memory["samples"]["label"][place]])
        told = observe(batch.spec, input=xs, label=ys, learn=[True] + [stored > 0] * 3)
        expected, _ = learn(batch.init(0)._replace(shared=state.shared["inner"]), told)
        _, answer = NET.step(NET.init(0)._replace(shared=state.shared["inner"]),
                             observe(NET.spec, input=X[i]))  # fmt: skip
        state, output = step(state, observe(system.spec, input=X[i], label=int(Y[i])))
        assert np.allclose(output["label"], answer["label"], atol=1e-6)
        for name, array in expected.shared["weights"].items():
            assert np.allclose(state.shared["inner"]["weights"][name], array, atol=1e-6), name


@pytest.mark.unit
def test_recent_keeps_the_last_samples():
    system = replay(NET, capacity=6, keep="recent")
    state, step = system.init(0), jax.jit(system.step)
    for x, y in zip(X, Y, strict=True):
        state, _ = step(state, observe(system.spec, input=x, label=int(y)))
    samples = state.shared["structure"]["samples"]
    order = [(14 + i) for i in (4, 5, 0, 1, 2, 3)]  # 18 and 19 lie where 12 and 13 did
    assert np.array_equal(samples["input"], X[order])
    assert np.array_equal(samples["label"], Y[order])


@pytest.mark.theory
def test_a_reservoir_holds_every_sample_of_the_life_with_one_probability():
    lives, capacity = 1500, 5
    system = replicate(replay(NET, capacity=capacity), lives)
    step, state = jax.jit(system.step), system.init(0)
    for i, x in enumerate(X):
        told = np.broadcast_to(x, (lives, 3)), np.full(lives, Y[i])
        state, _ = step(state, observe(system.spec, input=told[0], label=told[1]))
    held = np.array(state.shared["structure"]["samples"]["input"])
    counts = np.array([(held == x).all(-1).any(-1).sum() for x in X])
    assert counts.sum() == lives * capacity  # never one twice
    # Binomial with p = 1/4: a standard deviation of 16.8 about 375.
    assert np.abs(counts - lives * capacity / len(X)).max() < 4.5 * 16.8
    assert len(np.unique(counts)) > 1


@pytest.mark.unit
@pytest.mark.parametrize(
    "given",
    [
        {"input": X[1]},
        {"input": X[1], "label": 1, "learn": False},
    ],
)
def test_nothing_moves_without_a_label_or_without_learn(given):
    system = replay(NET, capacity=4, repeats=2)
    step = jax.jit(system.step)
    state, _ = step(system.init(0), observe(system.spec, input=X[0], label=3))
    after, _ = step(state, observe(system.spec, **given))
    for part in (("structure",), ("inner", "weights"), ("inner", "synapses")):
        old, new = state.shared, after.shared
        for name in part:
            old, new = old[name], new[name]
        for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.unit
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_what_observe_would_refuse_is_never_remembered(value):
    system = replay(NET, capacity=4, repeats=2)
    step = jax.jit(system.step)
    state, _ = step(system.init(0), observe(system.spec, input=X[0], label=3))
    bad = observe(system.spec, input=X[1], label=1)
    broken = bad.evidence["input"]._replace(value=np.full(3, value, "f4"))
    after, _ = step(state, bad._replace(evidence=bad.evidence | {"input": broken}))
    assert int(after.shared["structure"]["seen"]) == 1
    held = after.shared["structure"]["samples"]["input"]
    assert np.array_equal(held, state.shared["structure"]["samples"]["input"])


@pytest.mark.unit
def test_lanes_share_a_memory_and_are_stored_in_their_order():
    many = minibatch(replay(NET, capacity=6, repeats=1, keep="recent"), 8)
    learns = np.array([True] * 7 + [False])
    told = observe(many.spec, input=X[:8], label=Y[:8], learn=learns)
    state, _ = jax.jit(many.step)(many.init(0), told)
    memory = state.shared["structure"]
    # Seven samples into six places from place 0: sample 6 lies where sample 0 would.
    assert np.array_equal(memory["samples"]["input"], X[[6, 1, 2, 3, 4, 5]])
    assert int(memory["next"]) == 1 and int(memory["seen"]) == 7


@pytest.mark.unit
def test_the_spec_builds_the_same_system_again():
    system = replay(NET, capacity=4, repeats=2, keep="recent")
    assert build(system.spec).spec == system.spec
    assert "stochastic" in system.spec.capabilities


@pytest.mark.unit
@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("capacity", lambda: replay(NET, 0)),
        ("repeats", lambda: replay(NET, 1, 0)),
        ("keep", lambda: replay(NET, 1, 1, "best")),
        ("inner", lambda: replay(minibatch(NET, 2), 1)),
        ("inner", lambda: replay(settling_mixture(inputs=2, labels=2), 1)),
    ],
)
def test_a_wrong_argument_is_named(field, make):
    with pytest.raises(SpecError) as error:
        make()
    assert error.value.field == field
