"""Bayesian mechanics: a flow in imaginary time reaches e^{−βH} and lowers a free energy.

The Hamiltonian is the generative model, ``H(φ, o) = −ln p(φ, o)``; the law of the flow at β = 1 is
the posterior.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp, xlogy

from sodachi.core.relax.langevin import Langevin
from sodachi.models.fokker_planck import Grid


def imaginary_time_flow(
    hamiltonian: Callable[[Any], Any],
    start,
    key,
    *,
    beta: float = 1.0,
    rate: float = 0.01,
    ticks: int = 1000,
    adjusted: bool = False,
):
    r"""Return where independent flows ``∂φ/∂τ = −∂H/∂φ + ξ`` are after ``rate · ticks`` of time.

    ``⟨ξ(τ) ξ(τ′)⟩ = 2 β⁻¹ δ(τ − τ′)``; for long times and small rates the law of φ is e^{−βH}/Z.

    Parameters
    ----------
    hamiltonian
        ``H(φ) -> scalar`` of one flow's φ.
    start
        [flows, ...], one φ for each.
    key
        Of the noise.
    beta
        Inverse temperature; infinite is plain descent.
    adjusted
        Metropolis adjustment: the law is exact at any rate.

    Raises
    ------
    SpecError
        For a rate or a number of ticks that is not positive, or a negative temperature.

    References
    ----------
    Isomura (2023), Bayesian mechanics of self-organising systems; Roberts and Tweedie (1996).

    Examples
    --------
    >>> flow = imaginary_time_flow(
    ...     lambda x: 0.5 * jnp.sum(x**2), jnp.zeros((2000, 1)), jax.random.key(0), rate=0.1
    ... )
    >>> bool(abs(flow.var() - 1.0) < 0.15)
    True
    """
    method = Langevin(
        rate=rate,
        temperature=1.0 / beta,
        ticks=ticks,
        energy=(lambda activity: hamiltonian(activity["φ"])) if adjusted else None,
    )
    slope = jax.grad(hamiltonian)

    def one(x, own):
        return method.settle(lambda a: {"φ": -slope(a["φ"])}, {"φ": x}, {}, own).activity["φ"]

    start = jnp.asarray(start)
    return jax.jit(jax.vmap(one))(start, jax.random.split(key, len(start)))


def gibbs(grid: Grid, energy, beta: float = 1.0) -> np.ndarray:
    """Return the masses of e^{−βH}/Z on a grid, from H [cells] at its points.

    Examples
    --------
    >>> gibbs(Grid((0.0,), (1.0,), (2,)), np.array([0.0, np.log(3.0)])).round(9).tolist()
    [0.75, 0.25]
    """
    logs = -beta * np.asarray(energy, np.float64)
    return np.exp(logs - logsumexp(logs))


def helmholtz_energy_of(grid: Grid, mass, energy, beta: float = 1.0) -> float:
    r"""Return ``A[π] = ⟨H + β⁻¹ ln π⟩_π`` of a density, its masses given on a grid.

    Never below ``−β⁻¹ ln Z``, which it is at π = e^{−βH}/Z; along the Fokker-Planck equation it
    only falls. With β = 1 and H = −ln p(φ, o) it is the variational free energy of the belief π.

    Examples
    --------
    >>> grid = Grid((0.0,), (1.0,), (2,))
    >>> round(helmholtz_energy_of(grid, [0.5, 0.5], np.array([1.0, 3.0])), 6)
    2.0
    """
    mass = np.asarray(mass, np.float64)
    entropy = xlogy(mass, mass / grid.volume).sum()
    return float(np.sum(mass * np.asarray(energy)) + entropy / beta)


def variational_free_energy_of(
    grid: Grid, belief, log_prior, log_likelihood
) -> tuple[float, float, float]:
    """Return ``F = complexity − accuracy`` and both: ``KL[q ‖ p(φ)]`` and ``⟨ln p(o | φ)⟩_q``.

    Parameters
    ----------
    belief
        Masses of q on the grid.
    log_prior, log_likelihood
        ln of the prior's density, and of the likelihood of what was observed, at the grid's points.

    Examples
    --------
    >>> grid = Grid((0.0,), (1.0,), (2,))
    >>> variational_free_energy_of(grid, [0.5, 0.5], np.zeros(2), np.full(2, -1.0))
    (1.0, 0.0, -1.0)
    """
    belief = np.asarray(belief, np.float64)
    complexity = float(np.sum(xlogy(belief, belief / grid.volume) - belief * log_prior))
    accuracy = float(np.sum(belief * log_likelihood))
    return complexity - accuracy, complexity, accuracy


def total_variation(one, other) -> float:
    """Return ``½ Σ |p − q|`` of two distributions over the same cells.

    Examples
    --------
    >>> total_variation([0.5, 0.5], [1.0, 0.0])
    0.5
    """
    return float(0.5 * np.abs(np.asarray(one) - np.asarray(other)).sum())
