"""A connection of single pairs of cells, one weight a pair."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError


@dataclass(frozen=True)
class Edges:
    """One weight for each pair of cells: ``post_j = Σ_e w_e pre_i`` over the pairs e = (i, j).

    ``pairs`` are (source cell, target cell), each once; further axes of source and target (the
    states of a categorical cell) are equal and share the pair's weight.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> Edges((3,), (3,), ((0, 1), (0, 2))).apply(jnp.array([2.0, 5.0]), jnp.array([1.0, 1, 1]))
    Array([0., 2., 5.], dtype=float32)
    """

    source: tuple[int, ...]
    target: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]

    def __post_init__(self):
        if self.source[1:] != self.target[1:]:
            raise SpecError("Edges.target", f"the states of the source, {self.source[1:]}",
                            self.target[1:])  # fmt: skip
        if not self.pairs:
            raise SpecError("Edges.pairs", "one pair or more", self.pairs)
        for pair in self.pairs:
            fine = len(pair) == 2 and all(isinstance(i, int | np.integer) for i in pair)
            if not (fine and 0 <= pair[0] < self.source[0] and 0 <= pair[1] < self.target[0]):
                sizes = f"0..{self.source[0] - 1} and 0..{self.target[0] - 1}"
                raise SpecError("Edges.pairs", f"pairs of cells in {sizes}", pair)
        if len(set(self.pairs)) != len(self.pairs):
            raise SpecError("Edges.pairs", "each pair once", "one twice")

    @property
    def weights(self) -> tuple[int, ...]:
        """(pairs,)."""
        return (len(self.pairs),)

    @property
    def fan_in(self) -> int:
        """The most pairs that one cell of either side is in."""
        index = np.asarray(self.pairs)
        return int(max(np.bincount(index[:, side]).max() for side in (0, 1)))

    def apply(self, w, pre):
        """Return the weighted sum over the pairs that end in each target cell."""
        index = np.asarray(self.pairs)
        heard = w.reshape(-1, *[1] * (pre.ndim - 1)) * pre[index[:, 0]]
        return jnp.zeros((*self.target[:1], *pre.shape[1:]), heard.dtype).at[index[:, 1]].add(heard)


def neighbour_slots(pairs, cells: int, side: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(neighbour, pair)``, each [cells, degree]: every cell's partners on the other side.

    Unused slots hold neighbour 0 and pair −1. ``side`` says whose slots: 0 the sources', 1 the
    targets'.

    Examples
    --------
    >>> [a.tolist() for a in neighbour_slots([(0, 1), (0, 2)], 2)]
    [[[1, 2], [0, 0]], [[0, 1], [-1, -1]]]
    """
    index = np.asarray(pairs, np.int64).reshape(-1, 2)
    own, other = index[:, side], index[:, 1 - side]
    order = np.argsort(own, kind="stable")
    count = np.bincount(own, minlength=cells)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    slot = np.arange(len(own)) - start[own[order]]
    neighbour = np.zeros((cells, max(1, count.max(initial=0))), np.int32)
    pair = np.full(neighbour.shape, -1, np.int32)
    neighbour[own[order], slot], pair[own[order], slot] = other[order], order
    return neighbour, pair
