"""The fringe: the drawn example of Sutton's talk, and what a fringe may and may not do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.errors import SpecError
from sodachi.models.fringe import Fringe, real_synapses, taught
from sodachi.models.grid import Wiring, forward, hunger
from sodachi.models.growing import growing_grid
from sodachi.observation import observe
from sodachi.rules import delta, imprinting
from sodachi.running import run
from sodachi.system import State

# Nodes [1 | two inputs | A, D, B, E, C], a unit a level: D lies between A and B, E between B and C.
A, D, B, E, C = range(5)
FIRST = 3
TALK = {
    "units": 5, "levels": 5, "inputs": 2, "labels": 1, "fan_in": 3, "spare": 1, "fringe": True,
    "patience": 0, "hunger": 1e-3, "rate": 1e-4, "shy": 0.01, "zeros": 1.0, "usual": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def talk():
    """Input 1, output weight 3, output 3, target 5, e = +2 are the talk's; other weights ours.

    A = input, B = A, C = 2A − B, y = 3C: on the input (1, 0) all three are 1. B has a negative
    weight onto C, hence a negative hunger.
    """
    net = growing_grid(**TALK)
    state = net.init(0)
    shared = state.shared
    source = np.array(shared["structure"]["source"])
    weight = np.zeros(source.shape)
    for unit, terminal, node, w in (
        (A, 1, 1, 1.0), (B, 1, FIRST + A, 1.0), (C, 1, FIRST + A, 2.0), (C, 2, FIRST + B, -1.0),
    ):  # fmt: skip
        source[unit, terminal], weight[unit, terminal] = node, w
    out = np.zeros((8, 1))
    out[FIRST + C] = 3.0
    live = np.isin(np.arange(5), (A, B, C))
    state = State(
        shared
        | {
            "weights": {"units": jnp.asarray(weight, jnp.float32),
                        "output": jnp.asarray(out, jnp.float32)},
            "structure": {"source": jnp.asarray(source), "live": jnp.asarray(live)},
        },
        state.lane,
    )  # fmt: skip
    return net, jax.jit(net.step), state


SEEN = {"input": [1.0, 0.0], "label": [5.0]}


def hungriest(state, unit):
    """The state in which only this unit is usually hungry: it will be the next master."""
    usual = jnp.zeros(6).at[1 + unit].set(1.0)
    fringe = state.shared["fringe"] | {"usual": usual}
    return State(state.shared | {"fringe": fringe}, state.lane)


@pytest.fixture(scope="module")
def born(talk):
    net, step, state = talk
    seen = observe(net.spec, **SEEN)
    one, _ = step(hungriest(state, B), seen)
    two, out = step(hungriest(one, C), seen)
    return one, two, out


def nodes_of(state, x=(1.0, 0.0)):
    wiring = Wiring(**state.shared["structure"])
    return forward(5, state.shared["weights"]["units"], wiring, jnp.asarray(x))


def onto(state, master, unit):
    """The master's terminal that hears a unit."""
    (found,) = np.flatnonzero(state.shared["structure"]["source"][master] == FIRST + unit)
    return found


def test_the_talks_hungers(talk):
    _, _, state = talk
    out = state.shared["weights"]["output"]
    nodes = nodes_of(state)
    assert float(nodes @ out[:, 0]) == 3.0
    wiring = Wiring(**state.shared["structure"])
    wants, _ = hunger(5, state.shared["weights"]["units"], wiring, out, nodes, jnp.array([2.0]))
    np.testing.assert_allclose(wants, [6.0, 0.0, -6.0, 0.0, 6.0])  # A, (D), B, (E), C


def test_d_is_born_for_b_against_it_and_e_for_c_with_it(born):
    one, two, out = born
    fringe = Fringe(**two.shared["fringe"])
    assert np.flatnonzero(fringe.member).tolist() == [D, E] and int(out["fringe"]) == 2
    assert int(fringe.master[D]) == 1 + B and int(fringe.master[E]) == 1 + C
    assert float(fringe.shadow[D]) == -1.0 and float(fringe.shadow[E]) == 1.0
    np.testing.assert_array_equal(fringe.example[jnp.array([D, E])], [[1, 0], [1, 0]])
    np.testing.assert_array_equal(one.shared["fringe"]["born"], [-1, 0, -1, -1, -1])
    source = np.asarray(two.shared["structure"]["source"])
    assert (source == FIRST + D).sum() == 1 and (source == FIRST + E).sum() == 1
    assert onto(two, B, D) == 2 and onto(two, C, E) == 3  # the first that were free
    assert set(source[D]) <= {0, 1, 2, FIRST + A, -1}


