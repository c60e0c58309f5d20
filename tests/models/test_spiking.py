"""Firing rates and STDP windows against their closed forms; bits against bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.errors import SpecError
from sodachi.models.spiking import spiking_pair
from sodachi.neurons import LeakyIntegrateAndFire
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import Evidence, build

DT = 0.1


def told(spikes):
    """Evidence that makes exactly these spikes, with a leading time axis."""
    return np.asarray(spikes, np.float32)


def pair_of_spikes(first, second, ticks=400):
    spikes = np.zeros((ticks, 2))
    spikes[first, 0] = spikes[second, 1] = 1.0
    return spikes


@pytest.mark.theory
@pytest.mark.parametrize("refractory_ms", [0.0, 2.0])
@pytest.mark.parametrize("current_nA", [1.6, 2.0, 4.0, 10.0])
def test_interspike_interval_is_the_closed_form_within_one_tick(refractory_ms, current_nA):
    cell = LeakyIntegrateAndFire(refractory_ms=refractory_ms)
    step = jax.jit(lambda s, _: cell.step(s, jnp.full(1, current_nA), DT))
    _, spikes = jax.lax.scan(step, cell.rest((1,)), None, 4000)
    times = np.flatnonzero(np.asarray(spikes)[:, 0])
    intervals = np.diff(times) * DT
    expected = 1000.0 / cell.rate_Hz(current_nA)
    assert len(intervals) > 3
    # The threshold is met at the end of a tick: up to one tick late, never early.
    assert np.all(intervals >= expected - 1e-3)
    assert np.all(intervals <= expected + DT + 1e-3)


def test_below_the_rheobase_nothing_fires():
    cell = LeakyIntegrateAndFire()
    assert cell.rate_Hz(1.5) == 0.0
    _, spikes = jax.lax.scan(
        lambda s, _: cell.step(s, jnp.full(1, 1.499), DT), cell.rest((1,)), None, 4000
    )
    assert not np.any(spikes)


@pytest.mark.theory
def test_current_reaches_the_cells_as_a_drive_of_precision_zero():
    pair = spiking_pair(dt_ms=DT, weight_mV=0.0)
    drive = np.tile([4.0, 0.0], (2000, 1))
    o = observe(pair.spec, steps=2000, current=Evidence(np.zeros_like(drive), 0.0, drive))
    _, out = run(pair, ("spike", "current"), chunk=500)(pair.init(0), o)
    count = out["spike"].sum(0)
    expected = 0.2 * LeakyIntegrateAndFire().rate_Hz(4.0)
    assert abs(count[0] - expected) <= 1.5 and count[1] == 0
    assert np.array_equal(out["current"], drive.astype(np.float32))


@pytest.mark.theory
@pytest.mark.parametrize("lag", [1, 37, 200])
@pytest.mark.parametrize("sign", [1, -1])
def test_window_of_single_pairs(lag, sign):
    plus, minus, tau_plus, tau_minus = 0.02, 0.03, 17.0, 34.0
    pair = spiking_pair(
        dt_ms=DT,
        potentiation_mV=plus,
        depression_mV=minus,
        tau_plus_ms=tau_plus,
        tau_minus_ms=tau_minus,
    )
    first, second = (50, 50 + lag) if sign > 0 else (50 + lag, 50)
    o = observe(pair.spec, steps=400, spike=told(pair_of_spikes(first, second)))
    state, _ = run(pair, chunk=400)(pair.init(0), o)
    change = np.asarray(state.shared["weights"]["synapses"], float) - 0.5 * (1 - np.eye(2))
    up = plus * np.exp(-lag * DT / tau_plus)
    down = -minus * np.exp(-lag * DT / tau_minus)
    # From cell 0 to cell 1 the pre spike is cell 0's; the way back sees the opposite order.
    there, back = (up, down) if sign > 0 else (down, up)
    assert change[0, 1] == pytest.approx(there, abs=2e-7)
    assert change[1, 0] == pytest.approx(back, abs=2e-7)
    assert change[0, 0] == change[1, 1] == 0.0


def test_spikes_of_one_tick_do_not_pair():
    pair = spiking_pair(dt_ms=DT)
    o = observe(pair.spec, steps=400, spike=told(pair_of_spikes(60, 60)))
    state, _ = run(pair, chunk=400)(pair.init(0), o)
    assert np.array_equal(
        state.shared["weights"]["synapses"], pair.init(0).shared["weights"]["synapses"]
    )


def noisy(spec, ticks, seed=0, **kwargs):
    rng = np.random.default_rng(seed)
    spikes = (rng.random((ticks, *spec.lanes, 3)) < 0.05).astype(np.float32)
    return observe(spec, steps=ticks, spike=spikes, **kwargs)


@pytest.mark.parametrize("tau_eligibility_ms", [None, 50.0])
def test_event_marked_drives_equal_plain_drives_bit_for_bit(tau_eligibility_ms):
    weights = []
    for event in (True, False):
        net = minibatch(
            spiking_pair(
                cells=3,
                event=event,
                potentiation_mV=0.2,
                depression_mV=0.21,
                tau_eligibility_ms=tau_eligibility_ms,
            ),
            2,
        )
        state, _ = run(net, chunk=300)(net.init(0), noisy(net.spec, 300))
        weights.append(np.asarray(state.shared["weights"]["synapses"]))
    assert weights[0].tobytes() == weights[1].tobytes()
    assert not np.array_equal(weights[0], np.asarray(net.init(0).shared["weights"]["synapses"]))
    assert weights[0].min() >= 0.0 and weights[0].max() <= 1.0


@pytest.mark.parametrize("tau_eligibility_ms", [None, 50.0])
def test_without_learning_no_slow_bit_moves(tau_eligibility_ms):
    net = spiking_pair(cells=3, tau_eligibility_ms=tau_eligibility_ms)
    live = run(net, chunk=100)
    before, _ = live(net.init(0), noisy(net.spec, 100))
    after, _ = live(before, noisy(net.spec, 100, seed=1, learn=False))
    old, new = jax.tree.leaves(before.shared), jax.tree.leaves(after.shared)
    assert all(
        np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(old, new, strict=True)
    )
    start = net.init(0).shared["weights"]["synapses"]
    assert not np.array_equal(before.shared["weights"]["synapses"], start)


@pytest.mark.theory
def test_a_later_reward_turns_the_eligibility_into_weight():
    net = spiking_pair(dt_ms=DT, tau_eligibility_ms=50.0, potentiation_mV=0.02)
    spikes, reward = pair_of_spikes(10, 30, 101), np.zeros(101)
    reward[100] = 2.0
    o = observe(net.spec, steps=101, spike=told(spikes), modulation={"reward": reward})
    state, _ = run(net, chunk=101)(net.init(0), o)
    moved = float(state.shared["weights"]["synapses"][0, 1]) - 0.5
    expected = 2.0 * 0.02 * np.exp(-20 * DT / 20.0) * np.exp(-70 * DT / 50.0)
    assert moved == pytest.approx(expected, abs=3e-7)


def test_what_is_no_number_never_reaches_a_weight():
    net = spiking_pair()
    o = observe(net.spec, current=[1.0, 1.0], spike=[1.0, 0.0])
    nan = np.full(2, np.nan, np.float32)
    bad = {name: Evidence(nan, e.precision, nan) for name, e in o.evidence.items()}
    state, _ = jax.jit(net.step)(net.init(0), o._replace(evidence=bad))
    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
    assert all(np.all(np.isfinite(x)) for x in floats)


def test_it_is_built_again_from_its_spec():
    assert build(spiking_pair(cells=3).spec).spec == spiking_pair(cells=3).spec


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": 0},
        {"dt_ms": 0.0},
        {"tau_membrane_ms": -1.0},
        {"threshold_mV": -70.0},
        {"weight_mV": 2.0},
        {"tau_eligibility_ms": 0.0},
        {"refractory_ms": -1.0},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(SpecError):
        spiking_pair(**wrong)
