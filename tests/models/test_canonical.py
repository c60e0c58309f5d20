"""The canonical network against Bayes' theorem, its own energy, and the data that teach it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import hold, minibatch
from sodachi.core.connections import Dense
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.models.beliefs import helmholtz
from sodachi.models.canonical import canonical_network
from sodachi.observation import observe
from sodachi.rules.counting import counting
from sodachi.running import run
from sodachi.system import Evidence, build

OBSERVATIONS = 6


def likelihoods(seed=0, states=2):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 0.9, (2, OBSERVATIONS, states))


def believing(state, a1, a0, count=1000.0):
    """The state with counts that make p(o = 1 | s) these likelihoods."""
    counts = {
        "on_given_1": count * a1,
        "off_given_1": count * (1 - a1),
        "on_given_0": count * a0,
        "off_given_0": count * (1 - a0),
    }
    dtype = state.shared["weights"]["on_given_1"].dtype
    weights = {name: jnp.asarray(n, dtype) for name, n in counts.items()}
    return state._replace(shared={**state.shared, "weights": weights})


def posterior(a1, a0, prior, o, known):
    """p(s = 1 | o) of each two-state model, from products of probabilities."""
    o = o[:, None]
    each1, each0 = a1**o * (1 - a1) ** (1 - o), a0**o * (1 - a0) ** (1 - o)
    joint1 = prior * np.prod(each1[known], axis=0)
    joint0 = (1 - prior) * np.prod(each0[known], axis=0)
    return joint1 / (joint1 + joint0)


@pytest.mark.theory
@pytest.mark.parametrize("missing", [0, 3])
def test_fixed_point_is_the_posterior(missing):
    with jax.enable_x64(True):
        net = canonical_network(observations=OBSERVATIONS, prior=0.3, dtype="float64")
        a1, a0 = likelihoods()
        o = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
        known = np.arange(OBSERVATIONS) >= missing
        evidence = Evidence(o, np.where(known, np.inf, 0.0), 0.0)
        state = believing(net.init(0), a1, a0)
        _, out = net.step(state, observe(net.spec, input=evidence, learn=False))
        assert np.allclose(out["state"], posterior(a1, a0, 0.3, o, known), rtol=0, atol=1e-10)
        assert float(out["residual"]) < 1e-10
        # At the minimum F is minus the log evidence of both models together.
        each = [a ** o[:, None] * (1 - a) ** (1 - o[:, None]) for a in (a1, a0)]
        joint = 0.3 * np.prod(each[0][known], 0) + 0.7 * np.prod(each[1][known], 0)
        assert float(out["energy"]) == pytest.approx(-np.log(joint).sum(), abs=1e-10)


@pytest.mark.theory
def test_the_dynamics_are_minus_the_gradient_of_the_energy():
    rate, step = 0.125, 1e-6
    with jax.enable_x64(True):
        net = canonical_network(observations=OBSERVATIONS, prior=0.4, rate=rate, dtype="float64")
        a1, a0 = likelihoods(1)
        o = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
        told = Evidence(np.array([0.9, 0.0]), np.array([1.5, 0.0]), np.array([0.0, 0.3]))
        observation = observe(net.spec, input=o, state=told, learn=False)
        state = believing(net.init(0), a1, a0)
        after, _ = net.step(state, observation)
        before = np.asarray(state.lane["activity"]["membrane"])
        velocity = (np.asarray(after.lane["activity"]["membrane"]) - before) / rate

        one = np.log(0.4 * np.prod(a1 ** o[:, None] * (1 - a1) ** (1 - o[:, None]), 0))
        zero = np.log(0.6 * np.prod(a0 ** o[:, None] * (1 - a0) ** (1 - o[:, None]), 0))
        field = np.array([1.5 * (0.9 - 0.5), 0.3])
        x = 1 / (1 + np.exp(-before))

        def energy(x):
            return np.sum(x * (np.log(x) - one) + (1 - x) * (np.log(1 - x) - zero) - field * x)

        slopes = [(energy(x + d) - energy(x - d)) / (2 * step) for d in step * np.eye(2)]
        assert np.allclose(velocity, -np.array(slopes), atol=1e-7)
        automatic = jax.grad(helmholtz)(jnp.asarray(x), one, zero, field)
        assert np.allclose(velocity, -automatic, atol=1e-12)
        assert float(helmholtz(jnp.asarray(x), one, zero, field)) == pytest.approx(energy(x))


@pytest.mark.theory
def test_energy_falls_while_settling_on_a_fixed_input():
    with jax.enable_x64(True):
        slow = canonical_network(observations=OBSERVATIONS, rate=0.2, dtype="float64")
        net = hold(slow, 60, every=True)
        observation = observe(net.spec, input=[1, 1, 0, 0, 1, 0], learn=False)
        _, out = net.step(believing(net.init(0), *likelihoods(2)), observation)
    energy, residual = np.asarray(out["energy"]), np.asarray(out["residual"])
    assert np.all(np.diff(energy) <= 1e-12) and energy[0] - energy[-1] > 0.1
    assert residual[-1] < 1e-4


@pytest.mark.theory
def test_counts_learn_the_likelihood_they_are_shown():
    lanes, ticks = 8, 250
    net = minibatch(canonical_network(observations=OBSERVATIONS, states=1, prior_count=1.0), lanes)
    a1, a0 = likelihoods(3, states=1)
    rng = np.random.default_rng(4)
    s = (rng.random((ticks, lanes, 1)) < 0.5).astype(np.float32)
    chance = np.where(s > 0, a1[:, 0], a0[:, 0])
    o = (rng.random(chance.shape) < chance).astype(np.float32)
    state, _ = run(net, chunk=250)(net.init(0), observe(net.spec, steps=ticks, input=o, state=s))
    n = {name: np.asarray(w) for name, w in state.shared["weights"].items()}
    for k, truth in (("1", a1), ("0", a0)):
        total = n[f"on_given_{k}"] + n[f"off_given_{k}"]
        learnt = n[f"on_given_{k}"] / total
        assert np.all(np.abs(learnt - truth) <= 3.5 * np.sqrt(truth * (1 - truth) / total) + 1e-3)
    # Nothing is lost or made: one count an observation and tick, and the prior counts.
    assert np.allclose(sum(n.values()), lanes * ticks + 2.0, rtol=1e-6)


@pytest.mark.theory
def test_hidden_states_are_found_without_being_told():
    ticks = 1500
    net = canonical_network(states=1, observations=8, prior_count=20.0, spread=0.02)
    rng = np.random.default_rng(5)
    s = rng.random(ticks) < 0.5
    chance = np.where(s[:, None] == (np.arange(8) < 4), 0.9, 0.1)
    o = (rng.random((ticks, 8)) < chance).astype(np.float32)
    state, out = run(net, ("state",), chunk=500)(
        net.init(1), observe(net.spec, steps=ticks, input=o)
    )
    found = out["state"][-500:, 0] > 0.5
    agreement = np.mean(found == s[-500:])
    # Bayes' own error with eight observations at .9 and .1 (ties broken by coin) is .0027.
    assert max(agreement, 1 - agreement) > 0.97
    n = state.shared["weights"]
    learnt = np.asarray(n["on_given_1"] / (n["on_given_1"] + n["off_given_1"]))[:, 0]
    truth = np.where((np.arange(8) < 4) == (agreement > 0.5), 0.9, 0.1)
    assert np.all(np.abs(learnt - truth) < 0.08)


@pytest.mark.theory
def test_large_counts_lose_nothing():
    rule, pair = counting(), Dense((1,), (1,))
    n = jnp.full((1, 1), 1e7)

    def add(carry, _):
        n, s = carry
        return plastic(
            rule,
            pair,
            n,
            s,
            {"state": jnp.ones(1)},
            {"event": jnp.full(1, 0.3)},
            learn=True,
            clock=0.0,
        ), None

    start = (n, start_synapses(rule, n))
    (n, s), _ = jax.jit(lambda c: jax.lax.scan(add, c, None, 10_000))(start)
    gained = float(n[0, 0]) - 1e7 + float(s["carry"][0, 0])
    assert gained == pytest.approx(10_000 * float(np.float32(0.3)), abs=0.01)


def test_a_negative_modulation_uncounts_but_never_below_the_least():
    net = canonical_network(states=1, observations=2, prior_count=1.0, spread=0.0)
    step, state = jax.jit(net.step), net.init(0)
    o = observe(net.spec, input=[1, 0], state=[1], modulation={"counts": -1.0})
    for _ in range(3):
        state, out = step(state, o)
    assert float(state.shared["weights"]["on_given_1"][0, 0]) == pytest.approx(1e-3)
    assert np.isfinite(float(out["energy"]))


def test_without_learning_no_slow_bit_moves():
    net = canonical_network(observations=OBSERVATIONS)
    before = net.init(0)
    after, _ = jax.jit(net.step)(
        before, observe(net.spec, input=np.ones(OBSERVATIONS), learn=False)
    )
    leaves = zip(jax.tree.leaves(before.shared), jax.tree.leaves(after.shared), strict=True)
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in leaves)


def test_what_is_no_number_never_reaches_a_weight():
    net = canonical_network(observations=OBSERVATIONS)
    o = observe(net.spec, input=np.ones(OBSERVATIONS), state=[1, 0])
    bad = {n: Evidence(np.full_like(e.value, np.nan), *e[1:]) for n, e in o.evidence.items()}
    state, _ = jax.jit(net.step)(net.init(0), o._replace(evidence=bad))
    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
    assert all(np.all(np.isfinite(x)) for x in floats)


def test_it_is_built_again_from_its_spec():
    net = canonical_network(states=3, observations=5)
    assert build(net.spec).spec == net.spec


@pytest.mark.parametrize(
    "wrong",
    [
        {"states": 0},
        {"prior": 1.0},
        {"rate": 0.0},
        {"prior_count": 0.0},
        {"least": 0.0},
        {"spread": 0.5},
        {"dtype": "float16"},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(SpecError):
        canonical_network(**wrong)
