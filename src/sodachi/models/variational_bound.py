"""A lower bound of the likelihood for machines whose hidden units cannot be summed out."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.models.boltzmann_energy import energy
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_parts import Units
from sodachi.models.boltzmann_values import check_values
from sodachi.models.sweep_plan import along
from sodachi.models.sweeping import sweeps
from sodachi.system import Evidence


def variational_bound(
    graph: BoltzmannGraph,
    parameters: Parameters,
    data: dict[str, Any],
    *,
    log_partition: Any,
    iterations: int = 50,
):
    r"""Return a lower bound of ``ln p(data)`` of each row [rows], for any depth.

    ``⟨−E⟩_q + H(q) − ln Z`` with q of independent units, which mean field settles with the data
    held; couplings are linear in each of their two units, so that the mean of the energy is the
    energy of the means (and half a unit more for each free Gaussian one).

    Parameters
    ----------
    data
        By population an array [rows, *shape] of values of its kind; what is missing is free.
    log_partition
        ln Z, exact or from above.
    iterations
        Mean-field sweeps.

    Raises
    ------
    SpecError
        For values that the units cannot take.

    References
    ----------
    Salakhutdinov and Hinton (2009).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> from sodachi.models.enumeration import log_partition
    >>> graph = boltzmann_graph([["a", 2], ["b", 3]], [["a", "b"]])
    >>> free = graph.parameters()
    >>> bound = variational_bound(
    ...     graph, free, {"a": jnp.eye(2)}, log_partition=log_partition(graph, free))
    >>> jnp.exp(bound).round(4).tolist()
    [0.25, 0.25]
    """
    values = {}
    for name, value in data.items():
        check_values(graph, name, value)
        values[name] = jnp.moveaxis(jnp.asarray(value, parameters.bias[name].dtype), 0, -1)
    return _bound(graph, iterations, parameters, values) - log_partition


@partial(jax.jit, static_argnums=(0, 1))
def _bound(graph: BoltzmannGraph, iterations: int, parameters: Parameters, values):
    clamp = {
        n: Evidence(v, jnp.full_like(v, jnp.inf), jnp.zeros_like(v)) for n, v in values.items()
    }
    chains = next(iter(values.values())).shape[-1]
    start = {u.name: _undecided(u, chains) for u in graph.populations}
    x, _ = sweeps(
        graph, parameters, start, jax.random.key(0), iterations, evidence=clamp, mean_field=True
    )
    free = [u for u in graph.populations if u.name not in values]
    return sum(_entropy(u, parameters, x[u.name]) for u in free) - energy(graph, parameters, x)


def _undecided(u: Units, chains: int):
    fill = {"binary": 0.5, "categorical": 1.0 / u.states}.get(u.kind, 0.0)
    return jnp.full((*u.shape, chains), fill)


def _entropy(u: Units, parameters: Parameters, mean):
    """The entropy of independent units; of Gaussian ones less the mean energy of their spread."""
    axes = tuple(range(len(u.shape)))
    if u.kind == "gaussian":
        spread = along(parameters.log_variance[u.name], mean)
        return jnp.sum(0.5 * (jnp.log(2 * jnp.pi) + spread) + 0.0 * mean, axes)
    if u.kind == "categorical":
        return jax.scipy.special.entr(mean).sum(axes)
    p = (1.0 + mean) / 2.0 if u.kind == "spin" else mean
    return (jax.scipy.special.entr(p) + jax.scipy.special.entr(1.0 - p)).sum(axes)
