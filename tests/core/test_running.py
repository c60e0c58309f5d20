"""One program lives a stream in chunks of any size and always leaves the same bits."""

import jax
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import hold_evidence
from sodachi.errors import ObservationError, SpecError
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import Spec, State, Variable, arguments, system


def _leaky(cells: int = 3):
    """Leaky integrators with noise: v ← .9 v + x + .1 ξ; learns a slow mean in shared state."""
    spec = Spec("test leaky", arguments(cells=cells), observed=(Variable("input", (cells,)),))

    def init(key):
        return State({"clock": new_clock()}, {"v": jnp.zeros(cells), "key": key})

    def step(state, o):
        key, noise = jax.random.split(state.lane["key"])
        x = hold_evidence(jnp.zeros(cells), o.evidence["input"], 1.0)
        v = 0.9 * state.lane["v"] + jnp.tanh(x) + 0.1 * jax.random.normal(noise, (cells,))
        new = State({"clock": tick(state.shared["clock"])}, {"v": v, "key": key})
        return new, {"energy": jnp.sum(v**2), "v": v, "x": x}

    return system(spec, init, step)


def _stream(spec, n, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, *spec.lanes, 3)).astype(np.float32)
    return observe(spec, steps=n, input=x)


def _part(stream, start, stop=None):
    return jax.tree.map(lambda a: a[start:stop], stream)


def _bits(state):
    return [
        np.asarray(jax.random.key_data(a) if a.dtype.name.startswith("key") else a).tobytes()
        for a in jax.tree.leaves(state)
    ]


@pytest.mark.theory
def test_run_is_the_scan_of_the_step():
    net = _leaky()
    stream = _stream(net.spec, 20)
    state, outputs = run(net, emit=("energy", "v", "x"), chunk=7)(net.init(0), stream)
    v, key = np.zeros(3), jax.random.key(0)
    for t in range(20):
        key, noise = jax.random.split(key)
        x = stream.evidence["input"].value[t]
        v = 0.9 * v + np.tanh(x) + 0.1 * np.asarray(jax.random.normal(noise, (3,)), float)
        assert outputs["x"][t].tobytes() == x.tobytes()
        np.testing.assert_allclose(outputs["v"][t], v, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(outputs["energy"][t], (v**2).sum(), rtol=1e-4)
    assert state.shared["clock"].tolist() == [0, 20]
    assert set(outputs) == {"energy", "v", "x"}


@pytest.mark.unit
@pytest.mark.parametrize("lanes", [0, 2])
def test_a_then_b_is_a_and_b_whatever_the_chunks(lanes):
    net = minibatch(_leaky(), lanes) if lanes else _leaky()
    stream = _stream(net.spec, 23)
    whole_state, whole = run(net, emit=("v",), chunk=64)(net.init(0), stream)
    for chunk, cut in ((1, 9), (8, 16), (5, 1), (64, 22)):
        live = run(net, emit=("v",), chunk=chunk)
        state, first = live(net.init(0), _part(stream, 0, cut))
        state, second = live(state, _part(stream, cut))
        assert _bits(state) == _bits(whole_state)
        assert np.concatenate([first["v"], second["v"]]).tobytes() == whole["v"].tobytes()


@pytest.mark.unit
def test_one_program_for_every_length():
    net = _leaky()
    live = run(net, chunk=16)
    state = net.init(0)
    state, _ = live(state, _stream(net.spec, 16))
    compiled = []

    def listener(name, *_, **__):
        if "backend_compile" in name:
            compiled.append(name)

    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        for n in (1, 5, 16, 17, 40, 3):
            state, outputs = live(state, _stream(net.spec, n))
            assert len(outputs["energy"]) == n
        assert compiled == []
        run(net, chunk=17)(state, _stream(net.spec, 2))
        assert len(compiled) > 0, "the listener hears a compilation"
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    assert state.shared["clock"].tolist() == [0, 98]


@pytest.mark.unit
def test_emit_may_be_a_function():
    net = _leaky()
    live = run(net, emit=lambda output: {"top": jnp.max(output["v"])}, chunk=4)
    _, named = run(net, emit=("v",), chunk=4)(net.init(0), _stream(net.spec, 6))
    _, outputs = live(net.init(0), _stream(net.spec, 6))
    np.testing.assert_array_equal(outputs["top"], named["v"].max(-1))


@pytest.mark.unit
def test_a_reused_buffer_does_not_alter_the_life():
    net = _leaky()
    live = run(net, chunk=4)
    buffer = np.ones((8, 3), np.float32)
    state, _ = live(net.init(0), observe(net.spec, steps=8, input=buffer))
    stream = observe(net.spec, steps=8, input=buffer)
    buffer[:] = np.nan
    again, _ = live(net.init(0), stream)
    assert _bits(again) == _bits(state)
    later, _ = live(net.init(0), stream, checked=True)
    stream.evidence["input"].value[:] = np.nan
    assert _bits(later) == _bits(state)


@pytest.mark.unit
def test_bad_input_is_refused_before_the_first_tick():
    net = _leaky()
    ticked = []
    counted = net._replace(step=lambda s, o: (ticked.append(1), net.step(s, o))[1])
    live = run(counted, chunk=4)
    stream = _stream(net.spec, 6)
    late = stream.evidence["input"].value.copy()
    late[5, 1] = np.nan
    bad = [
        stream._replace(evidence={"input": stream.evidence["input"]._replace(value=late)}),
        stream._replace(evidence={}),
        stream._replace(learn=np.array(True)),
        stream._replace(learn=[True, [False]]),
        stream._replace(learn=stream.learn[:4]),
        _part(stream, 0, 0),
        None,
    ]
    for observations in bad:
        with pytest.raises(ObservationError, match="expected"):
            live(net.init(0), observations)
    assert ticked == []


@pytest.mark.unit
def test_settings_that_cannot_be_meant_are_refused():
    net = _leaky()
    for chunk in (0, -1, 2.5):
        with pytest.raises(SpecError, match="chunk: expected"):
            run(net, chunk=chunk)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="emit: expected one of"):
        run(net, emit=("mood",))(net.init(0), _stream(net.spec, 1))


