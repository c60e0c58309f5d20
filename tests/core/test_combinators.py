"""Combinators return Systems that do what their sentence says, on small living systems."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import hold, loop, minibatch, pipe, replicate
from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import hold_evidence
from sodachi.core.lanes import any_lane, gather
from sodachi.core.rule import Drive, Rule, plastic, step_size
from sodachi.errors import SpecError
from sodachi.observation import observe
from sodachi.system import FACTORIES, Spec, State, Variable, arguments, build, factory, system

OJA = Rule(
    "oja",
    lambda post, pre: (Drive(post["y"], pre["x"]), Drive(post["y"] ** 2, None)),
    lambda w, s, d, context: d[0] - d[1] * w,
    step_size(0.1),
)


def _oja(inputs: int):
    """One linear unit under Oja's rule, with a trace and noise of its own in every lane."""
    connection = Dense((inputs,), (1,))
    spec = Spec(
        "test oja",
        arguments(inputs=inputs),
        observed=(Variable("input", (inputs,)),),
        modulated=("unit",),
        capabilities=frozenset({"learns", "local", "stochastic"}),
    )

    def init(key):
        w = jax.random.normal(key, connection.weights) / 2
        lane = {"trace": jnp.zeros(1), "key": jax.random.fold_in(key, 1), "seen": jnp.zeros(())}
        return State({"w": w, "clock": new_clock()}, lane)

    def step(state, o):
        x = hold_evidence(jnp.zeros(inputs), o.evidence["input"], 1.0)
        key, noise = jax.random.split(state.lane["key"])
        y = connection.apply(state.shared["w"], x) + 0.1 * jax.random.normal(noise, (1,))
        trace = jnp.where(o.first, 0.0, 0.9 * state.lane["trace"]) + y
        w, _ = plastic(
            OJA,
            connection,
            state.shared["w"],
            {},
            {"y": y},
            {"x": x},
            learn=o.learn,
            clock=ticks(state.shared["clock"]),
            modulation=o.modulation["unit"],
        )
        clock = tick(state.shared["clock"], any_lane(o.learn))
        lane = {"trace": trace, "key": key, "seen": state.lane["seen"] + o.first}
        output = {"y": y, "trace": trace, "energy": jnp.sum(y**2), "seen": lane["seen"]}
        return State({"w": w, "clock": clock}, lane), output

    return system(spec, init, step)


def _leaky(cells: int):
    """Leaky integrators, whose work on a constant input a compiler could do ahead of a loop."""
    spec = Spec("test leaky", arguments(cells=cells), observed=(Variable("input", (cells,)),))

    def init(key):
        return State({}, {"v": jnp.zeros(cells), "key": key, "seen": jnp.zeros(())})

    def step(state, o):
        key, noise = jax.random.split(state.lane["key"])
        x = hold_evidence(jnp.zeros(cells), o.evidence["input"], 1.0)
        v = 0.9 * state.lane["v"] + jnp.tanh(x) + 0.1 * jax.random.normal(noise, (cells,))
        lane = {"v": v, "key": key, "seen": state.lane["seen"] + o.first}
        return State({}, lane), {"v": v, "seen": lane["seen"]}

    return system(spec, init, step)


def _world(period: int):
    """A world that counts its action into its place and begins anew every ``period`` ticks."""
    spec = Spec("test world", arguments(period=period), observed=(Variable("move", (1,)),))

    def init(key):
        return State({}, {"place": jnp.zeros(2), "age": jnp.int32(0)})

    def step(state, o):
        move = hold_evidence(jnp.zeros(1), o.evidence["move"], 1.0)
        age = state.lane["age"] + 1
        over = age >= period
        place = jnp.where(over, 0.0, state.lane["place"] + jnp.concatenate([move, 0 * move + 1]))
        output = {"place": place, "over": over, "gain": place.sum(), "move": move}
        return State({}, {"place": place, "age": jnp.where(over, 0, age)}), output

    return system(spec, init, step)


