"""Relaxation ends where mathematics says, whatever the solver, and says how far it came."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.core.connections import Dense
from sodachi.core.energy import energy, prediction_terms
from sodachi.core.evidence import evidence_energy
from sodachi.core.graph import Edge, Graph, Population, forces
from sodachi.core.relax import (
    Asynchronous,
    Continuous,
    Gibbs,
    Langevin,
    OneAtATime,
    Synchronous,
    relax,
)
from sodachi.errors import SpecError
from sodachi.system import Evidence

SIZES = {"a": 3, "b": 4, "c": 2}
METHODS = {
    "synchronous": Synchronous(rate=0.1, ticks=20_000, tolerance=1e-11),
    "asynchronous": Asynchronous(0.05, 60_000, 1e-11, probability=0.5, max_delay=3),
    "one at a time": OneAtATime(rate=0.2, sweeps=5_000, tolerance=1e-11),
    "continuous": Continuous(time=2_000.0, dt=0.1, tolerance=1e-11),
}


def chain(activation: str = "identity", seed: int = 0):
    """The chain a → b → c of three populations, with its weights."""
    rng = np.random.default_rng(seed)
    populations = tuple(Population(n, (s,), activation) for n, s in SIZES.items())
    edges = (Edge("a", "b", Dense((3,), (4,))), Edge("b", "c", Dense((4,), (2,))))
    weights = {"a>b": 0.5 * rng.normal(size=(3, 4)), "b>c": 0.5 * rng.normal(size=(4, 2))}
    bias = {"b": 0.3 * rng.normal(size=4), "c": 0.3 * rng.normal(size=2)}
    return Graph(populations, edges), weights, bias, {"b": np.ones(4), "c": 2 * np.ones(2)}


def evidence_of(seed: int = 1):
    """`a` nudged with different precisions and a drive, `c` half clamped, half absent."""
    rng = np.random.default_rng(seed)
    known = {
        "a": (rng.normal(size=3), np.array([0.5, 2.0, 1e6]), np.array([0.0, 0.3, 0.0])),
        "c": (rng.normal(size=2), np.array([np.inf, 0.0]), np.zeros(2)),
    }
    return {n: Evidence(*(jnp.asarray(part) for part in e)) for n, e in known.items()}


def closed_form():
    """The minimum of the quadratic energy by one linear solve in NumPy."""
    _, w, bias, _ = chain()
    e = evidence_of()
    # Rows of J are the springs b − Wᵀa − bias and c − Vᵀb − bias, each with its precision.
    j = np.zeros((6, 9))
    j[:4, 3:7], j[:4, :3] = np.eye(4), -w["a>b"].T
    j[4:, 7:], j[4:, 3:7] = np.eye(2), -w["b>c"].T
    stiffness = np.diag([1.0] * 4 + [2.0] * 2)
    h = j.T @ stiffness @ j
    rhs = j.T @ stiffness @ np.concatenate([bias["b"], bias["c"]])
    h[:3, :3] += np.diag(np.asarray(e["a"].precision))
    rhs[:3] += np.asarray(e["a"].precision * e["a"].value + e["a"].drive)
    free, clamped, value = [*range(7), 8], 7, float(e["c"].value[0])
    x = np.zeros(9)
    x[clamped] = value
    x[free] = np.linalg.solve(h[np.ix_(free, free)], rhs[free] - h[free, clamped] * value)
    return x


def problem(activation="identity", seed=0):
    graph, w, bias, precision = chain(activation, seed)
    terms = prediction_terms(graph, w, bias, precision)
    start = {n: jnp.zeros(s) for n, s in SIZES.items()}
    return start, lambda a: forces(graph, w, bias, precision, a), lambda a: energy(terms, a)


def total_energy(value, evidence):
    return lambda a: value(a) + sum(evidence_energy(a[n], e) for n, e in evidence.items())


@pytest.mark.theory
@pytest.mark.parametrize("name", METHODS)
def test_equilibrium_is_the_closed_form(name):
    with jax.enable_x64(True):
        start, force, _ = problem()
        method = METHODS[name]
        settled = relax(force, start, evidence_of(), method=method, key=jax.random.key(3))
        x = np.concatenate([settled.activity[n] for n in SIZES])
        np.testing.assert_allclose(x, closed_form(), rtol=0, atol=1e-9)
        assert max(float(r) for r in settled.residual.values()) <= 1e-11
        assert float(settled.activity["c"][0]) == float(evidence_of()["c"].value[0])


@pytest.mark.theory
@pytest.mark.parametrize("name", METHODS)
def test_residual_is_the_gradient_that_automatic_differentiation_sees(name):
    with jax.enable_x64(True):
        start, force, value = problem("tanh")
        evidence = evidence_of()
        method = {
            "synchronous": Synchronous(0.05, 7),
            "asynchronous": Asynchronous(0.05, 7, 0.0, 0.5, 2),
            "one at a time": OneAtATime(0.05, 3),
            "continuous": Continuous(0.35, 0.05),
        }[name]
        settled = relax(force, start, evidence, method=method, key=jax.random.key(0))
        gradient = jax.grad(total_energy(value, evidence))(settled.activity)
        # A cell under precision p moves 1 + rate·p times slower than the bare gradient.
        slowed = gradient["a"] / (1 + 0.05 * evidence["a"].precision)
        free = jnp.where(jnp.isinf(evidence["c"].precision), 0.0, gradient["c"])
        expected = {"a": slowed, "b": gradient["b"], "c": free}
        for n in SIZES:
            assert float(settled.residual[n]) > 1e-3, "not settled, so that the test can see"
            np.testing.assert_allclose(
                float(settled.residual[n]), float(jnp.abs(expected[n]).max()), rtol=1e-8
            )


@pytest.mark.theory
@pytest.mark.parametrize("solver", ["synchronous", "continuous"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_energy_never_rises_at_a_small_rate(solver, seed):
    with jax.enable_x64(True):
        rises = _largest_rise(solver, seed)
        assert float(rises) <= 1e-12


@jax.jit
def _run_synchronous(w, bias, start, evidence):
    return _course(Synchronous(0.03, 1, 0.0), w, bias, start, evidence)


@jax.jit
def _run_continuous(w, bias, start, evidence):
    return _course(Continuous(0.03, 0.03, 0.0), w, bias, start, evidence)


def _course(method, w, bias, start, evidence):
    graph, _, _, precision = chain("tanh")
    value = total_energy(lambda a: energy(prediction_terms(graph, w, bias, precision), a), evidence)

    def tick(a, _):
        a = relax(
            lambda a: forces(graph, w, bias, precision, a), a, evidence, method=method
        ).activity
        return a, value(a)

    return jax.lax.scan(tick, start, None, length=40)[1]


def _largest_rise(solver, seed):
    _, w, bias, _ = chain("tanh", seed)
    rng = np.random.default_rng(seed)
    start = {n: jnp.asarray(rng.normal(size=s)) for n, s in SIZES.items()}
    run = _run_synchronous if solver == "synchronous" else _run_continuous
    course = np.asarray(run(w, bias, start, evidence_of(seed)))
    assert course[-1] < course[0]
    return np.diff(course).max()


@pytest.mark.theory
def test_continuous_follows_the_flow_to_second_order():
    with jax.enable_x64(True):
        h = np.array([[2.0, 0.5], [0.5, 1.0]])
        start = np.array([1.0, -2.0])
        values, vectors = np.linalg.eigh(h)
        exact = vectors @ (np.exp(-values) * (vectors.T @ start))

        def error(dt):
            method = Continuous(time=1.0, dt=dt, tolerance=0.0)
            end = relax(lambda a: {"x": -h @ a["x"]}, {"x": jnp.asarray(start)}, {}, method=method)
            assert int(end.ticks) == round(1 / dt)
            return np.abs(np.asarray(end.activity["x"]) - exact).max()

        order = np.log2(error(0.05) / error(0.025))
        assert 1.9 < order < 2.1


@pytest.mark.unit
def test_stops_as_soon_as_the_residual_is_within_tolerance():
    start, force, _ = problem()
    evidence = evidence_of()

    def settle(a, ticks):
        return jax.jit(lambda a: relax(force, a, evidence, method=Synchronous(0.1, ticks, 1e-3)))(a)

    settled = settle(start, 5_000)
    n = int(settled.ticks)
    assert 1 < n < 5_000
    assert max(map(float, settled.residual.values())) <= 1e-3
    one_less = settle(start, n - 1)
    assert max(map(float, one_less.residual.values())) > 1e-3
    again = settle(settled.activity, 5_000)
    assert int(again.ticks) == 0


@pytest.mark.unit
def test_a_residual_that_is_no_number_stops_at_once_and_is_reported():
    settled = relax(
        lambda a: {"x": a["x"] * jnp.nan}, {"x": jnp.ones(2)}, {}, method=Synchronous(0.1, 50)
    )
    assert int(settled.ticks) == 0 and np.isnan(float(settled.residual["x"]))


@pytest.mark.unit
@pytest.mark.parametrize("name", METHODS)
def test_any_precision_is_stable_and_settles_in_float32(name):
    precision = jnp.array([1e6, 3e38, jnp.inf], jnp.float32)
    evidence = {"x": Evidence(jnp.array([1.0, -2.0, 3.0]), precision, jnp.zeros(3))}
    method = {
        "synchronous": Synchronous(0.5, 200, 1e-5),
        "asynchronous": Asynchronous(0.5, 400, 1e-5, 0.5),
        "one at a time": OneAtATime(0.5, 200, 1e-5),
        "continuous": Continuous(100.0, 0.5, 1e-5),
    }[name]
    settled = relax(
        lambda a: {"x": -a["x"]}, {"x": jnp.zeros(3)}, evidence, method=method, key=_key()
    )
    np.testing.assert_allclose(settled.activity["x"], [1.0, -2.0, 3.0], rtol=1e-5)
    assert float(settled.activity["x"][2]) == 3.0
    assert float(settled.residual["x"]) <= 1e-5


def _key(i: int = 0):
    return jax.random.key(i)


def _lanes(n: int):
    rng = np.random.default_rng(5)
    starts = {k: rng.normal(size=(16, s)).astype(np.float32) for k, s in SIZES.items()}
    return {k: jnp.asarray(v[:n]) for k, v in starts.items()}


@pytest.mark.unit
@pytest.mark.parametrize("name", METHODS)
def test_other_samples_never_move_a_bit_nor_how_far_a_sample_goes(name):
    _, force, _ = problem("tanh")
    method = {
        "synchronous": Synchronous(0.1, 300, 1e-2),
        "asynchronous": Asynchronous(0.1, 300, 1e-2, 0.5, 2),
        "one at a time": OneAtATime(0.1, 300, 1e-2),
        "continuous": Continuous(30.0, 0.1, 1e-2),
    }[name]
    evidence = {n: Evidence(*(p.astype(jnp.float32) for p in e)) for n, e in evidence_of().items()}

    @jax.jit
    def settle(starts, keys):
        return jax.vmap(lambda a, k: relax(force, a, evidence, method=method, key=k))(starts, keys)

    keys = jax.random.split(_key(), 16)
    starts = _lanes(6)
    plain = settle(starts, keys[:6])
    # Another sample that takes far longer, or is broken: sample 0 is frozen when it is done.
    others = {n: x.at[1:].multiply(100.0).at[3].set(jnp.nan) for n, x in starts.items()}
    moved = settle(others, keys[:6].at[1:].set(keys[6:11]))
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(moved), strict=True):
        assert np.asarray(a[0]).tobytes() == np.asarray(b[0]).tobytes()
    assert int(jnp.max(moved.ticks)) > int(plain.ticks[0]) > 0
    wide = settle(_lanes(16), keys)
    alone = settle(_lanes(1), keys[:1])
    for batch in (wide, alone):
        assert int(batch.ticks[0]) == int(plain.ticks[0])
        for n in SIZES:
            np.testing.assert_allclose(
                batch.activity[n][0], plain.activity[n][0], rtol=1e-5, atol=1e-6
            )


@pytest.mark.unit
def test_same_key_same_bits_another_key_another_course():
    start, force, _ = problem()
    method = Asynchronous(0.1, 5, 0.0, 0.5, 2)
    settle = jax.jit(lambda key: relax(force, start, {}, method=method, key=key).activity["b"])
    a, b, c = (settle(_key(i)) for i in (0, 0, 1))
    assert a.tobytes() == b.tobytes() != c.tobytes()


@pytest.mark.unit
def test_delays_make_cells_act_on_old_news():
    """With every signal at most 3 ticks old, x ← x̂ counts at least 1 and at most 4 ticks back."""

    def force(a):
        return {"x": a["x"] + 1.0}  # with rate 1: x(t+1) = x(t) + x(t − d) + 1

    start = {"x": jnp.zeros(200)}
    ends = [
        relax(force, start, {}, method=Asynchronous(1.0, 6, 0.0, 1.0, d), key=_key()).activity["x"]
        for d in (0, 3)
    ]
    assert np.asarray(ends[0]).tolist() == [63.0] * 200  # 2⁶ − 1
    slowest = [0.0] * 4
    for _ in range(6):
        slowest.append(slowest[-1] + slowest[-4] + 1.0)
    late = np.asarray(ends[1])
    assert late.min() >= slowest[-1] and late.max() <= 63.0
    assert len(set(late.tolist())) > 5


@pytest.mark.unit
@pytest.mark.parametrize(
    "make",
    [
        lambda: Synchronous(rate=0.0),
        lambda: Synchronous(rate=float("nan")),
        lambda: Synchronous(ticks=0),
        lambda: Synchronous(tolerance=-1.0),
        lambda: Asynchronous(probability=0.0),
        lambda: Asynchronous(probability=1.5),
        lambda: Asynchronous(max_delay=-1),
        lambda: OneAtATime(sweeps=0),
        lambda: Continuous(dt=0.0),
        lambda: Continuous(time="long"),  # type: ignore[arg-type]
        lambda: Langevin(temperature=-1.0),
        lambda: Langevin(temperature=0.0, energy=lambda a: 0.0),
        lambda: Gibbs(sweeps=True),
    ],
)
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(SpecError, match="expected"):
        make()


@pytest.mark.unit
def test_what_does_not_fit_is_refused():
    x = {"x": jnp.zeros(2)}
    nothing = Evidence(jnp.zeros(3), jnp.zeros(3), jnp.zeros(3))
    with pytest.raises(SpecError, match="key: expected a random key for Gibbs"):
        relax(lambda a: a, x, {}, method=Gibbs(1))
    with pytest.raises(SpecError, match="evidence: expected only names among"):
        relax(lambda a: a, x, {"y": nothing}, method=Synchronous())
    with pytest.raises(SpecError, match=r"evidence x: expected shape \(2,\), got shape \(3,\)"):
        relax(lambda a: a, x, {"x": nothing}, method=Synchronous())
    with pytest.raises(SpecError, match="force: expected exactly"):
        relax(lambda a: {}, x, {}, method=Synchronous())
    with pytest.raises(SpecError, match="force x: expected shape"):
        relax(lambda a: {"x": jnp.zeros(3)}, x, {}, method=Synchronous())
