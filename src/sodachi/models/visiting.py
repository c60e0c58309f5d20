"""One unit at a time: for units that are all coupled with one another, and for no order at all."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_units import draw, held
from sodachi.models.coupling_matrix import coupling_matrix, flat, unflat
from sodachi.system import Evidence

LEAST = 2.0**-24


def visit(kind: str, matrix, outer, x, uniform, temperature, evidence, mean_field):
    """Return ``(x, mean)`` after every unit of a population was visited once, in order.

    ``matrix`` [n, n] couples the units, without a diagonal; ``outer`` is what they hear from
    elsewhere. Fields are kept up to date: a visit costs one row of the matrix, O(n).
    """
    # Evidence may be the caller's NumPy arrays, which no traced index reads.
    known = tuple(jnp.asarray(a) for a in evidence) if evidence is not None else ()

    def one(i, carry):
        x, mean, heard = carry
        now = Evidence(*(a[i][None] for a in known)) if known else None
        drawn = draw(kind, heard[i][None], uniform[i][None], temperature, None, now, mean_field)
        new, centre = (d[0] for d in drawn)
        row = matrix[i].reshape(-1, *[1] * (x.ndim - 1))
        return x.at[i].set(new), mean.at[i].set(centre), heard + row * (new - x[i])

    start = (x, jnp.zeros_like(x), outer + jnp.tensordot(matrix, x, 1))
    return jax.lax.fori_loop(0, len(x), one, start)[:2]


class Table(NamedTuple):
    """Where each unit of a whole graph stands among all numbers; static."""

    slots: np.ndarray  # [units, most states], padded with the first
    used: np.ndarray  # the same shape: whether a slot is one of the unit's
    kinds: np.ndarray  # [units], an index into `names`
    names: tuple[str, ...]


@lru_cache(maxsize=64)
def table(graph: BoltzmannGraph) -> Table:
    """Return the table of a graph's units, in the order of its populations."""
    names = tuple(dict.fromkeys(u.kind for u in graph.populations))
    most = max(u.states for u in graph.populations)
    slots, used, kinds, first = [], [], [], 0
    for u in graph.populations:
        for _ in range(u.units):
            own = np.arange(most)
            slots.append(first + np.where(own < u.states, own, 0))
            used.append(own < u.states)
            kinds.append(names.index(u.kind))
            first += u.states
    return Table(np.array(slots), np.array(used), np.array(kinds), names)


def random_visits(
    graph: BoltzmannGraph,
    parameters: Parameters,
    x: dict[str, Any],
    key,
    count: int,
    *,
    temperature: Any = 1.0,
    evidence: dict[str, Evidence] | None = None,
):
    r"""Return x after ``count`` visits of units picked at random, with nobody keeping an order.

    Units with clocks of their own (independent, equal rates) are visited in exactly this way: one
    at a time, whose turn it is being chance. The law that stays the same is that of `sweeps`.

    Parameters
    ----------
    x
        By population an array of its shape, then any axes of chains, which share the picks.
    count
        Visits; static. As many as there are units make one sweep on average.

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 3]], [["a", "a"]])
    >>> random_visits(graph, graph.parameters(), graph.start(4), jax.random.key(0), 6)["a"].shape
    (3, 4)
    """
    units = table(graph)
    matrix, heard_by, variance = coupling_matrix(graph, parameters)
    known = {n: e._replace(value=jnp.where(jnp.isfinite(e.value), e.value, 0.0))
             for n, e in (evidence or {}).items()}  # fmt: skip
    x = {n: held(jnp.where(jnp.isfinite(a), a, 0.0), known.get(n)) for n, a in x.items()}
    now = flat(graph, x)
    tail = (1,) * (now.ndim - 1)
    told = _flat_evidence(graph, known, x)
    bias = heard_by.reshape(-1, *tail)
    scale = jnp.exp(-variance)  # what others hear of a unit; variance 0 in logarithm: x itself
    picks = jax.random.randint(jax.random.fold_in(key, 0), (count,), 0, len(units.kinds))

    def one(t, carry):
        now, heard = carry
        i = picks[t]
        slot, used = jnp.asarray(units.slots)[i], jnp.asarray(units.used)[i].reshape(-1, *tail)
        uniform = jax.random.uniform(
            jax.random.fold_in(key, t + 1), (len(slot), *now.shape[1:]), now.dtype, LEAST, 1.0
        )
        own = None if told is None else Evidence(*(a[slot] for a in told))
        drawn = [
            _as(kind, heard[slot], uniform, temperature, variance[slot], own, used)
            for kind in units.names
        ]
        new = drawn[0]
        for kind, other in enumerate(drawn[1:], 1):
            new = jnp.where(jnp.asarray(units.kinds)[i] == kind, other, new)
        moved = jnp.where(used, new - now[slot], 0.0)
        change = jnp.tensordot(matrix[:, slot] * scale[slot], moved, 1)
        return now.at[slot].add(moved), heard + change

    signal = now * scale.reshape(-1, *tail)
    start = (now, bias + jnp.tensordot(matrix, signal, 1))
    return unflat(graph, jax.lax.fori_loop(0, count, one, start)[0])


def _as(kind, heard, uniform, temperature, log_variance, evidence, used):
    """What the unit would do were it of this kind, in its slots."""
    spread = log_variance.reshape(-1, *[1] * (heard.ndim - 1))
    if kind != "categorical":
        return draw(kind, heard, uniform, temperature, spread, evidence)[0]
    heard = jnp.where(used, heard, -jnp.inf)[None]
    now = None if evidence is None else Evidence(*(a[None] for a in evidence))
    return draw(kind, heard, uniform[None], temperature, None, now)[0][0]


def _flat_evidence(graph, known, x):
    if not known:
        return None
    absent = {n: Evidence(*(jnp.zeros_like(a) for _ in range(3))) for n, a in x.items()}
    full = absent | known
    return Evidence(*(flat(graph, {n: e[k] for n, e in full.items()}) for k in range(3)))
