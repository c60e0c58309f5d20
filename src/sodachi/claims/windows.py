"""A first layer that looks through small windows, everywhere with the same filters."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from sodachi.claims.boltzmann_training import Schooling
from sodachi.claims.natural_images import FLAT, Whitening, levelled, patches, whitening
from sodachi.claims.stacks import taught

WINDOW, STRIDE, POOL = 8, 4, 2
"""Pixels of a window and between windows; windows a side that are pooled."""
KEPT, UNITS = 20, 32
SETTINGS: dict[str, Any] = {
    "input": "gaussian",
    "rate": 0.2,
    "sparsity": 1.0,
    "sparse_target": 0.08,
    "scale": 0.5,
}
QUANTILE = 0.92
"""Of its answers to windows, above which a filter that is not learned is on."""


class First(NamedTuple):
    """Filters of white windows [units, kept] with the bias of each."""

    white: Whitening
    weights: np.ndarray
    bias: np.ndarray

    @property
    def fields(self) -> np.ndarray:
        """The filters as images, [units, 8, 8]."""
        return self.white.fields(self.weights)

    def believe(self, images: np.ndarray) -> np.ndarray:
        """Return p(some unit of the pool is on), pools and units flat: float32 [n, 9 units].

        Each window is level and white, whatever lies beside it; four windows are one pool,
        ``1 − Π (1 − p)``. Flat windows have no contrast to be divided by: nothing is on in them.
        """
        return np.concatenate(
            [self._pooled(images[i : i + 500]) for i in range(0, len(images), 500)]
        )

    def _pooled(self, images: np.ndarray) -> np.ndarray:
        windows = seen_through(images)
        n, rows, columns, _ = windows.shape
        flat = windows.var(-1) <= FLAT**2
        level = levelled(windows.reshape(n * rows * columns, -1), flat_too=True)
        p = expit(self.white.white(level) @ self.weights.T.astype(np.float32) + self.bias)
        off = (1.0 - p).reshape(n, rows, columns, -1)
        off[flat] = 1.0
        pools = off.reshape(n, rows // POOL, POOL, columns // POOL, POOL, -1)
        return (1.0 - pools.prod((2, 4))).reshape(n, -1).astype(np.float32)


def seen_through(images: np.ndarray) -> np.ndarray:
    """Return the windows of images, [n, rows, columns, pixels].

    Examples
    --------
    >>> seen_through(np.zeros((3, 28, 28))).shape
    (3, 6, 6, 64)
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, (WINDOW, WINDOW), (1, 2))
    chosen = windows[:, ::STRIDE, ::STRIDE]
    return chosen.reshape(*chosen.shape[:3], -1)


def learned(images: np.ndarray, count: int, how: Schooling, seed: int) -> First:
    """Return a first layer that learned from windows of images, at most ``count``."""
    X, white = _white(images, count, seed)
    layer = taught(white.white(X), UNITS, how, seed, **SETTINGS)
    bias = np.asarray(layer.state.shared["weights"]["hidden1"])[0]
    return First(white, layer.weights.T, bias)


def given(images: np.ndarray, count: int, seed: int, kind: str) -> First:
    """Return a first layer that learned no filter: both signs of half as many directions.

    ``"principal components"``, the strongest, or ``"random"`` ones; each unit is on for the same
    share of windows.
    """
    X, white = _white(images, count, seed)
    if kind == "random":
        half = np.random.default_rng([seed, 12]).standard_normal((UNITS // 2, KEPT))
    else:
        half = np.eye(KEPT)[: UNITS // 2]
    half = half / np.linalg.norm(half, axis=1, keepdims=True)
    weights = np.concatenate([half, -half])
    answers = white.white(X) @ weights.T
    steep = 4.0 / answers.std(0)
    bias = -steep * np.quantile(answers, QUANTILE, axis=0)
    return First(white, weights * steep[:, None], bias)


def _white(images: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, Whitening]:
    rng = np.random.default_rng([seed, 11])
    each = -(-3 * count // len(images))  # most windows of characters are flat
    X = patches(tuple(images), each, WINDOW, rng)[:count]
    return X, whitening(X, KEPT)
