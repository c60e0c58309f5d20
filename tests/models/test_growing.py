"""The growing grid: hunger, utility, structure and learning against independent references."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.combinators import minibatch
from sodachi.errors import SpecError
from sodachi.models.grid import Wiring, forward, hunger, used, utility
from sodachi.models.growing import growing_grid
from sodachi.models.growth import replaceable
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import Evidence, build

INPUTS, LEVELS, UNITS, TERMINALS, LABELS = 3, 3, 12, 5, 2
FIRST = 1 + INPUTS


def random_grid(seed, dead=0.2):
    """Weights and wiring of a random grid; sources lie on earlier levels."""
    rng = np.random.default_rng(seed)
    source = np.full((UNITS, TERMINALS), -1)
    source[:, 0] = 0
    for u in range(UNITS):
        earlier = [FIRST + v for v in range(UNITS) if v % LEVELS < u % LEVELS]
        chosen = rng.permutation([*range(1, FIRST), *earlier])[: rng.integers(1, TERMINALS)]
        source[u, 1 : 1 + len(chosen)] = chosen
    weight = rng.normal(0, 0.7, source.shape) * (source >= 0)
    live = rng.random(UNITS) > dead
    out = rng.normal(0, 1, (FIRST + UNITS, LABELS))
    return weight, Wiring(source, live), out, rng.normal(0, 1, INPUTS)


def reference_nodes(weight, wiring, x, push):
    """The forward sweep, unit by unit, in float64."""
    nodes = np.concatenate([[1.0], x, np.zeros(UNITS)])
    for u in sorted(range(UNITS), key=lambda u: u % LEVELS):
        heard = [0.0 if n < 0 else nodes[n] for n in wiring.source[u]]
        rate = max(0.0, float(np.dot(weight[u], heard))) if wiring.live[u] else 0.0
        nodes[FIRST + u] = rate + push[u]
    return nodes


@pytest.mark.theory
@pytest.mark.parametrize("seed", range(3))
def test_hunger_is_minus_the_gradient_of_the_energy(seed):
    weight, wiring, out, x = random_grid(seed)
    target = np.array([1.0, -0.5])

    def energy(push):
        return 0.5 * np.sum((target - reference_nodes(weight, wiring, x, push) @ out) ** 2)

    step = 1e-6 * np.eye(UNITS)
    slopes = np.array([(energy(d) - energy(-d)) / 2e-6 for d in step])
    with jax.enable_x64(True):
        wired = Wiring(*map(jnp.asarray, wiring))
        nodes = forward(LEVELS, jnp.asarray(weight), wired, jnp.asarray(x))
        error = target - nodes @ out
        wants, _ = hunger(LEVELS, jnp.asarray(weight), wired, jnp.asarray(out), nodes, error)
        nodes, wants = np.asarray(nodes), np.asarray(wants)
    assert np.allclose(nodes, reference_nodes(weight, wiring, x, np.zeros(UNITS)), atol=1e-12)
    assert np.allclose(wants, -slopes, atol=1e-7)
    assert np.count_nonzero(np.abs(wants) > 1e-3) > UNITS // 2


@pytest.mark.theory
def test_gain_is_the_squared_slope_where_paths_do_not_meet():
    # input -> a (level 0) -> b (level 1) -> y: one path, so the diagonal form is exact.
    source = jnp.array([[0, 1], [0, 2]])
    weight, out = jnp.array([[0.0, 2.0], [0.0, 3.0]]), jnp.zeros((4, 1)).at[3].set(0.5)
    wiring = Wiring(source, jnp.ones(2, bool))
    nodes = forward(2, weight, wiring, jnp.ones(1))
    wants, gain = hunger(2, weight, wiring, out, nodes, jnp.array([1.0]))
    assert np.allclose(wants, [1.5, 0.5]) and np.allclose(gain, [1.5**2, 0.5**2])


_utility = jax.jit(utility, static_argnums=0)


@given(seed=st.integers(0, 10_000), passed=st.floats(0, 1), dead=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_utility_is_conserved(seed, passed, dead):
    weight, wiring, out, _ = random_grid(seed, dead)
    if seed % 7 == 0:
        out[:, 0] = 0.0  # an output that listens to nobody
    kept, nodes = _utility(LEVELS, jnp.asarray(weight, jnp.float32), wiring, out, passed)
    assert abs(float(kept.sum() + nodes.sum()) - 1.0) < 1e-6
    assert float(nodes.min()) >= -1e-7
    assert float(jnp.abs(nodes[0])) == 0.0
    assert np.all(np.abs(nodes[FIRST:][~wiring.live]) < 1e-7)


@pytest.mark.theory
def test_utility_is_handed_down_by_shares_of_weight():
    source = jnp.array([[0, 1, 2], [0, 3, 1]])  # inputs are nodes 1 and 2; unit 0 is node 3
    weight = jnp.array([[9.0, 1.0, -3.0], [9.0, 2.0, 2.0]])
    out = jnp.zeros((5, 1)).at[jnp.array([3, 4])].set(jnp.array([[1.0], [-3.0]]))
    kept, nodes = utility(2, weight, Wiring(source, jnp.ones(2, bool)), out, 0.5)
    # unit 1 had 3/4, hands down 3/8: half to unit 0, half to input 1; unit 0 then has 1/4 + 3/16.
    unit0 = (0.25 + 0.1875) / 2
    assert np.allclose(nodes, [0.0, 0.1875 + unit0 / 4, unit0 * 3 / 4, unit0, 0.375])
    assert float(kept[0]) == 0.0


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_nobody_who_is_used_makes_room(seed):
    weight, wiring, out, _ = random_grid(seed, dead=0.0)
    s = types.SimpleNamespace(levels=LEVELS, passed=0.5, negligible=0.3, maturity=10, idle=10.0)
    weights = {"units": jnp.asarray(weight, jnp.float32), "output": jnp.asarray(out, jnp.float32)}
    age = np.where(np.arange(UNITS) % 4 == 0, 5, 50)
    chosen, worth = map(np.asarray, _replaceable(s)(weights, wiring, age))
    needed = {
        n - FIRST
        for u in range(UNITS)
        for n, w in zip(wiring.source[u], weight[u], strict=True)
        if abs(w) > 0.3
    }
    able = [u for u in range(UNITS) if u not in needed and age[u] >= 10]
    assert chosen.sum() <= 1
    if able:
        assert np.flatnonzero(chosen).tolist() == [min(able, key=lambda u: worth[u])]
    else:
        assert not chosen.any()


_compiled = {}


def _replaceable(s):
    return _compiled.setdefault(
        "it", jax.jit(lambda w, wiring, age: replaceable(s, w, wiring, age))
    )


def stream(spec, ticks, seed=0, **kwargs):
    """A bent surface in two dimensions, with values of unit order."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (ticks, *spec.lanes, 2))
    y = 2.0 * np.abs(x[..., :1]) - np.maximum(0, 1.5 * x[..., 1:]) + 0.5 * x[..., :1] - 0.6
    return observe(spec, steps=ticks, input=x, label=y, **kwargs)


