"""SwiftTD against its equations, written out in scalars, and against what values really are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi import observe, run
from sodachi.errors import SpecError
from sodachi.models.swift_td import swift_td

SETTINGS = {
    "inputs": 3,
    "discount": 0.8,
    "decay": 0.7,
    "rate": 0.02,
    "meta_rate": 0.05,
    "bound": 0.2,
    "cooling": 0.9,
}


def _reference(X, rewards, *, inputs, discount, decay, rate, meta_rate, bound, cooling):
    """The published pseudocode, one synapse after another in float64; weights after each tick."""
    w, z, latest, p, z_bar, h, h_next = (np.zeros(inputs) for _ in range(7))
    beta = np.full(inputs, np.log(rate))
    v_old, v_delta, lived = 0.0, 0.0, []
    for x, r in zip(X, rewards, strict=True):
        v = sum(w[i] * x[i] for i in range(inputs))
        delta = r + discount * v - v_old
        dw, h_old = np.zeros(inputs), np.zeros(inputs)
        for i in range(inputs):
            dw[i] = delta * z[i] - latest[i] * v_delta
            w[i] += dw[i]
            beta[i] += meta_rate / (np.exp(beta[i]) + 1e-8) * (delta - v_delta) * p[i]
            beta[i] = min(beta[i], np.log(bound))
            h_old[i] = h[i]
            h[i] = h_next[i] + delta * z_bar[i] - latest[i] * v_delta
            z[i], p[i], z_bar[i] = (discount * decay * t[i] for t in (z, p, z_bar))
        v_delta = float(dw @ x)
        tau = sum(np.exp(beta[i]) * x[i] ** 2 for i in range(inputs))
        b = sum(z[i] * x[i] for i in range(inputs))
        for i in range(inputs):
            latest[i] = min(1.0, bound / tau) * np.exp(beta[i]) * x[i]
            z[i] += latest[i] * (1 - b)
            p[i] += h_old[i] * x[i]
            z_bar[i] += latest[i] * (1 - b - z_bar[i] * x[i])
            h_next[i] = h[i] - h_old[i] * x[i] * (z[i] - latest[i]) - h[i] * latest[i] * x[i]
            if tau > bound:
                h_next[i] = h[i] = z_bar[i] = 0.0
                beta[i] += np.log(cooling) * x[i] ** 2
        v_old = v
        lived.append(w.copy())
    return np.array(lived), beta


@pytest.mark.theory
@pytest.mark.parametrize("scale", [0.5, 3.0])  # within the bound, and beyond it now and then
def test_swift_td_is_its_papers_pseudocode(scale):
    rng = np.random.default_rng(1)
    X, rewards = (
        a.astype(np.float32).astype(float)
        for a in (scale * rng.normal(size=(60, 3)), rng.normal(size=60))
    )
    expected, beta = _reference(X, rewards, **SETTINGS)
    net = swift_td(**SETTINGS)
    stream = observe(net.spec, steps=60, first=np.zeros(60, bool), input=X, reward=rewards[:, None])

    def one(state, seen):
        state, _ = net.step(state, seen)
        return state, state.shared["weights"]["input>value"][:, 0]

    with jax.enable_x64(True):
        state, lived = jax.jit(lambda s, o: jax.lax.scan(one, s, o))(net.init(0), stream)
        lived, state = np.asarray(lived), jax.tree.map(np.asarray, state)
    np.testing.assert_allclose(lived, expected, rtol=1e-9, atol=1e-12)
    assert np.abs(expected[-1]).max() > 0.05
    cooled = np.log(SETTINGS["cooling"]) * X[-1] ** 2  # the last tick's is still to come
    beyond = float(state.lane["cell"]["beyond"][0])
    log_step = state.shared["synapses"]["input>value"]["log_step"][:, 0]
    np.testing.assert_allclose(log_step + beyond * cooled, beta, rtol=1e-9)


@pytest.mark.theory
def test_values_of_a_random_walk_are_found():
    """Five places in a row, left or right at random, reward 1 at the right end: values k/6."""
    rng = np.random.default_rng(0)
    inputs, rewards, first = [], [], []
    for _ in range(600):
        place, begins = 2, True
        while 0 <= place < 5:
            inputs.append(np.eye(5)[place])
            rewards.append(0.0)
            first.append(begins)
            place, begins = place + rng.choice((-1, 1)), False
        inputs.append(np.zeros(5))
        rewards.append(float(place == 5))
        first.append(False)
    net = swift_td(inputs=5, discount=1.0, decay=0.8, rate=0.05, meta_rate=1e-3, bound=0.5)
    stream = observe(
        net.spec,
        steps=len(first),
        first=np.array(first),
        input=np.array(inputs),
        reward=np.array(rewards)[:, None],
    )
    state, _ = run(net)(net.init(0), stream)
    found = np.asarray(state.shared["weights"]["input>value"])[:, 0]
    np.testing.assert_allclose(found, np.arange(1, 6) / 6, atol=0.12)


def test_a_huge_rate_does_not_diverge():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(3000, 20)), rng.normal(size=20)
    net = swift_td(inputs=20, discount=0.0, decay=0.0, rate=0.5, bound=0.5)
    rewards = np.r_[0.0, (X @ w)[:-1]][:, None]
    stream = observe(net.spec, steps=3000, first=np.zeros(3000, bool), input=X, reward=rewards)
    state, _ = run(net)(net.init(0), stream)
    np.testing.assert_allclose(state.shared["weights"]["input>value"][:, 0], w, atol=0.05)


def test_an_episode_begins_without_a_memory_and_no_reward_teaches_nothing():
    net = swift_td(inputs=2, rate=0.1)
    state = net.init(0)
    state, _ = net.step(state, observe(net.spec, input=[1.0, 0.0], reward=[0.0]))
    begun, _ = net.step(state, observe(net.spec, first=True, input=[0.0, 1.0], reward=[5.0]))
    assert not np.asarray(begun.shared["weights"]["input>value"]).any()
    silent, _ = net.step(state, observe(net.spec, first=False, input=[0.0, 1.0]))
    for a, b in zip(jax.tree.leaves(silent.lane), jax.tree.leaves(state.lane), strict=True):
        np.testing.assert_array_equal(a, b)
    taught, _ = net.step(state, observe(net.spec, first=False, input=[0.0, 1.0], reward=[5.0]))
    assert float(taught.shared["weights"]["input>value"][0, 0]) == pytest.approx(0.5)
    assert jnp.isfinite(taught.lane["traces"]["trace"]).all()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"inputs": 0}, "inputs"),
        ({"discount": 1.5}, "discount"),
        ({"decay": -0.1}, "decay"),
        ({"rate": 0.0}, "rate"),
        ({"rate": 0.5}, "rate"),
        ({"bound": 0.0}, "bound"),
        ({"meta_rate": -1.0}, "meta_rate"),
        ({"cooling": 0.0}, "cooling"),
    ],
)
def test_wrong_arguments_are_refused(wrong, field):
    with pytest.raises(SpecError) as caught:
        swift_td(**wrong)
    assert caught.value.field == field