@pytest.mark.unit
def test_systems_have_no_weak_types():
    """A weakly typed leaf would change its type after a step and compile everything again."""
    spec = Spec("weak", observed=(Variable("input", (3,)),))
    net = system(
        spec,
        lambda key: State({"rate": 0.5}, {"n": 0}),
        lambda s, o: (
            State({"rate": s.shared["rate"] * 1.0}, {"n": s.lane["n"] + 1}),
            {"one": 1.0},
        ),
    )
    state = net.init(0)
    new, output = net.step(state, _part(_stream(spec, 1), 0, 1))
    leaves = jax.tree.leaves((state, new, output))
    assert leaves and not any(leaf.weak_type for leaf in leaves)
    assert [a.dtype for a in jax.tree.leaves(state)] == [a.dtype for a in jax.tree.leaves(new)]


@pytest.mark.unit
def test_a_step_is_compiled_at_its_first_call_and_means_the_same_within_a_program():
    net, entered = _leaky(), []
    counted = system(net.spec, net.init, lambda s, o: (entered.append(1), net.step(s, o))[1])
    state, ticks = counted.init(0), [_part(_stream(net.spec, 4), t, t + 1) for t in range(4)]
    for now in ticks:
        state, _ = counted.step(state, jax.tree.map(lambda a: a[0], now))
    assert len(entered) == 1  # traced once, never run as Python again
    within, _ = run(net, chunk=4)(net.init(0), _stream(net.spec, 4))
    for one, two in zip(jax.tree.leaves(within.shared), jax.tree.leaves(state.shared), strict=True):
        assert np.array_equal(one, two)
    assert np.allclose(within.lane["v"], state.lane["v"], atol=1e-6)
