"""Connections: how a source population reaches a target. No connection knows a rule.

A connection is a frozen description; its weights live in the state. Everything else follows from
``apply``, which is linear in the weights and in the source: ``backward`` is its adjoint in the
source (feedback), ``lift`` its adjoint in the weights (how outer products of cell signals reach
synapses, tied or not).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.patches import patches
from sodachi.errors import SpecError


class Connection(Protocol):
    """What every connection offers; shapes are without lanes."""

    @property
    def source(self) -> tuple[int, ...]:
        """Shape of the source population."""
        ...

    @property
    def target(self) -> tuple[int, ...]:
        """Shape of the target population."""
        ...

    @property
    def weights(self) -> tuple[int, ...]:
        """Shape of the weights."""
        ...

    @property
    def fan_in(self) -> int:
        """Synapses that reach one target cell."""
        ...

    def apply(self, w, pre) -> Any:
        """Return what reaches the target, linear in ``w`` and in ``pre``."""
        ...


@dataclass(frozen=True)
class Dense:
    """All to all: ``post_j = Σ_i pre_i w_ij``; with ``loop=False`` no cell reaches itself."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    loop: bool = True

    def __post_init__(self):
        if not self.loop and self.source != self.target:
            raise SpecError("Dense.loop", "equal source and target without self-loops", self.target)

    @property
    def weights(self) -> tuple[int, ...]:
        """(source cells, target cells)."""
        return (prod(self.source), prod(self.target))

    @property
    def fan_in(self) -> int:
        """Source cells (less one without self-loops)."""
        return prod(self.source) - (not self.loop)

    def apply(self, w, pre):
        """Return ``pre @ w`` in the target's shape."""
        if not self.loop:
            w = jnp.where(np.eye(len(w), dtype=bool), 0.0, w)
        return (pre.reshape(-1) @ w).reshape(self.target)


@dataclass(frozen=True)
class Convolution:
    """Tied local fields on (height, width, channels): a declared exception to locality.

    Tied weights sum their drives over all sites, which no synapse could do; `Local` is untied.
    """

    source: tuple[int, int, int]
    channels: int
    size: int
    stride: int = 1
    padding: str = "SAME"

    @property
    def target(self) -> tuple[int, ...]:
        """(height, width, channels) after the stride."""
        shape = jax.eval_shape(
            self._convolve,
            jax.ShapeDtypeStruct(self.weights, jnp.float32),
            jax.ShapeDtypeStruct(self.source, jnp.float32),
        )
        return shape.shape

    @property
    def weights(self) -> tuple[int, ...]:
        """(size, size, source channels, target channels)."""
        return (self.size, self.size, self.source[2], self.channels)

    @property
    def fan_in(self) -> int:
        """size² × source channels."""
        return self.size**2 * self.source[2]

    def apply(self, w, pre):
        """Return the cross-correlation of ``pre`` with ``w``."""
        return self._convolve(w, pre)

    def _convolve(self, w, pre):
        return patches(pre, self.size, self.stride, self.padding) @ w.reshape(-1, self.channels)

    def lift(self, post, pre):
        """Return `lift` as one product over lanes and sites, faster than the general adjoint."""
        seen = jax.vmap(lambda x: patches(x, self.size, self.stride, self.padding))(pre)
        product = seen.reshape(-1, self.fan_in).T @ post.reshape(-1, self.channels)
        return product.reshape(self.weights)


