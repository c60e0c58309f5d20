"""Dynamic Boltzmann machines: rules against the slope of the likelihood, by definition, float64."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.claims.spike_pairs import log_likelihood, past_of
from sodachi.combinators import minibatch
from sodachi.core.audit import audit
from sodachi.errors import ObservationError, SpecError
from sodachi.models import (
    binary_series,
    dynamic_boltzmann_machine,
    gaussian_dynamic_boltzmann_machine,
)
from sodachi.models.dynamic_memory import arrived, averaged, pushed, travelling
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import Evidence, build

T, N = 14, 3
DELAYS = [[1, 3, None], [2, 2, 4], [1, None, 3]]
LAMBDAS, MUS = (0.4, 0.8), (0.5, 0.7)
RATE = 2.0**-10  # small enough for the deviation's bounds, and exact to divide by


def spikes(seed=0, ticks=T):
    return (np.random.default_rng(seed).random((ticks, N)) < 0.4).astype(float)


def with_random(state, seed=0, scale=0.4):
    """The state with random weights, so that no term of a slope is silent."""
    rng = np.random.default_rng(seed)
    weights = {n: jnp.asarray(scale * rng.normal(size=w.shape), w.dtype)
               for n, w in state.shared["weights"].items()}  # fmt: skip
    return state._replace(shared={**state.shared, "weights": weights})


def drives(machine, state, observations):
    """What the rules add up to over a series, weights put back after every tick; and energies."""
    fixed = state.shared["weights"]

    def tick(state, now):
        after, out = machine.step(state, now)
        moved = jax.tree.map(jnp.subtract, after.shared["weights"], fixed)
        return after._replace(shared={**after.shared, "weights": fixed}), (moved, out)

    _, (moves, outputs) = jax.lax.scan(tick, state, observations)
    return jax.tree.map(lambda a: np.asarray(a.sum(0)), moves), np.asarray(outputs["energy"])


def binary(**arguments):
    given = {"delays": DELAYS, "trace_decays": LAMBDAS, "depression_decays": MUS, "rate": 1.0}
    return dynamic_boltzmann_machine(units=N, **given | {"dtype": "float64"} | arguments)


@pytest.mark.theory
def test_every_binary_rule_is_the_slope_of_the_log_likelihood():
    with jax.enable_x64(True):
        machine, x = binary(), spikes()
        state = with_random(machine.init(0))
        moves, energy = drives(machine, state, observe(machine.spec, steps=T, units=x))
        past = past_of(x, DELAYS, LAMBDAS, MUS)
        total, truth = jax.value_and_grad(log_likelihood)(state.shared["weights"], x, past)
    assert set(moves) == {
        "bias",
        *(f"{n}_{k}" for n in ("potentiation", "depression") for k in (0, 1)),
    }
    for name, slope in truth.items():
        np.testing.assert_allclose(moves[name], slope, rtol=1e-6, atol=1e-9, err_msg=name)
        assert np.count_nonzero(np.abs(moves[name]) > 1e-3) == (3 if name == "bias" else 7)
    np.testing.assert_allclose(-energy.sum(), total, rtol=1e-9)


@pytest.mark.theory
def test_the_chances_of_all_next_states_add_up_to_one():
    with jax.enable_x64(True):
        machine, x = binary(), spikes(1, 6)
        state = with_random(machine.init(0), 1)
        past = [observe(machine.spec, units=row, learn=False) for row in x]
        for now in past:
            state, _ = machine.step(state, now)
        total = 0.0
        for row in itertools.product([0.0, 1.0], repeat=N):
            _, out = machine.step(state, observe(machine.spec, units=row, learn=False))
            total += np.exp(-float(out["energy"]))
    assert total == pytest.approx(1.0, abs=1e-12)


@pytest.mark.theory
def test_memory_is_the_sum_of_the_whole_past():
    x = spikes(2, 9)
    queue, traces = jnp.zeros((4, N)), jnp.zeros((2, 4, N))
    for row in x:
        queue = pushed(queue, jnp.asarray(row))
        traces = arrived(traces, LAMBDAS, queue)
    t = len(x)
    for d in range(1, 5):
        late = sum(0.8 ** (t - s - d) * x[s] for s in range(t - d + 1))
        np.testing.assert_allclose(traces[1, d - 1], late, rtol=1e-5)
        there = sum((0.5 ** (s + d - t) * x[s] for s in range(t - d + 1, t)), np.zeros(N))
        np.testing.assert_allclose(travelling(queue, 0.5)[d - 1], there, rtol=1e-5)


def reference_features(x, delay, decays, fixed, leak):
    """What the Gaussian machine remembers at every tick, in plain NumPy."""
    ticks, n = x.shape
    lags, traces, psi = [], [], []
    state = None if fixed is None else np.zeros(len(fixed["recurrent"]))
    for t in range(ticks):
        lags.append([x[t - d] if t >= d else np.zeros(n) for d in range(1, delay)])
        traces.append([
            sum(((1 - lam) * lam ** (t - 1 - s) * x[s] for s in range(t)), np.zeros(n))
            for lam in decays
        ])  # fmt: skip
        if state is not None:
            psi.append(state)
            heard = np.tanh(state @ fixed["recurrent"] + x[t] @ fixed["input"])
            state = (1 - leak) * state + leak * heard
    return {"lags": np.array(lags), "traces": np.array(traces), "reservoir": np.array(psi)}


@pytest.mark.theory
@pytest.mark.parametrize("natural", [False, True])
@pytest.mark.parametrize("reservoir", [0, 4])
def test_every_gaussian_rule_is_the_slope_of_the_log_likelihood(reservoir, natural):
    x = np.random.default_rng(3).normal(size=(T, N))
    with jax.enable_x64(True):
        machine = gaussian_dynamic_boltzmann_machine(
            units=N, delay=3, trace_decays=LAMBDAS, reservoir=reservoir, leak=0.3, rate=RATE,
            natural=natural, dtype="float64")  # fmt: skip
        state = with_random(machine.init(0), 4, 0.3)
        moves, energy = drives(machine, state, observe(machine.spec, steps=T, series=x))
        fixed = state.shared.get("fixed")
        seen = reference_features(x, 3, LAMBDAS, fixed, 0.3)

        def total(weights):
            mean = weights["bias"] + sum(
                f.reshape(T, -1) @ weights[name] for name, f in seen.items() if len(f)
            )
            s = jnp.exp(weights["log_deviation"])
            return jnp.sum(jax.scipy.stats.norm.logpdf(jnp.asarray(x), mean, s))

        value, truth = jax.value_and_grad(total)(state.shared["weights"])
        variance = np.exp(2 * np.asarray(state.shared["weights"]["log_deviation"]))
    assert ("reservoir" in moves) == (reservoir > 0)
    for name, slope in truth.items():
        scale = (0.5 if name == "log_deviation" else variance) if natural else 1.0
        np.testing.assert_allclose(
            moves[name] / RATE, scale * np.asarray(slope), rtol=1e-6, err_msg=name
        )
    np.testing.assert_allclose(-energy.sum(), value, rtol=1e-9)


@pytest.mark.unit
def test_the_reservoir_turns_by_the_radius_and_is_never_learned():
    machine = gaussian_dynamic_boltzmann_machine(reservoir=6, radius=0.8)
    state = machine.init(1)
    found = np.linalg.eigvals(np.asarray(state.shared["fixed"]["recurrent"], float))
    np.testing.assert_allclose(np.abs(found), 0.8, rtol=1e-5)
    later, _ = machine.step(state, observe(machine.spec, series=[0.7]))
    for name, before in state.shared["fixed"].items():
        np.testing.assert_array_equal(before, later.shared["fixed"][name])


@pytest.mark.theory
def test_a_nudge_weighs_value_and_mean_by_their_precisions():
    machine = gaussian_dynamic_boltzmann_machine(deviation=0.5, rate=0.1)
    nudge = Evidence([3.0], 2.0, 0.0)
    _, out = machine.step(machine.init(0), observe(machine.spec, series=nudge))
    # N(0, ½²) has precision 4, the evidence 2: (4·0 + 2·3)/6.
    assert float(out["series"][0]) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.unit
def test_with_nothing_clamped_it_forecasts_on_and_learns_nothing():
    machine = gaussian_dynamic_boltzmann_machine(delay=3, trace_decays=(), rate=0.2)
    wave = np.sin(0.3 * np.arange(3040))[:, None]
    live = run(machine, emit=("series",))
    state, _ = live(machine.init(0), observe(machine.spec, steps=3000, series=wave[:3000]))
    after, free = live(state, observe(machine.spec, steps=40))
    np.testing.assert_allclose(free["series"], wave[3000:], atol=0.15)
    for name, before in state.shared["weights"].items():
        np.testing.assert_array_equal(before, after.shared["weights"][name])


@pytest.mark.unit
def test_an_episode_begins_without_a_past():
    machine = gaussian_dynamic_boltzmann_machine(reservoir=3)
    state = with_random(machine.init(0))
    lived, _ = machine.step(state, observe(machine.spec, series=[2.0], learn=False))
    _, anew = machine.step(lived, observe(machine.spec, series=[0.0], learn=False, first=True))
    _, birth = machine.step(state, observe(machine.spec, series=[0.0], learn=False))
    assert float(anew["mean"][0]) == float(birth["mean"][0])
    _, on = machine.step(lived, observe(machine.spec, series=[0.0], learn=False))
    assert float(on["mean"][0]) != float(birth["mean"][0])
    fires = binary(dtype="float32")
    state = with_random(fires.init(0))
    lived, _ = fires.step(state, observe(fires.spec, units=[1, 1, 1], learn=False))
    _, anew = fires.step(lived, observe(fires.spec, units=[0, 0, 0], learn=False, first=True))
    _, birth = fires.step(state, observe(fires.spec, units=[0, 0, 0], learn=False))
    np.testing.assert_array_equal(anew["probability"], birth["probability"])


@pytest.mark.unit
def test_a_clamp_that_is_neither_spike_nor_silence_moves_no_weight():
    machine = binary(dtype="float32")
    state = with_random(machine.init(0))
    for value in (0.5, np.nan, 3.0):
        odd = observe(machine.spec, units=[0, 1, 0])
        odd.evidence["units"].value[:] = value
        after, out = machine.step(state, odd)
        for name, before in state.shared["weights"].items():
            np.testing.assert_array_equal(before, after.shared["weights"][name])
        assert set(np.asarray(out["units"]).tolist()) <= {0.0, 1.0}


@pytest.mark.unit
@pytest.mark.parametrize("machine", [
    binary(dtype="float32"),
    gaussian_dynamic_boltzmann_machine(units=2, reservoir=3, optimiser="adagrad"),
])  # fmt: skip
def test_the_audit_finds_every_synapse_local(machine):
    (name,) = (v.name for v in machine.spec.observed)
    size = machine.spec.observed[0].shape[0]
    state = with_random(machine.init(0))
    for row in spikes(5, 5)[:, :size]:
        state, _ = machine.step(state, observe(machine.spec, **{name: row}))
    report = audit(machine, state, observe(machine.spec, **{name: [1.0] * size}), samples=30)
    assert report.local and len(report.checked) == len(state.shared["weights"])


@pytest.mark.theory
def test_lanes_learn_the_mean_of_their_slopes():
    one = gaussian_dynamic_boltzmann_machine(units=2, rate=0.5)
    many = minibatch(one, 3)
    rows = np.random.default_rng(6).normal(size=(3, 2)).astype(np.float32)
    together, _ = many.step(many.init(0), observe(many.spec, series=rows))
    alone = [one.step(one.init(0), observe(one.spec, series=row))[0] for row in rows]
    expected = np.mean([np.asarray(s.shared["weights"]["bias"]) for s in alone], 0)
    np.testing.assert_allclose(together.shared["weights"]["bias"], expected, rtol=1e-6)


@pytest.mark.theory
def test_traces_are_running_means():
    traces = jnp.zeros((1, 1))
    for _ in range(200):
        traces = averaged(traces, (0.9,), jnp.array([4.0]))
    assert float(traces[0, 0]) == pytest.approx(4.0, rel=1e-5)


@pytest.mark.unit
@pytest.mark.parametrize(("arguments", "field"), [
    ({"units": 0}, "units"),
    ({"delays": 0}, "delays"),
    ({"delays": 1.5}, "delays"),
    ({"delays": [[1, 2]]}, "delays"),
    ({"units": 1, "delays": [[0]]}, "delays"),
    ({"trace_decays": [1.0]}, "trace_decays"),
    ({"trace_decays": [-0.1]}, "trace_decays"),
    ({"depression_decays": [1.0]}, "depression_decays"),
    ({"depression_decays": [-0.5]}, "depression_decays"),
    ({"rate": 0.0}, "rate"),
    ({"optimiser": "magic"}, "optimiser"),
    ({"dtype": "int8"}, "dtype"),
])  # fmt: skip
def test_bad_binary_arguments_are_refused(arguments, field):
    with pytest.raises(SpecError, match=f"^{field}: expected"):
        dynamic_boltzmann_machine(**arguments)


@pytest.mark.unit
@pytest.mark.parametrize(("arguments", "field"), [
    ({"units": 0}, "units"),
    ({"delay": 0}, "delay"),
    ({"trace_decays": [float("nan")]}, "trace_decays"),
    ({"reservoir": -1}, "reservoir"),
    ({"leak": 0.0}, "leak"),
    ({"radius": -1.0}, "radius"),
    ({"input_scale": float("inf")}, "input_scale"),
    ({"deviation": 0.0}, "deviation"),
    ({"rate": -1.0}, "rate"),
    ({"dtype": "int8"}, "dtype"),
])  # fmt: skip
def test_bad_gaussian_arguments_are_refused(arguments, field):
    with pytest.raises(SpecError, match=f"^{field}: expected"):
        gaussian_dynamic_boltzmann_machine(**arguments)


@pytest.mark.unit
def test_the_first_value_that_is_not_binary_is_named():
    assert binary_series([[0, 1], [1, 0]]).dtype == np.float32
    with pytest.raises(ObservationError, match=r"values\[1, 1\]: expected 0 or 1.*got 0.5"):
        binary_series([[0, 1], [1, 0.5]])
    with pytest.raises(ObservationError, match=r"values\[0\]: expected a finite number"):
        binary_series([np.nan, 1.0], threshold=0.5)


@pytest.mark.unit
def test_a_spec_builds_the_same_machine_again():
    for machine in (binary(), gaussian_dynamic_boltzmann_machine(units=2, reservoir=3)):
        assert build(machine.spec).spec == machine.spec
