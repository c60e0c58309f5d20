"""The Boltzmann machine against enumeration of all its states, in float64."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.errors import ObservationError, SpecError
from sodachi.models.boltzmann import boltzmann_machine, machine_graph, machine_parameters
from sodachi.models.boltzmann_energy import energy
from sodachi.models.boltzmann_graph import Parameters
from sodachi.models.enumeration import exact, log_likelihood
from sodachi.observation import observe
from sodachi.system import Evidence, build

UNITS, LANES, TICKS, BURN = 8, 64, 450, 40
STATES = np.array(list(itertools.product([0.0, 1.0], repeat=UNITS)))
RING = [[i, (i + 1) % UNITS] for i in range(UNITS)] + [[0, 4], [1, 5]]


def loopy(seed=0, mask=None):
    rng = np.random.default_rng(seed)
    w = np.triu(rng.normal(0, 0.8, (UNITS, UNITS)), 1)
    w = w + w.T
    return (w if mask is None else w * mask), rng.normal(0, 0.5, UNITS)


def law(w, b, field=0.0, clamp=None, temperature=1.0):
    """Probabilities of all states, and from them means and correlations."""
    log = (0.5 * np.einsum("si,ij,sj->s", STATES, w, STATES) + STATES @ (b + field)) / temperature
    for i, v in (clamp or {}).items():
        log = np.where(STATES[:, i] == v, log, -np.inf)
    p = np.exp(log - log.max())
    p /= p.sum()
    return p @ STATES, np.einsum("s,si,sj->ij", p, STATES, STATES)


def with_weights(state, w, b, temperature=1.0):
    weights = {
        "units-units": jnp.asarray(w, jnp.float32),
        "units": jnp.asarray(b[None], jnp.float32),
    }
    cells = {**state.shared["cells"], "temperature": jnp.asarray(temperature, jnp.float32)}
    return state._replace(shared={**state.shared, "weights": weights, "cells": cells})


def sample(machine, state, observation, ticks=TICKS):
    """Means and correlations of every lane; the weights are put back after every tick."""
    fixed = {name: state.shared[name] for name in ("weights", "cells")}

    def one(state, _):
        state, out = machine.step(state, observation)
        drive = jax.tree.map(jnp.subtract, state.shared["weights"], fixed["weights"])
        x = out["units"]
        return state._replace(shared={**state.shared, **fixed}), (x, drive)

    _, (x, drive) = jax.jit(lambda s: jax.lax.scan(one, s, None, BURN + ticks))(state)
    x, drive = np.asarray(x, float)[BURN:], jax.tree.map(lambda a: np.asarray(a)[BURN:], drive)
    return x.mean(0), np.einsum("tli,tlj->lij", x, x) / ticks, drive


def agrees(lanes, truth, tolerance=3.0):
    """Whether the mean over independent lanes is within so many of its standard errors."""
    error = lanes.std(0, ddof=1) / np.sqrt(len(lanes))
    return np.all(np.abs(lanes.mean(0) - truth) <= tolerance * error + 1e-12)


def start(seed=1, temperature=1.0, weights=None, **arguments):
    machine = minibatch(boltzmann_machine(units=UNITS, **arguments), LANES)
    w, b = weights or loopy()
    return machine, with_weights(machine.init(seed), w, b, temperature)


@pytest.mark.theory
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_free_marginals_and_correlations(temperature):
    machine, state = start(2, temperature)
    mean, pair, _ = sample(machine, state, observe(machine.spec, learn=False))
    true_mean, true_pair = law(*loopy(), temperature=temperature)
    assert agrees(mean, true_mean)
    assert agrees(pair, true_pair)


@pytest.mark.theory
def test_clamped_and_nudged_units_follow_the_conditional_law():
    machine, state = start(3)
    precision, value, drive = np.zeros((3, UNITS))
    precision[[0, 3, 6]], value[[0, 3, 6]] = [np.inf, np.inf, 2.5], [1.0, 0.0, 0.9]
    drive[7] = -0.7
    lanes = [np.broadcast_to(a, (LANES, UNITS)) for a in (value, precision, drive)]
    mean, pair, _ = sample(
        machine, state, observe(machine.spec, learn=False, units=Evidence(*lanes))
    )
    field = np.where(np.isinf(precision), 0.0, precision) * (value - 0.5) + drive
    true_mean, true_pair = law(*loopy(), field=field, clamp={0: 1.0, 3: 0.0})
    assert agrees(mean, true_mean)
    assert agrees(pair, true_pair)


DREAMS = {
    "persistent": {"dreams": 4},
    "tempering": {"dream": "tempering", "dreams": 2, "ladder": [1.0, 1.6, 2.4]},
    "centred": {"dreams": 4, "centred": True},
    "random order": {"dreams": 4, "schedule": "random"},
}


@pytest.mark.theory
@pytest.mark.parametrize("manner", DREAMS)
def test_expected_drive_is_the_gradient_of_the_log_likelihood(manner):
    options = {"centred": False, **DREAMS[manner]}
    machine, state = start(4, rate=1.0, **options)
    w, b = loopy()
    offset = np.linspace(0.2, 0.8, UNITS) if options["centred"] else np.zeros(UNITS)
    state.shared["cells"]["offset"] = {"units": jnp.asarray(offset, jnp.float32)}
    clamp = {0: 1.0, 1: 0.0, 2: 1.0, 5: 1.0}
    precision, value = np.zeros((2, LANES, UNITS))
    for i, v in clamp.items():
        precision[:, i], value[:, i] = np.inf, v
    seen = observe(machine.spec, units=Evidence(value, precision, 0.0))
    ticks = 4 * TICKS if manner == "random order" else TICKS  # units picked by chance mix slowly
    _, _, drive = sample(machine, state, seen, ticks)
    (mean, pair), (free_mean, free_pair) = law(w, b, clamp=clamp), law(w, b)
    slope, gap = pair - free_pair, mean - free_mean
    # With centred signals: the gradient in the weights of (x − μ)ᵀW(x − μ)/2 + c·x.
    slope = (slope - np.outer(offset, gap) - np.outer(gap, offset)) * (1 - np.eye(UNITS))
    couplings = drive["units-units"]
    blocks = couplings.reshape(30, -1, UNITS, UNITS).mean(1)  # longer than autocorrelation
    assert agrees(blocks, slope, 3.5)
    # The bias takes up what the weights' change does to the mean input.
    assert agrees(drive["units"].reshape(30, -1, UNITS).mean(1), gap - slope @ offset, 3.5)
    learnt = blocks.mean(0)
    cosine = np.sum(learnt * slope) / np.linalg.norm(learnt) / np.linalg.norm(slope)
    assert cosine > 0.98


@pytest.mark.theory
def test_the_centred_gradient_is_that_of_the_centred_machine_by_finite_differences():
    w, b = loopy()
    seen, offset = {0: 1.0, 2: 0.0}, np.linspace(0.2, 0.8, UNITS)

    def log_likelihood(w):
        away = STATES - offset
        log = 0.5 * np.einsum("si,ij,sj->s", away, w, away) + STATES @ b
        rows = np.all([STATES[:, i] == v for i, v in seen.items()], axis=0)
        return np.log(np.exp(log[rows]).sum()) - np.log(np.exp(log).sum())

    bump = np.zeros((UNITS, UNITS))
    bump[1, 4] = bump[4, 1] = 1e-5
    slope = (log_likelihood(w + bump) - log_likelihood(w - bump)) / 2e-5
    plain = b - w @ offset  # the bias of the same law where signals are not centred
    (mean, pair), (free_mean, free_pair) = law(w, plain, clamp=seen), law(w, plain)
    gap = mean - free_mean
    centred = (pair - free_pair) - np.outer(offset, gap) - np.outer(gap, offset)
    assert slope == pytest.approx(centred[1, 4], rel=1e-6)


@pytest.mark.theory
def test_the_gradient_by_enumeration_is_the_gradient_by_finite_differences():
    w, b = loopy()
    seen = {0: 1.0, 2: 0.0}

    def log_likelihood(w):
        log = 0.5 * np.einsum("si,ij,sj->s", STATES, w, STATES) + STATES @ b
        rows = np.all([STATES[:, i] == v for i, v in seen.items()], axis=0)
        return np.log(np.exp(log[rows]).sum()) - np.log(np.exp(log).sum())

    bump = np.zeros((UNITS, UNITS))
    bump[1, 4] = bump[4, 1] = 1e-5
    slope = (log_likelihood(w + bump) - log_likelihood(w - bump)) / 2e-5
    expected = law(w, b, clamp=seen)[1][1, 4] - law(w, b)[1][1, 4]
    assert slope == pytest.approx(expected, rel=1e-6)


def test_pairs_are_the_same_machine_as_full_with_zeros():
    machine = boltzmann_machine(units=UNITS, couplings=RING)
    mask = np.zeros((UNITS, UNITS))
    for i, j in RING:
        mask[i, j] = mask[j, i] = 1.0
    w, b = loopy(5, mask)
    assert build(machine.spec).spec == machine.spec
    pairs = minibatch(machine, LANES)
    state = with_weights(pairs.init(3), np.array([w[i, j] for i, j in RING]), b)
    mean, pair, _ = sample(pairs, state, observe(pairs.spec, learn=False))
    true_mean, true_pair = law(w, b)
    assert agrees(mean, true_mean)
    assert agrees(pair, true_pair, 3.5)
    full = boltzmann_machine(units=UNITS)
    x = {"units": jnp.asarray(np.random.default_rng(1).random((UNITS, 9)) < 0.5, jnp.float32)}
    one, other = (
        energy(machine_graph(m.spec), Parameters({"units-units": v}, {"units": b}, {}), x)
        for m, v in ((machine, np.array([w[i, j] for i, j in RING])), (full, w))
    )
    assert np.allclose(one, other, rtol=1e-5, atol=1e-5)


def test_energy_is_that_of_the_definition():
    machine, state = start(6)
    _, out = jax.jit(machine.step)(state, observe(machine.spec, learn=False))
    x, (w, b) = np.asarray(out["units"], float), loopy()
    expected = -0.5 * np.einsum("li,ij,lj->l", x, w, x) - x @ b
    assert np.allclose(out["energy"], expected, rtol=1e-5, atol=1e-5)
    spec = boltzmann_machine(units=UNITS).spec
    one = energy(machine_graph(spec), machine_parameters(spec, state), {"units": x[0]})
    assert float(one) == pytest.approx(expected[0], rel=1e-5, abs=1e-5)


def test_weights_stay_symmetric_and_dreams_rest_without_learning():
    machine, state = start(7, rate=0.1, dreams=3)
    step = jax.jit(machine.step)
    for _ in range(5):
        state, _ = step(
            state,
            observe(
                machine.spec, modulation=dict.fromkeys(machine.spec.modulated, np.full(LANES, 0.7))
            ),
        )
    w = np.asarray(state.shared["weights"]["units-units"])
    assert np.allclose(w, w.T, atol=1e-5) and not np.any(np.diag(w))
    assert not np.allclose(w, loopy()[0], atol=1e-3)
    after, _ = step(state, observe(machine.spec, learn=False))
    same = jax.tree.map(
        lambda a, b: bool(jnp.all(_data(a) == _data(b))), state.shared, after.shared
    )
    assert all(jax.tree.leaves(same))


def _data(leaf):
    keyed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if keyed else leaf


def test_what_is_no_number_never_reaches_a_weight():
    machine = boltzmann_machine(units=UNITS)
    o = observe(machine.spec, units=np.ones(UNITS))
    bad = o._replace(evidence={"units": Evidence(np.full(UNITS, np.nan), *o.evidence["units"][1:])})
    state, out = jax.jit(machine.step)(machine.init(0), bad)
    assert all(np.all(np.isfinite(w)) for w in state.shared["weights"].values())
    assert np.all(np.isfinite(out["units"]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"units": 0},
        {"dreams": 0},
        {"temperature": 0.0},
        {"couplings": [[1, 1]]},
        {"couplings": "a"},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(SpecError):
        boltzmann_machine(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"dream": "never"},
        {"wake": "often"},
        {"schedule": "random", "wake": "mean_field"},
        {"ladder": [2.0, 1.0]},
        {"sparse": 1.5},
        {"sweeps": 0},
        {"mixing": 0.3},
        {"dream": "conditional"},
        {"reach": 0.0},
        {"optimiser": "lion"},
        {"optimiser": "adam", "decay": 0.1},
        {"anneal": 0},
        {"mixing": 1.5, "dreams": 20},
        {"mixing": 0.3, "dreams": 20, "mixing_lag": 0},
        {"observed": ["nobody"]},
        {"populations": [["a", 2, "gaussian"], ["b", 2, "gaussian"]], "couplings": [["a", "b"]]},
        {"populations": [["a", 2]], "couplings": [["a", "a"], ["a", "a", [[0, 1]]]]},
        {"populations": [["a", [2, 3], "categorical"]], "couplings": [["a", "a"]]},
        {"populations": [["a", 2], ["a", 2]], "couplings": []},
    ],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(SpecError):
        boltzmann_machine(**wrong)


def test_values_between_two_and_clamps_that_contradict_are_refused():
    machine = boltzmann_machine(
        populations=[["bits", 3], ["spins", 2, "spin"], ["label", 3, "categorical"]],
        couplings=[["bits", "label"], ["bits", "spins"]],
        observed=["bits", "spins", "label"],
    )
    with pytest.raises(ObservationError, match=r"bits.value\[1\].*binarise"):
        observe(machine.spec, bits=[1.0, 0.3, 0.5])
    with pytest.raises(ObservationError, match=r"spins.value\[0\].*-1 or 1"):
        observe(machine.spec, spins=[0.0, 1.0])
    both = Evidence(np.array([1.0, 1.0, 0.0]), np.array([np.inf, np.inf, 0.0]), 0.0)
    with pytest.raises(ObservationError, match=r"label\.value, sum"):
        observe(machine.spec, label=both)
    with pytest.raises(ObservationError, match=r"label\.value, sum"):
        observe(machine.spec, label=np.zeros(3))
    observe(machine.spec, bits=Evidence(np.full(3, 0.3), 1.0, 0.0))  # a nudge may be anywhere


EVERY = {
    "persistent": {},
    "contrastive_divergence": {"dream_sweeps": 2},
    "tempering": {"ladder": [1.0, 2.0]},
    "mean_field": {"wake": "mean_field"},
    "local": {"sparse": 0.2},
}


@pytest.mark.parametrize("dream", EVERY)
def test_every_manner_of_dreaming_moves_every_weight(dream):
    machine = minibatch(mixed(dream=dream, rate=0.1, variance_rate=0.01, **EVERY[dream]), 3)
    state = machine.init(0)
    given = observe(machine.spec, bits=np.ones((3, 4)), label=np.array([0, 1, 2]))
    after, step = state, jax.jit(machine.step)
    for _ in range(8):
        after, _ = step(after, given)
    for name, w in after.shared["weights"].items():
        assert np.all(np.isfinite(w))
        assert np.any(w != state.shared["weights"][name]), name


def mixed(**options):
    return boltzmann_machine(
        populations=[["bits", 4], ["real", 3, "gaussian"], ["spins", 3, "spin"],
                     ["label", 3, "categorical"], ["hidden", 5]],
        couplings=[["bits", "hidden"], ["real", "hidden"], ["label", "hidden"],
                   ["spins", "spins", [[0, 1], [1, 2]]], ["spins", "hidden"]],
        observed=["bits", "real", "label"],
        **options,
    )  # fmt: skip


@pytest.mark.theory
def test_local_dreams_learn_a_share_of_the_gradient_by_enumeration():
    """Half of it within a population, a quarter between two: as often as both coins allow."""
    machine = minibatch(
        boltzmann_machine(
            populations=[["seen", 4], ["hidden", 4]],
            couplings=[["seen", "seen"], ["seen", "hidden"], ["hidden", "hidden"]],
            dream="local", dream_rate=0.02, rate=1.0, centred=False, scale=2.5,
        ),
        LANES,
    )  # fmt: skip
    state = machine.init(3)
    fixed = {n: state.shared[n] for n in ("weights", "cells")}
    data = (np.random.default_rng(1).random((LANES, 4)) < 0.3).astype(np.float32)
    given = observe(machine.spec, seen=data)

    def one(state, _):
        after = machine.step(state, given)[0]
        drive = jax.tree.map(jnp.subtract, after.shared["weights"], fixed["weights"])
        return after._replace(shared={**after.shared, **fixed}), drive

    after, drives = jax.jit(lambda s: jax.lax.scan(one, s, None, 1500))(state)
    graph = machine_graph(machine.spec)
    parameters = machine_parameters(machine.spec, state)
    free = exact(graph, parameters)
    clamp = Evidence(jnp.asarray(data), jnp.full_like(data, jnp.inf), jnp.zeros_like(data))
    seen = jax.vmap(lambda e: exact(graph, parameters, evidence={"seen": e}))(clamp)
    for name, share in (("seen-seen", 0.5), ("seen-hidden", 0.25), ("hidden-hidden", 0.5)):
        slope = np.asarray(seen.correlation[name].mean(0) - free.correlation[name])
        found = np.asarray(drives[name])[300:].mean(0)
        assert np.abs(found - share * slope).max() < 0.012
        assert np.sum(found * slope) / np.sum(slope**2) == pytest.approx(share, rel=0.1)
        dreamt = np.asarray(after.shared["synapses"][name]["dreamt"])
        assert np.abs(dreamt - np.asarray(free.correlation[name])).max() < 0.08
    bias = np.asarray(drives["hidden"])[300:].mean(0)[0]
    gap = np.asarray(seen.mean["hidden"].mean(0) - free.mean["hidden"])
    assert np.allclose(bias, 0.5 * gap, atol=0.012)


@pytest.mark.theory
def test_learning_finds_a_law_that_the_machine_can_have():
    """A teacher's samples: the divergence falls near 0, and a Gaussian's variance is found."""
    graph = machine_graph(boltzmann_machine(units=4).spec)
    w = np.triu(np.random.default_rng(2).normal(0, 1.5, (4, 4)), 1)
    teacher = Parameters(
        {"units-units": jnp.asarray(w, jnp.float32)}, {"units": jnp.full(4, -0.4)}, {}
    )
    patterns = np.array(list(itertools.product([0.0, 1.0], repeat=4)), np.float32)
    p = np.exp(np.asarray(log_likelihood(graph, teacher, {"units": patterns}), float))
    lanes, ticks = 32, 1500
    machine = minibatch(boltzmann_machine(units=4, dreams=lanes, rate=0.3, anneal=ticks), lanes)
    shown = np.random.default_rng(3).choice(16, (ticks, lanes), p=p / p.sum())
    given = jax.tree.map(jnp.asarray, observe(machine.spec, units=patterns[shown[0]]))

    def one(state, rows):
        held = given.evidence["units"]._replace(value=jnp.asarray(patterns)[rows])
        return machine.step(state, given._replace(evidence={"units": held}))[0], None

    def divergence(state):
        learnt = machine_parameters(machine.spec, state)
        return float(
            p @ (np.log(p) - np.asarray(log_likelihood(graph, learnt, {"units": patterns})))
        )

    newborn = machine.init(0)
    state = jax.jit(lambda s, r: jax.lax.scan(one, s, r)[0])(newborn, jnp.asarray(shown))
    assert divergence(newborn) > 0.5 and divergence(state) < 0.03

    single = minibatch(
        boltzmann_machine(populations=[["x", 1, "gaussian"], ["h", 1]], couplings=[["x", "h"]],
                          rate=0.1, variance_rate=0.2, anneal=ticks, dreams=lanes, scale=0.0),
        lanes,
    )  # fmt: skip
    values = np.random.default_rng(4).normal(1.5, 0.5, (ticks, lanes, 1)).astype(np.float32)
    given = jax.tree.map(jnp.asarray, observe(single.spec, x=values[0]))

    def real(state, rows):
        held = given.evidence["x"]._replace(value=rows)
        return single.step(state, given._replace(evidence={"x": held}))[0], None

    state = jax.jit(lambda s, r: jax.lax.scan(real, s, r)[0])(single.init(0), jnp.asarray(values))
    found = machine_parameters(single.spec, state)
    seen = log_likelihood(machine_graph(single.spec), found, {"x": values.reshape(-1, 1)})
    best = -0.5 * np.log(2 * np.pi * values.var()) - 0.5
    assert float(np.mean(seen)) == pytest.approx(best, abs=0.05)


def test_a_target_of_sparse_activity_is_approached():
    machine = minibatch(
        boltzmann_machine(
            populations=[["seen", 6], ["hidden", 5]], couplings=[["seen", "hidden"]],
            sparse=0.1, sparse_strength=5.0, rate=0.05,
        ),
        16,
    )  # fmt: skip
    data = (np.random.default_rng(0).random((16, 6)) < 0.5).astype(np.float32)
    given = jax.tree.map(jnp.asarray, observe(machine.spec, seen=data))
    state = jax.jit(
        lambda s: jax.lax.scan(lambda s, _: (machine.step(s, given)[0], None), s, None, 600)[0]
    )(machine.init(0))
    assert np.allclose(state.shared["cells"]["offset"]["hidden"], 0.1, atol=0.08)


@pytest.mark.theory
def test_adam_steps_by_the_rate_in_the_direction_of_the_plain_rule():
    moved = {}
    for optimiser in ("sgd", "adam"):
        machine = boltzmann_machine(
            units=4, rate=0.01, dream="mean_field", wake="mean_field", optimiser=optimiser
        )
        state, before = machine.init(0), machine.init(0).shared["weights"]["units-units"]
        new, _ = machine.step(state, observe(machine.spec, units=[1, 0, 1, 1]))
        moved[optimiser] = np.asarray(new.shared["weights"]["units-units"] - before)
    plain, adam = moved["sgd"], moved["adam"]
    assert (plain != 0).sum() >= 6  # every pair, on one side or both
    assert np.allclose(adam, 0.01 * np.sign(plain), atol=1e-5)


@pytest.mark.theory
def test_every_kind_learns_the_gradient_of_the_exact_log_likelihood():
    lanes = 64
    machine = minibatch(
        boltzmann_machine(
            populations=[["real", 2, "gaussian"], ["sites", [2, 3], "categorical"],
                         ["spins", 2, "spin"], ["hidden", 3]],
            couplings=[["real", "hidden"], ["sites", "hidden"], ["sites", "sites", [[0, 1]]],
                       ["spins", "hidden"], ["real", "spins"]],
            observed=["real", "sites"], rate=1.0, variance_rate=1.0, dreams=lanes, centred=False,
            scale=1.0,
        ),
        lanes,
    )  # fmt: skip
    rng, state = np.random.default_rng(7), machine.init(5)
    data = {
        "real": rng.normal(0.5, 1.2, (lanes, 2)).astype(np.float32),
        "sites": np.eye(3, dtype=np.float32)[rng.integers(0, 3, (lanes, 2))],
    }
    given = observe(machine.spec, **data)
    fixed = {n: state.shared[n] for n in ("weights", "cells")}

    def one(state, _):
        after = machine.step(state, given)[0]
        drive = jax.tree.map(jnp.subtract, after.shared["weights"], fixed["weights"])
        return after._replace(shared={**after.shared, **fixed}), drive

    drives = jax.jit(lambda s: jax.lax.scan(one, s, None, 840)[1])(state)
    graph = machine_graph(machine.spec)
    slope = jax.grad(lambda p: log_likelihood(graph, p, data).mean())(
        machine_parameters(machine.spec, state)
    )
    expected = slope.weights | slope.bias
    expected |= {f"{n} variance": a for n, a in slope.log_variance.items()}
    for name, drive in drives.items():
        blocks = np.asarray(drive, float)[40:].reshape(20, 40, *drive.shape[1:]).mean(1)
        truth = np.asarray(expected[name]).reshape(drive.shape[1:])
        assert agrees(blocks, truth, 4.5), name
        assert np.abs(blocks.mean(0) - truth).max() < 0.05, name
