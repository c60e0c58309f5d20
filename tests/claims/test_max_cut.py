"""Annealing against brute force; graphs whose largest cut is planted; files in G-set format."""

import itertools

import jax
import numpy as np
import pytest

from sodachi.claims.cut_graphs import (
    CUBE,
    GRAPHS,
    TORUS,
    _planted,
    cut_graph,
    read_cut_graph,
    write_cut_graph,
)
from sodachi.errors import DataError, SpecError
from sodachi.models import anneal, cut_size, max_cut, qubo
from sodachi.models.boltzmann_energy import energy

SPINS = np.array(list(itertools.product([-1, 1], repeat=12)))


def test_the_largest_cut_of_a_small_graph_is_found():
    rng = np.random.default_rng(0)
    edges = [(i, j) for i in range(12) for j in range(i) if rng.random() < 0.5]
    weights = rng.normal(size=len(edges))
    best = max(cut_size(edges, s, weights) for s in SPINS)
    graph, parameters = max_cut(edges, weights, nodes=12)
    found = anneal(graph, parameters, jax.random.key(0), chains=16, steps=200)
    assert cut_size(edges, found.best["spins"], weights) == pytest.approx(best, abs=1e-5)
    cuts = [cut_size(edges, s, weights) for s in np.asarray(found.state["spins"]).T]
    assert np.allclose(cuts, (weights.sum() - np.asarray(found.energy)) / 2, atol=1e-4)
    assert len(set(found.energy.tolist())) <= 6  # cold chains end in few states


def test_a_quadratic_problem_has_its_own_value_as_energy():
    rng = np.random.default_rng(1)
    Q, X = rng.normal(size=(12, 12)), (SPINS + 1) / 2
    graph, parameters = qubo(Q)
    value = np.einsum("si,ij,sj->s", X, Q, X)
    assert np.allclose(energy(graph, parameters, {"units": X.T}), value, atol=1e-4)
    found = anneal(graph, parameters, jax.random.key(0), chains=16, steps=200)
    assert float(found.energy.min()) == pytest.approx(value.min(), abs=1e-4)
    linear = qubo(np.diag([1.0, -2.0]))
    assert float(anneal(*linear, jax.random.key(0), chains=2, steps=9).energy.min()) == -2.0


def test_a_planted_cut_is_the_largest():
    ring = np.array([(i, j) for i in range(12) for j in range(i) if (i - j) in (1, 3, 4)])
    for seed in range(3):
        graph = _planted(ring, 12, np.random.default_rng(seed), loops=1.5, shortest=4)
        assert max(cut_size(graph.edges, s, graph.weights) for s in SPINS) == graph.best


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_the_same_every_time_and_survive_their_file(name):
    one, other = cut_graph(name, small=True), cut_graph(name, small=True)
    again = read_cut_graph(write_cut_graph(one))
    for graph in (other, again):
        assert np.array_equal(graph.edges, one.edges)
        assert np.array_equal(graph.weights, one.weights)
    whole = cut_graph(name)
    assert whole.edges.max() < 800
    assert len(np.unique(whole.edges, axis=0)) == len(whole.edges)
    assert np.all(whole.edges[:, 0] < whole.edges[:, 1]) and whole.best > 0


def test_the_planted_cut_is_reached_and_a_cold_start_is_worse():
    for name in (TORUS, CUBE):
        graph = cut_graph(name, small=True)
        machine = max_cut(graph.edges, graph.weights)
        found = anneal(*machine, jax.random.key(1), chains=16, steps=400)
        assert cut_size(graph.edges, found.best["spins"], graph.weights) >= 0.98 * graph.best
        cold = anneal(*machine, jax.random.key(1), chains=16, steps=400, hot=0.3, cold=0.3)
        assert cold.energy.mean() > found.energy.mean()


@pytest.mark.parametrize("text", ["", "a b", "3 1\n1 4 1", "3 2\n1 2 1", "3 1\n0 1 1", "2 1\n1 2"])
def test_files_that_are_no_graph_are_refused(text):
    with pytest.raises(DataError):
        read_cut_graph(text)


def test_wrong_problems_are_refused():
    edges = [(0, 1)]
    with pytest.raises(SpecError, match="hot"):
        anneal(*max_cut(edges), jax.random.key(0), hot=0.0)
    with pytest.raises(SpecError, match="cold"):
        anneal(*max_cut(edges), jax.random.key(0), hot=1.0, cold=2.0)
    with pytest.raises(SpecError, match="steps"):
        anneal(*max_cut(edges), jax.random.key(0), steps=1)
    with pytest.raises(SpecError, match="weights"):
        max_cut(edges, [1.0, 2.0])
    with pytest.raises(SpecError):
        max_cut([(0, 0)])
    with pytest.raises(SpecError, match="square"):
        qubo(np.ones((2, 3)))