@pytest.fixture(autouse=True)
def _factories(monkeypatch):
    for name, function in (("test oja", _oja), ("test world", _world)):
        monkeypatch.setitem(FACTORIES, name, function)


def _stream(spec, n, seed=0, **more):
    x = np.random.default_rng(seed).normal(size=(n, *spec.lanes, 3)).astype(np.float32)
    return observe(spec, steps=n, input=x, **more)


def _live(sys, state, stream):
    outputs = []
    step = jax.jit(sys.step)
    for i in range(len(stream.learn)):
        state, output = step(state, jax.tree.map(lambda a, i=i: a[i], stream))
        outputs.append(output)
    return state, jax.tree.map(lambda *a: np.stack(a), *outputs)


def _bits(tree):
    def data(leaf):
        if jnp.issubdtype(jnp.asarray(leaf).dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        return np.asarray(leaf).tobytes()

    return [data(leaf) for leaf in jax.tree.leaves(tree)]


@pytest.mark.theory
def test_minibatch_moves_the_weights_by_the_mean_over_its_samples():
    net = _oja(3)
    batch = minibatch(net, 4)
    state = batch.init(0)
    stream = _stream(batch.spec, 1)
    new, output = _live(batch, state, stream)
    w = np.asarray(state.shared["w"], float)
    x, y = stream.evidence["input"].value[0].astype(float), output["y"][0].astype(float)
    expected = w + 0.1 * np.mean([y[i] * x[i][:, None] - y[i] ** 2 * w for i in range(4)], axis=0)
    np.testing.assert_allclose(new.shared["w"], expected, rtol=2e-5)
    noise = y[:, 0] - x @ w[:, 0]
    assert np.abs(np.diff(noise)).min() > 1e-4, "each lane draws from a key of its own"


@pytest.mark.unit
def test_minibatch_of_one_is_the_system_itself():
    net = _oja(3)
    one = minibatch(net, 1)
    state = net.init(0)
    as_lane = State(state.shared, jax.tree.map(lambda a: a[None], state.lane))
    stream = _stream(net.spec, 10)
    alone, _ = _live(net, state, stream)
    lanes = jax.tree.map(lambda a: a[:, None], stream)
    lifted, _ = _live(one, as_lane, lanes)
    np.testing.assert_allclose(lifted.shared["w"], alone.shared["w"], rtol=1e-5)
    np.testing.assert_allclose(lifted.lane["trace"][0], alone.lane["trace"], rtol=1e-4)


@pytest.mark.unit
def test_other_samples_reach_the_weights_and_nothing_else():
    batch = minibatch(_oja(3), 4)
    state = batch.init(1)
    stream = _stream(batch.spec, 1)
    other = _stream(batch.spec, 1)
    other.evidence["input"].value[:, 1:] *= -3
    (_, a), (_, b) = (_live(batch, state, s) for s in (stream, other))
    assert all(a[n][0, 0].tobytes() == b[n][0, 0].tobytes() for n in ("y", "trace", "seen"))
    # A lane that does not learn adds nothing, whatever it holds.
    learn = [[True, False, False, False]]
    (m, _), (n, _) = (
        _live(batch, state, s._replace(learn=np.array(learn))) for s in (stream, other)
    )
    assert _bits(m.shared) == _bits(n.shared) != _bits(state.shared)


@pytest.mark.unit
def test_a_leak_between_lanes_is_an_error_when_traced():
    spec = Spec("leaky", observed=(Variable("input", (3,)),))

    def step(state, o):
        return State({"w": state.shared["w"] + o.evidence["input"].value}, {}), {}

    leaky = minibatch(system(spec, lambda key: State({"w": jnp.zeros(3)}, {}), step), 2)
    stream = jax.tree.map(lambda a: a[0], _stream(leaky.spec, 1))
    with pytest.raises(SpecError, match="shared state: expected the same for all lanes"):
        leaky.step(leaky.init(0), stream)

    def mended(state, o):
        return State({"w": gather(o.evidence["input"].value).sum(0)}, {}), {}

    fine = minibatch(system(spec, lambda key: State({"w": jnp.zeros(3)}, {}), mended), 2)
    total = fine.step(fine.init(0), stream)[0].shared["w"]
    np.testing.assert_allclose(total, stream.evidence["input"].value.sum(0), rtol=1e-6)


@pytest.mark.theory
def test_replicate_is_separate_lives():
    net = _oja(3)
    lives = replicate(net, 3)
    stream = _stream(lives.spec, 12)
    final, _ = _live(lives, lives.init(5), stream)
    w = np.asarray(final.shared["w"])
    assert len({x.tobytes() for x in w}) == 3
    for i, key in enumerate(jax.random.split(jax.random.key(5), 3)):
        own = jax.tree.map(lambda a, i=i: a[:, i], stream)
        single, _ = _live(net, net.init(key), own)
        np.testing.assert_allclose(w[i], single.shared["w"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(final.lane["trace"][i], single.lane["trace"], rtol=1e-5)


@pytest.mark.unit
@pytest.mark.parametrize("lanes", [0, 3])
@pytest.mark.parametrize("kind", ["oja", "leaky"])
def test_hold_equals_the_repeated_stream_bit_for_bit(kind, lanes):
    net = {"oja": _oja, "leaky": _leaky}[kind](3)
    net = minibatch(net, lanes) if lanes else net
    held = hold(net, 4)
    stream = _stream(net.spec, 5, first=np.broadcast_to([True], (5, *net.spec.lanes)))
    repeated = jax.tree.map(lambda a: np.repeat(a, 4, axis=0), stream)
    only_then = np.arange(20).reshape(-1, *[1] * len(net.spec.lanes)) % 4 == 0
    repeated = repeated._replace(first=repeated.first & only_then)
    a, last = _live(held, held.init(0), stream)
    b, streamed = _live(net, net.init(0), repeated)
    assert _bits(a) == _bits(b)
    assert _bits(last) == _bits(jax.tree.map(lambda x: x[3::4], streamed))
    assert (last["seen"][-1] == 5).all(), "`first` is seen by the first tick alone"
    once, _ = _live(hold(net, 1), net.init(0), repeated)
    assert _bits(once) == _bits(b)
    _, every = _live(hold(net, 4, every=True), net.init(0), stream)
    flat = jax.tree.map(lambda x: x.reshape(20, *x.shape[2:]), every)
    assert _bits(flat) == _bits(streamed)


@pytest.mark.unit
def test_pipe_wires_outputs_to_clamps():
    net, world = _oja(3), _world(100)
    both = pipe(net, world, {"move": "y"})
    assert [v.name for v in both.spec.observed] == ["input"]
    assert both.spec.modulated == ("unit",) and "learns" in both.spec.capabilities
    stream = _stream(both.spec, 6)
    state, output = _live(both, both.init(0), stream)
    assert output["second.move"].tobytes() == output["first.y"].tobytes()
    np.testing.assert_allclose(
        output["second.place"][-1], [output["first.y"].sum(), 6], rtol=1e-5, atol=1e-6
    )
    alone, _ = _live(net, net.init(jax.random.fold_in(jax.random.key(0), 0)), stream)
    np.testing.assert_allclose(state.shared[0]["w"], alone.shared["w"], rtol=1e-5)


def _agent():
    """Says back twice what it senses, and shows its reward and whether an episode began."""
    spec = Spec("test agent", observed=(Variable("eye", (2,)),), modulated=("unit", "other"))

    def step(state, o):
        eye = hold_evidence(jnp.full(2, -1.0), o.evidence["eye"], 1.0)
        m = o.modulation
        shown = {"eye": eye, "act": 2 * eye[:1], "fresh": o.first}
        return state, shown | {"reward": m["unit"], "other": m["other"]}

    return system(spec, lambda key: State({}, {}), step)


@pytest.mark.theory
@pytest.mark.parametrize("lanes", [0, 2])
def test_loop_closes_the_circle_one_tick_late(lanes):
    agent, world = _agent(), _world(4)
    if lanes:
        agent, world = minibatch(agent, lanes), minibatch(world, lanes)
    life = loop(
        agent, world, sense={"eye": "place"}, act={"move": "act"}, reward={"unit": "gain"},
        first="over",
    )  # fmt: skip
    assert life.spec.observed == () and life.spec.lanes == ((lanes,) if lanes else ())
    n = 9
    stream = observe(life.spec, steps=n, modulation={"other": 0.5})
    _, out = _live(life, life.init(0), stream)
    if lanes:
        assert all((v[:, 0] == v[:, 1]).all() for v in out.values())
        out = {k: v[:, 0] for k, v in out.items()}
    eye, place, reward, fresh = np.full(2, -1.0), np.zeros(2), 1.0, True
    for t in range(n):
        assert out["agent.eye"][t].tolist() == eye.tolist()
        assert out["agent.reward"][t] == reward and bool(out["agent.fresh"][t]) == fresh
        move = 2 * eye[0]
        over = t % 4 == 3
        place = np.zeros(2) if over else place + np.array([move, 1])
        assert out["world.move"][t].tolist() == [move]
        assert out["world.place"][t].tolist() == place.tolist()
        eye, reward, fresh = place, place.sum(), over
    assert (out["agent.other"] == 0.5).all()


@pytest.mark.unit
def test_composites_are_built_again_from_their_spec():
    net, world = _oja(3), _world(2)
    composites = [
        minibatch(net, 2),
        replicate(hold(net, 3), 2),
        hold(minibatch(net, 2), 3, every=True),
        pipe(net, world, {"move": "y"}),
        loop(hold(net, 2), pipe(world, _oja(2), {"input": "place"}), sense={}, act={"move": "y"},
             reward={"unit": "first.gain"}, first="first.over"),
    ]  # fmt: skip
    for made in composites:
        text = made.spec.to_json()
        assert Spec.from_json(text) == made.spec and json.loads(text)["factory"]
        again = build(Spec.from_json(text))
        assert again.spec == made.spec
        assert _bits(again.init(3)) == _bits(made.init(3))
    with pytest.raises(SpecError, match="factory: expected one of"):
        build(Spec("nobody"))
    with pytest.raises(SpecError, match="spec: expected"):
        build(Spec("test oja", arguments(inputs=2)))


@pytest.mark.unit
def test_factories_are_registered_under_their_name():
    made = factory("test twice")(lambda: _oja(2))
    assert FACTORIES.pop("test twice") is made


NET, WORLD = _oja(3), _world(2)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: minibatch(NET, 0), "minibatch n"),
        (lambda: minibatch(NET, True), "minibatch n"),
        (lambda: replicate(NET, 1.5), "replicate n"),
        (lambda: hold(NET, -1), "hold n"),
        (lambda: pipe(NET, WORLD, {"jump": "y"}), "variable"),
        (lambda: pipe(minibatch(NET, 2), WORLD, {"move": "y"}), "lanes"),
        (lambda: pipe(NET, _oja(2), {}), "input"),
        (lambda: loop(NET, WORLD, sense={"eye": "place"}, act={}), "variable"),
        (lambda: loop(NET, WORLD, sense={}, act={"jump": "y"}), "variable"),
        (lambda: loop(NET, WORLD, sense={}, act={}, reward={"cells": "gain"}), "reward"),
        (lambda: loop(NET, minibatch(WORLD, 2), sense={}, act={}), "lanes"),
    ],
)
def test_what_cannot_be_combined_is_refused(make, field):
    with pytest.raises(SpecError, match=f"{field}: expected"):
        make()


@pytest.mark.unit
def test_an_unknown_output_is_refused_when_traced():
    both = pipe(NET, WORLD, {"move": "z"})
    stream = jax.tree.map(lambda a: a[0], _stream(both.spec, 1))
    with pytest.raises(SpecError, match="output: expected one of"):
        both.step(both.init(0), stream)