def test_both_are_imprinted_to_fire_though_one_is_to_push_down(born):
    _, two, _ = born
    nodes, weights = nodes_of(two), two.shared["weights"]
    for unit in (D, E):
        assert float(nodes[FIRST + unit]) == pytest.approx(0.5, abs=5e-3)
        heard = np.asarray(two.shared["structure"]["source"])[unit]
        for terminal, node in enumerate(heard[1:], 1):
            w = float(weights["units"][unit, terminal])
            if node == 2:
                assert w < 0  # a zero
            elif node > 0:
                assert w > 0  # ones
    assert not np.asarray(weights["output"])[[FIRST + D, FIRST + E]].any()


def test_a_newborn_changes_no_prediction_and_has_no_gradient_of_its_own(born):
    """E moves by nothing when any weight of the newborn moves: exactly 0."""
    _, two, _ = born
    weights = dict(two.shared["weights"])
    source = two.shared["structure"]["source"]
    assert float(weights["units"][C, onto(two, C, E)]) == 0.0
    before = float(nodes_of(two) @ weights["output"][:, 0])
    for terminal in range(source.shape[1]):
        moved = weights["units"].at[E, terminal].add(0.3)
        state = State(two.shared | {"weights": weights | {"units": moved}}, two.lane)
        assert float(nodes_of(state) @ weights["output"][:, 0]) == before


def test_the_master_alone_writes_and_the_fringe_learns_through_its_shadow(talk, born):
    net, step, _ = talk
    _, two, _ = born
    three, _ = step(two, observe(net.spec, **SEEN))
    w, v = two.shared["weights"], three.shared["weights"]
    to_b, to_c = (B, onto(two, B, D)), (C, onto(two, C, E))
    assert not np.asarray(v["output"])[[FIRST + D, FIRST + E]].any()  # no output was asked
    assert float(v["units"][to_b]) < float(w["units"][to_b]) < 0  # B learns to be pushed down
    assert float(v["units"][to_c]) > 0
    moved = np.abs(np.asarray(v["units"] - w["units"]))
    assert moved[to_b] < 0.1 * moved[B, 1]  # tiny beside B's synapse onto A, of the backbone
    for unit in (D, E):  # both want to fire more, D against B, E for C
        on_one = np.asarray(two.shared["structure"]["source"])[unit] == 1
        moved = np.asarray(v["units"][unit] - w["units"][unit])
        assert moved[on_one].sum() > 0 or not on_one.any()


@pytest.mark.theory
def test_hunger_through_the_shadow_is_that_of_a_real_weight_of_one():
    """Finite differences of E with the shadow in place of the real weight (an output as master)."""
    fringe = Fringe(
        member=jnp.array([True]), master=jnp.array([0]), shadow=jnp.array([-1.0]),
        usual=jnp.zeros(2), example=jnp.zeros((1, 1)), born=jnp.zeros(1), promoted=jnp.zeros(1),
    )  # fmt: skip
    error = jnp.array([2.0])
    wants, gain = taught(fringe, error, jnp.ones(1), jnp.zeros(1), jnp.zeros(1))

    def energy(z):
        return 0.5 * (2.0 - -1.0 * z) ** 2  # target − y is 2 where z is 0

    slope = (energy(1e-6) - energy(-1e-6)) / 2e-6
    np.testing.assert_allclose(wants, [-slope], rtol=1e-6)
    assert float(gain[0]) == 1.0


def stream(spec, ticks, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (ticks, 2))
    y = 2.0 * np.abs(x[:, :1]) + 0.5 * x[:, :1] - 0.6
    return observe(spec, steps=ticks, input=x, label=y)


