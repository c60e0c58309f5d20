"""Inputs and classes that emerge and vanish: what the mathematics of absence promises."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.combinators import minibatch
from sodachi.core.connections import Dense
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.models.emergence import Senses, doubt, sensed, widened
from sodachi.models.growing import growing_grid
from sodachi.models.mixture import settling_mixture
from sodachi.observation import observe
from sodachi.rules.meeting import meeting
from sodachi.running import run
from sodachi.system import Evidence, State

EXTRA = {"labels": 3, "units": 12, "beta": 3.0}
LATE = 25  # the sample before which something emerges or vanishes


@cache
def net(inputs=4, emerging=True, **more):
    return settling_mixture(inputs=inputs, emerging=emerging, **(EXTRA | more))


def samples(count=60, inputs=4, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-1, 1, (3, inputs))
    y = rng.integers(3, size=count)
    return (centres[y] + 0.2 * rng.normal(size=(count, inputs))).astype(np.float32), y


@cache
def life(system):
    return run(system, emit=("label",), chunk=64)


def lived(system, X, y, state=None, ticks=(2, 2)):
    """Return the state, and every answer before its label; NaN entries are absent."""
    X, y, each = np.asarray(X, np.float32), np.asarray(y), sum(ticks)
    labels = system.spec.variable("label").shape[0]
    told = np.eye(labels, dtype=np.float32)[np.repeat(y, each)]
    hears = np.tile(np.arange(each) >= ticks[0], len(X))[:, None]
    label = Evidence(told * hears, np.where(hears, np.inf, 0.0) * np.ones(labels), 0.0)
    seen = {"input": np.repeat(X, each, 0), "label": label}
    stream = observe(system.spec, steps=len(told), missing="absent", **seen)
    state, out = life(system)(state or system.init(0), stream)
    return state, np.asarray(out["label"])[ticks[0] - 1 :: each]


def wide(X, inputs):
    padded = np.full((len(X), inputs), np.nan, np.float32)
    padded[:, : X.shape[1]] = X
    return padded


def close(left, right):
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-5)


def of_live(state):
    """Return what live units hold; what an unborn one does is without meaning."""
    live = np.asarray(state.shared["structure"]["owner"]) >= 0
    weights, cells = state.shared["weights"], state.shared["cells"]
    return (
        live,
        weights["input"][:, live],
        weights["label"][live],
        [c[live] for c in cells.values()],
    )


# --- room that is never used ---------------------------------------------------------------------


@pytest.mark.parametrize("emerging", [True, False])
@pytest.mark.parametrize("names", [1, 3])
def test_reserved_inputs_that_never_come_change_nothing(emerging, names):
    X, y = samples()
    small, large = (net(n, emerging, names=names) for n in (4, 9))
    one, answers = lived(small, X, y)
    two, same = lived(large, wide(X, 9), y)
    np.testing.assert_allclose(same, answers, atol=1e-5)
    np.testing.assert_allclose(
        two.shared["weights"]["input"][:4], one.shared["weights"]["input"], atol=1e-5
    )
    assert not np.any(two.shared["weights"]["input"][4:])
    for name in ("cells", "structure", "clock"):
        close(two.shared[name], one.shared[name])
    if emerging:
        assert not np.any(two.shared["synapses"]["input"]["met"][4:])


@pytest.mark.parametrize("emerging", [True, False])
def test_reserved_classes_that_never_come_change_nothing(emerging):
    X, y = samples()
    one, answers = lived(net(emerging=emerging), X, y)
    two, same = lived(net(emerging=emerging, labels=7), X, y)
    np.testing.assert_allclose(same[1:, :3], answers[1:], atol=1e-5)  # first: all alike
    assert not np.any(same[1:, 3:])
    np.testing.assert_allclose(
        two.shared["weights"]["input"], one.shared["weights"]["input"], atol=1e-5
    )


def test_room_made_in_the_middle_of_a_life_changes_nothing():
    X, y = samples()
    small, large = net(), net(9, labels=5)
    state, before = lived(small, X[:LATE], y[:LATE])
    born = large.init(0)
    lane = born.lane | {"key": state.lane["key"]}
    lane["activity"] = {
        "units": state.lane["activity"]["units"],
        "input": jnp.zeros(9).at[:4].set(state.lane["activity"]["input"]),
        "label": jnp.zeros(5).at[:3].set(state.lane["activity"]["label"]),
    }
    grown = State(widened(state.shared, born.shared), lane)
    _, after = lived(large, wide(X[LATE:], 9), y[LATE:], grown)
    _, whole = lived(small, X, y)
    np.testing.assert_allclose(np.concatenate([before, after[:, :3]]), whole, atol=1e-5)


# --- always there: the usual mixture -------------------------------------------------------------


@pytest.mark.parametrize("lanes", [None, 3])
def test_with_every_input_always_there_it_is_the_usual_mixture(lanes):
    X, y = samples(60)
    plain, emerging = net(emerging=False), net()
    if lanes is None:
        one, answers = lived(plain, X, y)
        two, same = lived(emerging, X, y)
        np.testing.assert_allclose(same, answers, atol=1e-5)
    else:
        states = []
        for system in (plain, emerging):
            system = minibatch(system, lanes)
            state, step = system.init(0), jax.jit(system.step)
            for i in range(0, 60, lanes):
                for _ in range(3):
                    seen = observe(system.spec, input=X[i : i + lanes], label=y[i : i + lanes])
                    state, _ = step(state, seen)
            states.append(state)
        one, two = states
    close(of_live(two), of_live(one))


# --- emerging ------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(value=st.floats(-50, 50, width=32), seed=st.integers(0, 3))
def test_a_constant_input_that_emerges_changes_nothing(value, seed):
    X, y = samples(40, seed=seed)
    with_it = wide(X, 5)
    with_it[LATE:, 4] = value
    plain, answers = lived(net(5), wide(X, 5), y)
    state, same = lived(net(5), with_it, y)
    np.testing.assert_allclose(same, answers, atol=1e-4)
    np.testing.assert_array_equal(
        state.shared["structure"]["owner"], plain.shared["structure"]["owner"]
    )
    others = (s.shared["weights"]["input"][:4] for s in (state, plain))
    np.testing.assert_allclose(*others, atol=1e-4)


def test_without_meetings_a_constant_input_does_change_what_is_known():
    X, y = samples(40)
    with_it = wide(X, 5)
    with_it[LATE:, 4] = 2.0
    answers = [lived(net(5, emerging=False), data, y)[1] for data in (wide(X, 5), with_it)]
    assert np.abs(answers[0] - answers[1]).max() > 0.1


def test_units_take_an_emerged_value_from_when_they_see_it():
    system = net(2, labels=2)
    X = np.array([[0.0, np.nan], [1.0, np.nan]], np.float32)
    state, _ = lived(system, np.tile(X, (8, 1)), [0, 1] * 8)
    met = np.asarray(state.shared["synapses"]["input"]["met"])
    live = np.asarray(state.shared["structure"]["owner"]) >= 0
    assert (met[0, live] > 1).all() and not met[1].any()
    state, _ = lived(system, [[0.0, 3.0]], [0], state)
    known = int(np.argmax(np.where(live, state.shared["synapses"]["input"]["met"][1], -1)))
    np.testing.assert_allclose(state.shared["weights"]["input"][:, known], [0.0, 3.0], atol=0.05)
    # The one nobody saw it with keeps what it knows, and is not charged for what it does not.
    other = np.argmax(np.where(live, state.shared["weights"]["input"][0], -1))
    assert float(state.shared["weights"]["input"][0, other]) == pytest.approx(1.0, abs=0.05)
    assert float(state.shared["synapses"]["input"]["met"][1, other]) < 0.1


def test_a_class_never_seen_is_learned_from_one_sample():
    system = net(labels=5)
    X, y = samples()
    state, _ = lived(system, X, y)
    strange = np.full(4, 3.0, np.float32)
    state, answers = lived(system, [strange, strange], [4, 4], state)
    assert answers[0].argmax() != 4 and answers[1].argmax() == 4


# --- vanishing -----------------------------------------------------------------------------------


def test_an_absent_input_costs_nothing_and_its_prediction_fills_it():
    system = net(2, labels=2, beta=30.0)
    pairs = np.array([[0.0, 5.0], [1.0, -5.0]], np.float32)
    state, _ = lived(system, np.tile(pairs, (10, 1)), [0, 1] * 10)
    half = Evidence([1.0, 0.0], [np.inf, 0.0], 0.0)
    for _ in range(30):
        state, out = system.step(state, observe(system.spec, input=half, learn=False))
    assert float(out["input"][1]) == pytest.approx(-5.0, abs=0.01)
    assert int(out["label"].argmax()) == 1
    before = np.asarray(state.shared["weights"]["input"][1])
    state, _ = lived(system, [[0.5, np.nan]] * 5, [0, 1, 0, 1, 0], state)
    live = np.asarray(state.shared["structure"]["owner"]) >= 0
    kept = np.isclose(np.asarray(state.shared["weights"]["input"][1])[live], before[live])
    assert kept.sum() >= 2  # an absent input teaches nothing; newborns take a guess of it


@pytest.mark.parametrize("seed", range(3))
def test_a_vanished_input_costs_no_more_than_never_having_had_it(seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=400)
    X = (np.eye(3)[y] + 0.3 * rng.normal(size=(400, 3))).astype(np.float32)
    useful = (y + 0.1 * rng.normal(size=400)).astype(np.float32)
    late, never = np.column_stack([X, useful]), wide(X, 4)
    late[200:, 3] = np.nan
    right = [
        (lived(net(units=40), data, y)[1][250:].argmax(1) == y[250:]).mean()
        for data in (late, never)
    ]
    assert right[0] > right[1] - 0.05 > 0.7


# --- the parts against their mathematics ---------------------------------------------------------


def test_senses_are_mean_and_variance_of_what_was_there():
    rng = np.random.default_rng(1)
    x = rng.normal(3, 2, size=(200, 1)).astype(np.float32)
    there = rng.random((200, 1)) < 0.5
    senses = Senses(*(jnp.zeros(1) for _ in range(3)))
    for value, known in zip(x, there, strict=True):
        senses = sensed(senses, Evidence(value, np.where(known, np.inf, 0.0), 0.0), True)
    np.testing.assert_allclose(senses.there, there.sum())
    np.testing.assert_allclose(senses.mean, x[there].mean(), rtol=1e-4)
    np.testing.assert_allclose(senses.variance, x[there].var(), rtol=1e-3)


def test_the_doubt_is_the_ratio_of_two_predictive_densities():
    """At κ = 0 a cost is −log N(x; μ, v + 1/β), at κ = 1 −log N(x; m, 1/β), less −½ log(β/2π)."""
    from scipy.stats import norm

    class Precise:
        beta = 4.0

    x, mean, variance, m = 0.7, 0.2, 0.5, 0.4
    senses = Senses(jnp.array([9.0]), jnp.array([mean]), jnp.array([variance]))
    met = jnp.array([[0.0, 1.0, 7.0]])
    judge = doubt(Precise, met, senses, Evidence(np.array([x]), np.array([np.inf]), 0.0))
    cost = 0.5 * Precise.beta * np.asarray(judge(jnp.full((1, 3), (x - m) ** 2)))[0]
    constant = norm.logpdf(0.0, 0.0, Precise.beta**-0.5)
    nobody = constant - norm.logpdf(x, mean, (variance + 1 / Precise.beta) ** 0.5)
    knows = constant - norm.logpdf(x, m, Precise.beta**-0.5)
    np.testing.assert_allclose(cost, [nobody, knows, knows], rtol=1e-5)


def test_a_synapse_is_the_mean_of_its_own_meetings():
    rng = np.random.default_rng(2)
    x, w, state = rng.normal(size=40), jnp.zeros((1, 1)), {"met": jnp.ones((1, 1))}
    rule, line = meeting(1e-6), Dense((1,), (1,))
    lesson = {"gain": jnp.ones(1), "lesson": jnp.ones(1), "born": jnp.zeros(1)}
    for i, value in enumerate(x):
        known = jnp.asarray([float(i % 2)])
        pre = {"activity": known * value, "share": known, "seen": known}
        w, state = plastic(rule, line, w, state, lesson, pre, learn=True, clock=0.0)
    np.testing.assert_allclose(w[0, 0], x[1::2].mean(), rtol=1e-4)  # its birth counts as one
    assert float(state["met"][0, 0]) == 21.0


def test_emergence_is_for_one_context_and_named_when_wrong():
    for wrong in ({"contexts": 3}, {"emerging": 1}):
        with pytest.raises(SpecError, match="emerging"):
            settling_mixture(**({"emerging": True} | wrong))


# --- the growing grid ----------------------------------------------------------------------------


def grid_life(system, X, y):
    stream = observe(
        system.spec, steps=len(X), missing="absent", input=X, label=np.asarray(y)[:, None]
    )
    state, out = run(system, emit=("label",), chunk=128)(system.init(0), stream)
    return state, np.asarray(out["label"])[:, 0]


def line(count=1500, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal([0.0, 2.0, -1.0], 0.5, (count, 3)).astype(np.float32)
    return X, (X @ np.array([1.0, 3.0, -2.0])).astype(np.float32)


def grid(**more):
    return growing_grid(inputs=3, units=4, levels=1, fan_in=2, **({"hunger": 1e9} | more))


def test_a_grid_with_every_input_always_there_is_the_usual_grid():
    X, y = line(300)
    plain, emerging = (grid_life(grid(emerging=e, hunger=0.01), X, y) for e in (False, True))
    np.testing.assert_array_equal(plain[1], emerging[1])
    jax.tree.map(np.testing.assert_array_equal, plain[0].shared["weights"],
                 emerging[0].shared["weights"])  # fmt: skip


def test_a_vanished_input_costs_a_linear_grid_its_variance_and_no_more():
    X, y = line()
    late = X.copy()
    late[1000:, 1] = np.nan
    state, told = grid_life(grid(emerging=True), late, y)
    # What is left of the target is 3 (x − 2), of variance 9/4; without means it is 3x, of 38.
    error = np.mean((told[1000:] - y[1000:]) ** 2)
    assert error == pytest.approx(9 / 4, rel=0.25)
    _, told = grid_life(grid(), late, y)
    assert np.mean((told[1000:1050] - y[1000:1050]) ** 2) > 4 * error
    before, _ = grid_life(grid(emerging=True), late[:1000], y[:1000])
    kept = (s.shared["weights"]["output"][2] for s in (state, before))
    np.testing.assert_array_equal(*kept)  # its synapse rests


def test_room_for_inputs_that_never_come_changes_nothing_of_a_linear_grid():
    X, y = line(200)
    _, told = grid_life(grid(emerging=True), X, y)
    large = growing_grid(inputs=6, units=4, levels=1, fan_in=2, hunger=1e9, emerging=True)
    _, same = grid_life(large, wide(X, 6), y)
    np.testing.assert_allclose(same, told, atol=1e-4)