@dataclass(frozen=True)
class Sparse:
    """Each target cell listens to ``fan_in`` source cells: ``post_j = Σ_s w_js pre[index_js]``.

    ``indices`` is a tuple of rows, one a target cell; rows are padded with −1 (no synapse).
    """

    source: tuple[int, ...]
    target: tuple[int, ...]
    indices: tuple[tuple[int, ...], ...]

    def __post_init__(self):
        widths = {len(row) for row in self.indices}
        if len(self.indices) != prod(self.target) or len(widths) != 1:
            raise SpecError(
                "Sparse.indices", f"{prod(self.target)} rows of one length", len(self.indices)
            )
        highest = max(max(row) for row in self.indices)
        lowest = min(min(row) for row in self.indices)
        if highest >= prod(self.source) or lowest < -1:
            raise SpecError("Sparse.indices", f"−1..{prod(self.source) - 1}", (lowest, highest))

    @staticmethod
    def random(source, target, fan_in: int, seed: int = 0) -> Sparse:
        """Return random distinct sources for every target cell."""
        rng = np.random.default_rng(seed)
        cells = prod(source)
        if not 1 <= fan_in <= cells:
            raise SpecError("Sparse.fan_in", f"1..{cells}", fan_in)
        rows = tuple(
            tuple(int(i) for i in np.sort(rng.choice(cells, fan_in, replace=False)))
            for _ in range(prod(target))
        )
        return Sparse(tuple(source), tuple(target), rows)

    @property
    def weights(self) -> tuple[int, ...]:
        """(target cells, fan-in)."""
        return (len(self.indices), len(self.indices[0]))

    @property
    def fan_in(self) -> int:
        """Synapses of a target cell, padding counted."""
        return len(self.indices[0])

    def apply(self, w, pre):
        """Return the weighted sum over each target cell's own sources."""
        index = np.asarray(self.indices)
        heard = jnp.where(index >= 0, pre.reshape(-1)[np.maximum(index, 0)], 0.0)
        return (w * heard).sum(-1).reshape(self.target)


@dataclass(frozen=True)
class Local:
    """Untied local fields on (height, width, channels): every site has weights of its own."""

    source: tuple[int, int, int]
    channels: int
    size: int
    stride: int = 1

    @property
    def _sites(self) -> tuple[int, int]:
        h, w, _ = self.source
        if h < self.size or w < self.size:
            raise SpecError("Local.size", f"at most {min(h, w)}", self.size)
        return (h - self.size) // self.stride + 1, (w - self.size) // self.stride + 1

    @property
    def target(self) -> tuple[int, ...]:
        """(height, width, channels) of the sites that fit."""
        return (*self._sites, self.channels)

    @property
    def weights(self) -> tuple[int, ...]:
        """(rows, columns, size² × source channels, channels)."""
        return (*self._sites, self.fan_in, self.channels)

    @property
    def fan_in(self) -> int:
        """size² × source channels."""
        return self.size**2 * self.source[2]

    def apply(self, w, pre):
        """Return each site's patch times the site's own weights."""
        rows, columns = self._sites
        reach = np.arange(self.size)
        r = (np.arange(rows) * self.stride)[:, None] + reach
        c = (np.arange(columns) * self.stride)[:, None] + reach
        patches = pre[r[:, None, :, None], c[None, :, None, :]]  # rows, columns, size, size, in
        return jnp.einsum("rcf,rcfo->rco", patches.reshape(rows, columns, -1), w)


def backward(connection: Connection, w, post):
    """Return the adjoint in the source: feedback of a target signal through the same weights.

    ``⟨post, apply(w, pre)⟩ = ⟨backward(w, post), pre⟩`` for every pre.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> w = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> backward(Dense((3,), (2,)), w, jnp.array([1.0, 0.0])).tolist()
    [1.0, 3.0, 5.0]
    """
    shape = jax.ShapeDtypeStruct(connection.source, post.dtype)
    return jax.linear_transpose(lambda pre: connection.apply(w, pre), shape)(post)[0]


def lift(connection: Connection, post, pre):
    """Return the adjoint in the weights, summed over a leading lane axis of ``post`` and ``pre``.

    ``⟨post, apply(w, pre)⟩ = ⟨lift(post, pre), w⟩`` for every w: an outer product for dense
    weights, summed over sites for tied ones.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> lift(Dense((2,), (1,)), jnp.array([[3.0]]), jnp.array([[1.0, 2.0]])).tolist()
    [[3.0], [6.0]]
    """
    if isinstance(connection, Convolution):
        return connection.lift(post, pre)
    shape = jax.ShapeDtypeStruct(connection.weights, post.dtype)

    def over_lanes(w):
        return jax.vmap(lambda p: connection.apply(w, p))(pre)

    return jax.linear_transpose(over_lanes, shape)(post)[0]
