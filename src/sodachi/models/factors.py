"""Factors: how the cells of a population share out the values of its variables.

A binary factor is one cell, the belief that its value is 1. A factor of n > 2 values is n cells,
one a value, that always add up to 1 (two values may be written either way).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.evidence import hold_evidence
from sodachi.errors import SpecError
from sodachi.system import Evidence


@dataclass(frozen=True)
class Factors:
    """The factors of a population by their number of cells: 1 is binary, n one cell a value.

    Examples
    --------
    >>> factors = Factors((1, 3))
    >>> factors.cells, factors.binary.tolist(), factors.owner.tolist(), factors.values
    (4, [0], [0, 1, 1, 1], (2, 3))
    """

    sizes: tuple[int, ...]

    @cached_property
    def cells(self) -> int:
        """How many cells there are."""
        return sum(self.sizes)

    @cached_property
    def values(self) -> tuple[int, ...]:
        """How many values each factor has."""
        return tuple(max(2, n) for n in self.sizes)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Each factor's first cell."""
        return tuple(int(n) for n in np.cumsum((0, *self.sizes))[:-1])

    @cached_property
    def owner(self) -> np.ndarray:
        """The factor of every cell."""
        return np.repeat(np.arange(len(self.sizes), dtype=np.int32), np.array(self.sizes, int))

    @cached_property
    def binary(self) -> np.ndarray:
        """The cells that are binary factors."""
        sizes = np.array(self.sizes, int)
        return np.flatnonzero(sizes[self.owner] == 1).astype(np.int32)

    @property
    def all_binary(self) -> bool:
        """Whether every cell is a factor of its own."""
        return len(self.binary) == self.cells

    def cells_of(self, factor: int) -> slice:
        """Return which cells are one factor's."""
        return slice(self.starts[factor], self.starts[factor] + self.sizes[factor])


def factors_of(field: str, given: Any, least: int = 1) -> Factors:
    """Return factors from their number (all binary) or a list of cells each.

    Raises
    ------
    SpecError
        If there are fewer than ``least``, or one has no cell.

    Examples
    --------
    >>> factors_of("states", 2), factors_of("states", [1, 4])
    (Factors(sizes=(1, 1)), Factors(sizes=(1, 4)))
    """
    sizes = given
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        sizes = (1,) * given
    listed = isinstance(sizes, list | tuple) and len(sizes) >= least
    if not listed or any(type(n) is not int or n < 1 for n in sizes):
        raise SpecError(field, f"{least} or more binary factors, or a list of cells each", given)
    return Factors(tuple(sizes))


def over_factor(factors: Factors, values, reduce=jax.ops.segment_sum):
    """Return the sum (or maximum) over each cell's own factor, handed to each of its cells.

    Examples
    --------
    >>> over_factor(Factors((1, 2)), jnp.array([5.0, 1.0, 2.0])).tolist()
    [5.0, 3.0, 3.0]
    """
    return reduce(values, factors.owner, len(factors.sizes))[factors.owner]


def believe(factors: Factors, membrane, told: Evidence):
    r"""Return the beliefs that membranes stand for: ``σ(v)``, or a softmax within a factor.

    Cells that are held take their values. The others of their factor share out what is left of 1:
    the minimum of the free energy under that constraint.

    Examples
    --------
    >>> none = Evidence(jnp.zeros(3), jnp.zeros(3), jnp.zeros(3))
    >>> not_first = none._replace(precision=jnp.array([jnp.inf, 0.0, 0.0]))
    >>> believe(Factors((3,)), jnp.zeros(3), not_first).tolist()
    [0.0, 0.5, 0.5]
    """
    x = jnp.clip(hold_evidence(jax.nn.sigmoid(membrane), told, 0.0), 0.0, 1.0)
    if not factors.all_binary:
        many = np.array(factors.sizes)[factors.owner] > 1
        x = jnp.where(many, _shares(factors, membrane, told), x)
    even = 1.0 / np.array(factors.values, np.float64)[factors.owner]
    return jnp.where(jnp.isfinite(x), x, even.astype(x.dtype))


def _shares(factors: Factors, membrane, told: Evidence):
    hard = jnp.isinf(told.precision)
    held = jnp.where(hard, jnp.clip(told.value, 0.0, 1.0), 0.0)
    left = jnp.clip(1.0 - over_factor(factors, held), 0.0, 1.0)
    free = jnp.where(hard, -jnp.inf, membrane)
    top = over_factor(factors, free, jax.ops.segment_max)
    lifted = jnp.where(hard, 0.0, jnp.exp(free - jnp.where(jnp.isfinite(top), top, 0.0)))
    total = over_factor(factors, lifted)
    return jnp.where(hard, held, left * lifted / jnp.where(total > 0, total, 1.0))


def as_values(factors: Factors, x) -> list[Any]:
    """Return the distribution of each factor over its values; a binary one is ``(1 − x, x)``.

    Examples
    --------
    >>> [q.tolist() for q in as_values(Factors((1, 3)), jnp.array([0.25, 0.0, 0.5, 0.5]))]
    [[0.75, 0.25], [0.0, 0.5, 0.5]]
    """
    found = []
    for i, n in enumerate(factors.sizes):
        own = x[factors.cells_of(i)]
        found.append(jnp.concatenate([1.0 - own, own]) if n == 1 else own)
    return found