SMALL = {"units": 20, "levels": 2, "inputs": 2, "labels": 1, "fan_in": 4, "patience": 20}


def test_it_learns_what_its_frozen_linear_form_cannot():
    loss = {}
    for name, hungry in (("growing", 0.01), ("linear", 1e9)):
        net = growing_grid(**SMALL, hunger=hungry, maturity=300)
        _, out = run(net, ("energy", "live"), chunk=1000)(net.init(0), stream(net.spec, 4000))
        loss[name] = 2.0 * out["energy"][-1000:].mean()
        loss[f"{name} units"] = out["live"][-1]
    assert loss["linear units"] == 0 and loss["growing units"] > 5
    # Least squares on the same stream, in closed form, is what a linear map can reach at best.
    o = stream(net.spec, 4000)
    x = np.c_[np.ones(4000), o.evidence["input"].value].astype(float)
    y = o.evidence["label"].value.astype(float)
    best = np.mean((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2)
    assert loss["linear"] > 0.95 * best
    assert loss["growing"] < 0.25 * best


def test_structure_changes_are_sound_all_along():
    net = growing_grid(**{**SMALL, "units": 6}, hunger=1e-4, maturity=30, idle=5.0)
    step, state = jax.jit(net.step), net.init(3)
    o = stream(net.spec, 400, seed=1)
    births = recycled = 0
    for t in range(400):
        before = state
        state, out = step(state, jax.tree.map(lambda a, t=t: a[t], o))
        old, new = before.shared["structure"], state.shared["structure"]
        source, live = np.asarray(new["source"]), np.asarray(new["live"])
        level = np.arange(6) % 2
        from_unit = source >= 3
        assert np.all(
            level[np.maximum(source - 3, 0)][from_unit]
            < np.repeat(level, 5).reshape(6, 5)[from_unit]
        )
        weight = np.asarray(state.shared["weights"]["units"])
        assert np.all(weight[source < 0] == 0)
        if not out["birth"]:
            assert np.array_equal(source, old["source"]) and np.array_equal(live, old["live"])
            continue
        births += 1
        born = int(np.flatnonzero(np.asarray(state.shared["cells"]["age"] == 0) & live)[0])
        assert np.all(np.asarray(state.shared["weights"]["output"])[3 + born] == 0)
        heard = np.r_[1.0, o.evidence["input"].value[t]]
        if level[born] == 0:  # imprinted: this input is answered with 1 − margin
            drive = np.sum(
                weight[born] * np.where(source[born] >= 0, heard[np.maximum(source[born], 0)], 0)
            )
            assert drive == pytest.approx(0.5, abs=1e-5)
        if old["live"][born]:
            recycled += 1
            was = used(before.shared["weights"]["units"], Wiring(**old), 9, 1e-3)
            assert not was[3 + born]
    assert births > 6 and recycled > 0


def test_doubling_capacity_changes_no_prediction():
    net = growing_grid(**SMALL)
    live = run(net, ("label",), chunk=500)
    state, _ = live(net.init(0), stream(net.spec, 1000))
    assert net.grow(net.init(0)).shared["structure"]["live"].shape == (20,)  # there is room
    assert np.all(np.asarray(state.shared["structure"]["live"]))
    grown = net.grow(state)
    assert grown.shared["structure"]["live"].shape == (40,)
    test = stream(net.spec, 200, seed=9, learn=False)
    (_, small), (_, large) = live(state, test), live(grown, test)
    assert np.max(np.abs(small["label"] - large["label"])) < 2e-6
    more, out = run(net, ("live",), chunk=500)(grown, stream(net.spec, 1500, seed=2))
    assert out["live"][-1] > 20
    assert all(np.all(np.isfinite(w)) for w in more.shared["weights"].values())


def test_lanes_share_one_structure():
    net = minibatch(growing_grid(**SMALL), 4)
    state, out = run(net, ("live", "birth"), chunk=300)(net.init(0), stream(net.spec, 300))
    assert out["birth"].sum(1).max() == 1
    assert out["live"][-1, 0] == state.shared["structure"]["live"].sum() > 3


def test_without_learning_no_slow_bit_moves():
    net = growing_grid(**SMALL)
    live = run(net, chunk=200)
    before, _ = live(net.init(0), stream(net.spec, 200))
    after, _ = live(before, stream(net.spec, 200, seed=1, learn=False))
    leaves = zip(jax.tree.leaves(before.shared), jax.tree.leaves(after.shared), strict=True)
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in leaves)
    assert before.shared["structure"]["live"].sum() > 0


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_what_is_no_number_never_reaches_a_weight(value):
    net = growing_grid(**SMALL)
    o = observe(net.spec, input=[0.5, 0.2], label=[1.0])
    bad = {n: Evidence(np.full_like(e.value, value), *e[1:]) for n, e in o.evidence.items()}
    step = jax.jit(net.step)
    state, _ = step(net.init(0), o)
    state, _ = step(state, o._replace(evidence=bad))
    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
    assert all(np.all(np.isfinite(x)) for x in floats)


def test_it_is_built_again_from_its_spec():
    net = growing_grid(**SMALL)
    assert build(net.spec).spec == net.spec


@pytest.mark.parametrize(
    "wrong",
    [
        {"units": 5, "levels": 2},
        {"fan_in": 100},
        {"label_kind": "spike"},
        {"passed": 1.5},
        {"hunger": -1.0},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(SpecError):
        growing_grid(**wrong)
