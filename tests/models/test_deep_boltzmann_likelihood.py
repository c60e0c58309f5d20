"""Likelihood of layered Boltzmann machines, against enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layered_machines import MACHINES, born, law, machine_of, states_of

from sodachi.errors import SpecError
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.models.deep_boltzmann_annealing import anneal_log_partition
from sodachi.models.deep_boltzmann_layers import energy
from sodachi.models.deep_boltzmann_likelihood import (
    enumerate_log_partition,
    log_likelihood,
    variational_bound,
)
from sodachi.models.deep_boltzmann_settings import layers_of


def log_z_of(which, state):
    s, x = layers_of(machine_of(which).spec), states_of(which)
    log = -np.asarray(energy(s, state.shared["weights"], state.shared["cells"]["mean"], x), float)
    return np.logaddexp.reduce(log)


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_the_partition_function_equals_the_sum_over_all_states(which):
    _, state = born(which)
    assert np.isclose(
        enumerate_log_partition(machine_of(which).spec, state), log_z_of(which, state)
    )


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_annealing_brackets_the_partition_function(which):
    """On average below going up and above going down, from draws of the machine's own law."""
    _, state = born(which)
    truth, p, every = log_z_of(which, state), law(which, state), states_of(which)
    ups, downs = [], []
    for seed in range(12):
        mine = np.random.default_rng(seed).choice(len(p), 40, p=p)
        drawn = {name: jnp.asarray(x[mine], jnp.float32) for name, x in every.items()}
        z = anneal_log_partition(
            machine_of(which).spec, state, jax.random.key(seed), chains=40, steps=8, samples=drawn
        )
        assert z.up.shape == z.down.shape == (40,)
        ups.append(z.lower - truth)
        downs.append(z.upper - truth)
        # Without the logarithm both are unbiased; with so few steps the spread is visible.
    for gaps, sign in ((ups, -1), (downs, 1)):
        error = np.std(gaps, ddof=1) / np.sqrt(len(gaps))
        assert sign * np.mean(gaps) > -3 * error
        assert abs(np.mean(gaps)) < 0.5


@pytest.mark.theory
def test_many_steps_close_the_bracket():
    _, state = born("deep")
    z = anneal_log_partition(
        machine_of("deep").spec, state, jax.random.key(0), chains=100, steps=500, burn_in=300
    )
    truth = log_z_of("deep", state)
    assert abs(z.lower - truth) < 0.1 and abs(z.upper - truth) < 0.1


@pytest.mark.theory
@pytest.mark.parametrize("which", ["restricted", "classifying"])
def test_the_likelihood_of_data_equals_the_marginal(which):
    _, state = born(which)
    spec, every, p = machine_of(which).spec, states_of(which), law(which, state)
    even = [n.name for n in layers_of(spec).layers if not n.odd]
    seen = {name: every[name] for name in even}
    log_p = log_likelihood(spec, state, enumerate_log_partition(spec, state), **seen)
    rows = np.concatenate([every[name] for name in even], 1)
    _, group = np.unique(rows, axis=0, return_inverse=True)
    marginal = np.bincount(group.ravel(), p)
    assert np.allclose(np.exp(log_p), marginal[group.ravel()], atol=1e-5)


@pytest.mark.theory
@pytest.mark.parametrize("which", MACHINES)
def test_the_variational_bound_is_below_and_exact_without_couplings_above(which):
    _, state = born(which)
    spec, every, p = machine_of(which).spec, states_of(which), law(which, state)
    inputs, group = np.unique(every["input"], axis=0, return_inverse=True)
    truth = np.log(np.bincount(group.ravel(), p))
    bound = variational_bound(spec, state, enumerate_log_partition(spec, state), input=inputs)
    assert np.all(bound <= truth + 1e-4)
    assert np.mean(truth - bound) < 0.6
    if which == "restricted":  # given the input its hidden units are independent: no gap
        assert np.allclose(bound, truth, atol=1e-4)


@pytest.mark.unit
def test_what_cannot_be_enumerated_or_is_not_seen_is_named():
    large = deep_boltzmann_machine(layers=(30, 25))
    with pytest.raises(SpecError, match="20 binary units"):
        enumerate_log_partition(large.spec, large.init(0))
    deep = machine_of("deep")
    with pytest.raises(SpecError, match="hidden2"):
        log_likelihood(deep.spec, deep.init(0), 0.0, input=np.ones((2, 3)))
