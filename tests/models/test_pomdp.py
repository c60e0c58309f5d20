"""A canonical network is a POMDP: the same bits both ways, the same free energy, Bayes' answers."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.conformance.samples import random_stream, tick
from sodachi.errors import SpecError
from sodachi.models import POMDP, as_pomdp, boltzmann_machine, canonical_network, from_pomdp
from sodachi.models.free_energy import (
    Moment,
    complexity,
    mean_logarithm,
    posterior,
    variational_free_energy,
)
from sodachi.models.moments import moment_of
from sodachi.observation import observe
from sodachi.system import Evidence, State

KINDS = {
    "likelihood alone": {"states": 2, "observations": 5},
    "binary": {"states": 2, "observations": 3, "transition": "state", "actions": 2},
    "of many values": {
        "states": [1, 3],
        "observations": [4, 1],
        "transition": ["state", "state:1*input:0*action"],
        "actions": [3],
        "policy": "state:1*input:1",
        "threshold_count": 5.0,
        "forgetting": 0.05,
        "delay": 1,
    },
}


def without_nudges(now):
    """A tick whose states and actions are clamped or free: a nudge is evidence beyond o."""
    told = dict(now.evidence)
    for name in set(told) - {"input"}:
        hard = np.where(np.isinf(told[name].precision), np.inf, 0.0)
        told[name] = Evidence(
            told[name].value, hard.astype(told[name].value.dtype), 0 * told[name].drive
        )
    return now._replace(evidence=told)


@cache
def lived(kind: str, dtype: str, expectation: str = "log"):
    """A network after twelve ticks of a random life, and each tick: before, observed, put out."""
    net = canonical_network(dtype=dtype, expectation=expectation, **KINDS[kind])
    stream, step, state, ticks = random_stream(net.spec, 12, 5), jax.jit(net.step), net.init(2), []
    for t in range(12):
        now = without_nudges(tick(stream, t))
        after, out = step(state, now)
        ticks.append((state, now, out))
        state = after
    return net, state, ticks


def same_bits(one, two) -> bool:
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in leaves)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_seen_as_a_pomdp_and_made_again_has_the_same_bits(kind):
    net, state, _ = lived(kind, "float32")
    again, same = from_pomdp(as_pomdp(net, state))
    assert again.spec == net.spec
    assert jax.tree.structure(same) == jax.tree.structure(state)
    assert same_bits(state, same)
    now = observe(net.spec, input=np.ones(net.spec.variable("input").shape))
    assert same_bits(jax.jit(net.step)(state, now), jax.jit(again.step)(same, now))


def by_hand():
    rng = np.random.default_rng(0)

    def tables(rows, columns):
        return tuple(tuple(rng.uniform(1, 9, (m, n)) for n in columns) for m in rows)

    return POMDP(
        a=tables((2, 3), (2, 4)),
        b=tables((2, 4), (2, 4)),
        c=tables((2, 4), (3,)),
        d=(np.array([2.0, 6.0]), np.array([1.0, 2.0, 3.0, 2.0])),
        e=(np.array([1.0, 1.0, 6.0]),),
    )


def test_a_pomdp_made_by_hand_comes_back_as_it_was():
    with jax.enable_x64(True):
        made = by_hand()
        net, state = from_pomdp(made, dtype="float64")
        back = as_pomdp(net, state)
    for letter in "abcde":
        assert same_bits(getattr(made, letter), getattr(back, letter))
    for rows in (back.A, back.B, back.C):
        assert all(np.allclose(table.sum(0), 1.0) for row in rows for table in row)
    assert [list(d) for d in back.D] == [[0.25, 0.75], [0.125, 0.25, 0.375, 0.25]]
    assert back.settings["states"] == [1, 4] and back.settings["actions"] == [3]


@pytest.mark.theory
@pytest.mark.parametrize("expectation", ["log", "digamma"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_networks_cost_is_the_free_energy_of_the_pomdp(kind, expectation):
    with jax.enable_x64(True):
        net, _, ticks = lived(kind, "float64", expectation)
        absent = clamped = 0
        for state, now, out in ticks:
            moment = moment_of(net, state, now, out)
            F = variational_free_energy(as_pomdp(net, state), moment, expectation)
            assert F == pytest.approx(float(out["energy"]), abs=1e-10)
            absent += sum(np.sum(o) < 1 for o in moment.outcomes)
            clamped += any(np.any(np.isinf(e.precision)) for e in now.evidence.values())
        assert absent and clamped


@pytest.mark.theory
@pytest.mark.parametrize("expectation", ["log", "digamma"])
def test_beliefs_are_the_pomdps_posterior(expectation):
    kind = "of many values"
    with jax.enable_x64(True):
        net, state, _ = lived(kind, "float64", expectation)
        now = observe(net.spec, input=[0, 1, 0, 0, 1], learn=False)
        _, out = jax.jit(net.step)(state, now)
        moment = moment_of(net, state, now, out)
        exact = posterior(as_pomdp(net, state), moment, expectation)
    for q, own in zip(exact, moment.states, strict=True):
        np.testing.assert_allclose(own, q, rtol=0, atol=1e-12)


@pytest.mark.theory
def test_with_a_known_past_and_learned_thresholds_the_belief_is_the_filter_of_the_hmm():
    """``x ∝ P(o|s) P(s|s′)`` with the forward transition of the very counts, by Bayes' theorem."""
    rng = np.random.default_rng(4)
    joint = rng.uniform(1, 9, (3, 3))  # how often s′ was followed by s
    a = rng.uniform(1, 9, (2, 3))
    with jax.enable_x64(True):
        made = POMDP(a=((a,),), b=((joint,),), d=(joint.sum(0),))
        net, state = from_pomdp(made, dtype="float64")
        step = jax.jit(net.step)
        for before in range(3):
            first = observe(net.spec, state=np.eye(3)[before], first=True, learn=False)
            held, _ = step(state, first)
            for o in (0, 1):
                _, out = step(held, observe(net.spec, input=[o], learn=False))
                forward = joint[before] / joint[before].sum()
                expected = (a / a.sum(0))[o] * forward
                expected /= expected.sum()
                np.testing.assert_allclose(out["state"], expected, rtol=0, atol=1e-12)
                np.testing.assert_allclose(made.forward(0, 0)[:, before], forward, atol=1e-12)