def test_units_are_promoted_and_then_all_may_listen():
    net = growing_grid(
        units=20, levels=2, inputs=2, fan_in=3, spare=2, patience=20, maturity=600, fringe=True,
        shy=0.1, proven=0.2,
    )  # fmt: skip
    keep = ("energy", "fringe", "promotion", "live")
    state, out = run(net, keep, chunk=1000)(net.init(0), stream(net.spec, 4000))
    promoted = np.asarray(state.shared["fringe"]["promoted"]) >= 0
    assert out["promotion"].sum() > 2 and promoted.any()
    member, live = (np.asarray(a) for a in (
        state.shared["fringe"]["member"], state.shared["structure"]["live"]))  # fmt: skip
    assert not (member & promoted).any() and (member <= live).all()
    steps = np.asarray(state.shared["synapses"]["output"]["step"])[3:, 0]
    assert (steps[promoted & live & ~member] > 0).all()
    assert out["energy"][-500:].mean() < 0.3 * out["energy"][:500].mean()
    # What the fringe adds to any prediction is next to nothing.
    synapse = real_synapses(
        Fringe(**state.shared["fringe"]), state.shared["weights"],
        Wiring(**state.shared["structure"]),
    )  # fmt: skip
    assert np.abs(np.asarray(synapse)).max() < 0.2


def test_hunger_is_less_after_promotions_than_before_and_than_if_nobody_listens():
    """One output, so its hunger is the residual; the lesion: masters that hardly ever listen.

    A unit that is never promoted serves its master just as well: promotion opens it to others.
    """
    grid = {"units": 20, "levels": 2, "inputs": 2, "fan_in": 3, "spare": 2, "patience": 20,
            "maturity": 600, "fringe": True, "proven": 0.2}  # fmt: skip
    nets = [growing_grid(**grid, shy=shy) for shy in (0.1, 1e-30)]
    lives = [
        run(net, ("residual", "promotion"), chunk=1000)(net.init(0), stream(net.spec, 3000))[1]
        for net in nets
    ]
    promoted, never = lives
    first = int(np.flatnonzero(promoted["promotion"])[0])
    assert first >= 300 and not never["promotion"].any()
    before, after = (
        promoted["residual"][part].mean() for part in (slice(first), slice(-300, None))
    )
    assert after < 0.6 * before
    assert after < 0.6 * never["residual"][-300:].mean()


def test_without_learning_no_slow_bit_of_the_fringe_moves():
    net = growing_grid(units=8, inputs=2, fan_in=3, spare=1, patience=5, fringe=True, shy=0.5)
    state, _ = run(net, chunk=100)(net.init(0), stream(net.spec, 100))
    seen = observe(net.spec, learn=False, input=[0.3, 0.1], label=[9.0])
    after, _ = jax.jit(net.step)(state, seen)
    for a, b in zip(jax.tree.leaves(state.shared), jax.tree.leaves(after.shared), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"spare": -1}, "spare"), ({"shy": 0.0}, "shy"), ({"proven": -1.0}, "proven")],
)
def test_wrong_arguments_are_refused(wrong, field):
    with pytest.raises(SpecError) as caught:
        growing_grid(fringe=True, **wrong)
    assert caught.value.field == field


def test_a_shy_rule_needs_steps_of_its_own():
    with pytest.raises(SpecError, match="step"):
        imprinting(delta(), 0.1)


def masters(talk, usual, lesion, n=400):
    """Draw the masters of D, at once n times: C and the output could be; usual hungers as given."""
    _, _, state = talk
    net = growing_grid(**TALK | {"usual": 0.01}, lesion=lesion)
    shared = state.shared | {"fringe": state.shared["fringe"] | {"usual": jnp.asarray(usual)}}

    def one(key):
        lived = State(shared, state.lane | {"key": key})
        return net.step(lived, observe(net.spec, **SEEN))[0].shared["fringe"]["master"][D]

    drawn = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), n))
    return np.bincount(np.asarray(drawn), minlength=6) / n


def test_the_lesion_draws_masters_without_regard_to_hunger(talk):
    usual = np.array([1.0, 0.0, 0.0, 0.01, 0.0, 0.01], np.float32)
    by_hunger, drawn = (masters(talk, usual, lesion) for lesion in ("", "random-master"))
    able = np.flatnonzero(drawn)
    assert by_hunger[0] > 0.8 and len(able) == 3
    assert np.abs(drawn[able] - 1 / 3).max() < 0.12
    with pytest.raises(SpecError, match="lesion"):
        growing_grid(lesion="random-master")
