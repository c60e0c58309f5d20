"""What else finds the sources of binary trials: clusters, mixtures, components, Hebbian units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, FastICA

CLUSTERS, RESTARTS = 4, 10
SANGER_RATE = 0.0003  # the best of .0003, .001, .003, .01, .03 and .1 on the tuning seeds


def k_means(o: np.ndarray, seen: int, seed: int) -> np.ndarray:
    """Return the clusters of all trials [trials, 4], found in the first ``seen``."""
    restarts: Any = RESTARTS  # its stub knows the word "auto" alone
    found = KMeans(CLUSTERS, n_init=restarts, random_state=seed).fit(o[:seen])
    return np.eye(CLUSTERS)[found.predict(o)]


def bernoulli_mixture(o: np.ndarray, seen: int, seed: int, sweeps: int = 60) -> np.ndarray:
    """Return responsibilities [trials, 4] of a mixture fitted by expectation-maximisation."""
    rng, best, fitted = np.random.default_rng([seed, 5]), -np.inf, None
    told = o[:seen].astype(np.float64)
    for _ in range(RESTARTS):
        p, share = rng.uniform(0.3, 0.7, (CLUSTERS, o.shape[1])), np.full(CLUSTERS, 1 / CLUSTERS)
        for _ in range(sweeps):
            r = softmax(_log_joint(told, p, share), 1)
            mass = r.sum(0) + 1e-9
            p, share = (r.T @ told + 1e-3) / (mass[:, None] + 2e-3), mass / mass.sum()
        fit = float(np.logaddexp.reduce(_log_joint(told, p, share), 1).mean())
        if fit > best:
            best, fitted = fit, (p, share)
    assert fitted is not None
    return softmax(_log_joint(o.astype(np.float64), *fitted), 1)


def _log_joint(o, p, share) -> np.ndarray:
    return o @ np.log(p).T + (1 - o) @ np.log1p(-p).T + np.log(share)


def independent(o: np.ndarray, seen: int, seed: int) -> np.ndarray:
    """Return two independent components of all trials, found in the first ``seen``.

    With the kurtosis: by the default contrast some starts rest where nothing is separated.
    """
    found = FastICA(2, fun="cube", random_state=seed, max_iter=1000)
    return found.fit(o[:seen]).transform(o)


def principal(o: np.ndarray, seen: int, seed: int) -> np.ndarray:
    """Return two principal components."""
    return PCA(2, random_state=seed).fit(o[:seen]).transform(o)


def sanger(o: np.ndarray, seen: int, seed: int, rate: float = SANGER_RATE) -> np.ndarray:
    """Return the answers of two units that learn online by Sanger's generalised Hebbian rule."""
    rng = np.random.default_rng([seed, 9])
    w, out = rng.normal(0, 0.1, (2, o.shape[1])), np.empty((len(o), 2))
    for t, x in enumerate(o - 0.5):
        y = w @ x
        out[t] = y
        w += rate * (np.outer(y, x) - np.tril(np.outer(y, y)) @ w)
    return out


def competitive(o: np.ndarray, seen: int, seed: int) -> np.ndarray:
    """Return the winners [trials, 4] of units that move to their trials by 1/wins, online."""
    rng = np.random.default_rng([seed, 11])
    w, wins, out = rng.uniform(0.3, 0.7, (CLUSTERS, o.shape[1])), np.ones(CLUSTERS), []
    for x in o:
        best = int(((x - w) ** 2).sum(1).argmin())
        wins[best] += 1
        w[best] += (x - w[best]) / wins[best]
        out.append(best)
    return np.eye(CLUSTERS)[out]


def ideal_pair(o: np.ndarray, copy: float) -> np.ndarray:
    """Return the posteriors of two cells that each explain all trials, with true probabilities."""
    half = np.arange(o.shape[1]) >= o.shape[1] // 2
    found = []
    for source in (0, 1):
        p = np.where(half == source, (1 + copy) / 2, 1 - copy / 2)
        odds = np.log(p / (1 - p))
        found.append(1 / (1 + np.exp(-((2 * o - 1) @ odds))))
    return np.stack(found, 1)


RIVALS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "Bernoulli mixture": bernoulli_mixture,
    "k-means": k_means,
    "independent components": independent,
    "principal components": principal,
    "Sanger's rule": sanger,
    "competitive Hebb": competitive,
}
