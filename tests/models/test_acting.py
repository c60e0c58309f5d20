"""The growing actor: three factors by hand, births where it is new, worlds known by effects."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.claims.policy_lives import figures, life
from sodachi.errors import SpecError
from sodachi.models.acting import growing_actor
from sodachi.models.backprop_actor import backprop_actor
from sodachi.models.percept import sensed
from sodachi.models.swift_actor import swift_actor
from sodachi.observation import observe

SMALL = {"inputs": 2, "units": 3, "contexts": 1}


def lived(agent, ticks, seed=0):
    """The state after ticks of (input, reward, options), and every output."""
    state, step, outputs = agent.init(seed), jax.jit(agent.step), []
    for x, reward, options in ticks:
        ended = [float(options.pop("ended", 0.0))]
        seen = observe(agent.spec, input=x, ended=ended, modulation={"reward": reward}, **options)
        state, out = step(state, seen)
        outputs.append(jax.tree.map(np.asarray, out))
    return state, outputs


@pytest.mark.theory
def test_values_and_preferences_move_by_the_three_factors():
    γ, λ, α, β = 0.9, 0.5, 0.2, 0.4
    agent = growing_actor(
        **SMALL, reach=1.0, discount=γ, decay=λ, value_rate=α, action_rate=β, firmness=9.0
    )
    a, b = np.array([0.0, 0.0]), np.array([2.0, -2.0])
    rewards = [0.0, 1.0, -0.5, 2.0, 0.25]
    ticks = [(x, r, {}) for x, r in zip((a, b, a, b, b), rewards, strict=True)]
    ticks[0][2]["first"] = True
    state, outputs = lived(agent, ticks)

    # By hand, in NumPy: two places, each its own unit.
    m = np.stack([np.asarray(sensed(jnp.asarray(x), (1.0, 1.0))) for x in (a, b)])
    V, A = np.zeros(2), np.zeros((2, 2))
    zv, za, before, live = np.zeros(2), np.zeros((2, 2)), None, np.zeros(2, bool)
    for (x, r, _), out in zip(ticks, outputs, strict=True):
        place = np.asarray(sensed(jnp.asarray(x), (1.0, 1.0)))

        def here(place=place):
            pull = np.where(live, np.exp(-5.0 * ((m - place) ** 2).sum(1)), 0.0)
            return pull / pull.sum() if live.any() else pull

        k = int((x != 0).any())
        if not live[k]:
            V[k], A[:, k] = V @ here(), A @ here()
            live[k] = True
        h = here()
        if before is not None:
            error = r + γ * V @ h - before
            assert out["residual"] == pytest.approx(abs(error), abs=1e-6)
            V, A = V + α * error * zv, A + β * error * za
        before = V @ h
        policy = np.exp(A @ h) / np.exp(A @ h).sum()
        zv = γ * λ * zv + h
        za = γ * λ * za + np.outer(out["action"] - policy, h)
        assert out["value"][0] == pytest.approx(before, abs=1e-6)
    weights = state.shared["weights"]
    np.testing.assert_allclose(weights["value"][0, 0, :2], V, atol=1e-6)
    np.testing.assert_allclose(weights["action"][0, :, :2], A, atol=1e-6)
    assert int(outputs[-1]["live"]) == 2


@pytest.mark.unit
def test_an_end_is_worth_nothing_and_a_new_episode_teaches_nothing():
    agent = growing_actor(**SMALL, discount=0.9, decay=0.0, value_rate=1.0)
    x = [0.5, 0.5]
    ticks = [(x, 0.0, {}), (x, -1.0, {"ended": True}), (x, 5.0, {"first": True})]
    state, outputs = lived(agent, ticks)
    assert outputs[1]["residual"] == pytest.approx(1.0)  # −1 + 0 − 0
    assert outputs[2]["residual"] == 0.0
    assert float(state.shared["weights"]["value"].min()) == pytest.approx(-1.0)


@pytest.mark.unit
def test_units_are_born_where_it_is_new_and_the_least_used_makes_room():
    agent = growing_actor(**SMALL, reach=0.3, maturity=3)
    places = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    state, outputs = lived(agent, [(p, 0.0, {}) for p in places * 3])
    assert [bool(out["birth"]) for out in outputs] == [True] * 3 + [False] * 6
    ticks = [(p, 0.0, {}) for p in [*places, *[places[0]] * 4, *[places[1]] * 4, [-1.0, -1.0]]]
    state, outputs = lived(agent, ticks)
    assert bool(outputs[-1]["birth"]) and int(outputs[-1]["live"]) == 3
    units = np.asarray(state.shared["weights"]["input"][0])
    kept = np.asarray(sensed(jnp.asarray(places[0]), (1.0, 1.0)))
    assert np.abs(units.T - kept).sum(1).min() < 1e-6  # where it was most is still known
    gone = np.asarray(sensed(jnp.asarray(places[2]), (1.0, 1.0)))
    assert np.abs(units.T - gone).sum(1).min() > 0.1
    _, outputs = lived(growing_actor(**SMALL, reach=0.3, maturity=3, lesion="no-recycling"), ticks)
    assert not outputs[-1]["birth"]


@pytest.mark.unit
def test_a_newborn_changes_no_answer():
    agent = growing_actor(**SMALL, reach=0.3, value_rate=1.0)
    here, there = [0.0, 0.0], [0.4, 0.0]
    ticks = [(here, 0.0, {}), *[(here, 1.0, {}) for _ in range(5)]]
    state, _ = lived(agent, ticks)
    seen = observe(agent.spec, input=there, ended=[0.0], learn=False)
    _, unborn = agent.step(state, seen)
    still = observe(agent.spec, input=there, ended=[0.0], first=True)
    state, born = agent.step(state, still)
    assert bool(born["birth"]) and not unborn["birth"]
    assert float(born["value"][0]) == pytest.approx(float(unborn["value"][0]), rel=1e-5)
    assert float(born["value"][0]) != 0.0


@pytest.mark.unit
def test_a_world_is_recalled_by_what_actions_do():
    agent = growing_actor(inputs=2, units=4, contexts=4)
    state, step, x, seen = agent.init(0), jax.jit(agent.step), np.zeros(2), []
    for t in range(2400):
        sign = 1.0 if (t // 600) % 2 == 0 else -1.0
        told = observe(agent.spec, input=x, ended=[0.0], modulation={"reward": 0.0})
        state, out = step(state, told)
        x = 0.9 * x + sign * float(out["action"][1] - out["action"][0]) * np.array([0.3, -0.3])
        seen.append(int(out["context"]))
    # The world that came first is known when it returns, and so is the second.
    first, second, third, fourth = (seen[i * 600 + 50 : (i + 1) * 600] for i in range(4))
    assert {*first, *third} == {0} and {*second} == {*fourth} == {1}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("make", "name", "bad"),
    [
        (growing_actor, "scale", {"scale": (1.0,)}),
        (growing_actor, "actions", {"actions": 1}),
        (growing_actor, "units", {"units": 0}),
        (growing_actor, "reach", {"reach": 0.0}),
        (growing_actor, "lesion", {"lesion": "no-such"}),
        (backprop_actor, "optimiser", {"optimiser": "sgd"}),
        (backprop_actor, "hidden", {"hidden": ()}),
        (swift_actor, "tiles", {"tiles": 1}),
        (swift_actor, "discount", {"discount": 1.5}),
    ],
)
def test_agents_that_cannot_be_are_refused(make, name, bad):
    with pytest.raises(SpecError, match=name):
        make(**bad)


@pytest.mark.unit
def test_figures_of_a_life_say_what_was_kept():
    counted = np.tile([[5.0, 500.0]], (100, 1))
    counted[20:25] = [1.0, 500.0]
    found = figures(counted)
    assert (found["best"], found["last"], found["kept"]) == (500.0, 100.0, 0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agent", "least"),
    [(growing_actor, 200.0), (backprop_actor, 60.0), (swift_actor, 60.0)],
    ids=["growing", "backprop", "swift"],
)
def test_every_agent_learns_to_balance(agent, least):
    _, counted = life(agent(scale=(1.2, 1.2, 0.1, 1.2)), 100, 30_000, 30_000)
    assert figures(counted)["best"] > least
