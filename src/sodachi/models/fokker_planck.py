"""How a density moves: the Fokker-Planck equation on a grid, mass and sign kept exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from sodachi.errors import SpecError


@dataclass(frozen=True)
class Grid:
    """A box of equal cells: ``low`` and ``high`` of each axis, and how many ``cells`` it has.

    Examples
    --------
    >>> grid = Grid((0.0,), (1.0,), (4,))
    >>> grid.points[:, 0].tolist(), grid.volume
    ([0.125, 0.375, 0.625, 0.875], 0.25)
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    cells: tuple[int, ...]

    def __post_init__(self):
        lengths = {len(self.low), len(self.high), len(self.cells)}
        if len(lengths) != 1 or not self.cells:
            raise SpecError("grid", "low, high and cells of the same axes", sorted(lengths))
        if any(not a < b for a, b in zip(self.low, self.high, strict=True)):
            raise SpecError("grid.low", f"below {self.high}", self.low)
        if any(n < 2 for n in self.cells):
            raise SpecError("grid.cells", "2 or more", self.cells)

    @cached_property
    def widths(self) -> np.ndarray:
        """Each axis's width of a cell."""
        return (np.array(self.high) - np.array(self.low)) / np.array(self.cells)

    @property
    def volume(self) -> float:
        """Of one cell."""
        return float(np.prod(self.widths))

    @cached_property
    def points(self) -> np.ndarray:
        """The cells' centres [cells, axes], the last axis fastest."""
        axes = [low + w * (np.arange(n) + 0.5)
                for low, w, n in zip(self.low, self.widths, self.cells, strict=True)]  # fmt: skip
        return np.stack([a.reshape(-1) for a in np.meshgrid(*axes, indexing="ij")], 1)

    def faces(self, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the cells on both sides of every face across an axis, by their numbers."""
        numbers = np.arange(np.prod(self.cells)).reshape(self.cells)
        before = np.take(numbers, np.arange(self.cells[axis] - 1), axis)
        after = np.take(numbers, np.arange(1, self.cells[axis]), axis)
        return before.reshape(-1), after.reshape(-1)

    def locate(self, points) -> np.ndarray:
        """Return the number of the cell that holds each point [n, axes]; edges take the rest."""
        place = np.floor((np.asarray(points) - np.array(self.low)) / self.widths).astype(int)
        place = np.clip(place, 0, np.array(self.cells) - 1)
        return np.asarray(np.ravel_multi_index(tuple(place.T), self.cells))


def bernoulli(z) -> np.ndarray:
    """Return ``z / (eᶻ − 1)``, 1 at 0."""
    z = np.asarray(z, np.float64)
    small = np.abs(z) < 1e-8
    safe = np.clip(np.where(small, 1.0, z), -700, 700)
    return np.where(small, 1.0 - z / 2.0, safe / np.expm1(safe))


def generator(
    grid: Grid,
    *,
    energy: Callable[[Any], Any] | None = None,
    drift: Callable[[Any], Any] | None = None,
    beta: float = 1.0,
    rotation: float = 0.0,
) -> sparse.csc_matrix:
    r"""Return the matrix G of ``dπ/dτ = G π`` for the masses π of a grid's cells.

    ``∂π/∂τ = ∇·(π ∂H + β⁻¹ ∂π)`` for an energy H, ``∇·(−f π + β⁻¹ ∂π)`` for a drift f. Fluxes are
    those of Scharfetter and Gummel (1969): G moves probability between neighbours at rates that
    are never negative, so that no mass is lost and none falls below 0, and ``e^{−βH}`` on the
    cells is at rest exactly. Nothing leaves the box.

    Parameters
    ----------
    energy, drift
        One of both, a function of points [n, axes]: H [n], or f [n, axes].
    beta
        Inverse temperature.
    rotation
        Of two axes with an energy: strength of a flow around it, ``R ∂H`` with R antisymmetric,
        that is no gradient and leaves ``e^{−βH}`` at rest.

    Raises
    ------
    SpecError
        For none or both of energy and drift, a β that is not positive, a rotation without energy
        or with other than two axes, or values that are not finite.

    Examples
    --------
    >>> grid = Grid((-3.0,), (3.0,), (30,))
    >>> G = generator(grid, energy=lambda x: x[:, 0] ** 2)
    >>> rest = np.exp(-grid.points[:, 0] ** 2)
    >>> bool(np.abs(G @ rest).max() < 1e-12), bool(np.abs(G.sum(0)).max() < 1e-12)
    (True, True)
    """
    if (energy is None) == (drift is None):
        raise SpecError("energy, drift", "one of both", (energy, drift))
    if not beta > 0:
        raise SpecError("beta", "above 0", beta)
    if rotation and (energy is None or len(grid.cells) != 2):
        raise SpecError("rotation", "an energy over two axes", len(grid.cells))
    size = len(grid.points)
    heights = None if energy is None else _values("energy", energy(grid.points), (size,))
    total = sparse.csc_matrix((size, size))
    for axis, width in enumerate(grid.widths):
        before, after = grid.faces(axis)
        if heights is not None:
            climb = beta * (heights[after] - heights[before])
        else:
            assert drift is not None
            middle = 0.5 * (grid.points[before] + grid.points[after])
            flow = _values("drift", drift(middle), middle.shape)[:, axis]
            climb = -beta * flow * width
        speed = 1.0 / (beta * width**2)
        total = total + _moves(size, before, after, speed * bernoulli(climb))
        total = total + _moves(size, after, before, speed * bernoulli(-climb))
    if rotation:
        assert energy is not None and heights is not None
        total = total + _around(grid, energy, heights, beta, rotation)
    return total.tocsc()


def _values(name: str, given, shape) -> np.ndarray:
    values = np.asarray(given, np.float64)
    if values.shape != shape or not np.all(np.isfinite(values)):
        raise SpecError(name, f"finite numbers of shape {shape}", f"shape {values.shape}")
    return values


def _moves(size: int, start, end, rate) -> sparse.csc_matrix:
    """Probability that goes from cells to cells, and leaves where it came from."""
    rows, columns = np.concatenate([end, start]), np.concatenate([start, start])
    return sparse.csc_matrix((np.concatenate([rate, -rate]), (rows, columns)), (size, size))


def _around(grid: Grid, energy, heights, beta: float, strength: float) -> sparse.csc_matrix:
    """A current without sources: differences of a stream function e^{−βH} on corners, upwind."""
    lines = [low + w * np.arange(n + 1)
             for low, w, n in zip(grid.low, grid.widths, grid.cells, strict=True)]  # fmt: skip
    corners = np.array(list(product(*lines)))
    shape = tuple(n + 1 for n in grid.cells)
    lowest = heights.min()
    stream = np.exp(-beta * (np.asarray(energy(corners)) - lowest)).reshape(shape)
    stream[[0, -1], :] = stream[:, [0, -1]] = 0.0  # no current through the walls
    rest = np.exp(-beta * (heights - lowest))
    unit = strength / (beta * grid.volume)
    total, size = sparse.csc_matrix((len(heights), len(heights))), len(heights)
    for axis, current in (
        (0, unit * np.diff(stream, axis=1)[1:-1]),
        (1, -unit * np.diff(stream, axis=0)[:, 1:-1]),
    ):
        before, after = grid.faces(axis)
        flow = current.reshape(-1)
        total = total + _moves(size, before, after, np.maximum(flow, 0) / rest[before])
        total = total + _moves(size, after, before, np.maximum(-flow, 0) / rest[after])
    return total


def evolve(matrix: sparse.csc_matrix, mass, step: float, steps: int) -> np.ndarray:
    """Return the masses [steps + 1, cells] at equal times, ``π ← (1 − step·G)⁻¹ π`` (implicit).

    The inverse is a stochastic matrix for any step: masses stay positive and add up to what they
    were, and what is at rest stays.

    Raises
    ------
    SpecError
        For a step that is not positive, or masses that are negative, not finite, or all 0.
    """
    mass = np.asarray(mass, np.float64)
    if not step > 0:
        raise SpecError("step", "above 0", step)
    if not (np.all(np.isfinite(mass)) and np.all(mass >= 0) and mass.sum() > 0):
        raise SpecError("mass", "0 or more, and some", mass.tolist()[:5])
    solver = splu((sparse.identity(len(mass), format="csc") - step * matrix).tocsc())
    found = [mass]
    for _ in range(steps):
        found.append(solver.solve(found[-1]))
    return np.array(found)


def at_rest(matrix: sparse.csc_matrix) -> np.ndarray:
    """Return the masses that a generator leaves alone, with sum 1.

    Examples
    --------
    >>> grid = Grid((-1.0,), (1.0,), (2,))
    >>> at_rest(generator(grid, drift=lambda x: 0 * x)).tolist()
    [0.5, 0.5]
    """
    size = len(matrix.diagonal())
    # A long implicit step from an even start: (1 − step·G)⁻¹ tends to the projection on rest.
    scale = float(np.abs(matrix.diagonal()).max())
    solver = splu((sparse.identity(size, format="csc") - (1e7 / scale) * matrix).tocsc())
    mass = np.full(size, 1.0 / size)
    for _ in range(100):
        new = solver.solve(mass)
        new = np.maximum(new, 0.0) / np.maximum(new, 0.0).sum()
        if np.abs(new - mass).sum() < 1e-14:
            return new
        mass = new
    return mass
