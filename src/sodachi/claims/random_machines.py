"""Small Boltzmann machines with random couplings, whose every state can be enumerated."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.models.autocorrelation import autocorrelation_time, standard_error
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters, boltzmann_graph


def random_machine(
    seed: int, coupled: str = "loops", strength: float = 1.0
) -> tuple[BoltzmannGraph, Parameters]:
    """Return a machine of 12 to 20 binary units, by seed, with many loops.

    ``"loops"``: a ring and as many random pairs besides, weights of deviation 1; ``"all"``: every
    pair, of deviation 3/√n; biases of deviation ½ less half of what a unit hears, so that units are
    on about as often as off. Weights are multiplied by ``strength``.

    Examples
    --------
    >>> graph, parameters = random_machine(3)
    >>> graph.populations[0].units, parameters.weights["units-units"].shape
    (15, (30,))
    """
    rng = np.random.default_rng([seed, 61])
    units = 12 + seed % 9
    every = [(i, j) for i in range(units) for j in range(i + 1, units)]
    if coupled == "all":
        pairs, spread = every, 3.0 / units**0.5
    else:
        ring = [(i, i + 1) for i in range(units - 1)] + [(0, units - 1)]
        others = [pair for pair in every if pair not in ring]
        more = rng.choice(len(others), units, replace=False)
        pairs, spread = ring + [others[k] for k in more], 1.0
    weights = rng.normal(0.0, strength * spread, len(pairs))
    matrix = np.zeros((units, units))
    for (i, j), w in zip(pairs, weights, strict=True):
        matrix[i, j] = matrix[j, i] = w
    bias = rng.normal(0.0, 0.5, units) - 0.5 * matrix.sum(0)
    listed = [] if coupled == "all" else [[list(pair) for pair in pairs]]
    graph = boltzmann_graph([["units", units]], [["units", "units", *listed]])
    kept = matrix if coupled == "all" else weights
    return graph, Parameters(
        {"units-units": jnp.asarray(kept, jnp.float32)},
        {"units": jnp.asarray(bias, jnp.float32)},
        {},
    )


def errors_against(seen: np.ndarray, truth: np.ndarray, with_errors: bool = True) -> Figures:
    """Return how far ``seen`` [steps, statistics, chains] is from ``truth`` [statistics].

    ``error`` is the mean distance; ``within`` the share inside three standard errors, ``spread``
    the root mean square in standard errors, ``time`` the mean integrated autocorrelation time.

    Examples
    --------
    >>> seen = np.random.default_rng(0).normal(size=(200, 3, 4))
    >>> errors_against(seen, np.zeros(3))["within"]
    1.0
    """
    away = seen.mean((0, 2)) - truth
    figures = {"error": float(np.abs(away).mean())}
    if with_errors:
        errors = np.array([standard_error(seen[:, k]) for k in range(len(truth))])
        z = away / np.maximum(errors, 1e-9)
        figures |= {
            "within": float((np.abs(z) <= 3).mean()),
            "spread": float(np.sqrt((z**2).mean())),
            "time": float(np.mean([autocorrelation_time(seen[:, k]) for k in range(len(truth))])),
        }
    return figures
