"""What the graph of a Boltzmann machine is made of: populations of units, and their couplings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from sodachi.core.connections import Connection, Convolution, Dense, Local
from sodachi.core.edges import Edges
from sodachi.errors import SpecError

#: Unit kinds: {0, 1}, {−1, 1}, one of several states (Potts units, softmax labels), a real number.
UNIT_KINDS = ("binary", "spin", "categorical", "gaussian")


@dataclass(frozen=True)
class Units:
    """A population: ``shape`` is (units,), or (units, states) or (states,) where categorical."""

    name: str
    shape: tuple[int, ...]
    kind: str = "binary"

    def __post_init__(self):
        if self.kind not in UNIT_KINDS:
            raise SpecError(f"{self.name}.kind", f"one of {UNIT_KINDS}", self.kind)
        axes = (1, 2) if self.kind == "categorical" else (1,)
        if len(self.shape) not in axes or any(n < 1 for n in self.shape):
            raise SpecError(f"{self.name}.shape", f"{axes} positive sizes", self.shape)
        if self.kind == "categorical" and self.shape[-1] < 2:
            raise SpecError(f"{self.name}.shape", "two states or more", self.shape)

    @property
    def states(self) -> int:
        """How many numbers one unit is written with."""
        return self.shape[-1] if self.kind == "categorical" else 1

    @property
    def units(self) -> int:
        """How many units there are."""
        return prod(self.shape) // self.states

    @property
    def sites(self) -> tuple[int, ...]:
        """(units,), or (units, states) also for a single categorical unit."""
        return (self.units, self.states) if self.kind == "categorical" else self.shape


@dataclass(frozen=True)
class Coupling:
    """A symmetric coupling of two populations, or of one with itself: one weight read both ways."""

    name: str
    source: str
    target: str
    connection: Connection

    @property
    def inner(self) -> bool:
        """Whether it couples a population with itself."""
        return self.source == self.target

    @property
    def full(self) -> bool:
        """Whether it couples each unit of a population with every other one of it."""
        return self.inner and isinstance(self.connection, Dense)


def units_of(name: str, size: int | Sequence[int], kind: str = "binary") -> Units:
    """Return a population from a number of units, or from a shape."""
    shape = (size,) if isinstance(size, int | np.integer) else tuple(size)
    return Units(name, tuple(int(n) for n in shape), kind)


def coupling_of(a: Units, b: Units, how: Any = None) -> Coupling:
    """Return the coupling of two populations: all to all, by pairs, or by fields of an image."""
    name = f"{a.name}-{b.name}"
    if "gaussian" == a.kind == b.kind:
        raise SpecError(f"couplings {name}", "no coupling of Gaussian with Gaussian units", name)
    if how is None:
        if a is b and a.kind == "categorical":
            raise SpecError(f"couplings {name}", "pairs, within categorical units", "all to all")
        made: Connection = Dense(a.shape, b.shape, loop=a is not b)
    elif isinstance(how, dict):
        made = _fields(name, a, b, how)
    else:
        made = _pairs(name, a, b, how)
    return Coupling(name, a.name, b.name, made)


def _pairs(name: str, a: Units, b: Units, pairs) -> Edges:
    given = [tuple(int(i) for i in pair) for pair in pairs]
    if any(len(pair) != 2 for pair in given):
        raise SpecError(f"couplings {name}", "pairs of two units", pairs)
    if a is b:
        given = [tuple(sorted(pair)) for pair in given]
        for pair in given:
            if len(set(pair)) != 2:
                raise SpecError(f"couplings {name}", "pairs of different units", list(pair))
    return Edges(a.sites, b.sites, tuple((p[0], p[1]) for p in given))


FIELDS: dict[Any, Any] = {"convolution": Convolution, "local": Local}


def fields_of(name: str, image: Any, options: dict[str, Any]) -> Convolution | Local:
    """Return the fields of an image [rows, columns, channels] that options describe.

    ``{"kind": "convolution" or "local", "channels": ..., "size": ..., ...}``; raises `SpecError`.
    """
    options = dict(options)
    kind = options.pop("kind", None)
    if kind not in FIELDS or len(image) != 3:
        words = "a kind of convolution or local, of an image [rows, columns, channels]"
        raise SpecError(name, words, kind if kind not in FIELDS else image)
    try:
        return FIELDS[kind](tuple(image), **options)
    except TypeError as error:
        raise SpecError(name, f"options of {kind}", str(error)) from error


def _fields(name: str, a: Units, b: Units, options: dict[str, Any]) -> Connection:
    made = fields_of(f"couplings {name}", options.get("image", ()),
                     {k: v for k, v in options.items() if k != "image"})  # fmt: skip
    sizes = (prod(made.source), prod(made.target))
    if a is b or "categorical" in (a.kind, b.kind) or sizes != (a.units, b.units):
        words = f"two populations of {sizes[0]} and {sizes[1]} units, not categorical"
        raise SpecError(f"couplings {name}", words, (a.shape, b.shape))
    return made
