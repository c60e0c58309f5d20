"""How alike two layers are: in what they do, and in what their filters look like."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve


def kernel_alignment(a: np.ndarray, b: np.ndarray) -> float:
    r"""Return linear CKA, ``‖AᵀB‖² / (‖AᵀA‖ ‖BᵀB‖)``, of two layers on the same images.

    [n, units] each, means of units taken off; 1 where one is the other turned and scaled, near 0
    for layers that tell images apart in unrelated ways.

    References
    ----------
    Kornblith, Norouzi, Lee & Hinton, Similarity of neural network representations revisited (2019).

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(kernel_alignment(a, 2.0 * a[:, ::-1] + 1.0), 6)
    1.0
    """
    a, b = (x.astype(np.float64) - x.mean(0, dtype=np.float64) for x in (a, b))
    between, own, other = (np.linalg.norm(x.T @ y) for x, y in ((a, b), (a, a), (b, b)))
    return float(between**2 / max(own * other, 1e-12))


def matched(fields: np.ndarray, others: np.ndarray) -> float:
    """Return how alike two sets of filters are: the mean cosine of each with its best match.

    Over all shifts and both signs, as what is cut off at an edge allows; the mean of both
    directions.

    Examples
    --------
    >>> wave = np.cos(np.arange(8))[None, :, None] * np.ones(8)
    >>> round(matched(wave, -wave), 3)
    1.0
    """
    a, b = (
        x / np.linalg.norm(x, axis=(1, 2), keepdims=True) for x in (fields, others[:, ::-1, ::-1])
    )
    alike = np.array([np.abs(fftconvolve(b, one[None], axes=(1, 2))).max((1, 2)) for one in a])
    return float((alike.max(0).mean() + alike.max(1).mean()) / 2)
