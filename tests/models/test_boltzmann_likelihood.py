"""Likelihoods against independent float64 sums; bounds that hold; errors of chains."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.errors import SpecError
from sodachi.models import binarise
from sodachi.models.annealed_importance import (
    annealed_importance,
    base_log_partition,
    base_rates,
    bracket,
)
from sodachi.models.autocorrelation import autocorrelation_time, standard_error
from sodachi.models.boltzmann_graph import boltzmann_graph
from sodachi.models.enumeration import exact, log_likelihood, log_partition
from sodachi.models.sweeping import sweeps
from sodachi.system import Evidence

SIDES = boltzmann_graph(
    [["seen", 40], ["hidden", 6], ["label", 3, "categorical"]],
    [["seen", "hidden"], ["label", "hidden"]],
)


def random_parameters(graph, seed=0, spread=0.4):
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda a: jnp.asarray(rng.normal(0, spread, a.shape), jnp.float32), graph.parameters()
    )


def two_sides(parameters):
    """ln of the unnormalised law of (seen, label), hidden summed out, in float64."""
    W, U = (np.asarray(parameters.weights[n], float) for n in ("seen-hidden", "label-hidden"))
    a, h, c = (np.asarray(parameters.bias[n], float) for n in ("seen", "hidden", "label"))
    return lambda v, y: v @ a + y @ c + np.logaddexp(0, h + v @ W + y @ U).sum(-1)


@pytest.mark.theory
def test_a_small_side_makes_a_wide_machine_exact():
    parameters = random_parameters(SIDES)
    W, U = (np.asarray(parameters.weights[n], float) for n in ("seen-hidden", "label-hidden"))
    a, h, c = (np.asarray(parameters.bias[n], float) for n in ("seen", "hidden", "label"))
    H = np.array(list(itertools.product([0, 1], repeat=6)))
    label = np.logaddexp.reduce(c + H @ U.T, axis=1)
    log_z = np.logaddexp.reduce(H @ h + np.logaddexp(0, a + H @ W.T).sum(1) + label)
    assert float(log_partition(SIDES, parameters)) == pytest.approx(log_z, rel=1e-6)
    v = (np.random.default_rng(1).random((5, 40)) < 0.5).astype(float)
    free, eye = two_sides(parameters), np.eye(3)
    joint = np.stack([free(v, eye[k]) for k in range(3)], 1)
    found = log_likelihood(SIDES, parameters, {"seen": v})
    assert np.allclose(found, np.logaddexp.reduce(joint, axis=1) - log_z, atol=1e-4)
    both = log_likelihood(SIDES, parameters, {"seen": v, "label": eye[[0, 1, 2, 0, 1]]})
    assert np.allclose(both, joint[range(5), [0, 1, 2, 0, 1]] - log_z, atol=1e-4)


@pytest.mark.theory
def test_probabilities_of_all_data_sum_to_one_and_gaussians_integrate_to_it():
    graph = boltzmann_graph([["bits", 6], ["hidden", 3]], [["bits", "hidden"], ["bits", "bits"]])
    every = np.array(list(itertools.product([0, 1], repeat=6)), float)
    p = np.exp(log_likelihood(graph, random_parameters(graph), {"bits": every}))
    assert p.sum() == pytest.approx(1.0, abs=1e-5)
    real = boltzmann_graph([["x", 1, "gaussian"], ["h", 4]], [["x", "h"]])
    grid = np.linspace(-30, 30, 60_001)[:, None]
    density = np.exp(log_likelihood(real, random_parameters(real, 3, 0.8), {"x": grid}))
    assert density.sum() * (grid[1, 0] - grid[0, 0]) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.theory
def test_expectations_given_evidence_are_ratios_of_sums():
    parameters = random_parameters(SIDES, 2)
    v = (np.random.default_rng(1).random(40) < 0.5).astype(np.float32)
    clamp = {"seen": Evidence(jnp.asarray(v), jnp.full(40, jnp.inf), jnp.zeros(40))}
    found = exact(SIDES, parameters, evidence=clamp).mean
    scores = np.array([two_sides(parameters)(v.astype(float), y) for y in np.eye(3)])
    expected = np.exp(scores - np.logaddexp.reduce(scores))
    assert np.allclose(found["label"], expected, atol=1e-5)
    assert np.array_equal(found["seen"], v)


KINDS = {
    "two sides": SIDES,
    "loops": boltzmann_graph([["a", 10]], [["a", "a"]]),
    "real": boltzmann_graph([["x", 4, "gaussian"], ["h", 6]], [["x", "h"]]),
    "real last": boltzmann_graph(
        [["h", 6], ["s", 2, "spin"], ["x", 4, "gaussian"]], [["h", "s"], ["s", "x"], ["h", "x"]]
    ),
}


@pytest.mark.theory
@pytest.mark.parametrize("name", KINDS)
def test_annealing_from_both_ends_holds_the_exact_value(name):
    graph, chains = KINDS[name], 64
    parameters = random_parameters(graph, 4)
    truth = float(log_partition(graph, parameters, temperature=1.2))
    x, _ = sweeps(graph, parameters, graph.start(chains), jax.random.key(1), 300, temperature=1.2)
    found = bracket(graph, parameters, jax.random.key(0), x, steps=150, temperature=1.2)
    assert found.lower <= truth <= found.upper
    assert found.upper - found.lower < 0.6
    assert float(found.estimate) == pytest.approx(truth, abs=0.08)
    quick = bracket(graph, parameters, jax.random.key(0), x, steps=2, temperature=1.2)
    assert quick.upper - quick.lower > found.upper - found.lower


@pytest.mark.theory
def test_weights_of_annealing_have_the_mean_of_the_partition_function():
    graph = KINDS["loops"]
    parameters, mean = random_parameters(graph, 5, 0.8), {"a": jnp.full(10, 0.3)}
    found = annealed_importance(
        graph, parameters, jax.random.key(3), chains=20_000, steps=4,
        base=base_rates(graph, parameters, mean),
    )  # fmt: skip
    truth = float(log_partition(graph, parameters))
    w = np.exp(np.asarray(found, float) - truth)
    assert abs(w.mean() - 1) < 4 * w.std() / np.sqrt(len(w))
    assert np.asarray(found).mean() < truth


def test_a_base_of_given_means_has_them():
    graph = boltzmann_graph([["b", 2], ["s", 2, "spin"], ["l", 2, "categorical"]], [["b", "s"]])
    means = {"b": np.array([0.2, 0.7]), "s": np.array([-0.4, 0.1]), "l": np.array([0.25, 0.75])}
    base = base_rates(graph, random_parameters(graph), means)
    found = exact(graph, base)
    for name, mean in means.items():
        assert np.allclose(found.mean[name], mean, atol=1e-5)
    total = float(found.log_partition)
    assert float(base_log_partition(graph, base)) == pytest.approx(total, rel=1e-6)


@pytest.mark.theory
def test_autocorrelation_time_of_a_process_that_forgets_by_a_known_share():
    rng, keep = np.random.default_rng(0), 0.8
    x = np.zeros((20_000, 8))
    for t in range(1, len(x)):
        x[t] = keep * x[t - 1] + rng.normal(size=8)
    assert autocorrelation_time(x) == pytest.approx((1 + keep) / (1 - keep), rel=0.1)
    spread = x.std() * np.sqrt(9.0 / x.size)
    assert standard_error(x) == pytest.approx(spread, rel=0.1)
    with pytest.raises(SpecError):
        autocorrelation_time(np.array([1.0, np.nan, 2.0, 3.0]))


def test_what_is_too_large_or_impossible_is_refused_by_name():
    large = boltzmann_graph([["a", 21]], [["a", "a"]])
    with pytest.raises(SpecError, match=r"2\^20 states .*got 2\^21"):
        log_partition(large, large.parameters())
    small = boltzmann_graph([["a", 2], ["s", 1, "spin"]], [["a", "s"]])
    for temperature in (0.0, -1.0, np.nan):
        with pytest.raises(SpecError, match="temperature"):
            log_partition(small, small.parameters(), temperature=temperature)
        with pytest.raises(SpecError, match="temperature"):
            annealed_importance(
                small, small.parameters(), jax.random.key(0), temperature=temperature
            )
    with pytest.raises(SpecError, match=r"a\[1, 0\].*binarise.*0.5"):
        log_likelihood(small, small.parameters(), {"a": [[0.0, 1.0], [0.5, 1.0]]})
    with pytest.raises(SpecError, match=r"s\[0, 0\].*−1 or 1"):
        log_likelihood(small, small.parameters(), {"s": [[0.0]]})
    with pytest.raises(SpecError, match="steps"):
        annealed_importance(small, small.parameters(), jax.random.key(0), steps=1)


def test_binarise_refuses_what_is_no_intensity_and_draws_by_it():
    assert binarise(np.full(10_000, 0.3), seed=1).mean() == pytest.approx(0.3, abs=0.02)
    with pytest.raises(SpecError, match=r"intensity\[1\].*255"):
        binarise([0.0, 255.0])
