"""Energy of a Boltzmann machine, and the fields that its units hear."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_parts import Units
from sodachi.models.sweep_plan import (
    along,
    from_others,
    plan,
    ready_parameters,
    sort,
    through_slots,
    unsort,
)


def fields(graph: BoltzmannGraph, parameters: Parameters, x):
    """Return by population ``Σ_j w_ij s_j + b_i`` of every unit, all couplings included."""
    how = plan(graph)
    ready = ready_parameters(graph, how, parameters)
    x = {n: sort(graph, how, n, a) for n, a in x.items()}

    def total(u: Units):
        heard = from_others(graph, ready, x, u)
        for c in graph.of(u.name):
            if c.full:
                heard = heard + jnp.tensordot(ready["weights"][c.name], x[u.name], 1)
        for inner in (False, True):
            heard = heard + through_slots(how, ready, x, u, (0, u.units), inner)
        return unsort(graph, how, u.name, heard)

    return {u.name: total(u) for u in graph.populations}


def energy(graph: BoltzmannGraph, parameters: Parameters, x):
    r"""Return ``E(x)``, for each chain where there are any (see `BoltzmannGraph`).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> float(energy(graph, graph.parameters(1.0), {"a": jnp.ones(2)}))
    -3.0
    """
    return energy_of(graph, parameters, x, fields(graph, parameters, x))


def energy_of(graph: BoltzmannGraph, parameters: Parameters, x, heard):
    """Return the same of what every unit hears, `fields`, where that is known already."""
    total = jnp.zeros(())
    for u in graph.populations:
        axes = tuple(range(len(u.shape)))
        bias = along(parameters.bias[u.name], x[u.name])
        # Every coupling is heard from both of its sides, a bias from one.
        if u.kind != "gaussian":
            total = total - 0.5 * jnp.sum(x[u.name] * (heard[u.name] + bias), axes)
            continue
        spread = along(parameters.log_variance[u.name], x[u.name])
        pull = 0.5 * x[u.name] * (heard[u.name] - bias)
        total = total + jnp.sum(jnp.exp(-spread) * (0.5 * (x[u.name] - bias) ** 2 - pull), axes)
    return total
