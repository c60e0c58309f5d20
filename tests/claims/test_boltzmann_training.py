"""How the claims teach Boltzmann machines: what a machine of more layers takes over."""

import numpy as np
import pytest

from sodachi.claims.boltzmann_training import Schooling, inherited, schooled
from sodachi.models import deep_boltzmann_machine
from sodachi.models.boltzmann import machine_graph, machine_parameters
from sodachi.models.enumeration import log_likelihood, log_partition
from sodachi.models.variational_bound import variational_bound

X = (np.random.default_rng(0).random((40, 5)) < [0.1, 0.9, 0.5, 0.2, 0.7]).astype(np.float32)


def known(machine, state):
    return machine_graph(machine.spec), machine_parameters(machine.spec, state)


@pytest.mark.theory
def test_a_layer_born_with_weights_of_zero_changes_no_law():
    below = deep_boltzmann_machine(layers=(5, 3), rate=0.3, chains=10)
    taught = schooled(below, Schooling(passes=20, batch=10, drawn=False), 0, X)
    grown = deep_boltzmann_machine(layers=(5, 3, 4), scale=0.0, chains=10)
    state = schooled(grown, Schooling(passes=0, batch=10), 1, X, start=taught)
    graph, parameters = known(grown, state)
    bound = variational_bound(
        graph, parameters, {"input": X}, log_partition=log_partition(graph, parameters)
    )
    truth = log_likelihood(*known(below, taught), {"input": X})
    assert np.allclose(bound, truth, atol=1e-4)
    assert truth.mean() > log_likelihood(*known(below, below.init(0)), {"input": X}).mean() + 0.5


@pytest.mark.unit
def test_what_is_taken_over_learns_on_and_what_is_new_learns_too():
    below = deep_boltzmann_machine(layers=(5, 3), rate=0.3, chains=10)
    taught = schooled(below, Schooling(passes=2, batch=10), 0, X)
    grown = deep_boltzmann_machine(layers=(5, 3, 4), chains=10, settling="mean_field")
    born = schooled(grown, Schooling(passes=0, batch=10), 1, X, start=taught).shared
    later = schooled(grown, Schooling(passes=2, batch=10), 1, X, start=taught).shared
    for name, w in taught.shared["weights"].items():
        assert np.array_equal(born["weights"][name], w), name
    assert np.array_equal(born["dreams"]["input"], taught.shared["dreams"]["input"])
    for name, w in later["weights"].items():
        assert np.all(np.isfinite(w)) and not np.array_equal(w, born["weights"][name]), name


@pytest.mark.unit
def test_only_what_has_the_same_name_is_taken_over():
    young = {"weights": {"a": 0, "b": 0}, "key": 3}
    old = {"weights": {"a": 1, "gone": 5}, "clock": 7}
    assert inherited(young, old) == {"weights": {"a": 1, "b": 0}, "key": 3}
