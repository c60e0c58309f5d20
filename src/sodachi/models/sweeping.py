"""Gibbs sweeps of a Boltzmann machine: units that do not touch one another are drawn together.

Populations of one turn hear dense couplings by one matrix product; within a population of single
pairs the colours are visited in order, each unit reading its own neighbour slots; a population
that is coupled all to all is visited unit by unit, each visit passing its change on to all fields.
Arrays are in the population's shape, then any axes of chains: gathers then run over whole rows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.lanes import any_lane
from sodachi.core.threefry import random_words
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_parts import Units
from sodachi.models.boltzmann_units import draw, held
from sodachi.models.sweep_plan import (
    along,
    from_others,
    plan,
    ready_parameters,
    sort,
    through_slots,
    unsort,
)
from sodachi.models.visiting import visit
from sodachi.system import Evidence


def sweeps(
    graph: BoltzmannGraph,
    parameters: Parameters,
    x: dict[str, Any],
    key,
    count: int = 1,
    *,
    temperature: Any = 1.0,
    evidence: dict[str, Evidence] | None = None,
    mean_field: bool = False,
    moving: dict[str, Any] | None = None,
    schedule: Any = None,
):
    r"""Return ``(x, mean)`` after every unit was visited ``count`` times (Gibbs sampling).

    Each visit draws ``x_i ~ exp(−E(x_i, rest)/T)``. The law ``exp(−E/T)/Z`` does not change under
    a sweep, so long runs sample it.

    Parameters
    ----------
    x
        By population an array of its shape, then any axes of chains.
    count
        Sweeps; static.
    temperature
        T, or one for each chain.
    evidence
        By population; names that are missing run free.
    mean_field
        Replace draws by their means: a fixed-point iteration of the mean-field equations.
    moving
        By population whether it moves at all (a traced flag); None: all of them.
    schedule
        [count] factors of the temperature, sweep by sweep (annealing), or None.

    Returns
    -------
    tuple
        The sample, and by population the mean from which each unit was last drawn.

    References
    ----------
    Geman and Geman (1984); by colours: Gonzalez et al. (2011).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2], ["b", 3]], [["a", "b"]])
    >>> x, mean = sweeps(graph, graph.parameters(), graph.start(5), jax.random.key(0), 2)
    >>> x["b"].shape, mean["b"][0].tolist()
    ((3, 5), [0.5, 0.5, 0.5, 0.5, 0.5])
    """
    how = plan(graph)
    ready = ready_parameters(graph, how, parameters)
    known = {n: sort(graph, how, n, readable(e)) for n, e in (evidence or {}).items()}
    x = {n: held(_finite(sort(graph, how, n, a)), known.get(n)) for n, a in x.items()}

    def sweep(t, carry):
        x, mean = carry
        now = jax.random.fold_in(key, t)
        warmth = temperature if schedule is None else temperature * schedule[t]
        for number, name in enumerate(n for turn in graph.turns for n in turn):
            u, own = graph.population(name), jax.random.fold_in(now, number)
            drawn = _skippable(graph, how, ready, x, u, own, warmth, known, mean_field)
            if moving is not None:
                stays = (x[name], mean[name])
                drawn = [jnp.where(moving[name], a, b) for a, b in zip(drawn, stays, strict=True)]
            x, mean = x | {name: drawn[0]}, mean | {name: drawn[1]}
        return x, mean

    if count > 1:  # means are of use, and carried along, in the last sweep alone
        x = jax.lax.fori_loop(0, count - 1, lambda t, x: sweep(t, (x, x))[0], x)
    x, mean = sweep(count - 1, (x, x))
    return tuple({n: unsort(graph, how, n, a) for n, a in v.items()} for v in (x, mean))


def free_samples(graph: BoltzmannGraph, parameters: Parameters, key, chains: int, count: int):
    """Return chains [*shape, chains] after ``count`` free sweeps from a fresh start.

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> free_samples(graph, graph.parameters(), jax.random.key(0), 5, 3)["a"].shape
    (2, 5)
    """
    return _free(graph, chains, count, parameters, key)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _free(graph, chains, count, parameters, key):
    return sweeps(graph, parameters, graph.start(chains), key, count)[0]


# --- one population's turn -----------------------------------------------------------------------


def _skippable(graph, how, ready, x, u, key, temperature, known, mean_field):
    """A turn, which costs nothing where every unit is clamped in every lane."""

    def turn():
        return _turn(graph, how, ready, x, u, key, temperature, known.get(u.name), mean_field)

    if u.name not in known:
        return turn()
    free = any_lane(jnp.any(~jnp.isinf(known[u.name].precision)))
    return jax.lax.cond(free, turn, lambda: (x[u.name], x[u.name]))


def _turn(graph, how, ready, x, u: Units, key, temperature, evidence, mean_field):
    own = x[u.name]
    uniform = uniforms(key, own.shape, own.dtype, own.ndim > len(u.sites))
    outer = from_others(graph, ready, x, u) + through_slots(how, ready, x, u, (0, u.units), False)
    for c in graph.of(u.name):
        if c.full:
            matrix = ready["weights"][c.name]
            return visit(u.kind, matrix, outer, own, uniform, temperature, evidence, mean_field)
    log_variance, mean = ready["log_variance"].get(u.name), own
    if log_variance is not None:
        log_variance = along(log_variance, own)
    for start, stop in how.colours[u.name]:
        part = slice(start, stop)
        heard = outer[part] + through_slots(how, ready, x | {u.name: own}, u, (start, stop), True)
        spread = None if log_variance is None else log_variance[part]
        now = None if evidence is None else Evidence(*(a[part] for a in evidence))
        drawn = draw(u.kind, heard, uniform[part], temperature, spread, now, mean_field)
        own, mean = own.at[part].set(drawn[0]), mean.at[part].set(drawn[1])
    return own, mean


def _finite(x):
    return jnp.where(jnp.isfinite(x), x, 0.0)


def uniforms(key, shape, dtype, chains: bool):
    """Return uniform numbers in (0, 1), two of them from every random word where there are chains.

    Making random words is most of what a sweep costs. The second half of the chains gets the first
    half's words with their two halves swapped: each chain's numbers are uniform and independent,
    and two chains that share words know of each other only by what is beyond 16 bits.
    """
    if dtype != jnp.float32:
        return jax.random.uniform(key, shape, dtype, 2.0**-24, 1.0)
    if chains and shape[-1] % 2 == 0:
        half = random_words(key, (*shape[:-1], shape[-1] // 2))
        words = jnp.concatenate([half, (half << 16) | (half >> 16)], -1)
    else:
        words = random_words(key, shape)
    return (words >> 9).astype(dtype) * 2.0**-23 + 2.0**-24


def readable(evidence: Evidence) -> Evidence:
    """Return evidence whose values are finite: what is no number is read as 0."""
    return evidence._replace(value=_finite(evidence.value))
