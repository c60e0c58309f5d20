"""Annealing: the sampler, cooled: low energies of any graph, maximum cuts, quadratic problems."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.models.boltzmann_energy import energy
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters, boltzmann_graph
from sodachi.models.boltzmann_values import check_temperature
from sodachi.models.sweeping import sweeps


class Annealed(NamedTuple):
    """Where chains ended: ``state`` by population [*shape, chains], ``energy`` [chains]."""

    state: dict[str, Any]
    energy: Any

    @property
    def best(self) -> dict[str, Any]:
        """The state of lowest energy, without the axis of chains."""
        lowest = jnp.argmin(self.energy)
        return {name: x[..., lowest] for name, x in self.state.items()}


def anneal(
    graph: BoltzmannGraph,
    parameters: Parameters,
    key,
    *,
    chains: int = 32,
    steps: int = 1000,
    hot: float | None = None,
    cold: float | None = None,
) -> Annealed:
    r"""Return states of low energy: Gibbs sweeps while T falls in even steps.

    Parameters
    ----------
    chains, steps
        Independent runs, and sweeps of each; static. Cost is chains × steps × units.
    hot, cold
        First and last temperature. By default 1.5 and .01 times the mean over units of
        ``√Σ_j w_ij²``: what a unit hears by chance decides where order begins (`typical_field`).

    Returns
    -------
    Annealed
        ``.best`` is the state of lowest energy.

    Raises
    ------
    SpecError
        For fewer than 1 chain or 2 steps, or temperatures that are not above 0 and falling.

    References
    ----------
    Kirkpatrick, Gelatt and Vecchi (1983).

    Examples
    --------
    >>> graph, parameters = max_cut([(0, 1), (1, 2), (2, 3), (3, 0)], nodes=4)
    >>> found = anneal(graph, parameters, jax.random.key(0), chains=4, steps=20)
    >>> cut_size([(0, 1), (1, 2), (2, 3), (3, 0)], found.best["spins"])
    4.0
    """
    for name, value, least in (("chains", chains, 1), ("steps", steps, 2)):
        if value < least:
            raise SpecError(name, f"{least} or more", value)
    scale = typical_field(graph, parameters) or 1.0
    first = 1.5 * scale if hot is None else hot
    last = 0.01 * scale if cold is None else cold
    for name, value in (("hot", first), ("cold", last)):
        check_temperature(value, name)
    if last > first:
        raise SpecError("cold", f"at most hot, {first:g}", last)
    return _anneal(graph, chains, steps, parameters, key, first, last)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _anneal(graph, chains, count, parameters, key, hot, cold) -> Annealed:
    step = jnp.arange(count) / (count - 1)
    temperatures = hot + (cold - hot) * step
    beginning, moving = jax.random.split(key)
    x = graph.start(chains)
    x, _ = sweeps(graph, graph.parameters(), x, beginning)  # without couplings: chance alone
    x, _ = sweeps(graph, parameters, x, moving, count, schedule=temperatures)
    return Annealed(x, energy(graph, parameters, x))


def typical_field(graph: BoltzmannGraph, parameters: Parameters) -> float:
    """Return the mean over units of ``√Σ_j w_ij²``: what each hears when the others are chance.

    Examples
    --------
    >>> typical_field(*max_cut([(0, 1), (1, 2)], [3.0, 4.0]))
    4.0
    """
    squares = jax.tree.map(jnp.square, parameters)
    total, units = 0.0, 0
    for u in graph.populations:
        heard = jnp.zeros(u.units)
        for c in graph.of(u.name):
            w, inner = squares.weights[c.name], c.source == c.target
            if w.ndim == 1:
                pairs = np.asarray(c.connection.pairs)  # type: ignore[attr-defined]
                sides = (0, 1) if inner else (int(u.name == c.target),)
                for side in sides:
                    heard = heard.at[pairs[:, side]].add(w)
            else:
                axis = 0 if u.name == c.target else 1
                heard = heard + w.sum(axis).reshape(u.units, -1).max(1)
        total, units = total + jnp.sqrt(heard).sum(), units + u.units
    return float(total / units)


def max_cut(edges, weights=None, *, nodes: int | None = None) -> tuple[BoltzmannGraph, Parameters]:
    r"""Return the spins whose energy is lowest where the cut is largest.

    ``E(s) = Σ_e w_e s_i s_j``, s = ±1: an edge is cut if its ends differ, and the sum of cut
    weights is ``(Σ_e w_e − E)/2``.

    Parameters
    ----------
    edges
        Pairs of nodes, each once.
    weights
        One number an edge; 1 by default.
    nodes
        How many; by default one more than the highest that is named.

    Raises
    ------
    SpecError
        For pairs that are none, or not as many weights as edges.

    Examples
    --------
    >>> max_cut([(0, 1), (1, 2)])[1].weights["spins-spins"].tolist()
    [-1.0, -1.0]
    """
    pairs = [tuple(sorted(int(i) for i in edge)) for edge in edges]
    given = np.ones(len(pairs)) if weights is None else np.asarray(weights, np.float64)
    if given.shape != (len(pairs),) or not np.isfinite(given).all():
        raise SpecError("weights", f"{len(pairs)} finite numbers", f"shape {given.shape}")
    size = 1 + max(max(pair) for pair in pairs) if nodes is None else nodes
    graph = boltzmann_graph([["spins", size, "spin"]], [["spins", "spins", pairs]])
    zeros = jnp.zeros(size)
    return graph, Parameters(
        {"spins-spins": -jnp.asarray(given, jnp.float32)}, {"spins": zeros}, {}
    )


def cut_size(edges, spins, weights=None) -> float:
    """Return the sum of the weights of edges whose ends differ.

    Examples
    --------
    >>> cut_size([(0, 1), (1, 2)], [1, -1, -1], [2.0, 5.0])
    2.0
    """
    pairs, spins = np.asarray(edges), np.asarray(spins)
    given = np.ones(len(pairs)) if weights is None else np.asarray(weights, np.float64)
    return float(given[spins[pairs[:, 0]] != spins[pairs[:, 1]]].sum())


def qubo(matrix) -> tuple[BoltzmannGraph, Parameters]:
    r"""Return the binary units whose energy is ``xᵀQx``, x ∈ {0, 1}ⁿ.

    Parameters
    ----------
    matrix
        Q [n, n]; ``Q_ij`` and ``Q_ji`` add up, the diagonal is linear.

    Raises
    ------
    SpecError
        If it is not a square matrix of finite numbers.

    Examples
    --------
    >>> graph, parameters = qubo([[-1.0, 2.0], [0.0, -1.0]])  # one of the two, not both
    >>> found = anneal(graph, parameters, jax.random.key(0), chains=4, steps=20)
    >>> float(found.energy.min()), int(found.best["units"].sum())
    (-1.0, 1)
    """
    Q = np.asarray(matrix, np.float64)
    if Q.ndim != 2 or Q.shape[0] != Q.shape[1] or not np.isfinite(Q).all():
        raise SpecError("matrix", "a square matrix of finite numbers", f"shape {Q.shape}")
    both = Q + Q.T
    rows, columns = np.nonzero(np.triu(both, 1))
    pairs = [[int(i), int(j)] for i, j in zip(rows, columns, strict=True)]
    couplings = [["units", "units", pairs]] if pairs else []
    graph = boltzmann_graph([["units", len(Q)]], couplings)
    weights = {"units-units": -jnp.asarray(both[rows, columns], jnp.float32)} if pairs else {}
    return graph, Parameters(weights, {"units": -jnp.asarray(np.diag(Q), jnp.float32)}, {})
