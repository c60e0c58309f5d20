"""Exact sums over all states of a small machine: the oracle that samplers and bounds answer to.

One population (or several that are not coupled with one another) is summed out in closed form, so
a machine with one small side is exact however large the other is.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_units import held
from sodachi.models.boltzmann_values import check_temperature, check_values
from sodachi.models.state_sums import Split, log_sum_of_states, split
from sodachi.system import Evidence


class Exact(NamedTuple):
    """``log_partition`` ln Z, and by name expectations ``mean`` ⟨x⟩ and ``correlation`` ⟨s s'⟩.

    ``correlation`` has the shape of each coupling's weights (0 on a diagonal).
    """

    log_partition: Any
    mean: dict[str, Any]
    correlation: dict[str, Any]


def log_partition(
    graph: BoltzmannGraph,
    parameters: Parameters,
    *,
    temperature: Any = 1.0,
    evidence: dict[str, Evidence] | None = None,
    given: tuple[str, ...] = (),
):
    r"""Return ``ln Σ_x exp(−E(x)/T)``, exactly (Gaussian units: the integral).

    Parameters
    ----------
    temperature
        T above 0; a runtime value, as parameters and evidence are.
    evidence
        By population (one sample, no chains): the sum then runs over what it leaves open, so that
        a difference of two sums is a log-probability. Constants of soft evidence are left out.
    given
        Populations that evidence clamps as a whole: they are not summed over at all.

    Raises
    ------
    SpecError
        If more than ``LIMIT`` = 2²⁰ states would have to be enumerated, or Gaussian or summed
        populations cannot be told apart; for a temperature that is not above 0.

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> round(float(log_partition(graph, graph.parameters())), 4)  # four states of energy 0
    1.3863
    """
    check_temperature(temperature)
    return _sum(graph, split(graph, given), parameters, temperature, evidence or {})


def exact(
    graph: BoltzmannGraph,
    parameters: Parameters,
    *,
    temperature: Any = 1.0,
    evidence: dict[str, Evidence] | None = None,
) -> Exact:
    r"""Return the partition function and expectations, ``⟨s_i s_j⟩ = T ∂ln Z/∂w_ij``.

    Raises `SpecError` as `log_partition` does.

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> exact(graph, graph.parameters()).mean["a"].tolist()
    [0.5, 0.5]
    """
    check_temperature(temperature)
    return _exact(graph, split(graph, ()), parameters, temperature, evidence or {})


def log_likelihood(
    graph: BoltzmannGraph,
    parameters: Parameters,
    data: dict[str, Any],
    *,
    log_partition: Any = None,
    temperature: Any = 1.0,
):
    """Return ``ln p(data)`` of each row [rows], what is not in ``data`` summed over, exactly.

    Parameters
    ----------
    data
        By population an array [rows, *shape] of values of its kind.
    log_partition
        ln Z where it is known otherwise, or estimated (`annealed_importance`); else it is summed.

    Raises
    ------
    SpecError
        As `log_partition`, and for values that the units cannot take (see `check_values`).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2], ["b", 3]], [["a", "b"]])
    >>> jnp.exp(log_likelihood(graph, graph.parameters(), {"a": jnp.eye(2)})).tolist()
    [0.25, 0.25]
    """
    check_temperature(temperature)
    values = {}
    for name, value in data.items():
        check_values(graph, name, value)
        values[name] = jnp.asarray(value, parameters.bias[name].dtype)
    part = split(graph, tuple(values))
    if log_partition is None:
        log_partition = _sum(graph, split(graph, ()), parameters, temperature, {})
    return _log_sum_each(graph, part, parameters, values, temperature) - log_partition


@partial(jax.jit, static_argnums=(0, 1))
def _sum(graph, how: Split, parameters: Parameters, temperature, evidence):
    return log_sum_of_states(graph, how, parameters, temperature, evidence)


@partial(jax.jit, static_argnums=(0, 1))
def _exact(graph, how: Split, parameters: Parameters, temperature, evidence) -> Exact:
    def total(p, pull):
        extra = {n: _pulled(evidence.get(n), pull[n]) for n in pull}
        return log_sum_of_states(graph, how, p, temperature, extra)

    pull = {n: jnp.zeros_like(b) for n, b in parameters.bias.items()}
    value, (slope, mean) = jax.value_and_grad(total, (0, 1))(parameters, pull)
    mean, pairs = jax.tree.map(lambda g: temperature * g, (mean, slope.weights))
    pairs |= {c.name: pairs[c.name] + pairs[c.name].T for c in graph.couplings if c.full}
    return Exact(value, {n: held(m, evidence.get(n)) for n, m in mean.items()}, pairs)


def _pulled(evidence: Evidence | None, pull):
    """Evidence with a further drive: ⟨x⟩ is T times the slope of ln Z in it."""
    if evidence is None:
        zeros = jnp.zeros_like(pull)
        return Evidence(zeros, zeros, pull)
    return evidence._replace(drive=evidence.drive + pull)


@partial(jax.jit, static_argnums=(0, 1))
def _log_sum_each(graph, part: Split, parameters, values, temperature):
    def seen(value):
        clamp = {
            n: Evidence(v, jnp.full_like(v, jnp.inf), jnp.zeros_like(v)) for n, v in value.items()
        }
        return log_sum_of_states(graph, part, parameters, temperature, clamp)

    return jax.lax.map(seen, values, batch_size=128)