@pytest.mark.theory
def test_cells_that_are_held_leave_the_rest_to_the_others():
    """Holding one of four values at .4 scales the others' posterior to .6; at 0 it excludes it."""
    net = canonical_network(states=[4], observations=[3])
    step, state = jax.jit(net.step), net.init(4)
    free = np.asarray(step(state, observe(net.spec, input=[0, 1, 0], learn=False))[1]["state"])
    for held in (0.4, 0.0, 1.0):
        told = Evidence(np.full(4, held), np.where(np.arange(4) == 2, np.inf, 0.0), 0.0)
        _, out = step(state, observe(net.spec, input=[0, 1, 0], state=told, learn=False))
        expected = free * (1 - held) / (1 - free[2])
        expected[2] = held
        np.testing.assert_allclose(out["state"], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.theory
def test_the_first_tick_of_an_episode_knows_no_past():
    net, state, _ = lived("binary", "float32")
    step, o = jax.jit(net.step), [1.0, 0.0, 1.0]
    first = observe(net.spec, input=o, first=True, learn=False)
    _, out = step(state, first)
    _, newborn = step(State(state.shared, net.init(0).lane), first._replace(first=np.array(False)))
    _, later = step(state, observe(net.spec, input=o, learn=False))
    np.testing.assert_array_equal(out["state"], newborn["state"])
    assert np.abs(np.asarray(out["state"]) - np.asarray(later["state"])).max() > 1e-3


@pytest.mark.theory
def test_a_decision_is_judged_later_by_its_own_risk():
    """A worth m = 1 − 2Γ that comes three ticks late counts m·ψ yᵀ of the decision it is about."""
    delay, ticks = 3, 9
    net = canonical_network(
        states=1, observations=1, actions=2, policy="state", delay=delay, past_count=50.0
    )
    rng = np.random.default_rng(6)
    step, state = jax.jit(net.step), net.init(0)
    worth = rng.choice([1.0, -1.0, 0.5], ticks)
    start = np.asarray(state.shared["weights"]["policy_on_given_1"], np.float64)
    pairs, expected = [], np.zeros_like(start)
    for t in range(ticks):
        psi = np.asarray(state.lane["past"]["policy"].known * state.lane["past"]["policy"].value)
        act = np.eye(2)[rng.integers(2)]
        learn = t != 2
        now = observe(
            net.spec, state=[float(t % 2)], action=act, learn=learn,
            modulation={"policy": worth[t]},
        )  # fmt: skip
        state, _ = step(state, now)
        pairs.append(np.outer(psi, act) * learn)
        if t >= delay:
            expected += worth[t] * pairs[t - delay] * learn
    grown = np.asarray(state.shared["weights"]["policy_on_given_1"], np.float64)
    assert np.abs(expected).max() >= 1
    np.testing.assert_allclose(grown - start, expected, atol=1e-4)


@pytest.mark.theory
def test_forgetting_falls_back_to_the_prior_and_remembers_about_one_over_f_ticks():
    f, ticks = 0.2, 40
    net = canonical_network(states=1, observations=1, spread=0.0, forgetting=f, prior_count=10.0)
    step, state = jax.jit(net.step), net.init(0)
    for _ in range(ticks):
        state, _ = step(state, observe(net.spec, input=[1], state=[1]))
    n = {name: float(w[0, 0]) for name, w in state.shared["weights"].items()}
    assert n["on_given_1"] == pytest.approx(5.0 + (1 - (1 - f) ** ticks) / f, rel=1e-5)
    assert n["off_given_1"] == pytest.approx(5.0)
    for _ in range(ticks):  # nothing is observed: the memory fades
        state, _ = step(state, observe(net.spec))
    assert float(state.shared["weights"]["on_given_1"][0, 0]) == pytest.approx(5.0, rel=1e-3)


@pytest.mark.theory
def test_the_gap_between_a_mean_logarithm_and_the_logarithm_of_the_mean():
    """``ln a − ln a₀ − (ψ(a) − ψ(a₀)) → (1/a − 1/a₀)/2`` from above: as 1/count."""
    for total in (1.0, 10.0, 1000.0):
        n = total * np.array([[0.2, 0.7], [0.8, 0.3]])
        gap = mean_logarithm(n, "log") - mean_logarithm(n, "digamma")
        leading = 0.5 * (1 / n - 1 / n.sum(0))
        assert np.all(gap > leading)
        np.testing.assert_allclose(gap, leading, atol=0.2 / (n.min() ** 2))


@pytest.mark.theory
def test_counting_minimises_energy_and_complexity_together():
    """With digamma, ``F(a) = KL[a ‖ a⁰] − Σ s·ψ(a)-means·o`` is least where counting puts a."""
    rng = np.random.default_rng(1)
    prior, s = np.array([[2.0, 1.0], [1.0, 3.0]]), rng.random(30)
    o = rng.integers(0, 2, 30)
    told = np.array([[np.sum((o == i) * q) for q in (1 - s, s)] for i in (0, 1)])

    def F(a):
        fixed = POMDP(a=((prior,),), log_D=(np.log([0.5, 0.5]),))
        cost = complexity(POMDP(a=((a,),), log_D=fixed.log_D), fixed)
        return cost - np.sum(told * mean_logarithm(a, "digamma"))

    best = F(prior + told)
    for _ in range(50):
        assert F((prior + told) * np.exp(0.2 * rng.normal(size=(2, 2)))) > best


def test_what_is_no_pomdp_is_refused():
    made, net = by_hand(), canonical_network(states=1, observations=2)
    wrong = [
        POMDP(a=()),
        POMDP(a=((np.ones((1, 2)),),)),
        POMDP(a=((np.full((2, 2), np.nan),),)),
        POMDP(a=((np.zeros((2, 2)),),)),
        POMDP(a=((np.ones((2, 2)), np.ones((3, 2))),)),
        POMDP(a=made.a, b=made.b[:1]),
        POMDP(a=made.a, log_D=(np.zeros(2),)),
    ]
    for pomdp in wrong:
        with pytest.raises(SpecError):
            from_pomdp(pomdp)
    for system in (boltzmann_machine(units=3), minibatch(net, 2)):
        with pytest.raises(SpecError, match="canonical_network"):
            as_pomdp(system, system.init(0))
    with pytest.raises(SpecError, match="outcomes"):
        variational_free_energy(as_pomdp(net, net.init(0)), Moment([[0.5, 0.5]], [[1, 0]]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"transition": "nobody"},
        {"transition": "state:7"},
        {"transition": ["state", "state:0"]},
        {"transition": "state*state"},
        {"transition": 3},
        {"actions": -1},
        {"states": [0, 2]},
        {"states": []},
        {"delay": -1},
        {"forgetting": 1.0},
        {"past_count": 0.0},
        {"threshold_count": -1.0},
        {"habit": 1.0},
        {"expectation": "mean"},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(SpecError):
        canonical_network(**wrong)


def test_lanes_of_a_minibatch_count_together():
    net = canonical_network(states=1, observations=2, actions=1, transition="state")
    lanes, one = minibatch(net, 2), net.init(3)
    rng = np.random.default_rng(2)
    o, s = rng.integers(0, 2, (4, 2, 2)), rng.integers(0, 2, (4, 2, 1))
    state, alone = lanes.init(3), [one, one]
    for t in range(4):
        state, _ = jax.jit(lanes.step)(
            state, observe(lanes.spec, input=o[t], state=s[t], action=s[t])
        )
        alone = [jax.jit(net.step)(alone[i], observe(net.spec, input=o[t, i], state=s[t, i],
                 action=s[t, i]))[0] for i in (0, 1)]  # fmt: skip
    for name, grown in state.shared["weights"].items():
        added = sum(a.shared["weights"][name] - one.shared["weights"][name] for a in alone)
        np.testing.assert_allclose(grown - one.shared["weights"][name], added, atol=1e-5)
    assert jnp.abs(added).max() > 0
