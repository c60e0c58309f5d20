"""Sums over all states: two halves of the units make a table, the rest is summed in closed form."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, combinations
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_units import NEVER, log_sum
from sodachi.models.coupling_matrix import coupling_matrix, flat, places
from sodachi.system import Evidence

#: The most states that are enumerated: 20 binary units.
LIMIT = 2**20


class Split(NamedTuple):
    """Which populations are given, enumerated and summed out in closed form; static."""

    given: tuple[str, ...]
    enumerated: tuple[str, ...]
    summed: tuple[str, ...]


@lru_cache(maxsize=64)
def split(graph: BoltzmannGraph, given: tuple[str, ...]) -> Split:
    """Return how the sum is done with the fewest states; `SpecError` if they are too many."""
    open_ = [u for u in graph.populations if u.name not in given]
    outer = {frozenset((c.source, c.target)) for c in graph.couplings}
    real = {u.name for u in open_ if u.kind == "gaussian"}
    others = [u.name for u in open_ if u.name not in real]
    best, fewest = None, float("inf")
    for extra in chain.from_iterable(combinations(others, n) for n in range(len(others) + 1)):
        summed = real | set(extra)
        if any(pair <= summed for pair in outer):
            continue
        left = [u for u in open_ if u.name not in summed]
        # Compared as logarithms: 2 to the power of a thousand units is no float.
        states = sum(u.units * np.log2(_values(u.kind, u.states)) for u in left)
        if states < fewest:
            best, fewest = Split(given, tuple(u.name for u in left), tuple(sorted(summed))), states
    if best is None or fewest > np.log2(LIMIT):
        words = f"at most 2^{LIMIT.bit_length() - 1} states (20 binary units) to enumerate"
        raise SpecError("units", words, f"2^{fewest:.4g}")
    return best


def _values(kind: str, states: int) -> int:
    return states if kind == "categorical" else 2


def _states(graph: BoltzmannGraph, names) -> tuple[np.ndarray, np.ndarray]:
    """All states of the first and of the second half of the units, [states, numbers] each."""
    blocks = []
    for u in (graph.population(name) for name in names):
        rows = np.eye(u.states) if u.kind == "categorical" else np.array([[0.0], [1.0]])
        blocks += [2 * rows - 1 if u.kind == "spin" else rows] * u.units
    total, halves, reached = prod(len(b) for b in blocks), ([], []), 1
    for block in blocks:
        reached *= len(block)
        halves[int(reached**2 > total * len(block))].append(block)
    width = [sum(b.shape[1] for b in half) for half in halves]
    left, right = (_product(half) for half in halves)
    zeros = np.zeros
    return (
        np.concatenate([left, zeros((len(left), width[1]))], 1),
        np.concatenate([zeros((len(right), width[0])), right], 1),
    )


def _product(blocks) -> np.ndarray:
    found = np.zeros((1, 0))
    for block in blocks:
        found = np.concatenate(
            [np.repeat(found, len(block), 0), np.tile(block, (len(found), 1))], 1
        )
    return found


def log_sum_of_states(graph, how: Split, parameters: Parameters, temperature, evidence):
    """The sum itself: two halves of the units make a table of energies, one product for all."""
    matrix, bias, spread = coupling_matrix(graph, parameters)
    where = places(graph)
    given, own, summed = (
        np.concatenate([where[n] for n in names] or [np.zeros(0, int)]) for names in how
    )
    told = _told(graph, evidence, bias)
    x = jnp.where(jnp.isinf(told.precision), told.value, 0.0)[given]
    real = np.isin(given, [i for n in parameters.log_variance for i in where[n]])
    heard = jnp.where(real, x * jnp.exp(-spread[given]), x)
    outer = bias + matrix[:, given] @ heard
    alone = jnp.where(real, -0.5 * jnp.exp(-spread[given]) * (x - bias[given]) ** 2,
                      bias[given] * x)  # fmt: skip
    fixed = jnp.sum(alone) + 0.5 * heard @ matrix[np.ix_(given, given)] @ heard
    halves = _states(graph, how.enumerated)
    inner = matrix[np.ix_(own, own)]
    pull = outer[own] + _soft_field(graph, told)[own]
    clamp = Evidence(*(a[own] for a in told))
    left, right = (_half(s, inner, pull, clamp) for s in halves)
    table = (left[:, None] + right[None] + halves[0] @ inner @ halves[1].T) / temperature
    if how.summed:
        across = matrix[np.ix_(summed, own)]
        fields = outer[summed, None] + across @ halves[0].T, across @ halves[1].T
        table = table + _summed(graph, how.summed, fields, parameters, evidence, temperature)
    return jax.nn.logsumexp(table) + fixed / temperature


def _half(states, inner, pull, clamp: Evidence):
    """Minus the energy of one half of the units alone; clamps that it breaks make it impossible."""
    mine = np.any(states != 0, 0)  # the other half's numbers are 0 in every state of this half
    states = jnp.asarray(states, inner.dtype)
    value = states @ pull + 0.5 * jnp.sum(states @ inner * states, 1)
    broken = jnp.isinf(clamp.precision) & (states != clamp.value) & mine
    return jnp.where(jnp.any(broken, 1), NEVER, value)


def _summed(graph, names, fields, parameters: Parameters, evidence, temperature):
    """The closed-form part at every pair of half states, one left state at a time."""
    left, right = fields

    @jax.checkpoint
    def at(column):
        heard, total, first = column[:, None] + right, 0.0, 0
        for name in names:
            u = graph.population(name)
            own = heard[first : first + u.units * u.states].reshape(*u.sites, -1)
            first += u.units * u.states
            spread = parameters.log_variance.get(name)
            spread = None if spread is None else spread.reshape(*u.sites, 1)
            bias, known = parameters.bias[name].reshape(*u.sites, 1), evidence.get(name)
            if known is not None:
                known = Evidence(*(a.reshape(*u.sites, 1) for a in known))
            total = total + log_sum(u.kind, own, temperature, spread, bias, known).sum(0)
        return total

    return jax.lax.map(at, left.T)


def _told(graph, evidence, bias) -> Evidence:
    zeros = {u.name: jnp.zeros(u.shape, bias.dtype) for u in graph.populations}
    absent = {n: Evidence(z, z, z) for n, z in zeros.items()}
    return Evidence(*(flat(graph, {n: e[k] for n, e in (absent | evidence).items()})
                      for k in range(3)))  # fmt: skip


def _soft_field(graph, told: Evidence):
    """What soft evidence adds to the field of each discrete number."""
    spin = np.concatenate(
        [np.full(u.units * u.states, u.kind == "spin") for u in graph.populations]
    )
    precision = jnp.where(jnp.isinf(told.precision), 0.0, told.precision)
    push = jnp.where(jnp.isinf(told.precision), 0.0, precision * told.value + told.drive)
    return jnp.where(spin, push, push - 0.5 * precision)
