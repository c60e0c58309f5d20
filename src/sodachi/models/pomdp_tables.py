"""Synapses as tables and back: the same numbers by cell, and by factor ``n(outcome, value)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sodachi.errors import SpecError
from sodachi.models.canonical_plan import Table
from sodachi.models.factors import Factors


def to_tables(table: Table, values: Mapping[str, np.ndarray]) -> tuple[tuple[np.ndarray, ...], ...]:
    """Return ``tables[m][f]`` (outcomes, values) of arrays by synapse name.

    Examples
    --------
    >>> table = Table("A", "", Factors((1,)), Factors((1,)))
    >>> n = {"on_given_1": 4.0, "off_given_1": 3.0, "on_given_0": 2.0, "off_given_0": 1.0}
    >>> to_tables(table, {name: np.full((1, 1), x) for name, x in n.items()})[0][0].tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return tuple(
        tuple(_block(table, values, m, f) for f in range(len(table.post.sizes)))
        for m in range(len(table.pre.sizes))
    )


def _block(table: Table, values: Mapping[str, np.ndarray], m: int, f: int) -> np.ndarray:
    columns = []
    for value in _values(table.post, f):
        rows = [
            np.asarray(values[f"{table.prefix}{outcome}_given_{value}"])[
                _where(table.pre, m, outcome == "on"), _where(table.post, f, value == "1")
            ]
            for outcome in _outcomes(table.pre, m)
        ]
        columns.append(np.concatenate(rows))
    return np.concatenate(columns, 1)


def _values(factors: Factors, i: int) -> tuple[str, ...]:
    """The values of a factor in order: a binary one has 0, then 1."""
    return ("0", "1") if factors.sizes[i] == 1 else ("1",)


def _outcomes(factors: Factors, i: int) -> tuple[str, ...]:
    return ("off", "on") if factors.sizes[i] == 1 else ("on",)


def _where(factors: Factors, i: int, whole: bool) -> slice:
    """A factor's place in an array of all cells, or of the binary ones alone."""
    if whole:
        return factors.cells_of(i)
    place = int(np.searchsorted(factors.binary, factors.starts[i]))
    return slice(place, place + 1)


def from_tables(table: Table, given: Sequence[Sequence[Any]]) -> dict[str, np.ndarray]:
    """Return the arrays by synapse name that `to_tables` reads; `SpecError` for wrong shapes."""
    name = table.letter.lower()
    if len(given) != len(table.pre.sizes) or any(len(r) != len(table.post.sizes) for r in given):
        expected = f"{len(table.pre.sizes)} rows of {len(table.post.sizes)} tables"
        raise SpecError(name, expected, f"{len(given)} rows of {[len(r) for r in given]}")
    kinds = {np.asarray(n).dtype for row in given for n in row}
    made = {
        own.name: np.zeros(own.connection.weights, np.result_type(*kinds))
        for own in table.synapses
    }  # fmt: skip
    for m, row in enumerate(given):
        for f, block in enumerate(row):
            shape = (table.pre.values[m], table.post.values[f])
            _check(f"{name}[{m}][{f}]", np.asarray(block), shape)
            _put(table, made, np.asarray(block), m, f)
    return made


def _put(table: Table, made: Mapping[str, np.ndarray], block: np.ndarray, m: int, f: int) -> None:
    outcomes, values = _outcomes(table.pre, m), _values(table.post, f)
    for i, outcome in enumerate(outcomes):
        for j, value in enumerate(values):
            rows = slice(i, i + 1) if len(outcomes) > 1 else slice(None)
            columns = slice(j, j + 1) if len(values) > 1 else slice(None)
            made[f"{table.prefix}{outcome}_given_{value}"][
                _where(table.pre, m, outcome == "on"), _where(table.post, f, value == "1")
            ] = block[rows, columns]


def to_thresholds(factors: Factors, one, zero) -> tuple[np.ndarray, ...]:
    """Return a vector for each factor from what cells hold of value 1 and of value 0.

    Examples
    --------
    >>> [v.tolist() for v in to_thresholds(Factors((1, 2)), np.array([3., 1., 2.]), np.ones(1))]
    [[1.0, 3.0], [1.0, 2.0]]
    """
    found, one = [], np.asarray(one)
    for i, n in enumerate(factors.sizes):
        own = one[factors.cells_of(i)]
        if n == 1:
            own = np.concatenate([np.asarray(zero)[_where(factors, i, False)], own])
        found.append(own)
    return tuple(found)


def from_thresholds(name: str, factors: Factors, given: Sequence[Any]):
    """Return what cells hold of value 1, and binary ones of value 0; `SpecError` for wrong sizes.

    Examples
    --------
    >>> one, zero = from_thresholds("d", Factors((1, 2)), [[1.0, 3.0], [1.0, 2.0]])
    >>> one.tolist(), zero.tolist()
    ([3.0, 1.0, 2.0], [1.0])
    """
    if len(given) != len(factors.sizes):
        raise SpecError(name, f"{len(factors.sizes)} vectors", len(given))
    ones, zeros = [], []
    for i, (n, vector) in enumerate(zip(factors.sizes, given, strict=True)):
        own = np.asarray(vector)
        _check(f"{name}[{i}]", own, (factors.values[i],))
        ones.append(own[1:] if n == 1 else own)
        zeros.append(own[:1] if n == 1 else own[:0])
    return np.concatenate(ones), np.concatenate(zeros)


def _check(name: str, block: np.ndarray, shape: tuple[int, ...]) -> None:
    if block.shape != shape:
        raise SpecError(name, f"shape {shape}", f"shape {block.shape}")
    if not np.all(np.isfinite(block)):
        raise SpecError(name, "finite numbers", block.tolist())
