"""Every way of sampling leaves the law as it is: by enumeration in float64, for every kind."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sodachi.models.boltzmann_energy import energy, fields
from sodachi.models.boltzmann_graph import boltzmann_graph
from sodachi.models.coupling_matrix import flat, unflat
from sodachi.models.enumeration import exact
from sodachi.models.sweeping import sweeps
from sodachi.models.tempering import exchange, tempered_sweeps
from sodachi.models.visiting import random_visits
from sodachi.system import Evidence

MIXED = boltzmann_graph(
    [["bits", 4], ["spins", 3, "spin"], ["label", 3, "categorical"], ["more", 2]],
    [["bits", "bits"], ["bits", "spins"], ["spins", "spins", [[0, 1], [1, 2]]],
     ["label", "spins"], ["bits", "more", [[0, 0], [3, 1], [1, 1]]]],
)  # fmt: skip
POTTS = boltzmann_graph(
    [["sites", [4, 3], "categorical"]], [["sites", "sites", [[0, 1], [1, 2], [2, 0], [2, 3]]]]
)
CHAINS = 40_000


def states(graph):
    """All states, a row each."""
    kinds = {"binary": np.array([[0.0], [1.0]]), "spin": np.array([[-1.0], [1.0]])}
    units = []
    for u in graph.populations:
        units += [kinds.get(u.kind, np.eye(u.states))] * u.units
    return np.array([np.concatenate(rows) for rows in itertools.product(*units)])


def random_parameters(graph, seed=0, spread=0.7):
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda a: jnp.asarray(rng.normal(0, spread, a.shape), jnp.float32), graph.parameters()
    )


def matrix_of(graph, parameters):
    """Couplings and biases as one float64 matrix, written down without the library."""
    first, at = {}, 0
    for u in graph.populations:
        first[u.name], at = at, at + u.units * u.states
    W = np.zeros((at, at))
    for c in graph.couplings:
        w, a, b = np.asarray(parameters.weights[c.name], float), first[c.source], first[c.target]
        if w.ndim == 1:
            k = graph.population(c.source).states
            for (i, j), value in zip(c.connection.pairs, w, strict=True):
                for s in range(k):
                    W[a + k * i + s, b + k * j + s] += value
        else:
            block = np.triu(w, 1) if c.inner else w
            W[a : a + w.shape[0], b : b + w.shape[1]] += block
    b = np.concatenate(
        [np.asarray(parameters.bias[u.name], float).ravel() for u in graph.populations]
    )
    return W + W.T, b


def law(graph, parameters, temperature=1.0):
    """All states and their probabilities, in float64."""
    X, (W, b) = states(graph), matrix_of(graph, parameters)
    log = (0.5 * np.einsum("si,ij,sj->s", X, W, X) + X @ b) / temperature
    return X, np.exp(log - log.max()) / np.exp(log - log.max()).sum(), log


def drawn(graph, parameters, temperature=1.0, seed=5):
    """Independent chains of the law itself, [numbers, chains]."""
    X, p, _ = law(graph, parameters, temperature)
    return X[np.random.default_rng(seed).choice(len(X), CHAINS, p=p)].T


def surprise(graph, parameters, x, temperature=1.0):
    """The probability of a histogram as far from the law as that of the chains."""
    X, p, _ = law(graph, parameters, temperature)
    number = {row.tobytes(): k for k, row in enumerate(X)}
    rows = np.asarray(flat(graph, x), float).T
    count = np.bincount([number[row.tobytes()] for row in rows], minlength=len(X))
    common = p * len(rows) >= 5
    seen, expected = count[common], p[common] * len(rows)
    if not common.all():
        seen, expected = np.append(seen, count[~common].sum()), np.append(
            expected, p[~common].sum() * len(rows)
        )  # fmt: skip
    return stats.chisquare(seen, expected).pvalue


def at_once(graph, parameters, x, key):
    """Every unit drawn from what its neighbours were before: not a sampler of the law."""
    heard = fields(graph, parameters, x)
    new = {}
    for u in graph.populations:
        u_key = jax.random.fold_in(key, len(new))
        if u.kind == "categorical":
            f = heard[u.name].reshape(u.units, u.states, -1)
            pick = jax.random.categorical(u_key, f, axis=1)
            new[u.name] = jax.nn.one_hot(pick, u.states, axis=1).reshape(x[u.name].shape)
            continue
        p = jax.nn.sigmoid(heard[u.name] * (2.0 if u.kind == "spin" else 1.0))
        on = 1.0 * (jax.random.uniform(u_key, p.shape) < p)
        new[u.name] = 2 * on - 1 if u.kind == "spin" else on
    return new


KERNELS = {
    "by colours": lambda g, p, x, k: sweeps(g, p, x, k, 2)[0],
    "in no order": lambda g, p, x, k: random_visits(g, p, x, k, 15),
    "some populations alone": lambda g, p, x, k: sweeps(
        g, p, x, k, 2, moving={u.name: jnp.array(i % 2 == 0) for i, u in enumerate(g.populations)}
    )[0],
}


@pytest.mark.theory
@pytest.mark.parametrize("graph", [MIXED, POTTS], ids=["mixed", "potts"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_sweep_leaves_the_law_as_it_is(kernel, graph):
    parameters = random_parameters(graph)
    x = unflat(graph, jnp.asarray(drawn(graph, parameters), jnp.float32))
    after = jax.jit(lambda x, k: KERNELS[kernel](graph, parameters, x, k))(x, jax.random.key(3))
    assert surprise(graph, parameters, after) > 1e-3
    assert float(jnp.mean(flat(graph, after) != flat(graph, x))) > 0.05


@pytest.mark.theory
def test_neighbours_that_are_drawn_at_once_do_not():
    parameters = random_parameters(MIXED)
    x = unflat(MIXED, jnp.asarray(drawn(MIXED, parameters), jnp.float32))
    assert surprise(MIXED, parameters, at_once(MIXED, parameters, x, jax.random.key(3))) < 1e-6


@pytest.mark.theory
def test_a_temperature_for_each_chain():
    parameters = random_parameters(MIXED)
    both = np.concatenate([drawn(MIXED, parameters, t) for t in (0.7, 2.0)], 1)
    temperature = jnp.repeat(jnp.array([0.7, 2.0]), CHAINS)
    x = unflat(MIXED, jnp.asarray(both, jnp.float32))
    after, _ = sweeps(MIXED, parameters, x, jax.random.key(1), 2, temperature=temperature)
    for part, t in ((slice(0, CHAINS), 0.7), (slice(CHAINS, None), 2.0)):
        assert surprise(MIXED, parameters, {n: a[..., part] for n, a in after.items()}, t) > 1e-3


@pytest.mark.theory
def test_exchanges_leave_each_temperature_its_law():
    parameters = random_parameters(MIXED, spread=0.9)
    rungs = jnp.array([1.0, 1.5, 2.5])
    both = np.concatenate([drawn(MIXED, parameters, float(t), i) for i, t in enumerate(rungs)], 1)
    x = unflat(MIXED, jnp.asarray(both, jnp.float32))
    each = jnp.repeat(rungs, CHAINS)
    for odd in (0, 1):
        x, accepted = exchange(MIXED, parameters, x, jax.random.key(odd), each, CHAINS, odd)
        assert float(accepted[odd]) > 0.2 and float(accepted[1 - odd]) == 0
    for i, t in enumerate(rungs):
        part = {n: a[..., i * CHAINS : (i + 1) * CHAINS] for n, a in x.items()}
        assert surprise(MIXED, parameters, part, float(t)) > 1e-3


def test_tempering_reaches_what_cold_chains_do_not():
    graph = boltzmann_graph([["spins", 12, "spin"]], [["spins", "spins"]])
    parameters = graph.parameters(0.6)._replace(bias={"spins": jnp.zeros(12)})
    start = graph.start(3 * 64)  # all at −1; the law is as often at +1
    x, swaps = tempered_sweeps(graph, parameters, start, jax.random.key(0), 400, [1, 2.5, 7], 64)
    assert abs(float(x["spins"][:, :64].mean())) < 0.4 and float(swaps.min()) > 0.05
    alone, _ = sweeps(graph, parameters, graph.start(64), jax.random.key(0), 400)
    assert float(alone["spins"].mean()) < -0.9


@pytest.mark.theory
def test_gaussian_units_have_the_moments_of_the_integral():
    graph = boltzmann_graph(
        [["real", 3, "gaussian"], ["bits", 4], ["label", 3, "categorical"]],
        [["real", "bits"], ["real", "label"], ["bits", "bits"]],
    )
    parameters = random_parameters(graph, 2, 0.4)
    x, _ = jax.jit(lambda k: sweeps(graph, parameters, graph.start(20_000), k, 40,
                                    temperature=1.4))(jax.random.key(2))  # fmt: skip
    truth = exact(graph, parameters, temperature=1.4)
    for name, a in x.items():
        error = np.asarray(a).std(-1) / np.sqrt(a.shape[-1])
        assert np.all(np.abs(np.asarray(a).mean(-1) - truth.mean[name]) < 4 * error + 1e-6)
    sent = np.asarray(x["real"]) * np.exp(-np.asarray(parameters.log_variance["real"]))[:, None]
    pairs = np.einsum("ic,jc->ijc", sent, np.asarray(x["bits"]))
    error = pairs.std(-1) / np.sqrt(pairs.shape[-1])
    assert np.all(np.abs(pairs.mean(-1) - truth.correlation["real-bits"]) < 4 * error)


@pytest.mark.theory
def test_evidence_of_every_strength_by_enumeration():
    parameters = random_parameters(MIXED)
    rng = np.random.default_rng(4)
    X, _, log = law(MIXED, parameters)
    value = X[7]
    precision = np.where(rng.random(len(value)) < 0.3, np.inf, rng.uniform(0, 2, len(value)))
    precision[7:10] = [0.0, np.inf, 0.0]  # one state of the label is forbidden or forced
    drive = rng.normal(0, 0.5, len(value))
    soft = np.where(np.isinf(precision), 0, precision)
    log = log - 0.5 * (soft * (X - value) ** 2).sum(1) + X @ np.where(np.isinf(precision), 0, drive)
    possible = np.all((X == value) | ~np.isinf(precision), 1)
    p = np.where(possible, np.exp(log), 0)
    p /= p.sum()
    parts = [unflat(MIXED, jnp.asarray(a, jnp.float32)) for a in (value, precision, drive)]
    evidence = {n: Evidence(*(part[n] for part in parts)) for n in parts[0]}
    found = exact(MIXED, parameters, evidence=evidence)
    assert np.allclose(flat(MIXED, found.mean), p @ X, atol=1e-5)
    wide = {n: Evidence(*(a[..., None] for a in e)) for n, e in evidence.items()}
    start = unflat(MIXED, jnp.asarray(X[rng.choice(len(X), CHAINS, p=p)].T, jnp.float32))
    for kernel in (
        lambda k: sweeps(MIXED, parameters, start, k, 2, evidence=wide)[0],
        lambda k: random_visits(MIXED, parameters, start, k, 20, evidence=wide),
    ):
        x = np.asarray(flat(MIXED, kernel(jax.random.key(6))), float)
        error = np.maximum(x.std(1), 1e-3) / np.sqrt(CHAINS)
        assert np.all(np.abs(x.mean(1) - p @ X) < 4 * error)


@pytest.mark.theory
@pytest.mark.parametrize("graph", [MIXED, POTTS], ids=["mixed", "potts"])
def test_energy_and_exact_sums_are_those_of_the_definition(graph):
    parameters = random_parameters(graph, 9)
    X, p, log = law(graph, parameters, 1.3)
    found = energy(graph, parameters, unflat(graph, jnp.asarray(X.T, jnp.float32)))
    assert np.allclose(found, -1.3 * log, atol=2e-5)
    truth = exact(graph, parameters, temperature=1.3)
    assert float(truth.log_partition) == pytest.approx(np.log(np.exp(log).sum()), rel=1e-6)
    assert np.allclose(flat(graph, truth.mean), p @ X, atol=1e-5)
    pair = np.einsum("s,si,sj->ij", p, X, X)
    c = graph.couplings[0]
    if graph is MIXED:
        off = ~np.eye(4, dtype=bool)
        assert np.allclose(np.asarray(truth.correlation[c.name])[off], pair[:4, :4][off], atol=1e-5)
    else:  # a Potts pair: how often both are in the same state
        same = [sum(pair[3 * i + s, 3 * j + s] for s in range(3)) for i, j in c.connection.pairs]
        assert np.allclose(truth.correlation[c.name], same, atol=1e-5)


def test_nothing_recompiles_for_weights_temperatures_or_clamps():
    count = []
    register = jax.monitoring.register_event_duration_secs_listener
    register(lambda name, *_, **__: count.append(name) if "backend_compile" in name else None)
    parameters = [random_parameters(MIXED, seed) for seed in (0, 1)]
    start = MIXED.start(8)
    clamps = [
        {"bits": Evidence(jnp.full((4, 8), v), jnp.full((4, 8), p), jnp.zeros((4, 8)))}
        for v, p in ((1.0, jnp.inf), (0.0, 0.5))
    ]
    move = jax.jit(lambda p, x, k, t, e: sweeps(MIXED, p, x, k, 3, temperature=t, evidence=e)[0])
    key = jax.random.key(0)
    temperatures = [jnp.float32(1.0), jnp.float32(0.3)]
    jax.block_until_ready(move(parameters[0], start, key, temperatures[0], clamps[0]))
    before = len(count)
    assert before > 0
    out = move(parameters[1], start, key, temperatures[1], clamps[1])
    jax.block_until_ready(out)
    assert len(count) == before
