"""Dynamics rewritten as inference: the prior and likelihood that a given system acts upon.

The complete class theorem's direction that is of use here, with its conditions stated and a test
that they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from sodachi.errors import SpecError
from sodachi.models.fokker_planck import Grid, at_rest, generator


@dataclass(frozen=True)
class Inference:
    """A generative model on a grid: ``prior`` [cells], ``likelihood`` [observations, cells].

    ``evidence`` [observations] is P(o) of what is observed.
    """

    grid: Grid
    prior: np.ndarray
    likelihood: np.ndarray
    evidence: np.ndarray

    def posterior(self, o: int) -> np.ndarray:
        """Return ``P(φ | o) = P(o | φ) P(φ) / P(o)`` by Bayes' theorem: masses of the cells."""
        joint = self.likelihood[o] * self.prior
        return joint / joint.sum()

    def hamiltonian(self, o: int) -> np.ndarray:
        """Return ``H(φ, o) = −ln p(φ, o)`` at the grid's points, by densities in φ."""
        joint = self.likelihood[o] * self.prior / self.grid.volume
        return -np.log(np.maximum(joint, np.finfo(float).tiny))


def as_inference(
    grid: Grid,
    drift: Callable[[Any, int], Any],
    chances: Sequence[float],
    beta: float = 1.0,
) -> Inference:
    r"""Return the generative model under which a noisy dynamics is Bayesian inference.

    ``dφ = f(φ, o) dτ + √(2/β) dw``. Conditions: each o is held long enough for φ to forget where
    it came from; under each o the law of φ has one stationary density, positive in the box; the
    chances P(o) of what is held are positive. Then with ``P(φ) = Σ_o P(o) π(φ | o)`` and
    ``P(o | φ) = π(φ | o) P(o) / P(φ)`` the posterior P(φ | o) is π(φ | o), whatever f is: also
    where f is no gradient, its rest going around ``H = −ln P(φ, o)`` without changing the law.
    P(o), and with it prior and likelihood, are not fixed by the dynamics: another choice gives
    another pair with the same posteriors.

    Parameters
    ----------
    drift
        ``f(points [n, axes], o) -> [n, axes]`` for o = 0, 1, ...
    chances
        P(o) of every o.
    beta
        Inverse temperature of the noise.

    Raises
    ------
    SpecError
        For chances that are not positive or do not add up to 1, or a law that is not positive
        (the box is too large, or the noise too small, for float64).

    References
    ----------
    Wald (1947); Brown (1981); Isomura (2023).

    Examples
    --------
    >>> grid = Grid((-4.0,), (4.0,), (80,))
    >>> made = as_inference(grid, lambda x, o: (2 * o - 1) - x, [0.5, 0.5])
    >>> bool(np.allclose(made.likelihood.sum(0), 1.0))  # P(o | φ) is a logistic curve
    True
    >>> bool(np.allclose(made.likelihood[1], expit(2 * grid.points[:, 0]), atol=0.01))
    True
    """
    evidence = np.asarray(chances, np.float64)
    if not (evidence.ndim == 1 and np.all(evidence > 0) and abs(evidence.sum() - 1) < 1e-9):
        raise SpecError("chances", "positive, with sum 1", evidence.tolist())
    laws = []
    for o in range(len(evidence)):
        matrix = generator(grid, drift=lambda x, o=o: drift(x, o), beta=beta)
        laws.append(at_rest(matrix))
    stationary = np.array(laws)
    if not np.all(stationary > 0):
        raise SpecError("drift", "a law positive in the whole box", float(stationary.min()))
    joint = evidence[:, None] * stationary
    prior = joint.sum(0)
    return Inference(grid, prior, joint / prior, evidence)


def implied_prior(weights, thresholds) -> np.ndarray:
    r"""Return the prior P(s = 1) [states] of a canonical network with any synapses and thresholds.

    ``D = σ(h₁ − h₀ − Σ_j [ln(1 − σ(w₁ⱼ)) − ln(1 − σ(w₀ⱼ))])``: whatever the thresholds are, the
    network's fixed points are exact posteriors, of a model with likelihood σ(w) and this prior.
    Thresholds that are not tied to the synapses are no error but another prior, one that moves
    whenever a synapse does.

    Parameters
    ----------
    weights
        W₁ and W₀, each (observations, states).
    thresholds
        h₁ and h₀, each (states,).

    References
    ----------
    Isomura and Friston (2020).

    Examples
    --------
    >>> w = np.log(np.array([[3.0]])), np.log(np.array([[1 / 3]]))
    >>> implied_prior(w, (np.log([0.25 * 0.5]), np.log([0.75 * 0.5]))).round(9).tolist()
    [0.5]
    """
    one, zero = (np.asarray(w, np.float64) for w in weights)
    silence = -np.logaddexp(0.0, one).sum(0) + np.logaddexp(0.0, zero).sum(0)
    odds = np.asarray(thresholds[0], np.float64) - np.asarray(thresholds[1], np.float64)
    return expit(odds - silence)
