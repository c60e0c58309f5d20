"""Patches of photographs as the filters' claims see them: in light and shade, level, and white."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from sodachi.data import load_photographs

#: Contrasts are divided by √(variance + LEVEL²); patches flatter than FLAT are left out. Both in
#: units of log intensity.
LEVEL, FLAT = 0.05, 0.02
HELD_OUT = 1 / 3
"""Share of each photograph, its right end, that nobody learns from."""


@lru_cache(1)
def scenes() -> tuple[np.ndarray, ...]:
    """Return the photographs, log intensity about its mean, halved: [213, 320] each.

    Halving averages four pixels, which takes off most of what JPEG added.
    """
    seen = []
    for grey in load_photographs().values():
        log = np.log1p(255.0 * grey.astype(np.float64))
        h, w = (n // 2 for n in log.shape)
        small = log[: 2 * h, : 2 * w].reshape(h, 2, w, 2).mean((1, 3))
        seen.append(small - small.mean())
    return tuple(seen)


def parted(images: tuple[np.ndarray, ...], held_out: bool) -> tuple[np.ndarray, ...]:
    """Return the left two thirds of every image, or its right third."""
    cuts = (round(x.shape[1] * (1 - HELD_OUT)) for x in images)
    pairs = zip(images, cuts, strict=True)
    return tuple(x[:, cut:] if held_out else x[:, :cut] for x, cut in pairs)


def scrambled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image of the same power at every frequency, and the phases of noise.

    All second-order structure (every correlation of two pixels) is kept; edges are gone.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(8, 8))
    >>> power = [np.abs(np.fft.fft2(a)) for a in (x, scrambled(x, np.random.default_rng(1)))]
    >>> bool(np.allclose(*power))
    True
    """
    noise = np.fft.fft2(rng.standard_normal(image.shape))
    turn = noise / np.abs(noise)  # of a real image: opposite frequencies turn opposite ways
    return np.fft.ifft2(np.abs(np.fft.fft2(image)) * turn).real


def patches(
    images: tuple[np.ndarray, ...], count: int, side: int, rng: np.random.Generator
) -> np.ndarray:
    """Return patches from random places, [n, side²] in random order, at most ``count`` each image.

    Without their mean, divided by their contrast; flat ones (empty sky) are left out.
    """
    found = []
    for image in images:
        rows, columns = (rng.integers(0, n - side + 1, count) for n in image.shape)
        windows = np.lib.stride_tricks.sliding_window_view(image, (side, side))
        found.append(windows[rows, columns].reshape(count, -1))
    return levelled(rng.permutation(np.concatenate(found)))


def levelled(patches: np.ndarray, flat_too: bool = False) -> np.ndarray:
    """Return patches without their mean, divided by their contrast; flat ones are left out."""
    centred = patches - patches.mean(1, keepdims=True)
    variance = centred.var(1, keepdims=True)
    level = centred / np.sqrt(variance + LEVEL**2)
    return level if flat_too else level[variance[:, 0] > FLAT**2]


class Whitening(NamedTuple):
    """Principal directions of patches [kept, pixels], and the standard deviation along each."""

    directions: np.ndarray
    spread: np.ndarray

    def white(self, patches: np.ndarray) -> np.ndarray:
        """Return components of equal variance, [n, kept]: what a filter is learned from."""
        return ((patches @ self.directions.T) / self.spread).astype(np.float32)

    def fields(self, weights: Any) -> np.ndarray:
        """Return filters of components, [units, kept], as images [units, side, side].

        Turned back, not stretched: what a filter adds up of the whitened image.
        """
        side = round(self.directions.shape[1] ** 0.5)
        return (np.asarray(weights, np.float64) @ self.directions).reshape(-1, side, side)


def whitening(patches: np.ndarray, kept: int) -> Whitening:
    """Return the whitening of patches by their strongest principal components.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 9)) @ np.diag([3.0] * 4 + [1.0] * 5)
    >>> found = whitening(x, 4)
    >>> bool(np.allclose(np.cov(found.white(x).T), np.eye(4), atol=1e-4))
    True
    """
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    return Whitening(vectors.T[::-1][:kept], np.sqrt(values[::-1][:kept]))
