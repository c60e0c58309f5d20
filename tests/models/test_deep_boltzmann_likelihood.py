"""Likelihood of layered Boltzmann machines, against enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layered_machines import MACHINES, born, energies, graph_of, law, parameters_of, states_of

from sodachi.errors import SpecError
from sodachi.models.annealed_importance import base_rates, bracket
from sodachi.models.boltzmann import machine_graph
from sodachi.models.boltzmann_graph import boltzmann_graph
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.models.enumeration import log_likelihood, log_partition
from sodachi.models.sweeping import free_samples
from sodachi.models.variational_bound import variational_bound


def log_z_of(which, state):
    return np.logaddexp.reduce(-energies(which, state, states_of(which)))


def log_z_by_halves(which, state):
    return log_partition(graph_of(which), parameters_of(which, state))


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_the_partition_function_equals_the_sum_over_all_states(which):
    _, state = born(which)
    assert np.isclose(log_z_by_halves(which, state), log_z_of(which, state))


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_annealing_brackets_the_partition_function(which):
    """On average below going up and above going down, from draws of the machine's own law."""
    _, state = born(which)
    truth, p, every = log_z_of(which, state), law(which, state), states_of(which)
    ups, downs = [], []
    for seed in range(12):
        mine = np.random.default_rng(seed).choice(len(p), 40, p=p)
        drawn = {name: jnp.asarray(x[mine].T, jnp.float32) for name, x in every.items()}
        key = jax.random.key(seed)
        z = bracket(graph_of(which), parameters_of(which, state), key, drawn, steps=8)
        assert z.forward.shape == z.reverse.shape == (40,)
        ups.append(z.ends[0] - truth)
        downs.append(z.ends[1] - truth)
        # Without the logarithm both are unbiased; with so few steps the spread is visible.
    for gaps, sign in ((ups, -1), (downs, 1)):
        error = np.std(gaps, ddof=1) / np.sqrt(len(gaps))
        assert sign * np.mean(gaps) > -3 * error
        assert abs(np.mean(gaps)) < 0.5


@pytest.mark.theory
def test_many_steps_close_the_bracket():
    _, state = born("deep", seed=1)
    graph, parameters = graph_of("deep"), parameters_of("deep", state)
    samples = free_samples(graph, parameters, jax.random.key(1), 100, 300)
    base = base_rates(graph, parameters, state.shared["cells"]["offset"])
    z = bracket(graph, parameters, jax.random.key(0), samples, steps=500, base=base)
    truth = log_z_of("deep", state)
    assert abs(z.ends[0] - truth) < 0.1 and abs(z.ends[1] - truth) < 0.1


@pytest.mark.theory
@pytest.mark.parametrize("which", ["restricted", "classifying"])
def test_the_likelihood_of_data_equals_the_marginal(which):
    _, state = born(which)
    every, p = states_of(which), law(which, state)
    seen = {name: x for name, x in every.items() if name != "hidden1"}
    log_z = log_z_by_halves(which, state)
    parts = (graph_of(which), parameters_of(which, state), seen)
    log_p = log_likelihood(*parts, log_partition=log_z)
    rows = np.concatenate(list(seen.values()), 1)
    _, group = np.unique(rows, axis=0, return_inverse=True)
    marginal = np.bincount(group.ravel(), p)
    assert np.allclose(np.exp(log_p), marginal[group.ravel()], atol=1e-5)


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_the_variational_bound_is_below_and_exact_without_couplings_above(which):
    _, state = born(which)
    every, p = states_of(which), law(which, state)
    inputs, group = np.unique(every["input"], axis=0, return_inverse=True)
    truth = np.log(np.bincount(group.ravel(), p))
    parts = (graph_of(which), parameters_of(which, state), {"input": inputs})
    bound = np.asarray(variational_bound(*parts, log_partition=log_z_by_halves(which, state)))
    assert np.all(bound <= truth + 1e-4)
    assert np.mean(truth - bound) < 0.6
    if which == "restricted":  # given the input its hidden units are independent: no gap
        assert np.allclose(bound, truth, atol=1e-4)


@pytest.mark.theory
def test_the_bound_of_a_machine_without_couplings_is_its_likelihood():
    """Units of every kind on their own, so that q is the law itself: spins, labels and a normal."""
    kinds = [
        ["seen", 2],
        ["spins", 3, "spin"],
        ["label", 4, "categorical"],
        ["real", 2, "gaussian"],
    ]
    graph = boltzmann_graph(kinds, [])
    rng = np.random.default_rng(0)
    parameters = jax.tree.map(
        lambda a: jnp.asarray(rng.normal(0, 0.7, a.shape)), graph.parameters()
    )
    data = {"seen": np.eye(2)}
    log_z = log_partition(graph, parameters)
    bound = variational_bound(graph, parameters, data, log_partition=log_z)
    assert np.allclose(bound, log_likelihood(graph, parameters, data), atol=1e-4)


@pytest.mark.unit
def test_what_cannot_be_enumerated_is_named():
    large = machine_graph(deep_boltzmann_machine(layers=(30, 25)).spec)
    with pytest.raises(SpecError, match="20 binary units"):
        log_partition(large, large.parameters())
    deep = machine_graph(deep_boltzmann_machine(layers=(3, 30, 30)).spec)
    with pytest.raises(SpecError, match="20 binary units"):
        log_likelihood(deep, deep.parameters(), {"input": np.ones((2, 3))}, log_partition=0.0)
    with pytest.raises(SpecError, match="input"):
        variational_bound(deep, deep.parameters(), {"input": np.full((2, 3), 0.5)}, log_partition=0)
