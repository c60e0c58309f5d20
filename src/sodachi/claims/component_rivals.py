"""Rivals of units that learn: components, projections and centroids of the same images."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sodachi.claims.selectivity import either_sign

PCA, ICA, RANDOM = "principal components", "independent components", "random projections"

Images = tuple[np.ndarray, ...]
"""Sets of images, or of what units do on them, each [n, units]; one learns on the first."""


def nearness(seen: Images, parts: int, seed: int) -> Images:
    """Return by how much nearer than on average each image is to each of k-means' centroids.

    Coates, Lee & Ng (2011) have this, cut at 0, as the "triangle" activity.

    Examples
    --------
    >>> X = np.repeat(np.eye(2), 5, 0)
    >>> sorted(nearness((X, X[:1]), 2, 0)[1].round(3)[0].tolist())
    [-0.707, 0.707]
    """
    from sklearn.cluster import KMeans

    options: dict[str, Any] = {"n_init": 3, "random_state": seed}
    found = KMeans(parts, **options).fit(seen[0])
    distances = [found.transform(x) for x in seen]
    return tuple(d.mean(1, keepdims=True) - d for d in distances)


def components(kind: str, seen: Images, count: int, seed: int) -> Images:
    """Return linear components of images, both signs of each: [n, 2 count].

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> [x.shape for x in components(PCA, (X, X[:3]), 2, 0)]
    [(50, 4), (3, 4)]
    """
    from sklearn.decomposition import PCA as Principal
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    if kind == RANDOM:
        normal = np.random.default_rng([seed, 9]).standard_normal((seen[0].shape[1], count))
        return tuple(either_sign(x @ normal) for x in seen)
    if kind == PCA:
        found: Any = Principal(count, random_state=seed)
    else:
        found = FastICA(count, whiten="unit-variance", random_state=seed, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found.fit(seen[0])
    return tuple(either_sign(found.transform(x)) for x in seen)
